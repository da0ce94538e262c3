"""Cohorts: the months customers began in, and the months since. They are no classes."""

from datetime import date, timedelta

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan_tables.rows import DATE, DOUBLE, FLAG, INTEGER, TEXT, Row, months_before

MARKETING = ".marketing"
"""Variants of the cost per customer that leave wages out end so."""

SCHEMAS = {
    "plan.cohort_ages": pa.schema(
        {
            "cohort": TEXT,
            "cohort_start": DATE,
            "cohort_end": DATE,
            "month_number": INTEGER,
            "age_months": INTEGER,
            "is_complete": FLAG,
            "is_cohort_complete": FLAG,
        }
    ),
    "plan.cohort_rules": pa.schema(
        {"cost_scope": TEXT, "is_marketing_only": FLAG, "margin_rate": DOUBLE, "margin_coverage": DOUBLE}
    ),
}


def classes(plan: Plan) -> list[Row]:
    """None: a cohort is a month."""
    return []


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """Every cohort with every month it is old so far, and how its cost and margin are reckoned."""
    official = plan.definitions.official.get("cac", "")
    is_marketing_only = official.endswith(MARKETING)
    value = plan.segments.value
    return {
        "plan.cohort_ages": [_age(as_of, back, age) for back in range(plan.periods.cohorts) for age in range(back + 1)],
        "plan.cohort_rules": [
            {
                "cost_scope": "marketing" if is_marketing_only else "full",
                "is_marketing_only": is_marketing_only,
                "margin_rate": value.margin_rate,
                "margin_coverage": value.margin_coverage,
            }
        ],
    }


def check(plan: Plan) -> None:
    """Each number stands alone, and the plan's model has checked it."""


def _age(as_of: date, back: int, age: int) -> Row:
    """The month that is `age` after the one `back` before the running one."""
    first = as_of.replace(day=1)
    start, end = months_before(first, back), months_before(first, back - 1)
    tomorrow = as_of + timedelta(days=1)
    return {
        "cohort": f"{start:%Y-%m}",
        "cohort_start": start,
        "cohort_end": min(end, tomorrow),
        "month_number": start.year * 12 + start.month,
        "age_months": age,
        "is_complete": months_before(first, back - age - 1) <= tomorrow,
        "is_cohort_complete": end <= tomorrow,
    }
