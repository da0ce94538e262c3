"""The plan as small tables of the schema `plan`, which is how its values reach SQL.

Calendar arithmetic is done here once, so that every engine compares plain dates: "less than three months ago" is
`last_ordered_on > last_order_after`, and the last day of a shorter month stands in for a day it does not have.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pyarrow as pa

from pipeline.errors import ConfigurationError
from pipeline.plan import Label, Plan, Range, Rfm, RfmRule, Target

Row = dict[str, Any]

HIGH_VALUE = "high_value"
GRID = "grid"
NO_ORDER = Label(zh="未下单客户", en="No order yet")
NO_ORDER_ID = "no_order"


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

ABC_LABELS = {
    "A": Label(zh="A 类重点客户", en="A, key customers"),
    "B": Label(zh="B 类次要客户", en="B, secondary customers"),
    "C": Label(zh="C 类零散客户", en="C, scattered customers"),
}

RESERVED_IDS = frozenset(
    {cell.id for cell in CELLS} | {NO_ORDER_ID, GRID} | {f"abc_{letter.lower()}" for letter in ABC_LABELS}
)

_TEXT, _DATE, _DOUBLE, _INTEGER, _FLAG = pa.string(), pa.date32(), pa.float64(), pa.int64(), pa.bool_()

SCHEMAS: dict[str, pa.Schema] = {
    "plan.settings": pa.schema(
        {
            "campaign_starts_on": _DATE,
            "campaign_end": _DATE,
            "baseline_starts_on": _DATE,
            "baseline_end": _DATE,
            "currency": _TEXT,
            "currency_zh": _TEXT,
            "rfm_window_months": _INTEGER,
            "rfm_window_start": _DATE,
            "abc_a_until": _DOUBLE,
            "abc_b_until": _DOUBLE,
            "high_value": _TEXT,
            "valid_contactable": _FLAG,
            "valid_demand_tag": _FLAG,
            "valid_minimum_score": _DOUBLE,
        }
    ),
    "plan.rfm_rules": pa.schema(
        {
            "priority": _INTEGER,
            "rule_id": _TEXT,
            "label_zh": _TEXT,
            "label_en": _TEXT,
            "last_order_after": _DATE,
            "last_order_until": _DATE,
            "frequency_least": _DOUBLE,
            "frequency_below": _DOUBLE,
            "amount_least": _DOUBLE,
            "amount_below": _DOUBLE,
        }
    ),
    "plan.rfm_grid": pa.schema({"last_order_after": _DATE, "frequency": _INTEGER, "amount": _DOUBLE}),
    "plan.rfm_cells": pa.schema({"grid_id": _TEXT, "is_recent": _FLAG, "is_frequent": _FLAG, "is_large": _FLAG}),
    "plan.segment_classes": pa.schema(
        {
            "scheme": _TEXT,
            "class_id": _TEXT,
            "position": _INTEGER,
            "segment": _TEXT,
            "label_zh": _TEXT,
            "label_en": _TEXT,
            "definition_zh": _TEXT,
            "definition_en": _TEXT,
        }
    ),
    "plan.high_value_grades": pa.schema({"grade": _TEXT}),
    "plan.channels": pa.schema({"channel": _TEXT, "label_zh": _TEXT, "label_en": _TEXT, "weight": _DOUBLE}),
    "plan.playbook": pa.schema(
        {
            "segment": _TEXT,
            "strategy_zh": _TEXT,
            "strategy_en": _TEXT,
            "resource_zh": _TEXT,
            "resource_en": _TEXT,
            "owner": _TEXT,
        }
    ),
    "plan.periods": pa.schema({"period_kind": _TEXT, "period_start": _DATE, "period_end": _DATE, "period": _TEXT}),
    "plan.targets": pa.schema(
        {
            "kpi": _TEXT,
            "period_kind": _TEXT,
            "period": _TEXT,
            "target": _DOUBLE,
            "floor": _DOUBLE,
            "milestone_target": _DOUBLE,
        }
    ),
}


def plan_tables(plan: Plan, as_of: date, *, additive: frozenset[str]) -> dict[str, pa.Table]:
    """Every table of the plan as it stands on a day; `additive` names the indicators that add up over time.

    Raises:
        ConfigurationError: the rules of the segments or the playbook can't be applied as they are written.
    """
    _check_segments(plan)
    rows: dict[str, list[Row]] = {
        "plan.settings": [_settings(plan, as_of)],
        "plan.rfm_rules": [
            _rule(rule, priority, as_of) for priority, rule in enumerate(plan.segments.rfm.rules, start=1)
        ],
        "plan.rfm_grid": [_grid(plan.segments.rfm, as_of)],
        "plan.rfm_cells": [_cell(cell) for cell in CELLS],
        "plan.segment_classes": [*_rfm_classes(plan), *_abc_classes(plan)],
        "plan.high_value_grades": [{"grade": grade} for grade in plan.definitions.high_value_grades],
        "plan.channels": [
            {"channel": channel.id, **_labels(channel.label), "weight": channel.weight} for channel in plan.channels
        ],
        "plan.playbook": list(_playbook(plan)),
        "plan.periods": list(_periods(plan, as_of)),
        "plan.targets": list(_targets(plan, as_of, additive)),
    }
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def months_before(day: date, months: int) -> date:
    """The same day `months` calendar months earlier, or the last day of a month that is too short for it.

    >>> months_before(date(2026, 5, 31), 3)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


