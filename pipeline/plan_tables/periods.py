"""The periods a scorecard speaks of, and what each of them aims at."""

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa

from pipeline.plan import Plan, Target, Window
from pipeline.plan_tables.rows import DATE, DOUBLE, FLAG, INTEGER, TEXT, Row, months_before

BITS = 62
"""How many periods fit a whole number of 64 bits, one bit each, so that their sum does too."""
WHOLE = ("total", "(all)")
"""Dimension and member of what is all together."""
SCHEMAS = {
    "plan.periods": pa.schema(
        {
            "period_kind": TEXT,
            "period_start": DATE,
            "period_end": DATE,
            "period": TEXT,
            # what the period grew from: as many days of the one before, of the campaign as many of the baseline (I26)
            "previous_start": DATE,
            "previous_end": DATE,
            "period_no": INTEGER,
            # a day's periods are a sum of bits, by block of as many periods as fit a whole number
            "period_block": INTEGER,
            "period_bit": INTEGER,
        }
    ),
    "plan.days": pa.schema({"day": DATE, "is_workday": FLAG}),
    "plan.targets": pa.schema(
        {
            "kpi": TEXT,
            "dimension": TEXT,
            "member": TEXT,
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
    for number, period in enumerate(_listed(plan, as_of)):
        block, place = divmod(number, BITS)
        yield period | {"period_no": number, "period_block": block, "period_bit": 1 << place}


def _listed(plan: Plan, as_of: date) -> Iterator[Row]:
    tomorrow = as_of + timedelta(days=1)
    for back in range(plan.periods.days):
        day = as_of - timedelta(days=back)
        yield _period("day", day, day + timedelta(days=1), day.isoformat(), day - timedelta(days=1))
    monday = as_of - timedelta(days=as_of.weekday())
    for back in range(plan.periods.weeks):
        start = monday - timedelta(weeks=back)
        year, week, _ = start.isocalendar()
        end = min(start + timedelta(weeks=1), tomorrow)
        yield _period("week", start, end, f"{year}-W{week:02d}", start - timedelta(weeks=1))
    yield from _months("month", as_of, 1, plan.periods.months)
    yield from _months("quarter", as_of, 3, plan.periods.quarters)
    for kind, window in (("campaign", plan.campaign), ("baseline", plan.baseline)):
        if window.starts_on <= as_of:
            before = plan.baseline.starts_on if kind == "campaign" else None
            yield _period(kind, window.starts_on, min(window.end, tomorrow), kind, before, plan.baseline.end)


def _months(kind: str, as_of: date, length: int, count: int) -> Iterator[Row]:
    """Calendar months, or as many of them as make a quarter."""
    first = as_of.replace(day=1)
    running = months_before(first, (first.month - 1) % length)
    for back in range(count):
        start = months_before(running, length * back)
        end = min(months_before(start, -length), as_of + timedelta(days=1))
        label = f"{start:%Y-%m}" if kind == "month" else f"{start.year}-Q{(start.month + 2) // 3}"
        whole = end == months_before(start, -length)
        yield _period(kind, start, end, label, months_before(start, length), start, is_whole=whole)


def _period(
    kind: str,
    start: date,
    end: date,
    label: str,
    before: date | None,
    before_end: date | None = None,
    *,
    is_whole: bool = False,
) -> Row:
    """A period, and as many days from the day the one before began; of a whole one all of the one before."""
    cut = None
    if before is not None:
        latest = before_end or start
        cut = latest if is_whole else min(before + (end - start), latest)
    return {
        "period_kind": kind,
        "period_start": start,
        "period_end": end,
        "period": label,
        "previous_start": before,
        "previous_end": cut,
    }


def days(plan: Plan, as_of: date) -> Iterator[Row]:
    """Every day from the first that a period speaks of up to the day; Monday to Friday are workdays."""
    first = min(period["previous_start"] or period["period_start"] for period in periods(plan, as_of))
    for number in range((as_of - first).days + 1):
        day = first + timedelta(days=number)
        yield {"day": day, "is_workday": day.weekday() < 5}


def targets(plan: Plan, as_of: date, additive: frozenset[str]) -> Iterator[Row]:
    """What the whole aims at in each period, and the members that have a target of their own."""
    for kpi in plan.targets:
        target = plan.target(kpi)
        if target is None:
            continue
        for dimension, member, aimed in _aims(target, is_additive=kpi in additive):
            for period in periods(plan, as_of):
                aim = _aim(aimed, period, plan.campaign, as_of, is_additive=kpi in additive)
                if aim is not None:
                    place = {"kpi": kpi, "dimension": dimension, "member": member}
                    yield {**place, "period_kind": period["period_kind"], "period": period["period"], **aim}


def _aims(target: Target, *, is_additive: bool) -> Iterator[tuple[str, str, Target]]:
    yield *WHOLE, target
    for dimension, members in target.by.items():
        for member, value in members.items():
            yield dimension, member, target.of(value, is_part=is_additive)


def _aim(target: Target, period: Row, campaign: Window, as_of: date, *, is_additive: bool) -> Row | None:
    """What a period aims at: the campaign at the whole, a month at its milestone, a quarter of the campaign at those of
    its months, any period at a level.
    """
    whole = {"target": target.value, "floor": target.floor, "milestone_target": None}
    if period["period_kind"] == "campaign":
        return whole | {"milestone_target": due_by(target, campaign, as_of + timedelta(days=1))}
    months = _months_of(period, campaign)
    if target.milestones and months and set(months) <= set(target.milestones):
        milestone = sum(target.milestones[month] for month in months)
        return whole | {"target": milestone, "floor": _part(target, milestone)}
    return None if is_additive or target.milestones else whole


def _months_of(period: Row, campaign: Window) -> list[str]:
    """A month, or the months of a quarter that is all in the campaign; what is sold outside is not aimed at."""
    if period["period_kind"] == "month":
        return [period["period"]]
    first = period["period_start"]
    if period["period_kind"] != "quarter" or first < campaign.starts_on or months_before(first, -3) > campaign.end:
        return []
    return [f"{months_before(first, -place):%Y-%m}" for place in range(3)]


def _part(target: Target, milestone: float) -> float | None:
    """The floor of a part of the whole."""
    return target.floor * milestone / target.value if target.floor and target.value else target.floor


def due_by(target: Target, campaign: Window, now: date) -> float | None:
    """What the milestones ask for before the day `now`, of the month that runs its even part; None before the first."""
    months = {date.fromisoformat(f"{month}-01"): value for month, value in target.milestones.items()}
    parts = [
        value * share_over(max(first, campaign.starts_on), min(months_before(first, -1), campaign.end), now)
        for first, value in months.items()
    ]
    return sum(parts) if any(parts) else None


def share_over(start: date, end: date, now: date) -> float:
    """The part of the days from `start` up to `end` that is over when `now` begins.

    >>> share_over(date(2026, 9, 1), date(2026, 10, 1), date(2026, 9, 16))
    0.5
    """
    return min(max((now - start).days, 0) / max((end - start).days, 1), 1.0)
