"""Small fact tables, as the models leave them, and the KPIs made of them: a test names the columns it is about."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from assets.ads.catalogue import Catalogue, catalogue
from assets.ads.kpi_query import ALL, TOTAL, measured
from assets.ads.kpi_values import kpi_values
from pipeline.engine import DuckDBEngine, Session
from pipeline.engine.duckdb import DIALECT
from pipeline.plan import Definitions, Market
from quality.contract import contracts
from quality.scorecard import SourceState

DECLARED = Definitions(audience=Market(industries=["教育"]), new_markets=Market(regions=["四川省"]))
"""A plan that says whom it is for."""
CAMPAIGN = ("campaign", "campaign", date(2026, 9, 1), date(2026, 12, 1))
DAY = date(2026, 9, 10)
"""A day of the campaign."""

_TEXT, _DATE, _FLAG, _DOUBLE, _MONEY = pa.string(), pa.date32(), pa.bool_(), pa.float64(), pa.decimal128(18, 2)
_MEMBERS = {
    "channel": _TEXT,
    "team_id": _TEXT,
    "staff_id": _TEXT,
    "region": _TEXT,
    "sales_region": _TEXT,
    "product": _TEXT,
    "campaign_id": _TEXT,
}

SCHEMAS = {
    "dws.lead_journey": {
        "lead_id": _TEXT,
        **_MEMBERS,
        "created_on": _DATE,
        "won_on": _DATE,
        "is_valid": _FLAG,
        "is_won": _FLAG,
        "is_lost": _FLAG,
        "reached_touched": _FLAG,
        "reached_met": _FLAG,
        "is_audience": _FLAG,
        "first_touch_hours": _DOUBLE,
        "lead_score": _DOUBLE,
        "sales_cycle_days": pa.int64(),
        "development_days": pa.int64(),
    },
    "dws.lead_grades": {"lead_id": _TEXT, **_MEMBERS, "created_on": _DATE, "grade": _TEXT},
    "dws.sales": {
        "order_id": _TEXT,
        **_MEMBERS,
        "ordered_on": _DATE,
        "customer_id": _TEXT,
        "net_amount": _MONEY,
        "margin_amount": _MONEY,
        "paid_on": _DATE,
        "payment_days": pa.int64(),
        "is_refund": _FLAG,
        "is_first_order": _FLAG,
        "customer_first_ordered_on": _DATE,
    },
    "dws.customer_segments": {
        "customer_id": _TEXT,
        "channel": _TEXT,
        "team_id": _TEXT,
        "owner_id": _TEXT,
        "region": _TEXT,
        "sales_region": _TEXT,
        "first_ordered_on": _DATE,
        "is_high_value": _FLAG,
    },
    "dws.costs": {
        "cost_id": _TEXT,
        "channel": _TEXT,
        "team_id": _TEXT,
        "campaign_id": _TEXT,
        "spent_on": _DATE,
        "amount": _MONEY,
        "is_marketing": _FLAG,
        "is_direct": _FLAG,
    },
    "dws.responses": {
        "answer_id": _TEXT,
        **_MEMBERS,
        "answered_on": _DATE,
        "kind": _TEXT,
        "score": _DOUBLE,
        "scale_min": _DOUBLE,
        "scale_max": _DOUBLE,
        "scaled_score": _DOUBLE,
        "respondent_kind": _TEXT,
        "is_topbox": _FLAG,
        "is_promoter": _FLAG,
        "is_detractor": _FLAG,
    },
    "dws.touches": {
        "interaction_id": _TEXT,
        **_MEMBERS,
        "occurred_on": _DATE,
        "kind": _TEXT,
        "customer_id": _TEXT,
        "lead_id": _TEXT,
        "response_hours": _DOUBLE,
        "needs_answer": _FLAG,
        "is_in_time": _FLAG,
        "is_reached": _FLAG,
        "is_attendance": _FLAG,
        "is_own_accord": _FLAG,
        "is_repeated": _FLAG,
    },
    "dws.customer_starts": {
        **_MEMBERS,
        "customer_id": _TEXT,
        "created_on": _DATE,
        "first_ordered_on": _DATE,
        "is_referred": _FLAG,
        "is_new_market": _FLAG,
        "is_retained_30": _FLAG,
        "is_retained_60": _FLAG,
        "is_retained_90": _FLAG,
        "clv_amount": _MONEY,
        "target_industry": _TEXT,
    },
    "dws.target_industries": {"industry": _TEXT},
    "dws.market_sizes": {"benchmark_row": _TEXT, "market_period": _TEXT, "market_size": _DOUBLE},
    "dws.budget_days": {"budget_id": _TEXT, **_MEMBERS, "day": _DATE, "amount": _MONEY},
    "dws.tasks": {
        "task_id": _TEXT,
        **_MEMBERS,
        "due_on": _DATE,
        "is_done": _FLAG,
        "is_on_time": _FLAG,
        "is_visit": _FLAG,
        "departments": pa.int64(),
        "reworks": pa.int64(),
    },
    "dws.people_days": {**_MEMBERS, "day": _DATE, "has_contact": _FLAG, "is_last_day": _FLAG},
    "dws.exposures": {
        "exposure_id": _TEXT,
        "day": _DATE,
        "channel": _TEXT,
        "campaign_id": _TEXT,
        **dict.fromkeys(("impressions", "reach", "clicks", "visits"), pa.int64()),
    },
    "dws.activities": {
        **_MEMBERS,
        "starts_on": _DATE,
        "planned_participants": pa.int64(),
        "expected_participants": pa.int64(),
    },
    "plan.periods": {
        "period_kind": _TEXT,
        "period": _TEXT,
        "period_start": _DATE,
        "period_end": _DATE,
        "previous_start": _DATE,
        "previous_end": _DATE,
        "period_no": pa.int64(),
        "period_block": pa.int64(),
        "period_bit": pa.int64(),
    },
    "plan.targets": {
        "kpi": _TEXT,
        "dimension": _TEXT,
        "member": _TEXT,
        "period_kind": _TEXT,
        "period": _TEXT,
        "target": _DOUBLE,
        "floor": _DOUBLE,
        "milestone_target": _DOUBLE,
    },
}

Rows = Sequence[Mapping[str, Any]]


def lead(**columns: Any) -> dict[str, Any]:
    """A valid lead that was created on a day of the campaign and is still open."""
    return {"created_on": DAY, "is_valid": True, "is_won": False, "is_lost": False, "reached_touched": True, **columns}


def won_lead(on: date = DAY, **columns: Any) -> dict[str, Any]:
    """A lead created and won on the same day."""
    return lead(created_on=on, won_on=on, is_won=True, **columns)


def first_sale(customer: str, amount: Any, on: date = DAY, **columns: Any) -> dict[str, Any]:
    """A customer's first order."""
    return sale(customer, amount, on, is_first_order=True, **columns)


