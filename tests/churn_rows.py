"""The scoring of churn on values a test writes down: the model that scores, without those that measure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from models import DAY, a_plan, model

from pipeline.engine import DuckDBEngine
from pipeline.plan import Plan
from pipeline.plan_tables import SCHEMAS, plan_tables

Row = dict[str, Any]

MEASURED = {"customer_id": pa.string(), "indicator": pa.string()} | {
    name: pa.float64() for name in ("value", "observed", "compared_with")
}
LIVES = {
    "customer_id": pa.string(),
    "class_id": pa.string(),
    "last_ordered_on": pa.date32(),
    "recency_days": pa.int64(),
}
SCORING = "dws.customer_churn"


def measured(values: Mapping[str, Mapping[str, float]]) -> pa.Table:
    """Rows of `dws.churn_indicators`: customer -> indicator -> value."""
    rows = [
        {"customer_id": customer, "indicator": indicator, "value": value, "observed": value, "compared_with": value}
        for customer, told in values.items()
        for indicator, value in told.items()
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(MEASURED))


def scored(
    customers: Sequence[str], values: pa.Table, *, plan: Plan | None = None, indicators: list[Row] | None = None
) -> dict[str, Row]:
    """`dws.customer_churn` of customers who bought lately, by customer; `indicators` stand in for the plan's."""
    plan = plan or a_plan()
    life = {"class_id": "lifecycle_mature", "last_ordered_on": DAY, "recency_days": 0}
    lives = [{"customer_id": customer, **life} for customer in customers]
    tables = plan_tables(plan, DAY, additive=frozenset())
    if indicators is not None:
        name = "plan.churn_indicators"
        tables[name] = pa.Table.from_pylist(indicators, schema=SCHEMAS[name])
    tables |= {
        "dwd.customers": pa.table({"customer_id": pa.array(customers, pa.string())}),
        "dws.customer_lifecycle": pa.Table.from_pylist(lives, schema=pa.schema(LIVES)),
        "dws.churn_indicators": values,
    }
    scorer = model(SCORING)
    given = {name: tables[name] for name in (*scorer.inputs, *scorer.plan_inputs)}
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone=plan.timezone, tables={}, values=given) as session:
        found = [dict(zip(scorer.columns, row, strict=True)) for row in session.rows(scorer.bound(as_of=DAY))]
    return {row["customer_id"]: row for row in sorted(found, key=lambda row: row["customer_id"])}
