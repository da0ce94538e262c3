"""ABC: the classes by share of spend."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Label, Plan
from pipeline.plan_tables.rows import Row, class_row

ABC_LABELS = {
    "A": Label(zh="A 类重点客户", en="A, key customers"),
    "B": Label(zh="B 类次要客户", en="B, secondary customers"),
    "C": Label(zh="C 类零散客户", en="C, scattered customers"),
}

SCHEMAS: dict[str, pa.Schema] = {}


def classes(plan: Plan) -> list[Row]:
    """A, B and C with their limits in words."""
    a_until, b_until = (f"{share * 100:g}%" for share in (plan.segments.abc.a_until, plan.segments.abc.b_until))
    definitions = {
        "A": Label(
            zh=f"按近 12 个月净消费从高到低排列，消费更多的客户合计不到总额的 {a_until}。",
            en=f"Of net spend in the last 12 months, those who spent more made less than {a_until}.",
        ),
        "B": Label(
            zh=f"按近 12 个月净消费从高到低排列，消费更多的客户合计达到总额的 {a_until}、不到 {b_until}。",
            en=f"Of net spend in the last 12 months, those who spent more made {a_until} to less than {b_until}.",
        ),
        "C": Label(
            zh=f"按近 12 个月净消费从高到低排列，消费更多的客户合计达到总额的 {b_until}；或没有净消费。",
            en=f"Of net spend in the last 12 months, those who spent more made {b_until} or more; or no net spend.",
        ),
    }
    return [
        class_row("abc", letter, position, f"abc_{letter.lower()}", ABC_LABELS[letter], definition)
        for position, (letter, definition) in enumerate(definitions.items(), start=1)
    ]


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """None: the limits are settings."""
    return {}


def check(plan: Plan) -> None:
    """Shares can't be wrong."""
