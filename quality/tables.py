"""What must hold of a table as a whole: its references, how large it is, how new. Two levels, as for the four rates."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pandas as pd

from pipeline.plan import Freshness, Threshold
from quality.contract import Contract
from quality.relations import LAYER
from quality.scorecard import table_score

REFERENCE = "reference_"
"""Begins the name of the dimension of a reference; its column ends it."""
LEAST_WEEK = 3
"""Days of the week before that must be there for a table to have a usual size."""


def reference_scores(results: pd.DataFrame, delivered: Iterable[Contract], limit: Threshold) -> list[dict[str, Any]]:
    """For each column that names rows of another table: the share of rows that name none that is not there.

    `results` are the rows of `dq.expectation_results`, where relations are counted.
    """
    found = results[results["layer"] == LAYER].set_index(["table_name", "rule_id"])
    scores = []
    for contract in delivered:
        for rule in contract.relations:
            if rule.kind != "known":
                continue
            row = found.loc[(contract.table, rule.id)]
            dimension = f"{REFERENCE}{rule.columns[0]}"
            if not row["is_evaluated"]:
                reason = f"{rule.columns[0]} or {rule.arguments['table']} is in no source"
                scores.append(table_score(contract, "dwd", dimension, None, None, limit, reason))
                continue
            total = int(row["rows_total"])
            scores.append(table_score(contract, "dwd", dimension, total - int(row["unexpected_rows"]), total, limit))
    return scores


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
    reason = f"the newest row is of {newest}, {behind} days behind; {asked.days} are allowed" if rate < 1 else None
    return table_score(contract, "dwd", "freshness", None, None, limit, reason, rate=rate)
