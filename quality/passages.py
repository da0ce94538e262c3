"""The ledger beyond the gate: what was let in is what the later layers count, up to the totals readers see.

Both sides are taken by themselves: what came, from the table behind the gate by the rule stated here; what went on,
from the table or the KPI that is checked. Money is followed in the currency it was booked in up to the table where it
is turned into the plan's, and in the plan's from there. A withheld KPI has no total, and so no entry.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
from sqlglot import exp

from pipeline.engine import Session, snippet
from quality.contract import Contract, contracts
from quality.ledger import NO_CURRENCY, Tally, onward_entries, tally

PERIODS = ("campaign", "baseline")
"""The period whose totals are checked: the campaign to date, before it starts the baseline."""
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Total:
    """A KPI whose total is the sum, or the number, of all rows of the period."""

    kpi: str
    variant: str


@dataclass(frozen=True)
class Passage:
    """One row here is one row there, with the same money."""

    table: str
    """Canonical table, read behind its gate."""
    onward: str
    """Table of the next layer, a row for each of its rows."""
    money: str | None = None
    """What a row is worth, said of the table behind the gate."""
    onward_money: str | None = None
    """The same there, in the currency it was booked in."""
    converted: str | None = None
    """The same there in the plan's currency, of which totals are made."""
    total: Total | None = None

    @property
    def contract(self) -> Contract:
        """The table's contract."""
        return contracts()[self.table]


PASSAGES = (
    Passage(
        "orders",
        "dws.sales",
        money="case when kind = 'refund' then -abs(amount) else amount end",
        onward_money="original_amount",
        converted="net_amount",
        total=Total("revenue", "net"),
    ),
    Passage(
        "expenses",
        "dws.costs",
        money="amount",
        onward_money="original_amount",
        converted="amount",
        total=Total("total_cost", "full"),
    ),
    Passage("leads", "dws.lead_journey", total=Total("leads", "created")),
    Passage("interactions", "dws.touches"),
    Passage("answers", "dws.responses"),
)


def tables_of_passages() -> list[str]:
    """Every table of the lake that both sides are read from."""
    return sorted({name for passage in PASSAGES for name in (f"dwd.{passage.table}", passage.onward)})


def passage_entries(session: Session, kpi_values: pd.DataFrame, currency: str) -> list[dict[str, Any]]:
    """The ledger's rows of the layers behind the gate; `currency` is the plan's.

    The session sees `tables_of_passages`.
    """
    entries: list[dict[str, Any]] = []
    for passage in PASSAGES:
        came = _rows(f"dwd.{passage.table}", passage.money)
        went = _rows(passage.onward, passage.onward_money, currency="original_currency")
        entries += onward_entries(passage.contract, "dws", tally(session, came), tally(session, went))
        if passage.total is not None:
            entries += _total_entries(session, passage, passage.total, kpi_values, currency)
    return entries


def _rows(table: str, money: str | None, where: exp.Expr | None = None, *, currency: str = "currency") -> exp.Select:
    """Money and currency of each row; a table without either counts rows alone."""
    amount = (
        snippet("cast($money as decimal(18, 2))", money=snippet(money))
        if money
        else exp.cast(exp.null(), "decimal(18,2)")
    )
    of = exp.column(currency) if money else exp.cast(exp.null(), "varchar")
    rows = exp.select(amount.as_("amount"), of.as_("currency")).from_(table)
    return rows.where(where) if where is not None else rows


def _total_entries(
    session: Session, passage: Passage, total: Total, values: pd.DataFrame, currency: str
) -> list[dict[str, Any]]:
    """What came in the period against the KPI's total of it."""
    row = _total_row(values, total)
    if row["state"] == "withheld":
        return []
    within = snippet(
        "$day >= cast($start as date) and $day < cast($end as date)",
        day=exp.column(passage.contract.event_day),
        start=f"{row['period_start']:%Y-%m-%d}",
        end=f"{row['period_end']:%Y-%m-%d}",
    )
    source = passage.onward if passage.converted else f"dwd.{passage.table}"
    came = tally(session, _rows(source, passage.converted, within))
    counted = 0 if pd.isna(row["n"]) else int(row["n"])
    money = Decimal(0) if pd.isna(row["numerator"]) or not passage.money else Decimal(row["numerator"]).quantize(CENT)
    went: Tally = {currency if passage.money else NO_CURRENCY: (counted, money)} if counted else {}
    return onward_entries(passage.contract, "ads", came, went)


def _total_row(values: pd.DataFrame, total: Total) -> dict[str, Any]:
    own = values[
        (values["kpi"] == total.kpi) & (values["variant"] == total.variant) & (values["dimension"] == "total")
    ].set_index("period_kind")
    period = next(kind for kind in PERIODS if kind in own.index)
    return own.loc[period].to_dict()