# --- segments ---


def _check_segments(plan: Plan) -> None:
    rules = plan.segments.rfm.rules
    taken = sorted({rule.id for rule in rules} & RESERVED_IDS)
    if taken:
        raise ConfigurationError(
            f"plan.yaml segments.rfm.rules: the ids {', '.join(taken)} are Tuoke's own; rename the rules"
        )
    if plan.definitions.high_value == "rfm" and HIGH_VALUE not in {rule.id for rule in rules}:
        raise ConfigurationError(
            f"plan.yaml definitions.high_value is rfm, but no rule has the id {HIGH_VALUE}; found "
            f"{', '.join(rule.id for rule in rules) or 'none'}. Name one so, or set definitions.high_value: grade"
        )
    known = [row["segment"] for row in (*_rfm_classes(plan), *_abc_classes(plan))]
    strange = sorted(set(plan.playbook) - set(known))
    if strange:
        raise ConfigurationError(
            f"plan.yaml playbook: no segment {', '.join(strange)}; segments are {', '.join(known)}"
        )


def _settings(plan: Plan, as_of: date) -> Row:
    valid, rfm, abc = plan.definitions.valid_lead, plan.segments.rfm, plan.segments.abc
    return {
        "campaign_starts_on": plan.campaign.starts_on,
        "campaign_end": plan.campaign.end,
        "baseline_starts_on": plan.baseline.starts_on,
        "baseline_end": plan.baseline.end,
        "currency": plan.currency,
        "currency_zh": _currency_zh(plan),
        "rfm_window_months": rfm.window_months,
        "rfm_window_start": months_before(as_of, rfm.window_months),
        "abc_a_until": abc.a_until,
        "abc_b_until": abc.b_until,
        "high_value": plan.definitions.high_value,
        "valid_contactable": valid.contactable,
        "valid_demand_tag": valid.demand_tag,
        "valid_minimum_score": valid.minimum_score,
    }


def _rule(rule: RfmRule, priority: int, as_of: date) -> Row:
    return {
        "priority": priority,
        "rule_id": rule.id,
        **_labels(rule.label),
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


def _rfm_classes(plan: Plan) -> list[Row]:
    """The classes in the order they are tried: the plan's rules, the cells of the grid, customers without an order."""
    rfm = plan.segments.rfm
    classes = [
        *[(rule.id, rule.label, _definition(rule, plan)) for rule in rfm.rules],
        *[(cell.id, cell.label, _definition(_cell_as_rule(cell, rfm), plan)) for cell in CELLS],
        (NO_ORDER_ID, NO_ORDER, Label(zh="没有下过单。", en="Has never ordered.")),
    ]
    return [
        _class("rfm", class_id, position, class_id, label, definition)
        for position, (class_id, label, definition) in enumerate(classes, start=1)
    ]


def _abc_classes(plan: Plan) -> list[Row]:
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
        _class("abc", letter, position, f"abc_{letter.lower()}", ABC_LABELS[letter], definition)
        for position, (letter, definition) in enumerate(definitions.items(), start=1)
    ]


