"""Winning customers back: the steps, and what counts as one."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan_tables.rows import DATE, DOUBLE, FLAG, INTEGER, TEXT, Row, labels, months_before

SCHEMAS = {
    "plan.win_back": pa.schema(
        {"steps": INTEGER, "success_days": INTEGER, "began_after": DATE, "least_amount": DOUBLE}
    ),
    "plan.win_back_steps": pa.schema(
        {
            "step": INTEGER,
            "step_id": TEXT,
            "label_zh": TEXT,
            "label_en": TEXT,
            "role_zh": TEXT,
            "role_en": TEXT,
            "is_customers_owner": FLAG,
            "within_days": INTEGER,
            "offer_zh": TEXT,
            "offer_en": TEXT,
        }
    ),
    "plan.win_back_contacts": pa.schema({"kind": TEXT}),
    "plan.not_reached": pa.schema({"outcome": TEXT}),
}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The steps, and the limits on a day."""
    win_back = plan.segments.win_back
    limits = {
        "steps": len(win_back.steps),
        "success_days": win_back.success_days,
        "began_after": months_before(as_of, win_back.within_months),
        "least_amount": win_back.least_amount,
    }
    steps = [
        {
            "step": number,
            "step_id": step.id,
            **labels(step.label),
            "role_zh": step.role.zh,
            "role_en": step.role.en,
            "is_customers_owner": step.is_customers_owner,
            "within_days": step.within_days,
            "offer_zh": step.offer.zh,
            "offer_en": step.offer.en,
        }
        for number, step in enumerate(win_back.steps, start=1)
    ]
    outcomes = sorted({outcome.lower() for outcome in plan.definitions.not_reached})
    return {
        "plan.win_back": [limits],
        "plan.win_back_steps": steps,
        "plan.win_back_contacts": [{"kind": kind} for kind in sorted(set(win_back.contact_kinds))],
        "plan.not_reached": [{"outcome": outcome} for outcome in outcomes],
    }


def classes(plan: Plan) -> list[Row]:
    """None: being won back is a process, not a class."""
    return []


def check(plan: Plan) -> None:
    """What the steps may be is told by the plan itself."""
