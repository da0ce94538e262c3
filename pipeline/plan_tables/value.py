"""Value: the days between which purchases are looked at. It has no classes of its own."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan_tables.rows import DATE, Row, months_before

SCHEMAS = {
    "plan.value": pa.schema({"holdout_after": DATE, "year_ago": DATE, "active_after": DATE, "was_active_after": DATE}),
}


def classes(plan: Plan) -> list[Row]:
    """None: what a customer is worth is a number."""
    return []


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The day the held-out months begin after, and those after which a purchase made, or makes, a customer active."""
    months, year_ago = plan.segments.lifecycle.churned_months, months_before(as_of, 12)
    days = {
        "holdout_after": months_before(as_of, plan.segments.value.holdout_months),
        "year_ago": year_ago,
        "active_after": months_before(as_of, months),
        "was_active_after": months_before(year_ago, months),
    }
    return {"plan.value": [days]}


def check(plan: Plan) -> None:
    """Each limit stands alone, and the plan's model has checked it."""