def sale(customer: str, amount: Any, on: date = DAY, **columns: Any) -> dict[str, Any]:
    """An order of a customer who, unless said otherwise, is new on that day."""
    own = {"ordered_on": on, "customer_id": customer, "net_amount": amount, "customer_first_ordered_on": on}
    return {**own, "is_refund": False, "is_first_order": False, **columns}


def cost(amount: Any, on: date = DAY, **columns: Any) -> dict[str, Any]:
    """A cost of the campaign's marketing."""
    return {"spent_on": on, "amount": amount, "is_marketing": True, **columns}


def csat(score: float, **columns: Any) -> dict[str, Any]:
    """An answer to a question of satisfaction from 1 to 5."""
    scale = {"scale_min": 1.0, "scale_max": 5.0, "is_topbox": score >= 4}
    return {"answered_on": DAY, "kind": "csat", "score": float(score), **scale, **columns}


def nps(score: float, **columns: Any) -> dict[str, Any]:
    """An answer to the question of recommendation."""
    counted = {"is_promoter": score >= 9, "is_detractor": score <= 6}
    return {
        "answered_on": DAY,
        "kind": "nps",
        "score": float(score),
        "scale_min": 0.0,
        "scale_max": 10.0,
        **counted,
        **columns,
    }


def target(
    kpi: str,
    value: float,
    floor: float | None = None,
    period: Sequence[Any] = CAMPAIGN,
    of: tuple[str, str] = (TOTAL, ALL),
) -> dict[str, Any]:
    """A target for one period, of the whole or of a dimension's member."""
    place = {"dimension": of[0], "member": of[1], "period_kind": period[0], "period": period[1]}
    return {"kpi": kpi, **place, "target": value, "floor": floor}


