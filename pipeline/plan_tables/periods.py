"""The periods a scorecard speaks of, and what each of them aims at."""

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa

from pipeline.plan import Plan, Target
from pipeline.plan_tables.rows import DATE, DOUBLE, TEXT, Row, months_before

SCHEMAS = {
    "plan.periods": pa.schema({"period_kind": TEXT, "period_start": DATE, "period_end": DATE, "period": TEXT}),
    "plan.targets": pa.schema(
        {
            "kpi": TEXT,
            "period_kind": TEXT,
            "period": TEXT,
            "target": DOUBLE,
            "floor": DOUBLE,
            "milestone_target": DOUBLE,
        }
    ),
}


def periods(plan: Plan, as_of: date) -> Iterator[Row]:
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


def targets(plan: Plan, as_of: date, additive: frozenset[str]) -> Iterator[Row]:
    for kpi in plan.targets:
        target = plan.target(kpi)
        if target is None:
            continue
        for period in periods(plan, as_of):
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
