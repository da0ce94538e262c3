"""The review of S1 表3: per module what stands best, what stands worst beyond chance, what to do, who and by when.

A figure stands to its target, and to the baseline where it has none. What runs is not judged by what it will come to:
of the months only those that are over are reviewed, and a quantity of the running campaign by what was due so far.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from assets.ads.case_lines import (
    Case,
    Point,
    change_between,
    change_words,
    line_of,
    may_meet,
    section_of,
    words_of,
    worst_state,
)
from assets.ads.case_words import SECTIONS, reached
from pipeline.plan import Label
from pipeline.plan_tables import months_before

NOTHING = "没有目标或基期可比，或差距可能只是偶然", "nothing to hold it against, or the gap may be chance"


@dataclass(frozen=True)
class Standing:
    """How well a figure stands: above 0 is better than its target, or than before where it has none."""

    point: Point
    gap: float
    words: Label
    is_sure: bool
    """False where chance may have made the difference."""


def review(case: Case) -> Iterator[dict[str, Any]]:
    """A line per module of the campaign and of every month that is over."""
    for period in case.periods():
        for position, (module, asked) in enumerate(case.plan.case_reports.review.items(), start=1):
            shown = [point for kpi in asked.kpis if (point := case.point(kpi, period))]
            if shown and (period == "campaign" or not shown[0].runs_on(case.as_of)):
                found = [standing for point in shown if (standing := _standing(case, point))]
                yield _reviewed(case, module, position, shown, found) | section_of(module)


def _standing(case: Case, point: Point) -> Standing | None:
    if point.value is None:
        return None
    if target := _aim(case, point):
        return _to_target(case, point, point.value, target)
    was = case.point(point.row["kpi"], "baseline") if point.row["period"] == "campaign" else None
    change = change_between(was, point) if was else None
    if was is None or change is None or change.rate is None:
        return None
    gap = change.rate if point.row["better"] == "higher" else -change.rate
    return Standing(point, gap, change_words(was, point, change, case.plan.currency), not change.may_be_chance)


def _aim(case: Case, point: Point) -> float | None:
    """The target; of a quantity that still adds up what its milestones ask for so far."""
    is_running = point.is_quantity and point.runs_on(case.as_of)
    return point.number("milestone_target" if is_running else "target")


def _to_target(case: Case, point: Point, value: float, target: float) -> Standing:
    rate = value / target
    gap = rate - 1 if point.row["better"] == "higher" else 1 - rate
    texts = [point.text(number, case.plan.currency) for number in (value, target)]
    words = reached(point.label, *texts, rate, point.row["better"])
    return Standing(point, gap, words, not may_meet(point, target))


def _reviewed(
    case: Case, module: str, position: int, shown: Sequence[Point], found: Sequence[Standing]
) -> dict[str, Any]:
    best = max((one for one in found if one.gap >= 0 and one.is_sure), key=_order, default=None)
    worst = min((one for one in found if one.gap < 0 and one.is_sure), key=_order, default=None)
    main = worst or best
    name = SECTIONS[module]
    return line_of("review", module, position, main.point if main else shown[0], case) | {
        "label_zh": name.zh,
        "label_en": name.en,
        **({} if main else dict.fromkeys(("kpi", "variant", "unit", "better", "value", "value_text"))),
        "assessment": "missed" if worst else "met" if best else "unclear",
        **pair("highlight", best.words if best else None),
        **(mending(case, worst, case.plan.case_reports.review[module].owner) if worst else {}),
        **words_of(_summary(name, best, worst)),
        **worst_state(*([one.point for one in found] or shown)),
    }


def _order(one: Standing) -> tuple[float, str]:
    return one.gap, one.point.row["kpi"]


def mending(case: Case, worst: Standing, owner: str | None) -> dict[str, Any]:
    """Problem, advice, who and by when; the campaign's owner where nobody else is named."""
    return {
        **pair("problem", worst.words),
        **pair("advice", case.plan.case_reports.advice.get(worst.point.row["kpi"])),
        "owner": owner or case.plan.owners.campaign,
        "due_on": _due(case, worst),
    }


def _due(case: Case, worst: Standing) -> date:
    """So many days after the period; of the running campaign after the month, so that the day stays all month."""
    reports = case.plan.case_reports
    last = pd.Timestamp(worst.point.row["period_end"]).date() - timedelta(days=1)
    if worst.point.runs_on(case.as_of):
        month_end = months_before(case.as_of.replace(day=1), -1) - timedelta(days=1)
        last = min(month_end, case.plan.campaign.ends_on)
    is_far = worst.gap < reports.far_from_target - 1
    return last + timedelta(days=reports.due_days.far if is_far else reports.due_days.near)


def pair(name: str, words: Label | None) -> dict[str, str | None]:
    """Words in both languages under a name."""
    return {f"{name}_zh": words.zh if words else None, f"{name}_en": words.en if words else None}


def _summary(name: Label, best: Standing | None, worst: Standing | None) -> Label:
    said = [
        *([Label(zh=f"亮点：{best.words.zh}", en=f"going well: {best.words.en}")] if best else []),
        *([Label(zh=f"待改进：{worst.words.zh}", en=f"to mend: {worst.words.en}")] if worst else []),
    ]
    zh, en = ("；".join(part.zh for part in said), "; ".join(part.en for part in said)) if said else NOTHING
    return Label(zh=f"{name.zh}——{zh}。", en=f"{name.en}: {en}.")
