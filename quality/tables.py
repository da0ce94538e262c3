"""What must hold of a table as a whole: its references, how large it is, how new. Two levels, as for the four rates."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlglot import exp

from pipeline.engine import Session, snippet
from pipeline.plan import Freshness, Threshold
from quality.contract import Contract, Reference
from quality.scorecard import table_score

KNOWN_CUSTOMERS = ("dwd.customer_links", "source_customer_id")
"""Where customers are known under every id they were sent under."""
LEAST_WEEK = 3
"""Days of the week before that must be there for a table to have a usual size."""


def known_as(reference: Reference, contracts: Mapping[str, Contract]) -> tuple[str, str]:
    """The table and column that hold what the reference may name."""
    if reference.table == "customers":
        return KNOWN_CUSTOMERS
    [key] = contracts[reference.table].key
    return f"dwd.{reference.table}", key


def reference_score(
    session: Session, contract: Contract, reference: Reference, known: tuple[str, str] | None
) -> dict[str, Any]:
    """How many of the references that are filled in name a row that is there; `known` is None where none can."""
    if known is None:
        reason = f"{reference.table} is not delivered"
        return table_score(contract, "dwd", reference.dimension, None, None, reference.limit, reason)
    table, key = known
    [(total, good)] = session.rows(
        snippet(
            """
            select count(*), count(there.key)
            from $rows as rows
            left join (select distinct $key as key from $known as known) as there on there.key = $value
            where $value is not null
            """,
            rows=exp.to_table(f"dwd.{contract.table}"),
            known=exp.to_table(table),
            key=exp.column(key),
            value=exp.column(reference.column, table="rows", quoted=True),
        )
    )
    return table_score(contract, "dwd", reference.dimension, good, total, reference.limit)


def volume_score(contract: Contract, rows: int, usual: float | None, change_limit: float) -> dict[str, Any] | None:
    """A table's size against its usual one, whichever is larger; a drop beyond all measure closes the gate instead."""
    if not usual or not rows:
        return None
    limit = Threshold(threshold=1 - change_limit, floor=0.0)
    rate = min(rows, usual) / max(rows, usual)
    reason = f"{rows:,} rows, {usual:,.0f} are usual" if rate < limit.threshold else None
    return table_score(contract, "ods", "volume", rows, None, limit, reason, rate=rate)


def usual_rows(week: Sequence[int]) -> float | None:
    """The median of the days before, where there are enough of them."""
    ordered, middle = sorted(week), len(week) // 2
    if len(ordered) < LEAST_WEEK:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def freshness_score(contract: Contract, newest: date | None, as_of: date, asked: Freshness) -> dict[str, Any]:
    """How far behind the newest row is: all is well within `days`, and the rate falls as it gets older."""
    limit = Threshold(threshold=1.0, floor=(asked.days + 1) / (asked.floor_days + 1))
    if newest is None:
        return table_score(contract, "dwd", "freshness", None, None, limit, "no rows")
    behind = (as_of - newest).days
    rate = min(1.0, (asked.days + 1) / (behind + 1))
    reason = f"the newest row is of {newest}, {behind} days behind; {asked.days} are borne" if rate < 1 else None
    return table_score(contract, "dwd", "freshness", None, None, limit, reason, rate=rate)
