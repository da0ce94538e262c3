"""A first look at every source: what its files and queries have, and how much of it the gate could read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from assets.day import ProjectDay
from assets.ods import refuse_cursor
from assets.ods.columns import Drift, columns_before, drift, origin
from assets.ods.lines import refuse_sums
from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed
from pipeline.sources import Probe, probe
from quality.contract import Contract, contracts
from quality.gate import Gate

ROWS = 10
"""Rows of each feed whose values are tried."""


@dataclass(frozen=True)
class Looked:
    """What a look at one feed found, or why there was nothing to see."""

    contract: Contract
    feed: Feed
    probe: Probe | None
    complaint: str | None
    readable: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Column that is not text -> values in the first rows, and how many of them the gate can read."""
    drift: Drift = field(default_factory=Drift)

    @property
    def personal(self) -> list[str]:
        """The columns that tell of a person."""
        return [column.name for column in self.contract.columns if column.personal]


def look_at(day: ProjectDay) -> Iterator[Looked]:
    """One look at each feed of each table. Nothing is written."""
    for contract in contracts().values():
        for feed in day.project.sources.feeds(contract.table):
            try:
                yield _look(contract, feed, day)
            except (SourceError, ConfigurationError) as error:
                yield Looked(contract, feed, None, f"{contract.table}: {error}")


def _look(contract: Contract, feed: Feed, day: ProjectDay) -> Looked:
    if feed.lines is not None:
        refuse_sums(contract, feed.lines)
    refuse_cursor(feed, contract, day)
    seen = probe(
        feed,
        table=contract.table,
        columns=[column.name for column in contract.columns],
        required=contract.required,
        landing=day.project.landing,
        as_of=day.as_of,
        environment=day.project.environment,
        kinds={column.name: column.type for column in contract.columns},
        rows=ROWS,
    )
    since, before = columns_before(day.lake, contract.table, day.as_of)
    change = drift(since, before.get(origin(feed)), seen.columns_found)
    return Looked(contract, feed, seen, seen.complaint, _readable(contract, seen, day), change)


def _readable(contract: Contract, seen: Probe, day: ProjectDay) -> dict[str, tuple[int, int]]:
    """How many values of the sample the gate's own cleaners can read, column by column; none is kept."""
    gate = Gate(contract, day.rules_day, frozenset(contract.by_name) - set(seen.unmapped))
    lines = pa.array(range(seen.sample.num_rows), pa.int64())
    texts = pa.array([""] * len(lines), pa.string())
    rows = seen.sample.append_column("_row_id", texts).append_column("_source", texts).append_column("_line", lines)
    with day.engine.session(
        zone=day.project.plan.timezone, tables={}, values={f"ods.{contract.table}": rows}
    ) as session:
        return gate.readable(session)
