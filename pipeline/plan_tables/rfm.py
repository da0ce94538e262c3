"""RFM: the rules by priority, the eight cells behind them, the classes by score, and what each of them means."""

from datetime import date
from typing import NamedTuple

import pyarrow as pa

from pipeline.errors import ConfigurationError
from pipeline.plan import Label, Plan, Range, Rfm, RfmRule, ScoreClass
from pipeline.plan_tables.rows import (
    DATE,
    DOUBLE,
    FLAG,
    INTEGER,
    TEXT,
    Row,
    class_row,
    currency_zh,
    labels,
    limits_told,
    months_before,
    months_en,
)

HIGH_VALUE = "high_value"
GRID = "grid"
NO_ORDER = Label(zh="未下单客户", en="No order yet")
NO_ORDER_ID = "no_order"
OTHER = Label(zh="其他客户", en="Other")
OTHER_ID = "other"


class Cell(NamedTuple):
    """One of the eight cells of recent or not, frequent or not, large or not."""

    id: str
    label: Label
    is_recent: bool
    is_frequent: bool
    is_large: bool


CELLS = (
    Cell("important_active", Label(zh="重要价值客户", en="Important, active"), True, True, True),
    Cell("important_developing", Label(zh="重要发展客户", en="Important, developing"), True, False, True),
    Cell("important_slipping", Label(zh="重要保持客户", en="Important, slipping"), False, True, True),
    Cell("important_lapsed", Label(zh="重要挽留客户", en="Important, lapsed"), False, False, True),
    Cell("general_active", Label(zh="一般价值客户", en="General, active"), True, True, False),
    Cell("general_developing", Label(zh="一般发展客户", en="General, developing"), True, False, False),
    Cell("general_slipping", Label(zh="一般保持客户", en="General, slipping"), False, True, False),
    Cell("general_lapsed", Label(zh="一般挽留客户", en="General, lapsed"), False, False, False),
)

RESERVED_IDS = frozenset({cell.id for cell in CELLS} | {NO_ORDER_ID, GRID})

SCHEMAS = {
    "plan.rfm_rules": pa.schema(
        {
            "priority": INTEGER,
            "rule_id": TEXT,
            "label_zh": TEXT,
            "label_en": TEXT,
            "last_order_after": DATE,
            "last_order_until": DATE,
            "frequency_least": DOUBLE,
            "frequency_below": DOUBLE,
            "amount_least": DOUBLE,
            "amount_below": DOUBLE,
        }
    ),
    "plan.rfm_grid": pa.schema({"last_order_after": DATE, "frequency": INTEGER, "amount": DOUBLE}),
    "plan.rfm_cells": pa.schema({"grid_id": TEXT, "is_recent": FLAG, "is_frequent": FLAG, "is_large": FLAG}),
    "plan.rfm_scores": pa.schema({"method": TEXT}),
    "plan.rfm_score_classes": pa.schema(
        {
            "priority": INTEGER,
            "class_id": TEXT,
            "r_least": INTEGER,
            "r_most": INTEGER,
            "f_least": INTEGER,
            "f_most": INTEGER,
            "m_least": INTEGER,
            "m_most": INTEGER,
        }
    ),
}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The tables of the scheme on a day."""
    rfm = plan.segments.rfm
    return {
        "plan.rfm_rules": [_rule(rule, priority, as_of) for priority, rule in enumerate(rfm.rules, start=1)],
        "plan.rfm_grid": [_grid(rfm, as_of)],
        "plan.rfm_cells": [_cell(cell) for cell in CELLS],
        "plan.rfm_scores": [{"method": rfm.scores.method}],
        "plan.rfm_score_classes": [
            _score_class(score_class, priority) for priority, score_class in enumerate(rfm.score_classes, start=1)
        ],
    }


def classes(plan: Plan) -> list[Row]:
    """The classes in the order they are tried: the plan's rules, the cells of the grid, customers without an order."""
    rfm = plan.segments.rfm
    classes = [
        *[(rule.id, rule.label, _definition(rule, plan)) for rule in rfm.rules],
        *[(cell.id, cell.label, _definition(_cell_as_rule(cell, rfm), plan)) for cell in CELLS],
        (NO_ORDER_ID, NO_ORDER, Label(zh="没有下过单。", en="Has never ordered.")),
    ]
    by_rule = [
        class_row("rfm", class_id, position, class_id, label, definition)
        for position, (class_id, label, definition) in enumerate(classes, start=1)
    ]
    return [*by_rule, *_score_classes(rfm)]


def _score_classes(rfm: Rfm) -> list[Row]:
    classes = [
        *[(score_class.id, score_class.label, _scores_defined(score_class)) for score_class in rfm.score_classes],
        (OTHER_ID, OTHER, Label(zh="得分不属于以上任何一类。", en="Has scores that fit none of the classes above.")),
        (NO_ORDER_ID, NO_ORDER, Label(zh="没有下过单，因此没有得分。", en="Has never ordered, and so has no scores.")),
    ]
    return [
        class_row("rfm_score", class_id, position, f"score_{class_id}", label, definition)
        for position, (class_id, label, definition) in enumerate(classes, start=1)
    ]