def table(name: str, rows: Rows) -> pa.Table:
    """Rows as the table of that name; what they do not say is NULL."""
    schema = pa.schema(SCHEMAS[name])
    unknown = {column for row in rows for column in row} - set(schema.names)
    assert not unknown, f"{name} has no column {unknown}"
    return pa.Table.from_pylist([_typed(row, schema) for row in rows], schema=schema)


def _typed(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """A row whose money may be written as text."""
    return {
        name: Decimal(value) if schema.field(name).type == _MONEY and isinstance(value, str) else value
        for name, value in row.items()
    }


@cache
def _shipped_query() -> exp.Expr:
    """As written out for the engine: to write it takes as long as to run it on a few rows."""
    return exp.var(measured(catalogue()).sql(DIALECT, comments=False))


@contextmanager
def facts_session(facts: Mapping[str, Rows], periods: Sequence[Sequence[Any]], targets: Rows = ()) -> Iterator[Session]:
    """A session that sees these facts, periods and targets; facts that are not given have no rows."""
    named = {f"dws.{name}": rows for name, rows in facts.items()}
    assert set(named) <= set(SCHEMAS), f"no such fact: {set(named) - set(SCHEMAS)}"
    values = {name: table(name, named.get(name, ())) for name in SCHEMAS if name.startswith("dws.")}
    values["plan.targets"] = table("plan.targets", targets)
    values["plan.periods"] = table("plan.periods", [_period(number, *period) for number, period in enumerate(periods)])
    engine = DuckDBEngine(memory_limit="500MB", threads=1)
    with engine.session(zone="Asia/Shanghai", tables={}, values=values) as session:
        yield session


def evaluate(
    facts: Mapping[str, Rows] | None = None,
    *,
    periods: Sequence[Sequence[Any]] = (CAMPAIGN,),
    targets: Rows = (),
    benchmarks: Rows = (),
    states: Mapping[str, SourceState] | None = None,
    unmapped: frozenset[str] = frozenset(),
    definitions: Definitions | None = None,
    score_cap: float = 100,
    kpis: Catalogue | None = None,
) -> pd.DataFrame:
    """`ads.kpi_values` of these facts (dws table without its layer -> rows); every source is final unless said."""
    kpis = kpis or catalogue()
    with facts_session(facts or {}, periods, targets) as session:
        parts = session.frame(_shipped_query() if kpis is catalogue() else measured(kpis))
    return kpi_values(
        parts,
        table("plan.targets", targets).to_pandas(),
        pd.DataFrame(benchmarks, columns=["metric", "period", "value", "source"]),
        kpis,
        states={name: SourceState("final") for name in contracts()} | dict(states or {}),
        unmapped=unmapped,
        definitions=definitions or Definitions(),
        score_cap=score_cap,
        currency="CNY",
    )


def _period(number: int, kind: str, label: str, start: date, end: date, before: date | None = None) -> dict[str, Any]:
    """A period; the one before it is as long and ends where it starts, unless its start is given."""
    before = before or start - (end - start)
    bounds = [kind, label, start, end, before, min(before + (end - start), start), number, number // 3, 1 << number % 3]
    return dict(zip(SCHEMAS["plan.periods"], bounds, strict=True))


def one(values: pd.DataFrame, kpi: str, variant: str | None = None, **keys: str) -> pd.Series:
    """The one row of a KPI, the official variant's of the campaign's total unless said otherwise."""
    wanted = {"period": "campaign", "dimension": "total", "member": "(all)"} | keys
    found = values.loc[values["kpi"] == kpi]
    found = found.loc[found["is_official"] if variant is None else found["variant"] == variant]
    for column, value in wanted.items():
        found = found.loc[found[column] == value]
    assert len(found) == 1, f"{len(found)} rows of {kpi} {variant or 'official'} {wanted}"
    return found.iloc[0]
