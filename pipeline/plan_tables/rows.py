"""What the tables of the plan have in common: types, labels, calendar months, the classes of a scheme."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa

from pipeline.plan import Label, Plan, Range

Row = dict[str, Any]

TEXT, DATE, DOUBLE, INTEGER, FLAG = pa.string(), pa.date32(), pa.float64(), pa.int64(), pa.bool_()


def months_before(day: date, months: int) -> date:
    """The same day `months` calendar months earlier, or the last day of a month that is too short for it.

    >>> months_before(date(2026, 5, 31), 3)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_en(months: float) -> str:
    return "1 month" if months == 1 else f"{months:g} months"


def currency_zh(plan: Plan) -> str:
    return "元" if plan.currency == "CNY" else plan.currency


def labels(label: Label) -> Row:
    return {"label_zh": label.zh, "label_en": label.en}


def class_row(scheme: str, class_id: str, position: int, segment: str, label: Label, definition: Label) -> Row:
    return {
        "scheme": scheme,
        "class_id": class_id,
        "position": position,
        "segment": segment,
        **labels(label),
        "definition_zh": definition.zh,
        "definition_en": definition.en,
    }


def limits_told(range_: Range, what: str, least: str, below: str, joint: str, told: Callable[[float], str]) -> str:
    """`what` with its lower and upper limit in words; nothing where both are open."""
    words = [
        template.format(told(limit))
        for template, limit in ((least, range_.least), (below, range_.below))
        if limit is not None
    ]
    return what + joint.join(words) if words else ""
