"""Publishing to a real PostgreSQL, and the embedded server itself."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from databases import query
from psycopg2.extensions import connection as Connection

from pipeline.errors import ConfigurationError, GateClosed, WarehouseError
from pipeline.plan import Plan, Retention
from pipeline.project import Project, Sources
from pipeline.warehouse import Column, Patience, Publication, Table, Warehouse, embedded
from pipeline.warehouse.embedded import EmbeddedServer
from pipeline.warehouse.publishing import expired

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 20)
KEEP_ALL = Retention(days=400)
CHECKSUM = "select md5(string_agg(t::text, '|' order by t::text)) from {} as t"

Answer = Callable[..., list[Table]]
Run = Callable[..., Publication]


def pass_all(engine: sqlalchemy.Engine, staged: object) -> None:
    """A gate that is open."""


def publish(warehouse: Warehouse, tables: list[Table], run: Publication) -> dict[str, int]:
    return warehouse.publish(tables, run, audit=pass_all, retention=KEEP_ALL)


def rows(url: sqlalchemy.URL, query: str) -> list[tuple]:
    """What the owner reads."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sqlalchemy.text(query))]


def told(url: sqlalchemy.URL, query: str) -> dict[str, list]:
    """What the owner reads, by the names of the columns."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text(query))
        names, values = list(found.keys()), found.all()
    return {name: [row[place] for row in values] for place, name in enumerate(names)}


def in_chinese(table: Table, version: str = "版本", words: dict[str, str] | None = None) -> Table:
    """The customers' table with names in Chinese for both its columns, and words for its versions."""
    names = {"customer_id": "客户编号", "version": version}
    given = {"version": words or {"1": "第一版", "2": "第二版"}}
    columns = tuple(
        replace(column, chinese=names[column.name], words=given.get(column.name, {})) for column in table.columns
    )
    return replace(table, columns=columns)


def scores(folder: Path, members: dict[str, str]) -> Table:
    """A table of the kinds of columns that are told in words."""
    values = {
        "dimension": ["channel", "team", "total"],
        "member": ["expo", "expo", "(all)"],
        "missing": ["cac, nps", "nps", None],
        "weights": ['{"cac": 0.25, "nps": 0.75}'] * 3,
    }
    pq.write_table(pa.table(values), folder / "scores.parquet")
    kpis = {"cac": "获客成本"}
    columns = (
        Column("dimension", "text", "What it is of.", chinese="维度"),
        Column("member", "text", "Which.", chinese="成员", words=members, words_by="dimension"),
        Column("missing", "text", "What is not there.", chinese="缺失", words=kpis, holds="list"),
        Column("weights", "text", "What each weighs.", chinese="权重", words=kpis, holds="keys"),
    )
    return Table("ads.scores", "Scores.", columns, ("dimension", "member"), (folder / "scores.parquet",))


