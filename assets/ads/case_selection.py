"""Cases worth a closer look: who stands above or below the whole beyond chance (S0 §6.1, §6.2; F187, F188).

What they do differently no table knows: that is for those who visit them to find out (I55).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from assets.ads.case_lines import (
    EVIDENCE_GRADE,
    Case,
    Point,
    change_between,
    change_columns,
    change_words,
    line_of,
    section_of,
    words_of,
    worst_state,
)
from assets.ads.case_review import Standing, mending, pair
from assets.ads.case_words import SIDE_BY_SIDE, led, sentence
from pipeline.plan import Label

BY_CHANCE = 0.025
"""Of those compared, the part that lies beyond one end of a 95 % interval though nothing sets it apart."""


class Figure(NamedTuple):
    """A value and how sure it is."""

    point: Point
    value: float
    lower: float
    upper: float


def selection(case: Case) -> Iterator[dict[str, Any]]:
    """A line per indicator of each team or person that stands out in the campaign."""
    reports = case.plan.case_reports
    for dimension in reports.cases_of:
        for position, name in enumerate(reports.cases, start=1):
            whole = case.point(name, "campaign")
            figures = list(_compared(case, name, dimension))
            if whole is None or not whole.value or len(figures) < 2:
                continue
            for figure in figures:
                if not figure.lower <= whole.value <= figure.upper:
                    yield _selected(case, position, _standing(case, figure, whole.value, len(figures)))


def _compared(case: Case, name: str, dimension: str) -> Iterator[Figure]:
    """Those whose figure may be held against the whole's, rests on enough, and is known to be how sure."""
    for member in case.members(dimension):
        point = case.point(name, "campaign", dimension, member)
        if point is None:
            continue
        numbers = [point.number(each) for each in ("value", "lower", "upper")]
        is_enough = (point.number("n") or 0) >= case.plan.case_reports.cases_least
        if None not in numbers and is_enough and point.row["is_comparable"]:
            yield Figure(point, *numbers)


def _standing(case: Case, figure: Figure, whole: float, compared: int) -> Standing:
    point, numbers = figure.point, (*figure[1:], whole)
    value, lower, upper, of_all = (point.text(number, case.plan.currency) for number in numbers)
    who, by_chance = point.row["member"], f"{compared * BY_CHANCE:.1f}"
    words = Label(
        zh=f"{who} 的{led(point.label.zh)}{value.zh}（95% 区间 {lower.zh} 至 {upper.zh}），总体 {of_all.zh}；"
        f"共比较 {compared} 个，仅因偶然约有 {by_chance} 个会入选",
        en=f"{who}: {point.label.en} {value.en} (95% interval {lower.en} to {upper.en}), of all {of_all.en}; "
        f"of {compared} compared about {by_chance} would be chosen by chance alone",
    )
    gap = figure.value / whole - 1
    return Standing(point, gap if point.row["better"] == "higher" else -gap, words, is_sure=True)


def _selected(case: Case, position: int, standing: Standing) -> dict[str, Any]:
    point, is_success = standing.point, standing.gap > 0
    row = point.row
    was = case.point(f"{row['kpi']}.{row['variant']}", "baseline", row["dimension"], row["member"])
    change = change_between(was, point) if was else None
    parts = [standing.words, *([change_words(was, point, change, case.plan.currency)] if was and change else [])]
    return {
        **line_of("cases", point.line_id, position, point, case),
        **section_of("success" if is_success else "problem"),
        "before_value": was.value if was else None,
        "target": point.number("target"),
        "attainment_rate": point.number("attainment_rate"),
        **change_columns(change),
        "evidence_grade": EVIDENCE_GRADE,
        "assessment": "better" if is_success else "worse",
        **pair("highlight", standing.words if is_success else None),
        **({} if is_success else mending(case, standing, case.plan.owners.campaign)),
        **words_of(sentence(*parts, SIDE_BY_SIDE)),
        **worst_state(point),
    }
