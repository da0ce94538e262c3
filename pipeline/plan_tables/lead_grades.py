"""How leads are graded. Grades are of leads, and no classes of customers."""

from datetime import date
from typing import get_args

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan.lead_grades import FormField
from pipeline.plan_tables.rows import DOUBLE, FLAG, INTEGER, Row

PARTS = ("source", "fit", "form", "behaviour")

SCHEMAS = {
    "plan.lead_grading": pa.schema(
        {
            **{f"{part}_weight": DOUBLE for part in PARTS},
            **{f"asks_{field}": FLAG for field in get_args(FormField)},
            "days": INTEGER,
            "full_contacts": INTEGER,
            "a_from": DOUBLE,
            "b_from": DOUBLE,
            "c_from": DOUBLE,
            "least_told": DOUBLE,
        }
    )
}


def classes(plan: Plan) -> list[Row]:
    """None: leads are not customers."""
    return []


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """Weights, fields and limits, one row."""
    rules = plan.lead_grades
    return {
        "plan.lead_grading": [
            {
                **{f"{part}_weight": getattr(rules.weights, part) for part in PARTS},
                **{f"asks_{field}": field in rules.form for field in get_args(FormField)},
                "days": rules.days,
                "full_contacts": rules.full_contacts,
                "a_from": rules.cuts.a,
                "b_from": rules.cuts.b,
                "c_from": rules.cuts.c,
                "least_told": rules.least_told,
            }
        ]
    }


def check(plan: Plan) -> None:
    """The plan's model has checked it."""
