"""The columns a feed had, day by day: what is new, what is gone, what stands elsewhere than the time before.

A required column that is gone stops the run where it is read; any other only leaves its canonical column empty, and
a new one is left out, so both are told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import dagster as dg
import pyarrow.parquet as pq

from assets.factory import asset_key
from pipeline.lake import Lake
from pipeline.project import Feed
from pipeline.tables import TableSpec

STEADY = "columns_as_before"

COLUMNS = TableSpec(
    name="columns",
    description="The columns of the files and queries a source table was read from.",
    grain=("feed", "position"),
    columns={
        "feed": ("bigint", "Place of the feed in sources.yaml, from 1"),
        "origin": ("text", "Its file or query"),
        "position": ("bigint", "Place of the column, from 1"),
        "column_name": ("text", "Name the source gives it"),
    },
)


@dataclass(frozen=True)
class Drift:
    """How a feed's columns differ from those of its delivery before; `since` is None where there was none."""

    since: date | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_reordered: bool = False

    @property
    def is_steady(self) -> bool:
        """Whether it has the columns it had, in whatever order."""
        return not (self.added or self.removed)


def origin(feed: Feed) -> str:
    """What a feed's columns are remembered by."""
    return feed.file or f"{feed.database}: {feed.query}"


def column_rows(feeds: Iterable[Feed], found: Iterable[list[str]]) -> list[dict[str, str | int]]:
    """The rows of `columns.<table>` for the columns each feed had."""
    return [
        {"feed": place, "origin": origin(feed), "position": position, "column_name": name}
        for place, (feed, names) in enumerate(zip(feeds, found, strict=True), start=1)
        for position, name in enumerate(names, start=1)
    ]


def columns_before(lake: Lake, table: str, as_of: date) -> tuple[date | None, dict[str, list[str]]]:
    """The last day before this one that was landed, and the columns each feed had then, by its origin."""
    name = f"{COLUMNS.name}.{table}"
    earlier = [day for day in lake.days(name) if day < as_of]
    if not earlier:
        return None, {}
    known: dict[str, list[str]] = {}
    for row in pq.read_table(lake.file(name, earlier[-1])).to_pylist():
        known.setdefault(row["origin"], []).append(row["column_name"])
    return earlier[-1], {of: list(dict.fromkeys(names)) for of, names in known.items()}


def drift(since: date | None, before: list[str] | None, found: list[str]) -> Drift:
    """The difference between two headers.

    >>> drift(date(2026, 11, 19), ["id", "fax", "name"], ["name", "id", "vip"])
    Drift(since=datetime.date(2026, 11, 19), added=('vip',), removed=('fax',), is_reordered=True)
    """
    if not before:
        return Drift()
    kept = [name for name in before if name in found]
    return Drift(
        since=since,
        added=tuple(name for name in found if name not in before),
        removed=tuple(name for name in before if name not in found),
        is_reordered=kept != [name for name in found if name in before],
    )


def drifts(lake: Lake, table: str, as_of: date, feeds: Iterable[Feed], found: Iterable[list[str]]) -> list[Drift]:
    """The difference of each feed from the day before that was landed."""
    since, before = columns_before(lake, table, as_of)
    return [drift(since, before.get(origin(feed)), names) for feed, names in zip(feeds, found, strict=True)]


def steady_spec(table: str) -> dg.AssetCheckSpec:
    """The check that tells of columns that came or went."""
    return dg.AssetCheckSpec(
        STEADY,
        asset=asset_key(f"ods.{table}"),
        description="The files and queries have the columns they had the time before; new ones are left out.",
    )


def steady_result(table: str, as_of: date, changes: list[Drift]) -> dg.AssetCheckResult:
    """A warning where columns came or went, with their names; another order is only told."""
    told = drift_metadata(changes)
    return dg.AssetCheckResult(
        check_name=STEADY,
        asset_key=asset_key(f"ods.{table}"),
        passed=all(change.is_steady for change in changes),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"as_of": as_of.isoformat(), **told},
    )


def drift_metadata(changes: list[Drift]) -> Mapping[str, list[str] | bool]:
    """What Dagster shows of it."""
    return {
        "columns_added": sorted({name for change in changes for name in change.added}),
        "columns_removed": sorted({name for change in changes for name in change.removed}),
        "columns_reordered": any(change.is_reordered for change in changes),
    }
