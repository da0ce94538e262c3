"""The reports of a case, out of `ads.kpi_values` alone: before and after, targets and actuals, what to keep and mend.

before_after is the case table of S0 §6, attainment is S1 表2, review is S1 表3, cases are those of S0 §6.1 and §6.2.
No figure is computed a second time: a change is the difference of two published values, its interval is put together
from their two intervals.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from assets.ads.case_lines import (
    CASE_REPORTS,
    EVIDENCE_GRADE,
    Case,
    Change,
    Point,
    change_between,
    change_columns,
    change_words,
    line_of,
    may_meet,
    met,
    points_of,
    section_of,
    words_of,
    worst_state,
)
from assets.ads.case_review import review
from assets.ads.case_selection import selection
from assets.ads.case_words import EVIDENCE, SPENT, difference, direction, reached, sentence
from assets.ads.catalogue import Catalogue, catalogue
from assets.ads.figures import percent
from assets.ads.implied_targets import implied_target
from assets.ads.kpi_query import PERIOD
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import followed
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import Label, Plan

Unit = tuple[Point, Point, Change]
"""The cost of a customer before, after, and its change."""


def case_reports(values: pd.DataFrame, plan: Plan, kpis: Catalogue, as_of: date) -> pd.DataFrame:
    """The table `ads.case_reports`.

    Args:
        values: `ads.kpi_values`.
        plan: What is reported, and what is aimed at.
        kpis: Which variants there are.
        as_of: The day; what runs on it is told as what it is so far.
    """
    case = Case(points_of(values, plan, kpis), plan, kpis, as_of)
    rows = [*_before_after(case), *_attainment(case), *review(case), *selection(case)]
    frame = pd.DataFrame(rows, columns=list(CASE_REPORTS.columns)).astype({"is_target_consistent": "boolean"})
    return frame.sort_values(list(CASE_REPORTS.grain), kind="stable", ignore_index=True)


# --- before and after -------------------------------------------------------------------------------------------------


def _before_after(case: Case) -> Iterator[dict[str, Any]]:
    """Each line of the case table for the whole and each member; only where a figure is had on both sides."""
    reports = case.plan.case_reports
    for dimension in reports.before_after_of:
        for member in case.members(dimension):
            for position, name in enumerate(reports.before_after, start=1):
                was, is_ = (case.point(name, period, dimension, member) for period in ("baseline", "campaign"))
                if was and is_:
                    yield _compared(case, position, was, is_)


def _compared(case: Case, position: int, was: Point, is_: Point) -> dict[str, Any]:
    change = change_between(was, is_)
    line = line_of("before_after", is_.line_id, position, is_, case)
    line |= {"before_value": was.value, "evidence_grade": EVIDENCE_GRADE, **worst_state(was, is_)}
    if change is None:
        return line | {"assessment": "unclear", **words_of(sentence(_not_told(is_), EVIDENCE))}
    unit = _unit_cost(case, is_)
    return line | {
        **change_columns(change),
        "assessment": _spending(unit) if is_.is_spend else _assessed(is_, change),
        **words_of(sentence(*_compared_words(case, was, is_, change, unit), EVIDENCE)),
    }


def _unit_cost(case: Case, spend: Point) -> Unit | None:
    """The cost of a customer before and after, by which spending is judged; of what is no spending none."""
    if not spend.is_spend:
        return None
    row, name = spend.row, case.plan.case_reports.unit_cost
    was, is_ = (case.point(name, period, row["dimension"], row["member"]) for period in ("baseline", "campaign"))
    change = change_between(was, is_) if was and is_ else None
    return (was, is_, change) if was and is_ and change else None


def _spending(unit: Unit | None) -> str:
    """More or less money is neither good nor bad: what a customer cost says which (I56)."""
    return _assessed(unit[1], unit[2]) if unit else "unclear"


def _assessed(point: Point, change: Change) -> str:
    if change.amount == 0:
        return "same"
    if change.may_be_chance:
        return "unclear"
    return "better" if (change.amount > 0) == (point.row["better"] == "higher") else "worse"


def _compared_words(case: Case, was: Point, is_: Point, change: Change, unit: Unit | None) -> Iterator[Label]:
    currency = case.plan.currency
    if unit:
        yield change_words(*unit, currency)
    yield change_words(was, is_, change, currency)
    if unit and (said := SPENT.get((direction(change.amount), _spending(unit)))):
        yield said
    if change.may_be_chance:
        yield _chance(is_, change, currency)
    if change.basis == "per_day":
        yield Label(
            zh=f"前后天数不同（{was.days} 天与 {is_.days} 天），变化按日均计算",
            en=f"The periods differ in length ({was.days} and {is_.days} days), so the change is per day",
        )


def _chance(point: Point, change: Change, currency: str) -> Label:
    kpi, unit = point.row["kpi"], point.row["unit"]
    least, most = (difference(float(end or 0), kpi, unit, currency) for end in (change.lower, change.upper))
    return Label(
        zh=f"差值的 95% 区间为 {followed(least.zh)}至 {most.zh}，包含 0，可能只是偶然波动",
        en=f"The 95% interval of the difference, {least.en} to {most.en}, holds 0: it may be chance",
    )


def _not_told(point: Point) -> Label:
    name = point.label
    return Label(zh=f"{name.zh}：缺少数据，无法比较", en=f"{name.en}: a value is missing, nothing to compare")


# --- targets and what was reached -------------------------------------------------------------------------------------


def _attainment(case: Case) -> Iterator[dict[str, Any]]:
    """Every indicator of every section beside its target, of the campaign and each month."""
    for period in case.periods():
        asked = [(section, name) for section, names in case.plan.case_reports.attainment.items() for name in names]
        for position, (section, name) in enumerate(asked, start=1):
            if point := case.point(name, period):
                yield _held(case, position, point) | section_of(section)


def _held(case: Case, position: int, point: Point) -> dict[str, Any]:
    """A figure beside its target; a target that others contradict is kept, and what follows from them is said (I52)."""
    target, implied = point.number("target"), _implied(case, point)
    agrees = None
    if implied is not None and target is not None:
        agrees = abs(implied - target) <= case.plan.claims.consistency * abs(target)
    return line_of("attainment", point.line_id, position, point, case) | {
        "target": target,
        "milestone_target": point.number("milestone_target"),
        "attainment_rate": point.number("attainment_rate"),
        "implied_target": implied,
        "is_target_consistent": agrees,
        "target_text": None if target is None else point.text(target, case.plan.currency).zh,
        "assessment": _stands(case, point, target),
        **words_of(sentence(*_held_words(case, point, target, None if agrees else implied))),
    }


def _stands(case: Case, point: Point, target: float | None) -> str:
    """Whether the target is met; of what still adds up, whether it has reached what was due so far."""
    found = met(point, target)
    if found != "missed" or not (point.is_quantity and point.runs_on(case.as_of)):
        return found
    due = point.number("milestone_target")
    return "running" if due is None else "on_track" if met(point, due) == "met" else "behind"


def _implied(case: Case, point: Point) -> float | None:
    """The target that follows from those of the parts in the period; only of the official variant."""
    kpi, period = point.row["kpi"], point.row["period"]
    if point.row["variant"] != case.official(kpi):
        return None
    targets = {}
    for name in case.kpis.kpis:
        other = case.point(name, period)
        if other and (target := other.number("target")) is not None:
            targets[name] = target
    implied = implied_target(kpi, targets, case.kpis, case.plan.definitions) if kpi in targets else None
    return implied.value if implied else None


def _held_words(case: Case, point: Point, target: float | None, contradicted_by: float | None) -> Iterator[Label]:
    currency, value = case.plan.currency, point.value
    if value is None:
        yield Label(zh=f"{point.label.zh}：没有数据", en=f"{point.label.en}: no value")
        return
    yield from _unit_words(case, point)
    said = point.text(value, currency)
    if target is None:
        yield Label(zh=f"{point.label.zh} {said.zh}，没有设定目标", en=f"{point.label.en} {said.en}, no target is set")
        return
    yield reached(point.label, said, point.text(target, currency), point.number("attainment_rate"), point.row["better"])
    if may_meet(point, target):
        yield Label(
            zh=f"样本 {int(point.row['n'])}，95% 区间包含目标，差距可能只是偶然",
            en=f"{int(point.row['n'])} observations, the 95% interval holds the target: the gap may be chance",
        )
    yield from _so_far(case, point, value)
    if contradicted_by is not None:
        follows = _exact(point, contradicted_by, currency)
        yield Label(
            zh=f"由其他目标推得 {follows.zh}，与设定的目标不一致，仍以设定的目标为准",
            en=f"From the other targets {follows.en} follows, which is not the declared one; the declared one is kept",
        )


def _unit_words(case: Case, point: Point) -> Iterator[Label]:
    """What a customer cost, before what was spent (I56)."""
    unit = case.point(case.plan.case_reports.unit_cost, point.row["period"]) if point.is_spend else None
    if unit and unit.value is not None:
        cost = unit.text(unit.value, case.plan.currency)
        yield Label(zh=f"{unit.label.zh} {cost.zh}", en=f"{unit.label.en} {cost.en}")


def _so_far(case: Case, point: Point, value: float) -> Iterator[Label]:
    """Of what still adds up: that it does, and what its milestones ask for so far."""
    if not (point.is_quantity and point.runs_on(case.as_of)):
        return
    due = point.number("milestone_target")
    if not due:
        yield Label(zh=f"截至 {case.as_of}，期间尚未结束", en=f"Up to {case.as_of}, the period is not over")
        return
    asked = point.text(due, case.plan.currency)
    yield Label(
        zh=f"截至 {case.as_of}，里程碑要求 {asked.zh}，达成 {percent(value / due)}",
        en=f"Up to {case.as_of} the milestones ask for {asked.en}, {percent(value / due)} of it reached",
    )


def _exact(point: Point, value: float, currency: str) -> Label:
    """A target that follows from others, with a digit more where it is a ratio: 1:6.67."""
    if point.row["unit"] == "ratio":
        return Label(zh=f"1:{value:.2f}", en=f"1:{value:.2f}")
    return point.text(value, currency)


def compute_case_reports(day: ProjectDay) -> pd.DataFrame:
    """`ads.case_reports` of a day."""
    return case_reports(day.read(KPI_VALUES.name), day.project.plan, catalogue(), day.as_of)


def case_reports_lineage() -> Lineage:
    """Keys are keys; figures, and what is said of them, come from values, their intervals, targets and states."""
    same = {*PERIOD, "dimension", "member", "kpi", "variant", "unit", "better", "target", "milestone_target"}
    same |= {"value", "attainment_rate", "state", "reason", "reason_zh"}
    declared = {"report", "line_id", "position", "section", "section_zh", "section_en", "currency", "evidence_grade"}
    declared |= {"label_zh", "label_en", "owner", "advice_zh", "advice_en"}
    made = ("value", "lower", "upper", "target")
    return {
        name: [(KPI_VALUES.name, column) for column in ((name,) if name in same else made)]
        for name in CASE_REPORTS.columns
        if name not in declared
    }
