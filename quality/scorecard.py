"""Four rates per table (S0 §4.3), the state they put a source in, and every rule's count behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from pipeline.plan import Quality, Threshold
from pipeline.tables import TableSpec
from quality.contract import RATES, Contract, Rule
from quality.gate import LATE, Counted, Gate
from quality.reasons import in_chinese
from quality.rules import NOT_OF, message

State = Literal["final", "provisional", "withheld"]
STATES: tuple[State, ...] = ("final", "provisional", "withheld")
"""From best to worst."""

SCORECARD = TableSpec(
    name="dq.quality_scorecard",
    description="How complete, accurate, unique and timely each source table was, before and after the gate.",
    grain=("table_name", "layer", "dimension"),
    columns={
        "source": ("text", "System the table comes from"),
        "table_name": ("text", "Canonical table"),
        "layer": ("text", "ods: as sent, before the gate; dwd: as accepted, after it"),
        "dimension": (
            "text",
            "completeness, accuracy, duplicates, timeliness or cell_completeness of the rows; volume, freshness, or "
            "reference_ and a column, of the table as a whole",
        ),
        "rows_total": ("bigint", "Rows judged"),
        "rows_good": ("bigint", "Rows that pass; for duplicates the rows that repeat another"),
        "rate": ("double precision", "rows_good / rows_total, 0 to 1; NULL where it could not be assessed"),
        "threshold": ("double precision", "Rate the plan asks for"),
        "floor": ("double precision", "Rate beyond which figures made of the table are withheld"),
        "better": ("text", "higher or lower"),
        "status": ("text", "met, below_threshold, below_floor, or not_assessed"),
        "reason": ("text", "Why a rate is missing or partial; NULL when there is nothing to say"),
        "reason_zh": ("text", "The same in Chinese"),
    },
)

RESULTS = TableSpec(
    name="dq.expectation_results",
    description="Every rule of every contract on the day: how many rows it judged and how many broke it.",
    grain=("table_name", "layer", "rule_id"),
    columns={
        "source": ("text", "System the table comes from"),
        "table_name": ("text", "Canonical table"),
        "layer": ("text", "ods: as sent; dwd: as accepted; relations: beside other tables, over all days so far"),
        "rule_id": ("text", "Rule of the contract"),
        "dimension": ("text", "Quality dimension the rule counts for"),
        "severity": ("text", "error: the row is kept back; warning or info: it is let in and counted"),
        "is_evaluated": ("boolean", "False where the source does not have the column, or the plan not the list"),
        "rows_total": ("bigint", "Rows judged"),
        "unexpected_rows": ("bigint", "Rows that break the rule, as both judgements count; of relations the engine's"),
        "unexpected_rate": ("double precision", "unexpected_rows / rows_total, 0 to 1"),
        "message_zh": ("text", "What is wrong with such a row, in Chinese"),
        "message_en": ("text", "What is wrong with such a row, in English"),
    },
)


SOURCE_STATES = TableSpec(
    name="dq.source_states",
    description="One row per source table: how far figures made of it can be trusted on the day, and why not further.",
    grain=("table_name",),
    columns={
        "table_name": ("text", "Canonical table"),
        "state": ("text", "final, provisional or withheld"),
        "reason": ("text", "Why it is not final; NULL when there is nothing to say"),
        "reason_zh": ("text", "The same in Chinese"),
    },
)


@dataclass(frozen=True)
class SourceState:
    """How far figures made of a table can be trusted, and why not further."""

    state: State
    reason: str | None = None


def rates(
    gate: Gate, counted: Counted, unreadable: int, after: Mapping[str, int], quality: Quality
) -> list[dict[str, Any]]:
    """The scorecard's rows of one table.

    `unreadable` rows could not even be landed: they count as rows and as wrong. `after` holds what Great Expectations
    still found in dwd, rule by rule.
    """
    total = counted.rows + unreadable
    missing = [rule.columns[0] for rule in gate.not_assessed if rule.kind == "required"]
    missing += [
        f"{rule.columns[0]} ({', '.join(rule.arguments[NOT_OF])})"
        for rule in gate.rules
        if rule.kind == "required" and NOT_OF in rule.arguments
    ]
    partial = f"not in the source: {', '.join(missing)}" if missing else None
    untimed = None if counted.timed else "the source does not say when rows were entered"
    repeated = counted.repeated
    late = counted.broken.get("recorded_in_time", 0)
    kept = counted.outcomes["accepted"] + counted.outcomes[LATE]
    still = {rule.dimension: after.get(rule.id, 0) for rule in gate.rules if after.get(rule.id)}
    row = _Row(gate.contract, quality)
    return [
        row("ods", "completeness", counted.rows - counted.incomplete, total, partial),
        row("ods", "accuracy", counted.rows - counted.inaccurate, total),
        row("ods", "duplicates", repeated, total),
        row("ods", "timeliness", counted.timed - late, counted.timed, untimed),
        row("ods", "cell_completeness", counted.filled_cells, counted.cells),
        row("dwd", "completeness", kept - still.get("completeness", 0), kept, partial),
        row("dwd", "accuracy", kept - still.get("accuracy", 0) - still.get("consistency", 0), kept),
        row("dwd", "duplicates", still.get("uniqueness", 0), kept),
        row("dwd", "timeliness", kept - late if counted.timed else 0, kept if counted.timed else 0, untimed),
    ]


@dataclass(frozen=True)
class _Row:
    contract: Contract
    quality: Quality

    def __call__(self, layer: str, dimension: str, good: int, total: int, reason: str | None = None) -> dict[str, Any]:
        limit: Threshold | None = getattr(self.quality, dimension, None) or self.contract.thresholds.get(dimension)
        better = "lower" if dimension == "duplicates" else "higher"
        rate = good / total if total else None
        told = reason or ("no rows" if rate is None else None)
        return {
            "source": self.contract.system,
            "table_name": self.contract.table,
            "layer": layer,
            "dimension": dimension,
            "rows_total": total,
            "rows_good": good,
            "rate": rate,
            "threshold": limit.threshold if limit else None,
            "floor": limit.floor if limit else None,
            "better": better,
            "status": _status(rate, limit, better),
            "reason": told,
            "reason_zh": in_chinese(told),
        }


def _status(rate: float | None, limit: Threshold | None, better: str) -> str:
    """Exactly at a limit is within it, whichever way is better (I47)."""
    if rate is None:
        return "not_assessed"
    if limit is None:
        return "met"
    sign = -1 if better == "lower" else 1
    if sign * rate >= sign * limit.threshold:
        return "met"
    return "below_threshold" if sign * rate >= sign * limit.floor else "below_floor"


def not_delivered(contract: Contract, quality: Quality, reason: str) -> list[dict[str, Any]]:
    """The scorecard's rows of a table the company does not have: nothing assessed, nothing counted as good."""
    row = _Row(contract, quality)
    return [row(layer, dimension, 0, 0, reason) for layer in ("ods", "dwd") for dimension in RATES]


