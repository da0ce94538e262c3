"""The lake: a day is there whole or not at all, and is read as it stood."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from pipeline.engine import DuckDBEngine
from pipeline.lake import Lake, MissingPartition

FIRST, SECOND, THIRD = date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)


def put(lake: Lake, day: date, **amounts: int) -> None:
    with lake.write("dwd.orders", day) as file:
        pq.write_table(pa.table({"order_id": list(amounts), "amount": list(amounts.values())}), file)


def orders(lake: Lake, day: date) -> dict[str, int]:
    relation = lake.increments("dwd.orders", day, ("order_id",))
    with DuckDBEngine(memory_limit="1GB").session(zone="UTC", tables={"dwd.orders": relation}, values={}) as session:
        return dict(session.rows(sqlglot.parse_one("select order_id, amount from dwd.orders")))


def test_increments_give_the_latest_version_of_each_key(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, FIRST, a=1, b=2)
    put(lake, SECOND, b=20, c=30)
    assert orders(lake, SECOND) == {"a": 1, "b": 20, "c": 30}


def test_a_day_does_not_see_what_came_after_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, FIRST, a=1)
    put(lake, THIRD, a=100, d=4)
    put(lake, SECOND, b=2)
    assert orders(lake, SECOND) == {"a": 1, "b": 2}


def test_a_day_that_was_not_built_is_missing_even_where_others_are_there(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, FIRST, a=1)
    with pytest.raises(MissingPartition, match="dwd.orders has no day 2026-11-20"):
        lake.increments("dwd.orders", THIRD, ("order_id",))


def test_a_write_that_fails_leaves_the_old_day_and_nothing_beside_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    put(lake, FIRST, a=1)
    with pytest.raises(RuntimeError, match="half way"), lake.write("dwd.orders", FIRST) as file:
        file.write_bytes(b"half a file")
        raise RuntimeError("half way")
    assert orders(lake, FIRST) == {"a": 1}
    assert [path.name for path in lake.file("dwd.orders", FIRST).parent.iterdir()] == ["part-0.parquet"]


def test_the_same_rows_in_another_order_are_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for number, rows in enumerate(([3, 1, 2], [2, 3, 1])):
        table = pa.table({"x": rows, "y": [f"y{x}" for x in rows]})
        with DuckDBEngine(memory_limit="1GB").session(zone="UTC", tables={}, values={"v.t": table}) as session:
            file = tmp_path / f"{number}.parquet"
            session.write(sqlglot.parse_one("select x, y from v.t"), file, order_by=["x"])
            written.append(file.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("small", [0, 2**30], ids=["a-database-each", "one-database"])
def test_sessions_within_one_another_see_their_own_tables_alone(monkeypatch, small: int) -> None:
    monkeypatch.setattr("pipeline.engine.duckdb.SMALL", small)
    engine = DuckDBEngine(memory_limit="1GB", threads=1)
    said = sqlglot.parse_one("select t.x, current_setting('timezone') from plan.t as t")
    outer_table, inner_table = pa.table({"x": [1]}), pa.table({"x": [2]})
    with engine.session(zone="Asia/Shanghai", tables={}, values={"plan.t": outer_table}) as outer:
        with engine.session(zone="UTC", tables={}, values={"plan.t": inner_table}) as inner:
            assert inner.rows(said) == [(2, "UTC")]
        assert outer.rows(said) == [(1, "Asia/Shanghai")]
