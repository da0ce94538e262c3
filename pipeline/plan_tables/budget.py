"""The budget: from where on spending is too much. It has no classes."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan_tables.rows import DOUBLE, Row

SCHEMAS = {"plan.budget": pa.schema({"overspend_rate": DOUBLE, "warning_from": DOUBLE})}


def classes(plan: Plan) -> list[Row]:
    """None: a budget is about costs."""
    return []


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The two limits, the same on every day."""
    return {"plan.budget": [{"overspend_rate": plan.budget.overspend, "warning_from": plan.budget.warning_from}]}


def check(plan: Plan) -> None:
    """Each limit stands alone, and the plan's model has checked it."""
