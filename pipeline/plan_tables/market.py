"""The lists of the plan that SQL looks values up in, how soon is soon enough, and how soon again is too soon."""

import pyarrow as pa

from pipeline.plan import Plan
from pipeline.plan_tables.rows import DOUBLE, INTEGER, TEXT, Row

SCHEMAS = {
    "plan.lists": pa.schema({"list": TEXT, "field": TEXT, "member": TEXT}),
    "plan.service": pa.schema({"service_hours": DOUBLE, "repeat_contact_days": INTEGER}),
}


def rows(plan: Plan) -> dict[str, list[Row]]:
    """One row per member of a list; words that sources write are compared in lower case."""
    definitions = plan.definitions
    lists = {
        **{("audience", field): members for field, members in definitions.audience.lists.items()},
        **{("new_market", field): members for field, members in definitions.new_markets.lists.items()},
        ("visit_task", "kind"): [kind.lower() for kind in definitions.visit_tasks],
        ("not_reached", "outcome"): [outcome.lower() for outcome in definitions.not_reached],
    }
    return {
        "plan.lists": [
            {"list": name, "field": field, "member": member}
            for (name, field), members in lists.items()
            for member in dict.fromkeys(members)
        ],
        "plan.service": [
            {
                "service_hours": definitions.service_hours,
                "repeat_contact_days": definitions.repeat_contact_days,
            }
        ],
    }
