"""Matrix: customers by their value to come and the profit they make."""

from datetime import date

import pyarrow as pa

from pipeline.plan import Label, Plan
from pipeline.plan_tables.rows import DOUBLE, TEXT, Row, class_row, currency_zh

LABELS = {
    "strategic": Label(zh="战略型客户", en="Strategic"),
    "high_potential": Label(zh="高潜力型客户", en="High potential"),
    "basic": Label(zh="基础型客户", en="Basic"),
    "inefficient": Label(zh="低效型客户", en="Inefficient"),
    "unknown": Label(zh="价值未知客户", en="Value unknown"),
}
CELLS = {
    "strategic": (True, True),
    "high_potential": (True, False),
    "basic": (False, True),
    "inefficient": (False, False),
}
"""Class -> whether value is high, and profit."""

SCHEMAS = {
    "plan.matrix": pa.schema({"measure": TEXT, "value_from": DOUBLE, "profit_from": DOUBLE}),
}


def classes(plan: Plan) -> list[Row]:
    """The four cells and, apart, the customers of whom value or profit can't be told."""
    return [
        class_row("matrix", class_id, position, f"matrix_{class_id}", label, _definition(class_id, plan))
        for position, (class_id, label) in enumerate(LABELS.items(), start=1)
    ]


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """Where high begins; NULL where the median of the day decides."""
    matrix = plan.segments.matrix
    limits = {"value_from": matrix.value_from, "profit_from": matrix.profit_from}
    return {"plan.matrix": [{"measure": plan.segments.value.measure, **limits}]}


def check(plan: Plan) -> None:
    """Any amount may be where high begins."""


def _definition(class_id: str, plan: Plan) -> Label:
    if class_id not in CELLS:
        return Label(
            zh="客户价值或近 12 个月利润无法得知，包括尚未下单的客户。",
            en="Value to come or profit of the last 12 months can't be told, as of who never ordered.",
        )
    matrix, (is_valuable, is_profitable) = plan.segments.matrix, CELLS[class_id]
    value = _side("客户价值", "Value to come", matrix.value_from, plan, is_high=is_valuable)
    profit = _side("近 12 个月利润", "profit of the last 12 months", matrix.profit_from, plan, is_high=is_profitable)
    return Label(zh=f"{value.zh}，{profit.zh}。", en=f"{value.en}, {profit.en}.")


def _side(zh: str, en: str, limit: float | None, plan: Plan, *, is_high: bool) -> Label:
    """One axis and its limit in words."""
    if limit is None:
        line = Label(zh="已下单客户的中位数", en="the median of customers who ordered")
    else:
        line = Label(zh=f" {limit:,.2f} {currency_zh(plan)}", en=f"{limit:,.2f} {plan.currency}")
    if is_high:
        return Label(zh=f"{zh}达到{line.zh}", en=f"{en} at least {line.en}")
    return Label(zh=f"{zh}低于{line.zh}", en=f"{en} below {line.en}")