def results(gate: Gate, counted: Counted, found: Mapping[str, int], after: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each rule's counts, before the gate and after it."""
    kept = counted.outcomes["accepted"] + counted.outcomes[LATE]
    before = [_result(gate, rule, "ods", counted.rows, found.get(rule.id)) for rule in gate.contract.rules]
    later = [_result(gate, rule, "dwd", kept, after.get(rule.id)) for rule in gate.contract.rules if rule.id in after]
    return before + later


def _result(gate: Gate, rule: Rule, layer: str, total: int, unexpected: int | None) -> dict[str, Any]:
    chinese, english = message(rule, gate.contract)
    return {
        "source": gate.contract.system,
        "table_name": rule.table,
        "layer": layer,
        "rule_id": rule.id,
        "dimension": rule.dimension,
        "severity": rule.severity,
        "is_evaluated": unexpected is not None,
        "rows_total": total,
        "unexpected_rows": unexpected,
        "unexpected_rate": unexpected / total if unexpected is not None and total else None,
        "message_zh": chinese,
        "message_en": english,
    }


def table_score(
    contract: Contract,
    layer: str,
    dimension: str,
    good: int | None,
    total: int | None,
    limit: Threshold,
    reason: str | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """The scorecard's row of what holds of a table as a whole; the rate is that of rows unless it is given."""
    if rate is None and total:
        rate = (good or 0) / total
    told = reason or ("no rows" if rate is None else None)
    return {
        "source": contract.system,
        "table_name": contract.table,
        "layer": layer,
        "dimension": dimension,
        "rows_total": total,
        "rows_good": good,
        "rate": rate,
        "threshold": limit.threshold,
        "floor": limit.floor,
        "better": "higher",
        "status": _status(rate, limit, "higher"),
        "reason": told,
        "reason_zh": in_chinese(told),
    }


def states(scorecard: pd.DataFrame, absent: Iterable[str]) -> dict[str, SourceState]:
    """The state of each table by what was sent: below a floor withheld, below a threshold or partial provisional."""
    counts = (scorecard["layer"] == "ods") | ~scorecard["dimension"].isin(RATES)
    found = {table: _state(rows) for table, rows in scorecard[counts].groupby("table_name")}
    return found | {table: SourceState("withheld", "no source is declared") for table in absent}


def _state(rows: pd.DataFrame) -> SourceState:
    for status, state in (("below_floor", "withheld"), ("below_threshold", "provisional")):
        failing = rows[rows["status"] == status].sort_values("dimension")
        if len(failing):
            return SourceState(state, "; ".join(_said(row) for row in failing.itertuples()))
    partial = rows[(rows["dimension"] == "completeness") & rows["reason"].notna()]
    if len(partial):
        row = next(partial.itertuples())
        return SourceState("provisional", row.reason)
    return SourceState("final")


def _said(row: Any) -> str:
    if row.dimension not in RATES and not pd.isna(row.reason):
        return f"{row.dimension}: {row.reason}"
    limit = row.floor if row.status == "below_floor" else row.threshold
    asked = f"at most {limit:.1%}" if row.better == "lower" else f"at least {limit:.1%}"
    return f"{row.dimension} {row.rate:.1%}, asked {asked}"
