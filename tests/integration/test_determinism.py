"""The same inputs give the same answer: in another folder and database, and after a later day has been evaluated."""

import gzip
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from databases import a_database, query
from runs import DAY, PUBLISHED, Outcome, bytes_of, checksums, evaluate, rows_of

from pipeline.project import Project
from pipeline.warehouse.embedded import EmbeddedServer
from quality.contract import contracts

if TYPE_CHECKING:
    from conftest import Demo

NEXT_DAY = DAY + timedelta(days=1)
CORRECTED, ADDED = "SO00000001", "SO99999999"
RECORD = "select plan_hash, code_version, inputs, row_counts from meta.publications where as_of = '{}'"


@dataclass(frozen=True)
class Second:
    """A copy of the demo that was evaluated on the next day first, and then, from nothing, on the demo's own."""

    root: Path
    database: sqlalchemy.URL
    outcomes: tuple[Outcome, Outcome]
    next_day: dict[str, str]
    """Checksums of the next day before the older one was evaluated."""


@pytest.fixture(scope="module")
def second(demo: "Demo", cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Second]:
    root = tmp_path_factory.mktemp("elsewhere") / "second"
    shutil.copytree(demo.root, root)
    deliver_next_day(Project.read(root))
    with a_database(cluster, like=demo.database) as database:
        later = evaluate(root, database, NEXT_DAY)
        next_day = checksums(database, NEXT_DAY)
        for partition in list((root / "lake").rglob(f"as_of={DAY}")):
            shutil.rmtree(partition)
        yield Second(root, database, (later, evaluate(root, database, DAY)), next_day)


def deliver_next_day(project: Project) -> None:
    """Whole tables as they were; of what grows, one order more, one corrected, and of others a line sent again."""
    delivered = {table: feed for table in contracts() for feed in project.sources.feeds(table)}
    for table, feed in delivered.items():
        old, new = (project.landing / str(feed.file).format(as_of=day) for day in (DAY, NEXT_DAY))
        if contracts()[table].arrives == "snapshot":
            shutil.copyfile(old, new)
        elif new.suffix == ".gz":
            new.write_bytes(gzip.compress(b"".join(gzip.decompress(old.read_bytes()).splitlines(keepends=True)[:2])))
        else:
            new.write_text("".join(old.read_text(encoding=feed.encoding).splitlines(keepends=True)[:2]))
    orders = project.landing / f"finance/orders_{NEXT_DAY}.csv"
    header, order = orders.read_text(encoding="utf-8").splitlines()
    assert order.startswith(f"{CORRECTED},")
    added = order.replace(CORRECTED, ADDED).replace("2024-12-07", str(NEXT_DAY)).replace("2024-12-24", "")
    orders.write_text("\n".join([header, order.replace("7962.10", "1.00"), added, ""]), encoding="utf-8")


def test_both_days_are_published(second: Second):
    assert all(outcome.success for outcome in second.outcomes), [outcome.message for outcome in second.outcomes]


def test_every_table_of_the_lake_is_equal_byte_by_byte(demo: "Demo", second: Second):
    one, other = bytes_of(demo.root), bytes_of(second.root)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


def test_every_published_table_has_equal_rows(demo: "Demo", second: Second):
    assert checksums(demo.database) == checksums(second.database)


def test_the_record_differs_in_run_and_time_only(demo: "Demo", second: Second):
    [record] = query(demo.database, RECORD.format(DAY))
    assert query(second.database, RECORD.format(DAY)) == [record, record]


def test_an_older_day_evaluated_later_does_not_become_the_current_one(second: Second):
    for name in PUBLISHED:
        of_the_day = f"select count(*) from {name} where as_of = '{NEXT_DAY}'"
        rows = query(second.database, of_the_day)
        assert query(second.database, f"select count(*) from {name}_current where as_of = '{NEXT_DAY}'") == rows, name
        assert query(second.database, f"select count(*) from {name}_current where as_of <> '{NEXT_DAY}'") == [(0,)], (
            name
        )
        assert rows != [(0,)] or name == "dq.identity_changes", "of a day on which nobody changed hands there is none"


def test_an_older_day_evaluated_later_leaves_the_later_one_as_it_was(second: Second):
    assert checksums(second.database, NEXT_DAY) == second.next_day


def test_each_day_sees_the_deliveries_up_to_it(second: Second):
    first, then = ({row["order_id"]: row for row in rows_of(second.root, "dws.sales", day)} for day in (DAY, NEXT_DAY))
    assert then.keys() - first.keys() == {ADDED}
    assert first.keys() - then.keys() == set()
    assert (str(first[CORRECTED]["net_amount"]), str(then[CORRECTED]["net_amount"])) == ("7962.10", "1.00")
