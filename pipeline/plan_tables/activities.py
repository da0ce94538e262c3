"""From when on the scorecard of campaign activities advises against one. It has no classes of its own."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan_tables.rows import DOUBLE, Row

SCHEMAS = {"plan.activity_limits": pa.schema({"output_least": DOUBLE, "participation_least": DOUBLE})}


def classes(plan: Plan) -> list[Row]:
    """None: activities are not customers."""
    return []


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The limits, one row."""
    limits = plan.scorecards.activities
    return {
        "plan.activity_limits": [
            {"output_least": limits.output_least, "participation_least": limits.participation_least}
        ]
    }


def check(plan: Plan) -> None:
    """Each limit stands alone, and the plan's model has checked it."""
