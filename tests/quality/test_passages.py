"""The ledger behind the gate: what is let in is what the tables hold and the totals say, row by row and fen by fen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from pipeline.engine import DuckDBEngine, Session
from pipeline.errors import LedgerError
from quality.contract import contracts
from quality.ledger import demand_balance
from quality.passages import PASSAGES, passage_entries

ORDERS = [
    {"order_id": "O1", "kind": "sale", "amount": "100.00", "ordered_on": "2026-09-01"},
    {"order_id": "O2", "kind": "sale", "amount": "50.00", "ordered_on": "2026-11-20"},
    {"order_id": "O3", "kind": "refund", "amount": "20.00", "ordered_on": "2026-11-20"},
    {"order_id": "O4", "kind": "sale", "amount": "7.00", "ordered_on": "2026-08-31"},
]
SALES = [("O1", "100.00"), ("O2", "50.00"), ("O3", "-20.00"), ("O4", "7.00")]


def accepted(rows: list[dict[str, str]]) -> pa.Table:
    frame = pd.DataFrame(rows)
    return pa.table(
        {
            "kind": frame["kind"],
            "amount": pa.array([Decimal(amount) for amount in frame["amount"]], pa.decimal128(18, 2)),
            "currency": ["CNY"] * len(frame),
            "ordered_on": [date.fromisoformat(day) for day in frame["ordered_on"]],
        }
    )


def onward(rows: list[tuple[str, str]]) -> pa.Table:
    amounts = pa.array([Decimal(amount) for _, amount in rows], pa.decimal128(18, 2))
    in_yuan = ["CNY"] * len(rows)
    days = [date.fromisoformat(cells["ordered_on"]) for cells in ORDERS]
    return pa.table(
        {
            "net_amount": amounts,
            "currency": in_yuan,
            "original_amount": amounts,
            "original_currency": in_yuan,
            "ordered_on": pa.array([*days, *days][: len(rows)], pa.date32()),
        }
    )


@contextmanager
def holding(sales: list[tuple[str, str]]) -> Iterator[Session]:
    """Orders, and tables of the others that hold nothing."""
    nothing = {
        "dwd.expenses": {"amount": pa.decimal128(18, 2), "currency": pa.string(), "spent_on": pa.date32()},
        "dws.costs": {
            "amount": pa.decimal128(18, 2),
            "currency": pa.string(),
            "original_amount": pa.decimal128(18, 2),
            "original_currency": pa.string(),
            "spent_on": pa.date32(),
        },
        "dwd.leads": {"created_on": pa.date32()},
    }
    empty = {name: pa.schema(columns).empty_table() for name, columns in nothing.items()}
    others = ("dws.lead_journey", "dwd.interactions", "dws.touches", "dwd.answers", "dws.responses")
    empty |= {name: pa.schema({"id": pa.string()}).empty_table() for name in others}
    values = empty | {"dwd.orders": accepted(ORDERS), "dws.sales": onward(sales)}
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="UTC", tables={}, values=values) as session:
        yield session


def kpis(revenue: float | None, n: int, state: str = "final") -> pd.DataFrame:
    """The totals of the campaign: revenue as given, nothing else happened."""
    period = {"period_kind": "campaign", "period_start": date(2026, 9, 1), "period_end": date(2026, 11, 21)}
    others = [("total_cost", "full", None, 0, "final"), ("leads", "created", 0.0, 0, "final")]
    rows = [("revenue", "net", revenue, n, state), *others]
    names = ["kpi", "variant", "numerator", "n", "state"]
    return pd.DataFrame([dict(zip(names, row, strict=True)) | period | {"dimension": "total"} for row in rows])


def entries(sales: list[tuple[str, str]], values: pd.DataFrame) -> list[dict[str, Any]]:
    with holding(sales) as session:
        return passage_entries(session, values, "CNY")


def test_what_is_let_in_is_what_the_table_and_the_total_say():
    found = entries(SALES, kpis(130.0, 3))
    demand_balance(found)
    told = {
        entry["layer"]: (entry["rows_in"], entry["amount_in"]) for entry in found if entry["table_name"] == "orders"
    }
    assert told == {"dws": (4, 137), "ads": (3, 130)}


@pytest.mark.parametrize(
    "sales",
    [
        pytest.param(SALES[1:], id="a-row-less"),
        pytest.param([*SALES, SALES[0]], id="a-row-twice"),
        pytest.param([("O1", "99.99"), *SALES[1:]], id="a-fen-less"),
        pytest.param([*SALES[:2], ("O3", "20.00"), SALES[3]], id="a-refund-counted-as-a-sale"),
    ],
)
def test_a_table_that_holds_something_else_stops_the_day(sales: list[tuple[str, str]]):
    with pytest.raises(LedgerError, match=r"orders \(dws, CNY\)"):
        demand_balance(entries(sales, kpis(130.0, 3)))


@pytest.mark.parametrize(("revenue", "n"), [(130.01, 3), (130.0, 2), (None, 0)], ids=["a-fen", "a-row", "all-of-it"])
def test_a_total_that_says_something_else_stops_the_day(revenue: float | None, n: int):
    with pytest.raises(LedgerError, match=r"orders \(ads, CNY\)"):
        demand_balance(entries(SALES, kpis(revenue, n)))


def test_a_withheld_total_is_no_total():
    found = entries(SALES, kpis(None, 0, "withheld"))
    demand_balance(found)
    assert [entry["layer"] for entry in found if entry["table_name"] == "orders"] == ["dws"]


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda passage: passage.table)
def test_a_passage_is_about_a_table_and_a_kpi_that_are_there(passage: Any):
    from assets.ads.catalogue import catalogue
    from assets.models import models

    assert passage.table in contracts()
    assert passage.onward in models()
    assert passage.total is None or passage.total.variant in catalogue().kpis[passage.total.kpi].variants
