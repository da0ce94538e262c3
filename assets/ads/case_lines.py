"""What the reports of a case are made of: published values, what changed between two, and a line of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Any

import pandas as pd

from assets.ads.case_words import SECTIONS, moved, printed
from assets.ads.catalogue import Catalogue
from assets.ads.kpi_query import ALL, PERIOD, TOTAL, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import SAME_IN_CHINESE, reason_zh
from pipeline.plan import Label, Plan
from pipeline.tables import TableSpec
from quality.scorecard import STATES

NUMBER, TEXT = "double precision", "text"
SAME_LENGTH = 0.05
"""Periods whose days differ by less are as long as each other: no two quarters have the same days."""
EVIDENCE_GRADE = "D"
"""Of a bare comparison before and after (U07)."""
PERIODS = ("campaign", "month")

CASE_REPORTS = TableSpec(
    name="ads.case_reports",
    description="One row per line of a report: before and after, targets and what was reached, what to keep and mend.",
    grain=("report", "period_kind", "period", "dimension", "member", "line_id"),
    columns={
        "report": (
            TEXT,
            "before_after the campaign, attainment of targets, review: what went best and worst, or cases: who stands "
            "out from the whole beyond chance",
        ),
        **{name: KPI_VALUES.columns[name] for name in PERIOD},
        "dimension": (TEXT, "total, team, staff or channel"),
        "member": (TEXT, "Member of the dimension; (all) of total"),
        "line_id": (TEXT, "KPI.variant; of the review the module"),
        "position": ("bigint", "Place of the line in its report"),
        "section": (
            TEXT,
            "result, process or input_output; strategy, teamwork or resources; success or problem; else NULL",
        ),
        "section_zh": (TEXT, "Section in Chinese"),
        "section_en": (TEXT, "Section in English"),
        "kpi": (TEXT, "KPI of the line; of the review the one that is the problem, else the highlight"),
        "variant": (TEXT, "Which of the KPI's definitions"),
        "label_zh": (TEXT, "What the line is called, in Chinese"),
        "label_en": (TEXT, "What the line is called, in English"),
        "unit": KPI_VALUES.columns["unit"],
        "better": KPI_VALUES.columns["better"],
        "before_value": (NUMBER, "Value of the baseline; NULL where there is none, and in the other reports"),
        "target": (NUMBER, "Target of the period, as it is declared"),
        "milestone_target": KPI_VALUES.columns["milestone_target"],
        "value": (NUMBER, "Value of the period, as in ads.kpi_values"),
        "change": (NUMBER, "Value less before, in the unit of the KPI"),
        "change_rate": (NUMBER, "Change / before; NULL where before is not above 0"),
        "change_lower": (NUMBER, "Lower end of the 95 % interval of the change; NULL where the values have none"),
        "change_upper": (NUMBER, "Upper end of it"),
        "change_basis": (TEXT, "value; per_day: before is taken for as many days, since the periods differ in length"),
        "attainment_rate": KPI_VALUES.columns["attainment_rate"],
        "implied_target": (NUMBER, "Target that follows from those of the parts; NULL where none does"),
        "is_target_consistent": (
            "boolean",
            "Whether the declared target agrees with what follows from the others, to the plan's tolerance",
        ),
        "value_text": (TEXT, "The value as it is printed: 1:7.7, 12.0%"),
        "target_text": (TEXT, "The target as it is printed"),
        "evidence_grade": (
            TEXT,
            "D of a bare comparison, before and after or with the whole; NULL of the other reports",
        ),
        "assessment": (
            TEXT,
            "better, worse, same or unclear, of spending as the cost of a customer is; met, missed or no_target; "
            "of what still adds up on_track or behind its milestones, running without any",
        ),
        "sentence_zh": (TEXT, "The line in words, in Chinese"),
        "sentence_en": (TEXT, "The line in words, in English"),
        "highlight_zh": (
            TEXT,
            "Review and cases: the figure that stands best, in Chinese; NULL where none stands well",
        ),
        "highlight_en": (TEXT, "The same in English"),
        "problem_zh": (
            TEXT,
            "Review and cases: the figure that stands worst, beyond chance, in Chinese; NULL where none does",
        ),
        "problem_en": (TEXT, "The same in English"),
        "advice_zh": (TEXT, "What the plan advises about it, in Chinese"),
        "advice_en": (TEXT, "The same in English"),
        "owner": (TEXT, "Who answers for it; NULL where there is no problem"),
        "due_on": ("date", "By when; NULL where there is no problem"),
        "currency": (TEXT, "Currency of amounts"),
        "state": (TEXT, "final, provisional or withheld, as the worst value in the line"),
        "reason": (TEXT, "Why a value is missing or not final; NULL when there is nothing to say"),
        "reason_zh": (TEXT, SAME_IN_CHINESE),
    },
)


@dataclass(frozen=True)
class Point:
    """One published value."""

    row: Mapping[str, Any]
    is_quantity: bool

    @staticmethod
    def of(row: Mapping[str, Any], kpis: Catalogue) -> "Point":
        """A row of `ads.kpi_values`."""
        return Point(row, kpis.kpis[row["kpi"]].variants[row["variant"]].denominator is None)

    def number(self, name: str) -> float | None:
        """A figure of the row; None where it has none."""
        found = self.row[name]
        return None if pd.isna(found) else float(found)

    @property
    def value(self) -> float | None:
        return self.number("value")

    @property
    def label(self) -> Label:
        return Label(zh=self.row["label_zh"], en=self.row["label_en"])

    @property
    def days(self) -> int:
        return (pd.Timestamp(self.row["period_end"]) - pd.Timestamp(self.row["period_start"])).days

    @property
    def line_id(self) -> str:
        """KPI.variant."""
        return f"{self.row['kpi']}.{self.row['variant']}"

    @property
    def reason(self) -> str | None:
        return self.row["reason"] if isinstance(self.row["reason"], str) else None

    @property
    def is_spend(self) -> bool:
        """Whether it adds up money of which less is better."""
        return self.is_quantity and self.row["unit"] == "currency" and self.row["better"] == "lower"

    def text(self, value: float, currency: str) -> Label:
        return printed(value, self.row["kpi"], self.row["unit"], currency)

    def runs_on(self, as_of: date) -> bool:
        """Whether its period is not over on the day; a period of the plan ends with the day while it runs."""
        return pd.Timestamp(self.row["period_end"]).date() > as_of


@dataclass(frozen=True)
class Change:
    """What is different between two values; `rate` is of what was before."""

    amount: float
    rate: float | None
    lower: float | None
    upper: float | None
    basis: str

    @property
    def may_be_chance(self) -> bool:
        """Whether its interval holds 0."""
        return self.lower is not None and self.upper is not None and self.lower <= 0 <= self.upper


def change_between(before: Point, after: Point) -> Change | None:
    """The change of a value; of a quantity over periods of other lengths, against as many days of before.

    Its interval is put together from those of the two values (MOVER: Newcombe 1998; Zou and Donner 2008).
    """
    was, is_ = before.value, after.value
    if was is None or is_ is None:
        return None
    is_longer = abs(after.days / before.days - 1) > SAME_LENGTH
    per_day = after.is_quantity and is_longer
    was = was * after.days / before.days if per_day else was
    lower, upper = _mover(before, after)
    return Change(is_ - was, is_ / was - 1 if was > 0 else None, lower, upper, "per_day" if per_day else "value")


def _mover(before: Point, after: Point) -> tuple[float | None, float | None]:
    ends = [point.number(name) for point in (after, before) for name in ("value", "lower", "upper")]
    if None in ends:
        return None, None
    is_, low, high, was, was_low, was_high = ends
    least = is_ - was - sqrt((is_ - low) ** 2 + (was_high - was) ** 2)
    return least, is_ - was + sqrt((high - is_) ** 2 + (was - was_low) ** 2)


@dataclass(frozen=True)
class Case:
    """The published values by their keys, and what the plan says of them."""

    points: Mapping[tuple[str, str, str, str, str], Point]
    plan: Plan
    kpis: Catalogue
    as_of: date

    def point(self, name: str, period: str, dimension: str = TOTAL, member: str = ALL) -> Point | None:
        """The value of `kpi` or `kpi.variant`."""
        kpi, _, variant = name.partition(".")
        return self.points.get((kpi, variant or self.official(kpi), period, dimension, member))

    def official(self, kpi: str) -> str:
        return self.kpis.official(kpi, self.plan.definitions)

    def periods(self) -> list[str]:
        """The campaign and the months, each once, in order."""
        found = {
            (point.row["period_start"], period)
            for (*_, period, dimension, _), point in self.points.items()
            if dimension == TOTAL and point.row["period_kind"] in PERIODS
        }
        return [period for _, period in sorted(found)]

    def members(self, dimension: str) -> list[str]:
        """Members with a value in the campaign; whom the source does not name is no case."""
        found = {m for (*_, period, of, m) in self.points if (period, of) == ("campaign", dimension) and m != UNKNOWN}
        return sorted(found)


def points_of(values: pd.DataFrame, plan: Plan, kpis: Catalogue) -> dict[tuple[str, str, str, str, str], Point]:
    reports = plan.case_reports
    lines = {name.partition(".")[0] for name in reports.before_after} | {reports.unit_cost}
    of_members = values["dimension"].isin(reports.before_after_of) & values["kpi"].isin(lines)
    of_cases = {name.partition(".")[0] for name in reports.cases}
    of_members |= values["dimension"].isin(reports.cases_of) & values["kpi"].isin(of_cases)
    wanted = of_members & values["period_kind"].isin(["campaign", "baseline"]) | (values["dimension"] == TOTAL)
    wanted &= values["period_kind"].isin([*PERIODS, "baseline"])
    names = ("kpi", "variant", "period", "dimension", "member")
    return {tuple(row[name] for name in names): Point.of(row, kpis) for row in values.loc[wanted].to_dict("records")}


def line_of(report: str, line_id: str, position: int, point: Point, case: Case) -> dict[str, Any]:
    """What every line has, from the value it is about."""
    row = point.row
    shared = (*PERIOD, "dimension", "member", "kpi", "variant", "label_zh", "label_en", "unit", "better")
    return {
        **dict.fromkeys(CASE_REPORTS.columns),
        **{name: row[name] for name in shared},
        "report": report,
        "line_id": line_id,
        "position": position,
        "value": point.value,
        "value_text": None if point.value is None else point.text(point.value, case.plan.currency).zh,
        "currency": case.plan.currency,
        "state": row["state"],
        "reason": point.reason,
        "reason_zh": reason_zh(point.reason),
    }


def worst_state(*points: Point) -> dict[str, Any]:
    """State and reason of several values."""
    reasons = [f"{point.row['kpi']}: {point.reason}" for point in points if point.reason]
    state, reason = (
        max((point.row["state"] for point in points), key=STATES.index),
        "; ".join(dict.fromkeys(reasons)) or None,
    )
    return {"state": state, "reason": reason, "reason_zh": reason_zh(reason)}


def words_of(words: Label) -> dict[str, str]:
    return {"sentence_zh": words.zh, "sentence_en": words.en}


def section_of(section: str) -> dict[str, str]:
    return {"section": section, "section_zh": SECTIONS[section].zh, "section_en": SECTIONS[section].en}


def change_words(was: Point, is_: Point, change: Change, currency: str) -> Label:
    """How a value went from before to after."""
    texts = [point.text(float(point.value or 0), currency) for point in (was, is_)]
    return moved(is_.label, *texts, change.amount, change.rate, per_day=change.basis == "per_day")


def change_columns(change: Change | None) -> dict[str, Any]:
    """What the table says of a change; nothing where there is none."""
    return {
        "change": change.amount if change else None,
        "change_rate": change.rate if change else None,
        "change_lower": change.lower if change else None,
        "change_upper": change.upper if change else None,
        "change_basis": change.basis if change else None,
    }


def met(point: Point, target: float | None) -> str:
    """met, missed, unclear without a value, no_target."""
    if target is None:
        return "no_target"
    if point.value is None:
        return "unclear"
    is_met = point.value >= target if point.row["better"] == "higher" else point.value <= target
    return "met" if is_met else "missed"


def may_meet(point: Point, target: float) -> bool:
    """Whether a figure that misses its target has an interval that holds it."""
    lower, upper = point.number("lower"), point.number("upper")
    return met(point, target) == "missed" and lower is not None and upper is not None and lower <= target <= upper