class TestPublishing:
    def test_published_values_are_those_of_the_files(self, server: sqlalchemy.URL, tmp_path: Path, run: Run):
        texts = ["plain", "", None, 'a "quote", a comma', "two\n\\.\nlines", "\\N", "客户🙂", "=cmd|' /C calc'!A0"]
        moment = datetime(2026, 11, 20, 6, 30, 1, 5, tzinfo=UTC)
        values = {
            "n": (pa.int64(), "bigint", list(range(8))),
            "word": (pa.string(), "text", texts),
            "money": (pa.decimal128(18, 2), "decimal(18, 2)", [Decimal("9999999999999999.99"), *[Decimal("-0.1")] * 7]),
            "rate": (pa.float64(), "double precision", [0.1, 1e300, 5e-324, 1 / 3, -0.0, 1.0, 2.0, None]),
            "is_won": (pa.bool_(), "boolean", [True, False, None, True, True, True, True, True]),
            "won_on": (pa.date32(), "date", [date(1, 1, 1), date(9999, 12, 31), None, *[DAY] * 5]),
            "won_at": (pa.timestamp("us", "Asia/Shanghai"), "timestamptz", [moment] * 8),
            "parts": (pa.string(), "jsonb", ['{"a": [1, "x"]}'] * 8),
        }
        pq.write_table(pa.table({name: pa.array(v, kind) for name, (kind, _, v) in values.items()}), tmp_path / "a")
        columns = tuple(Column(name, kind, name) for name, (_, kind, _) in values.items())
        table = Table("ads.funnel", "Values.", columns, ("n",), (tmp_path / "a",))
        assert publish(Warehouse(server), [table], run()) == {"ads.funnel": 8}
        found = rows(server, f"select {', '.join(values)} from ads.funnel order by n")
        values["parts"] = (pa.string(), "jsonb", [{"a": [1, "x"]}] * 8)
        assert found == list(zip(*[expected for _, _, expected in values.values()], strict=True))

    def test_every_row_says_the_day_and_the_plan(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(Warehouse(server), answer(1), run())
        for table in ("dws.customer_segments", "ads.kpi_scorecard"):
            assert rows(server, f"select distinct as_of, plan_hash from {table}") == [(DAY, "0123456789abcdef")]

    def test_tables_views_and_columns_carry_their_comments(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(Warehouse(server), answer(1), run())
        for name in ("customer_segments", "customer_segments_current"):
            found = rows(
                server,
                f"select attname, col_description(attrelid, attnum) from pg_attribute "
                f"where attrelid = 'dws.{name}'::regclass and attnum > 0 order by attnum",
            )
            assert found == [
                ("as_of", "Day evaluated"),
                ("customer_id", "What it is about."),
                ("version", "Which run computed it."),
                ("plan_hash", "Hash of the plan it was evaluated by"),
            ]
        assert rows(server, "select obj_description('ads.kpi_scorecard'::regclass)") == [
            ("Made for a test: ads.kpi_scorecard.",)
        ]

    def test_the_chinese_view_shows_the_latest_day_under_chinese_names_and_words(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        warehouse = Warehouse(server)
        publish(warehouse, [in_chinese(answer(1, customers=2)[0])], run(DAY - timedelta(days=1)))
        publish(warehouse, [in_chinese(answer(2, customers=2)[0])], run())
        assert told(server, "select * from dws.customer_segments_zh order by 1, 2") == {
            "评估日期": [DAY, DAY],
            "客户编号": ["customer_id-000000", "customer_id-000001"],
            "版本": ["第二版", "第二版"],
            "方案指纹": ["0123456789abcdef"] * 2,
        }
        comment = "select col_description('dws.customer_segments_zh'::regclass, 2)"
        assert rows(server, comment) == [("What it is about.",)]

    def test_other_chinese_names_and_words_take_the_place_of_the_old(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        warehouse, table = Warehouse(server), answer(1, customers=1)[0]
        publish(warehouse, [in_chinese(table)], run())
        publish(warehouse, [in_chinese(table, version="轮次")], run())
        assert "轮次" in told(server, "select * from dws.customer_segments_zh")
        publish(warehouse, [in_chinese(table, version="轮次", words={"1": "首轮"})], run())
        assert told(server, "select * from dws.customer_segments_zh")["轮次"] == ["首轮"]

    def test_words_may_depend_on_another_column_and_stand_in_lists_and_json(
        self, server: sqlalchemy.URL, tmp_path: Path, run: Run
    ):
        kinds = {"channel/expo": "展会", "team/expo": "展会组", "total/(all)": "大家's"}
        table = scores(tmp_path, kinds)
        publish(Warehouse(server), [table], run())
        assert told(server, "select * from ads.scores_zh order by 维度") == {
            "评估日期": [DAY] * 3,
            "维度": ["channel", "team", "total"],
            "成员": ["展会", "展会组", "大家's"],
            "缺失": ["获客成本、nps", "nps", None],
            "权重": ['{"nps": 0.75, "获客成本": 0.25}'] * 3,
            "方案指纹": ["0123456789abcdef"] * 3,
        }
        version = "select xmin::text from pg_class where oid = 'ads.scores_zh'::regclass"
        before = rows(server, version)
        publish(Warehouse(server), [table], run())
        assert rows(server, version) == before, "what is called the same is not made anew"

    def test_words_that_change_places_are_seen_to(self, server: sqlalchemy.URL, tmp_path: Path, run: Run):
        publish(Warehouse(server), [scores(tmp_path, {"channel/expo": "展会", "team/expo": "展会组"})], run())
        publish(Warehouse(server), [scores(tmp_path, {"channel/expo": "展会组", "team/expo": "展会"})], run())
        assert told(server, "select 成员 from ads.scores_zh order by 维度")["成员"] == ["展会组", "展会", "(all)"]

    def test_a_column_kept_from_readers_is_kept_from_them_in_chinese_too(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        table = in_chinese(answer(1)[0])
        hidden = tuple(replace(column, is_restricted=column.name == "version") for column in table.columns)
        publish(Warehouse(server), [replace(table, columns=hidden)], run())
        may = "select has_column_privilege('tuoke_reader', 'dws.customer_segments_zh', '{}', 'select')"
        assert rows(server, may.format("客户编号")) == [(True,)]
        assert rows(server, may.format("版本")) == [(False,)]

    def test_a_day_published_twice_gives_equal_tables(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server)
        tables = answer(1, customers=1000)
        publish(warehouse, tables, run())
        first = [rows(server, CHECKSUM.format(table.name)) for table in tables]
        assert publish(warehouse, tables, run()) == {"dws.customer_segments": 1000, "ads.kpi_scorecard": 500}
        assert [rows(server, CHECKSUM.format(table.name)) for table in tables] == first

    def test_a_publication_is_logged_with_what_it_was_made_from(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(Warehouse(server), answer(1), run(run_id="morning"))
        publish(Warehouse(server), answer(1), run(run_id="morning"))
        assert rows(
            server, "select run_id, as_of, plan_hash, code_version, inputs, row_counts from meta.publications"
        ) == [
            (
                "morning",
                DAY,
                "0123456789abcdef",
                "0.1.0",
                {"crm.csv": "ab12"},
                {"dws.customer_segments": 10, "ads.kpi_scorecard": 5},
            )
        ]

    def test_the_plan_behind_every_hash_can_be_read(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse, monday, tuesday = Warehouse(server), {"targets": {"cac": 9}}, {"targets": {"cac": 8}}
        for digest, plan in (("m", monday), ("t", tuesday), ("m", monday)):
            publish(warehouse, answer(1), replace(run(), plan_hash=digest, plan=plan))
        assert rows(server, "select plan_hash, plan from meta.plan order by plan_hash") == [
            ("m", monday),
            ("t", tuesday),
        ]

    def test_the_audit_sees_what_would_be_published(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        seen: dict[str, int] = {}

        def audit(engine: sqlalchemy.Engine, staged: dict[str, str]) -> None:
            with engine.connect() as connection:
                for name, place in staged.items():
                    query = sqlalchemy.text(f"select count(*) from {place} where version = 2 and as_of = '{DAY}'")
                    seen[name] = connection.execute(query).scalar_one()

        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run())
        warehouse.publish(answer(2, customers=6), run(), audit=audit, retention=KEEP_ALL)
        assert seen == {"dws.customer_segments": 6, "ads.kpi_scorecard": 3}

    def test_a_closed_gate_leaves_the_published_day_and_no_staging(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        def close(engine: sqlalchemy.Engine, staged: object) -> None:
            raise GateClosed("completeness 40 %")

        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run())
        with pytest.raises(GateClosed, match="completeness 40 %"):
            warehouse.publish(answer(2), run(), audit=close, retention=KEEP_ALL)
        assert rows(server, "select distinct version from dws.customer_segments_current") == [(1,)]
        assert rows(server, "select count(*) from meta.publications") == [(1,)]
        assert rows(server, "select relname from pg_class where relnamespace = 'stage'::regnamespace") == []

    def test_an_audit_that_leaves_a_transaction_open_does_not_stop_the_swap(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        left: list[sqlalchemy.Connection] = []

        def audit(engine: sqlalchemy.Engine, staged: dict[str, str]) -> None:
            left.append(engine.connect())
            left[0].execute(sqlalchemy.text(f"select count(*) from {staged['dws.customer_segments']}"))

        Warehouse(server).publish(answer(1), run(), audit=audit, retention=KEEP_ALL)
        left[0].invalidate()
        assert rows(server, "select count(*) from dws.customer_segments") == [(10,)]

    def test_staging_drops_no_table_of_others(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(Warehouse(server), answer(1), run())
        with psycopg2.connect(**own(server)) as connection, connection.cursor() as cursor:
            cursor.execute("create table stage.somebody_elses (n integer)")
        publish(Warehouse(server), answer(2), run())
        assert rows(server, "select count(*) from stage.somebody_elses") == [(0,)]

    def test_a_table_without_rows_is_published_empty(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run())
        assert publish(warehouse, answer(2, customers=0), run()) == {
            "dws.customer_segments": 0,
            "ads.kpi_scorecard": 0,
        }
        assert rows(server, "select count(*) from dws.customer_segments_current") == [(0,)]

    def test_an_ordinary_owner_of_a_database_can_publish(
        self, cluster: EmbeddedServer, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        # the reader's role is there already: an administrator made it
        publish(Warehouse(cluster.url()), answer(1), run())
        owner = f"owner_of_{server.database}"
        with psycopg2.connect(**own(server)) as connection, connection.cursor() as cursor:
            cursor.execute(f"create role {owner} login; alter database {server.database} owner to {owner}")
        connection.close()
        publish(Warehouse(server.set(username=owner)), answer(1), run())
        publish(Warehouse(server.set(username=owner)), answer(2), run())
        assert rows(server.set(username="tuoke_reader"), "select distinct version from ads.kpi_scorecard_current") == [
            (2,)
        ]

    def test_set_up_twice_changes_nothing(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        publish(Warehouse(server), answer(1), run())
        access = "select relname, relacl::text from pg_class where relacl is not null order by 1"
        before = rows(server, access)
        publish(Warehouse(server), answer(1), run())
        assert [name for name, _ in rows(server, access)] == [name for name, _ in before]


def own(url: sqlalchemy.URL) -> dict[str, str]:
    """psycopg2's arguments for the owner."""
    return {"host": url.query["host"], "port": url.port, "user": url.username, "dbname": url.database}


def with_other_name(table: Table) -> Table:
    """The same table as a version of Tuoke has it that calls `version` the edition."""
    [file] = table.files
    renamed = file.with_name(f"renamed-{file.name}")
    pq.write_table(pq.read_table(file).rename_columns([table.columns[0].name, "edition"]), renamed)
    columns = (table.columns[0], replace(table.columns[1], name="edition"))
    return replace(table, columns=columns, files=(renamed,))


class TestChangedTables:
    def test_a_new_column_is_empty_on_the_days_before(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run(date(2026, 11, 19)))
        publish(warehouse, [with_grade(table) for table in answer(2)], run())
        for table in ("dws.customer_segments", "ads.kpi_scorecard"):
            assert rows(server, f"select distinct as_of, version, grade from {table} order by as_of") == [
                (date(2026, 11, 19), 1, None),
                (DAY, 2, "A"),
            ]
            assert rows(server, f"select distinct grade from {table}_current") == [("A",)]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param(
                lambda t: replace(t, columns=(t.columns[0], Column("version", "text", "x"))),
                "version was bigint and is text",
                id="retyped",
            ),
            pytest.param(
                lambda t: replace(t, grain=(*t.grain, "version")),
                r"key was \(as_of, customer_id\) and is \(as_of, customer_id, version\)",
                id="other-grain",
            ),
        ],
    )
    def test_a_change_that_published_days_cannot_follow_is_refused(
        self, change: Callable[[Table], Table], said: str, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run())
        segments, scorecard = answer(2)
        with pytest.raises(WarehouseError, match=said):
            publish(warehouse, [change(segments), scorecard], run())
        assert rows(server, "select distinct version from ads.kpi_scorecard") == [(1,)]

    def test_what_refuses_it_says_what_to_do(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server)
        segments, scorecard = answer(1)
        publish(warehouse, [segments, scorecard], run())
        with pytest.raises(WarehouseError, match="TUOKE_DATABASE_URL, or, with the embedded server, rename"):
            publish(warehouse, [replace(segments, grain=("customer_id", "version")), scorecard], run())

    def test_a_column_that_is_called_otherwise_keeps_its_old_name_on_the_days_before(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        """An upgrade: the days an earlier version published are read as before, by readers too."""
        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run(date(2026, 11, 19)))
        for version in (2, 3):
            publish(warehouse, [with_other_name(table) for table in answer(version)], run())
        for table in ("dws.customer_segments", "ads.kpi_scorecard"):
            days = f"select distinct as_of, version, edition from {table} order by as_of"
            assert rows(server, days) == [(date(2026, 11, 19), 1, None), (DAY, None, 3)]
            assert query(server, days) == [(date(2026, 11, 19), 1, None), (DAY, None, 3)]
            assert query(server, f"select distinct version, edition from {table}_current") == [(None, 3)]
        [(comment,)] = rows(server, "select col_description('ads.kpi_scorecard'::regclass, 3)")
        assert comment == "不再计算 · No longer computed, known of earlier days alone. Which run computed it."

    def test_a_version_that_computes_it_again_goes_on_with_it(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server)
        publish(warehouse, answer(1), run(date(2026, 11, 18)))
        publish(warehouse, [with_other_name(table) for table in answer(2)], run(date(2026, 11, 19)))
        publish(warehouse, answer(3), run())
        for table in ("dws.customer_segments", "ads.kpi_scorecard"):
            assert rows(server, f"select distinct as_of, version, edition from {table} order by as_of") == [
                (date(2026, 11, 18), 1, None),
                (date(2026, 11, 19), None, 2),
                (DAY, 3, None),
            ]
        [(comment,)] = rows(server, "select col_description('dws.customer_segments'::regclass, 3)")
        assert comment == "Which run computed it."

    def test_a_column_kept_from_readers_stays_so_when_it_is_no_longer_computed(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        warehouse = Warehouse(server)
        segments, scorecard = answer(1)
        secret = replace(segments, columns=(segments.columns[0], replace(segments.columns[1], is_restricted=True)))
        publish(warehouse, [secret, scorecard], run(date(2026, 11, 19)))
        publish(warehouse, [with_other_name(table) for table in answer(2)], run())
        assert query(server, "select distinct edition from dws.customer_segments_current") == [(2,)]
        for relation in ("dws.customer_segments", "dws.customer_segments_current"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(server, f"select version from {relation}")

    def test_a_row_that_is_there_twice_is_refused_without_naming_it(
        self, server: sqlalchemy.URL, answer: Answer, run: Run
    ):
        segments, _ = answer(1)
        twice = replace(segments, files=segments.files * 2)
        with pytest.raises(WarehouseError, match="staging dws.customer_segments: .*grain does not hold") as caught:
            publish(Warehouse(server), [twice], run())
        assert "customer_id-0000" not in str(caught.value)

    def test_a_value_that_does_not_fit_is_refused_without_naming_it(
        self, server: sqlalchemy.URL, run: Run, tmp_path: Path
    ):
        pq.write_table(pa.table({"phone": ["13812345678x"]}), tmp_path / "a")
        table = Table("dq.ledger", "x", (Column("phone", "bigint", "x"),), ("phone",), (tmp_path / "a",))
        with pytest.raises(WarehouseError) as caught:
            publish(Warehouse(server), [table], run())
        assert str(caught.value) == (
            "staging dq.ledger: invalid input syntax for type bigint in COPY dq__ledger, line 1, column phone [22P02]; "
            "a value does not fit its column; mend the model that computes it"
        )

    def test_a_file_without_a_declared_column_is_refused(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        segments, _ = answer(1)
        wider = replace(segments, columns=(*segments.columns, Column("grade", "text", "Grade.")))
        with pytest.raises(WarehouseError, match="has no column grade of dws.customer_segments"):
            publish(Warehouse(server), [wider], run())


def with_grade(table: Table) -> Table:
    """The same table with one more column."""
    path = table.files[0].with_suffix(".graded")
    frame = pq.read_table(table.files[0])
    pq.write_table(frame.append_column("grade", pa.array(["A"] * frame.num_rows)), path)
    return replace(table, columns=(*table.columns, Column("grade", "text", "Grade.")), files=(path,))


class TestRetention:
    @pytest.mark.parametrize(
        ("published", "gone"),
        [
            pytest.param("2026-10-17 2026-11-20", "", id="35th-day-back"),
            pytest.param("2026-10-16 2026-10-17 2026-11-20", "2026-10-16", id="36th-day-back"),
            pytest.param("2026-09-30 2026-11-20", "", id="month-end"),
            pytest.param("2026-09-28 2026-09-29 2026-11-20", "2026-09-28", id="last-day-of-month-not-published"),
            pytest.param("2026-11-20", "", id="only-day"),
            pytest.param("", "", id="no-day"),
        ],
    )
    def test_days_kept(self, published: str, gone: str):
        days = [date.fromisoformat(day) for day in published.split()]
        assert sorted(expired(days, Retention())) == [date.fromisoformat(day) for day in gone.split()]

    def test_month_ends_go_where_the_plan_says_so(self):
        days = [date(2026, 9, 30), DAY]
        assert expired(days, Retention(month_ends=False)) == {date(2026, 9, 30)}

    def test_days_past_keeping_are_dropped_from_every_table(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server)
        short = Retention(days=2)
        for day in (date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 18), date(2026, 11, 19), DAY):
            warehouse.publish(answer(1), run(day), audit=pass_all, retention=short)
        for table in ("dws.customer_segments", "ads.kpi_scorecard"):
            assert rows(server, f"select distinct as_of from {table} order by 1") == [
                (date(2026, 10, 31),),
                (date(2026, 11, 19),),
                (DAY,),
            ]
        assert rows(server, "select count(*) from pg_inherits where inhparent = 'dws.customer_segments'::regclass") == [
            (3,)
        ]

    def test_a_reader_puts_off_the_dropping_not_the_publication(self, server: sqlalchemy.URL, answer: Answer, run: Run):
        warehouse = Warehouse(server, patience=Patience(queue=0.2))
        short = Retention(days=1, month_ends=False)
        warehouse.publish(answer(1), run(date(2026, 11, 18)), audit=pass_all, retention=short)
        with psycopg2.connect(**own(server)) as reader, reader.cursor() as cursor:
            cursor.execute("select count(*) from dws.customer_segments_20261118")
            warehouse.publish(answer(2), run(), audit=pass_all, retention=short)
        reader.close()
        days = "select distinct as_of from dws.customer_segments order by 1"
        assert rows(server, days) == [(date(2026, 11, 18),), (DAY,)]
        warehouse.publish(answer(3), run(), audit=pass_all, retention=short)
        assert rows(server, days) == [(DAY,)]


def child(folder: Path, body: str) -> subprocess.Popen[str]:
    """Another process that has started the server and waits; it goes on when it gets a line."""
    code = f"""
        import sys
        from pathlib import Path
        from pipeline.warehouse.embedded import EmbeddedServer
        server = EmbeddedServer(Path(sys.argv[1]))
        {body}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


STAY = "server.start(); print('up', flush=True); sys.stdin.readline()"


def is_up(server: EmbeddedServer) -> bool:
    try:
        psycopg2.connect(**own(server.url())).close()
    except psycopg2.OperationalError:
        return False
    return True


class TestEmbeddedServer:
    def test_the_last_one_out_stops_it(self, prepared: Path, folder: Path):
        subprocess.run(["cp", "-a", prepared, folder], check=True)
        server = EmbeddedServer(folder)
        server.start()
        other = child(folder, STAY)
        assert other.stdout.readline() == "up\n"
        server.stop()
        assert is_up(server)
        other.communicate("go\n", timeout=20)
        assert not is_up(server)

    def test_a_killed_process_does_not_keep_it_up(self, prepared: Path, folder: Path):
        subprocess.run(["cp", "-a", prepared, folder], check=True)
        other = child(folder, STAY)
        assert other.stdout.readline() == "up\n"
        other.kill()
        other.communicate()
        server = EmbeddedServer(folder)
        assert is_up(server)
        server.start()
        server.stop()
        assert not is_up(server)

    def test_processes_that_start_it_at_once_share_one(self, folder: Path):
        others = [child(folder, STAY) for _ in range(3)]
        assert [other.stdout.readline() for other in others] == ["up\n"] * 3
        for other in others:
            other.communicate("go\n", timeout=20)
            assert other.returncode == 0
        assert not is_up(EmbeddedServer(folder))

    def test_it_comes_back_after_a_crash_with_what_was_published(
        self, embedded_server: EmbeddedServer, answer: Answer, run: Run
    ):
        publish(Warehouse(embedded_server.url()), answer(1), run())
        pid_file = embedded_server.data / "postmaster.pid"
        os.kill(int(pid_file.read_text().splitlines()[0]), 9)
        wait_until(lambda: not is_up(embedded_server))
        again = EmbeddedServer(embedded_server.folder)
        again.start()
        assert rows(again.url(), "select count(*) from dws.customer_segments_current") == [(10,)]
        again.stop()

    def test_a_stale_pid_file_whose_number_was_given_away_is_no_obstacle(self, embedded_server: EmbeddedServer):
        pid_file = embedded_server.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        embedded_server.stop()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
        embedded_server.start()
        assert is_up(embedded_server)

    def test_half_a_data_folder_is_made_anew(self, folder: Path):
        (folder / "data.unfinished").mkdir(parents=True)
        (folder / "data.unfinished" / "PG_VERSION").write_text("18\n")
        server = EmbeddedServer(folder)
        server.start()
        assert is_up(server)
        server.stop()

    def test_only_its_owner_reaches_it(self, embedded_server: EmbeddedServer):
        socket_folder = Path(embedded_server.url().query["host"])
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        assert rows(embedded_server.url(), "show listen_addresses") == [("",)]

    def test_a_path_too_long_for_a_socket_is_no_obstacle(self, folder: Path):
        server = EmbeddedServer(folder / ("deep" * 30))
        server.start()
        socket_folder = Path(server.url().query["host"])
        assert is_up(server)
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        server.stop()
        assert not socket_folder.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="the others run as a normal user already")
    @pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to become a normal user")
    def test_a_normal_user_can_run_it(self):
        nobody = 65534
        # it may read what root can, as the interpreter may be in root's own folder; it may write nothing
        command = f"setpriv --reuid={nobody} --regid={nobody} --clear-groups".split()
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", sys.executable, "-c"]
        code = (
            "import sys; from pathlib import Path; from pipeline.warehouse.embedded import EmbeddedServer; "
            "s = EmbeddedServer(Path(sys.argv[1])); s.start(); print(s.serve(), s.data.stat().st_uid); s.stop()"
        )
        with tempfile.TemporaryDirectory(prefix="tuoke-test-") as parent:
            os.chown(parent, nobody, nobody)
            environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
            done = subprocess.run(
                [*command, code, f"{parent}/postgres"], env=environment, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[1] == str(nobody)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root copies what is not root's into root's hands")
    def test_a_project_that_root_copied_starts(self, embedded_server: EmbeddedServer, folder: Path):
        embedded_server.stop()
        copied = shutil.copytree(embedded_server.folder, folder / "copied")
        assert (copied / "data").stat().st_uid == 0
        again = EmbeddedServer(copied)
        again.start()
        assert is_up(again)
        again.stop()

    def test_a_server_that_cannot_start_says_why(self, embedded_server: EmbeddedServer):
        embedded_server.stop()
        (embedded_server.data / "PG_VERSION").write_text("9\n")
        with pytest.raises(WarehouseError, match="(?s)pg_ctl failed.*incompatible"):
            embedded_server.start()
        assert not is_up(embedded_server)


@pytest.fixture
def served(embedded_server: EmbeddedServer) -> Warehouse:
    """A project's warehouse on an embedded server of its own."""
    return Warehouse(embedded_server.url(), embedded_server)


def connect(url: sqlalchemy.URL, **other: str | int) -> Connection:
    arguments = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    return psycopg2.connect(**{**arguments, **other})


class TestServing:
    def test_a_reader_connects_with_the_password(self, served: Warehouse, answer: Answer, run: Run):
        url = served.serve()
        publish(served, answer(1), run())
        with connect(url) as reader, reader.cursor() as cursor:
            cursor.execute("select count(*) from dws.customer_segments_current")
            assert cursor.fetchone() == (10,)
        assert url.host == "127.0.0.1"
        assert "***" in repr(url)

    def test_nobody_else_connects(self, served: Warehouse):
        url = served.serve()
        for other in ({"password": "guess"}, {"user": "postgres", "password": ""}, {"dbname": "postgres"}):
            with pytest.raises(psycopg2.OperationalError, match=r"authentication failed|no pg_hba.conf entry"):
                connect(url, **other)

    def test_password_and_port_stay(self, served: Warehouse, embedded_server: EmbeddedServer):
        first = served.serve()
        served.stop()
        assert served.serve() == first
        assert stat.S_IMODE((embedded_server.folder / "reader_password").stat().st_mode) == 0o600

    def test_it_listens_no_more_once_it_is_started_for_a_run_alone(self, served: Warehouse):
        url = served.serve()
        served.stop()
        served.start()
        with pytest.raises(psycopg2.OperationalError, match="refused"):
            connect(url)

    def test_a_run_in_another_process_uses_the_server_that_is_served(
        self, served: Warehouse, embedded_server: EmbeddedServer
    ):
        url = served.serve()
        other = child(embedded_server.folder, STAY)
        assert other.stdout.readline() == "up\n"
        served.stop()
        connect(url).close()
        other.communicate("go\n", timeout=20)

    def test_a_server_another_process_started_is_served_between_its_statements(self, served: Warehouse, folder: Path):
        body = (
            "server.start(); import sqlalchemy; "
            "engine = sqlalchemy.create_engine(server.url(), pool_pre_ping=True); "
            "look = lambda: sqlalchemy.inspect(engine).default_schema_name; "
            "look(); print('up', flush=True); sys.stdin.readline(); print(look())"
        )
        other = child(folder, body)
        assert other.stdout.readline() == "up\n"
        url = served.serve()
        out, _ = other.communicate("go\n", timeout=20)
        assert out == "public\n"
        connect(url).close()

    def test_it_waits_for_a_session_at_work(
        self, served: Warehouse, embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ):
        worker = psycopg2.connect(**own(embedded_server.url()), application_name="tuoke/evening")
        worker.cursor().execute("select 1")
        monkeypatch.setattr(embedded, "QUIET_SECONDS", 0.3)
        with pytest.raises(WarehouseError, match="tuoke/evening kept it busy"):
            served.serve()
        monkeypatch.undo()
        threading.Timer(0.5, worker.rollback).start()
        connect(served.serve()).close()
        worker.close()

    def test_a_taken_port_is_refused(self, served: Warehouse):
        with embedded.socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1 is taken"):
                served.serve(port)
        assert served.serve(port).port == port

    def test_the_users_own_server_is_not_served(self, server: sqlalchemy.URL):
        with pytest.raises(ConfigurationError, match="no embedded server"):
            Warehouse(server).serve()


class TestWhichDatabase:
    def project(self, root: Path, url: str | None) -> Project:
        (root / ".env").write_text(f"TUOKE_DATABASE_URL={url}\n" if url else "")
        return Project(root, Sources.model_construct(), Plan.model_construct())

    def test_without_a_url_it_is_the_projects_own(self, tmp_path: Path):
        warehouse = Warehouse.of(self.project(tmp_path, None))
        assert warehouse.url.database == "tuoke"
        assert not (tmp_path / "postgres").exists()

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
    def test_any_way_to_write_postgresql_is_accepted(self, scheme: str, tmp_path: Path):
        warehouse = Warehouse.of(self.project(tmp_path, f"{scheme}://tuoke:s3cret@db.example:5432/dwh"))
        assert warehouse.url.drivername == "postgresql+psycopg2"
        assert "s3cret" not in repr(warehouse)

    def test_another_kind_of_database_is_refused(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match="names a mysql database"):
            Warehouse.of(self.project(tmp_path, "mysql://tuoke:s3cret@db.example/dwh"))


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