def check(plan: Plan) -> None:
    """Refuse rules whose ids are taken, and a definition of high value that no rule meets.

    Raises:
        ConfigurationError: one is.
    """
    rules = plan.segments.rfm.rules
    taken = sorted({rule.id for rule in rules} & RESERVED_IDS)
    if taken:
        raise ConfigurationError(
            f"plan.yaml segments.rfm.rules: the ids {', '.join(taken)} are Tuoke's own; rename the rules"
        )
    taken = sorted({score_class.id for score_class in plan.segments.rfm.score_classes} & {OTHER_ID, NO_ORDER_ID})
    if taken:
        raise ConfigurationError(
            f"plan.yaml segments.rfm.score_classes: the ids {', '.join(taken)} are Tuoke's own; rename the classes"
        )
    if plan.definitions.high_value == "rfm" and HIGH_VALUE not in {rule.id for rule in rules}:
        raise ConfigurationError(
            f"plan.yaml definitions.high_value is rfm, but no rule has the id {HIGH_VALUE}; found "
            f"{', '.join(rule.id for rule in rules) or 'none'}. Name one so, or set definitions.high_value: grade"
        )


def _rule(rule: RfmRule, priority: int, as_of: date) -> Row:
    return {
        "priority": priority,
        "rule_id": rule.id,
        **labels(rule.label),
        "last_order_after": _months_ago(rule, rule.recency_months.below, as_of),
        "last_order_until": _months_ago(rule, rule.recency_months.least, as_of),
        "frequency_least": rule.frequency.least,
        "frequency_below": rule.frequency.below,
        "amount_least": rule.amount.least,
        "amount_below": rule.amount.below,
    }


def _months_ago(rule: RfmRule, months: float | None, as_of: date) -> date | None:
    if months is None:
        return None
    if months < 0 or months != int(months):
        raise ConfigurationError(
            f"plan.yaml segments.rfm.rules: {rule.id} has recency_months {months:g}; months are counted whole, from 0"
        )
    return months_before(as_of, int(months))


def _grid(rfm: Rfm, as_of: date) -> Row:
    grid = rfm.grid
    return {
        "last_order_after": months_before(as_of, grid.recency_months),
        "frequency": grid.frequency,
        "amount": grid.amount,
    }


def _cell(cell: Cell) -> Row:
    flags = {"is_recent": cell.is_recent, "is_frequent": cell.is_frequent, "is_large": cell.is_large}
    return {"grid_id": cell.id, **flags}


def _score_class(score_class: ScoreClass, priority: int) -> Row:
    ranges = {"r": score_class.r, "f": score_class.f, "m": score_class.m}
    limits = {
        f"{measure}_{end}": score
        for measure, scores in ranges.items()
        for end, score in zip(("least", "most"), scores, strict=True)
    }
    return {"priority": priority, "class_id": score_class.id, **limits}


def _scores_defined(score_class: ScoreClass) -> Label:
    ranges = {"R": score_class.r, "F": score_class.f, "M": score_class.m}
    told = [
        (measure, f"{least}–{most}" if least < most else str(least))
        for measure, (least, most) in ranges.items()
        if (least, most) != (1, 5)
    ]
    zh = "，".join(f"{measure} 得分 {scores}" for measure, scores in told) or "不设条件"
    en = ", ".join(f"{measure} score {scores}" for measure, scores in told) or "No condition"
    return Label(zh=f"{zh}。", en=f"{en}.")


def _cell_as_rule(cell: Cell, rfm: Rfm) -> RfmRule:
    """What a cell demands, in the form of a rule."""
    months, orders, amount = float(rfm.grid.recency_months), float(rfm.grid.frequency), rfm.grid.amount
    return RfmRule(
        id=cell.id,
        label=cell.label,
        recency_months=Range(below=months) if cell.is_recent else Range(least=months),
        frequency=Range(least=orders) if cell.is_frequent else Range(below=orders),
        amount=Range(least=amount) if cell.is_large else Range(below=amount),
    )


def _definition(rule: RfmRule, plan: Plan) -> Label:
    """The thresholds of a rule as a manager reads them."""
    months, unit = plan.segments.rfm.window_months, currency_zh(plan)
    recently = f"in the last {months_en(months)}" if months > 1 else "in the last month"
    zh = [
        limits_told(rule.recency_months, "最近一次下单", "满{}", "不满{}", "、", lambda limit: f" {limit:g} 个月"),
        limits_told(rule.frequency, f"近 {months} 个月下单", "至少{}", "少于{}", "、", lambda limit: f" {limit:g} 次"),
        limits_told(
            rule.amount, f"近 {months} 个月净消费", "至少{}", "低于{}", "、", lambda limit: f" {limit:,.2f} {unit}"
        ),
    ]
    en = [
        limits_told(rule.recency_months, "last order ", "at least {} ago", "less than {} ago", " and ", months_en),
        limits_told(rule.frequency, f"orders {recently}: ", "at least {}", "fewer than {}", " and ", "{:g}".format),
        limits_told(
            rule.amount,
            f"net spend {recently}: ",
            "at least {}",
            "less than {}",
            " and ",
            lambda limit: f"{limit:,.2f} {plan.currency}",
        ),
    ]
    chinese, english = "，".join(filter(None, zh)) or "不设条件", "; ".join(filter(None, en)) or "no condition"
    return Label(zh=f"{chinese}。", en=f"{english[0].upper()}{english[1:]}.")