def _class(scheme: str, class_id: str, position: int, segment: str, label: Label, definition: Label) -> Row:
    return {
        "scheme": scheme,
        "class_id": class_id,
        "position": position,
        "segment": segment,
        **_labels(label),
        "definition_zh": definition.zh,
        "definition_en": definition.en,
    }


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
    months, unit = plan.segments.rfm.window_months, _currency_zh(plan)
    recently = f"in the last {_months_en(months)}" if months > 1 else "in the last month"
    zh = [
        _limits(rule.recency_months, "最近一次下单", "满{}", "不满{}", "、", lambda limit: f" {limit:g} 个月"),
        _limits(rule.frequency, f"近 {months} 个月下单", "至少{}", "少于{}", "、", lambda limit: f" {limit:g} 次"),
        _limits(
            rule.amount, f"近 {months} 个月净消费", "至少{}", "低于{}", "、", lambda limit: f" {limit:,.2f} {unit}"
        ),
    ]
    en = [
        _limits(rule.recency_months, "last order ", "at least {} ago", "less than {} ago", " and ", _months_en),
        _limits(rule.frequency, f"orders {recently}: ", "at least {}", "fewer than {}", " and ", "{:g}".format),
        _limits(
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


def _months_en(months: float) -> str:
    return "1 month" if months == 1 else f"{months:g} months"


def _limits(range_: Range, what: str, least: str, below: str, joint: str, told: Callable[[float], str]) -> str:
    """`what` with its lower and upper limit in words; nothing where both are open."""
    words = [
        template.format(told(limit))
        for template, limit in ((least, range_.least), (below, range_.below))
        if limit is not None
    ]
    return what + joint.join(words) if words else ""


def _currency_zh(plan: Plan) -> str:
    return "元" if plan.currency == "CNY" else plan.currency


def _playbook(plan: Plan) -> Iterator[Row]:
    for segment, play in plan.playbook.items():
        yield {
            "segment": segment,
            "strategy_zh": play.strategy.zh,
            "strategy_en": play.strategy.en,
            "resource_zh": play.resource.zh,
            "resource_en": play.resource.en,
            "owner": play.owner,
        }


def _labels(label: Label) -> Row:
    return {"label_zh": label.zh, "label_en": label.en}


# --- periods and targets ---


def _periods(plan: Plan, as_of: date) -> Iterator[Row]:
    """The periods a scorecard speaks of; a running one ends with the day."""
    tomorrow = as_of + timedelta(days=1)
    for back in range(plan.periods.days):
        day = as_of - timedelta(days=back)
        yield _period("day", day, day + timedelta(days=1), day.isoformat())
    monday = as_of - timedelta(days=as_of.weekday())
    for back in range(plan.periods.weeks):
        start = monday - timedelta(weeks=back)
        year, week, _ = start.isocalendar()
        yield _period("week", start, min(start + timedelta(weeks=1), tomorrow), f"{year}-W{week:02d}")
    for back in range(plan.periods.months):
        start = months_before(as_of.replace(day=1), back)
        yield _period("month", start, min(months_before(start, -1), tomorrow), f"{start:%Y-%m}")
    for kind, window in (("campaign", plan.campaign), ("baseline", plan.baseline)):
        if window.starts_on <= as_of:
            yield _period(kind, window.starts_on, min(window.end, tomorrow), kind)


def _period(kind: str, start: date, end: date, label: str) -> Row:
    return {"period_kind": kind, "period_start": start, "period_end": end, "period": label}


def _targets(plan: Plan, as_of: date, additive: frozenset[str]) -> Iterator[Row]:
    for kpi in plan.targets:
        target = plan.target(kpi)
        if target is None:
            continue
        for period in _periods(plan, as_of):
            aim = _aim(target, period, as_of, is_additive=kpi in additive)
            if aim is not None:
                yield {"kpi": kpi, "period_kind": period["period_kind"], "period": period["period"], **aim}


def _aim(target: Target, period: Row, as_of: date, *, is_additive: bool) -> Row | None:
    """What a period aims at: the campaign at the whole, a month at its milestone, any period at a level."""
    whole = {"target": target.value, "floor": target.floor, "milestone_target": None}
    if period["period_kind"] == "campaign":
        return whole | {"milestone_target": _due(target, as_of)}
    if period["period"] in target.milestones:
        milestone = target.milestones[period["period"]]
        return whole | {"target": milestone, "floor": _part(target, milestone)}
    return None if is_additive or target.milestones else whole


def _part(target: Target, milestone: float) -> float | None:
    """The floor of a part of the whole."""
    return target.floor * milestone / target.value if target.floor and target.value else target.floor


def _due(target: Target, as_of: date) -> float | None:
    """The sum of the milestones of the months that are over; None while there is none."""
    tomorrow = as_of + timedelta(days=1)
    over = [
        value
        for month, value in target.milestones.items()
        if months_before(date.fromisoformat(f"{month}-01"), -1) <= tomorrow
    ]
    return sum(over) if over else None
