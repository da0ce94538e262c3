"""What documents say of the campaign held against the figures, and the plan's targets against each other (U12).

Covers F194, I52 to I56: what a sentence claims, what the data say, and where a cause stays an opinion.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import pandas as pd

from assets.ads.catalogue import Catalogue, catalogue
from assets.ads.claim_words import Told, about, changed, compared, judged, not_told, open_items, opinion, target_words
from assets.ads.implied_targets import implied_target
from assets.ads.kpi_query import ALL
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import both, reason_zh
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import AssertedFigure, Claim, Label, Plan
from pipeline.plan_tables import months_before
from pipeline.tables import TableSpec
from quality.scorecard import STATES

TASKS = "ads.task_tracking"
NUMBER, TEXT = "double precision", "text"
VERDICTS = ("contradicted", "not_told", "holds", "opinion")
"""From the one that decides over a claim of several figures to the one that decides nothing."""
TARGETS_DOCUMENT = "plan.yaml targets"
SAME = 0.01
"""A change by less than this part is none, where a sentence says so and no tolerance."""
UNEVEN = 0.1
"""Totals of periods whose lengths differ by more than this part are not compared: February and March are (I26)."""
EXACT = 1e-9
"""What arithmetic on floats may be off."""
PLACES = re.compile(r"[Qq][1-4]|\d{4}\s*年|[\d一二三四五六七八九十]+\s*个?[月日]|20\d{2}|表\s*\d+")
"""Digits that name a time or a place in a document, not a quantity."""
QUANTITY = re.compile(r"\d|百分之|[一二三四五六七八九十两百千]+[成倍家个名位条次万元]|一半|过半|\bhalf\b")

CLAIMS = TableSpec(
    name="ads.claims",
    description="One row per figure or cause a claim of the plan states, and per target others imply, with a verdict.",
    grain=("claim_id", "figure_no"),
    columns={
        "claim_id": (TEXT, "Claim of the plan; plan.targets.<KPI> for a target that follows from others"),
        "figure_no": ("bigint", "Which of its figures, from 1; 0 for a claim without any"),
        "claim_source": (TEXT, "Document it stands in"),
        "claim_text": (TEXT, "The sentence, as the document has it"),
        "assertion": (
            TEXT,
            "value, ratio, change, difference, direction, attainment, open_items, problem, cause, plan_target or none",
        ),
        "kpi": (TEXT, "KPI it is about"),
        "variant": (TEXT, "Which of its definitions"),
        "period": (TEXT, "Period it is about"),
        "dimension": (TEXT, "Dimension"),
        "member": (TEXT, "Member of the dimension"),
        "task_id": (TEXT, "Task whose open items are told"),
        "against": (TEXT, "What a change is from: baseline, previous, target or a period"),
        "claimed_number": (NUMBER, "What is said; rates and changes 0-1"),
        "claimed_direction": (TEXT, "up, down or same, where a direction is said"),
        "tolerance": (NUMBER, "How far off it may be"),
        "computed_number": (NUMBER, "What the data say; NULL where that can't be told"),
        "current_value": (NUMBER, "Value of the KPI in the period"),
        "base_value": (NUMBER, "Value it is compared with"),
        "difference": (NUMBER, "Computed less claimed"),
        "verdict": (TEXT, "holds, contradicted, not_told, or opinion for a cause that stays an attributed opinion"),
        "claim_verdict": (TEXT, "The same of the whole claim: contradicted where one of its figures is"),
        "vague_words": (TEXT, "Words that stand where a number should, in a sentence that has none"),
        "state": (TEXT, "final, provisional or withheld, as the worst figure it was held against"),
        "reason_zh": (TEXT, "Why it can't be told, in Chinese"),
        "reason_en": (TEXT, "Why it can't be told, in English"),
        "sentence_zh": (TEXT, "What was said and what is so, in Chinese"),
        "sentence_en": (TEXT, "What was said and what is so, in English"),
    },
)

Row = dict[str, Any]


def claims(plan: Plan, values: pd.DataFrame, tasks: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The table `ads.claims` from the plan, `ads.kpi_values` and `ads.task_tracking`."""
    evidence = Evidence(plan, catalogue(), values, tasks, as_of)
    rows = [row for claim in plan.claims.items for row in _of_claim(claim, evidence)]
    rows += _of_targets(plan, evidence.kpis)
    return pd.DataFrame(rows, columns=list(CLAIMS.columns)).sort_values(
        list(CLAIMS.grain), kind="stable", ignore_index=True
    )


@dataclass(frozen=True)
class Evidence:
    """What claims are held against."""

    plan: Plan
    kpis: Catalogue
    values: pd.DataFrame
    tasks: pd.DataFrame
    as_of: date

    @cached_property
    def _rows(self) -> Mapping[tuple[str, ...], Row]:
        keys = ["kpi", "variant", "period", "dimension", "member"]
        asked = {figure.kpi for claim in self.plan.claims.items for figure in claim.figures}
        asked |= {figure.judged_by for claim in self.plan.claims.items for figure in claim.figures}
        rows = self.values[self.values["kpi"].isin(asked)]
        return {tuple(row[key] for key in keys): row for row in rows.to_dict("records")}

    @cached_property
    def _periods(self) -> list[Row]:
        return self.values[["period_kind", "period", "period_start", "period_end"]].drop_duplicates().to_dict("records")

    @cached_property
    def causes(self) -> Counter[str]:
        """How many claims name a cause for a KPI."""
        return Counter(claim.cause.kpi for claim in self.plan.claims.items if claim.cause)

    def variant(self, figure: AssertedFigure, kpi: str) -> str:
        """The variant a figure is about: the official one unless it names another."""
        named = figure.variant if kpi == figure.kpi else None
        return named or self.kpis.official(kpi, self.plan.definitions)

    def row(self, figure: AssertedFigure, kpi: str, period: str | None) -> Row | None:
        """The row of `ads.kpi_values` for a KPI in a period, of the member the figure is about."""
        member = ALL if figure.member is None else figure.member
        return self._rows.get((kpi, self.variant(figure, kpi), period or "", figure.dimension, member))

    def before(self, row: Row) -> str | None:
        """The period of the same kind that ends where the row's begins."""
        same = [period for period in self._periods if period["period_kind"] == row["period_kind"]]
        return next(
            (period["period"] for period in same if _day(period["period_end"]) == _day(row["period_start"])), None
        )

    def is_running(self, row: Row) -> bool:
        """Whether days of the row's period are still to come."""
        start, kind = _day(row["period_start"]), row["period_kind"]
        whole = {
            "campaign": self.plan.campaign.end,
            "baseline": self.plan.baseline.end,
            "week": start + timedelta(days=7),
            "month": months_before(start, -1),
            "quarter": months_before(start, -3),
        }.get(kind, start + timedelta(days=1))
        return _day(row["period_end"]) < whole

    def target(self, figure: AssertedFigure, row: Row) -> float | None:
        """The target of the row; where none is declared, the one that follows from those of its parts (I53)."""
        if not pd.isna(row["target"]):
            return float(row["target"])
        if not row["is_official"]:
            return None
        rows = self.values[
            self.values["is_official"]
            & self.values["target"].notna()
            & (self.values["period"] == row["period"])
            & (self.values["dimension"] == row["dimension"])
            & (self.values["member"] == row["member"])
        ]
        implied = implied_target(
            row["kpi"], dict(zip(rows["kpi"], rows["target"], strict=True)), self.kpis, self.plan.definitions
        )
        return implied.value if implied else None


def _day(value: Any) -> date:
    return pd.Timestamp(value).date()


def _days(row: Row) -> int:
    return (_day(row["period_end"]) - _day(row["period_start"])).days


def default_tolerance(number: float, *, is_percent: bool) -> float:
    """Half of the last digit that is said; of percentages half of one at most.

    >>> default_tolerance(7.7, is_percent=False), default_tolerance(0.1, is_percent=True)
    (0.05, 0.005)
    """
    exponent = Decimal(f"{number:.12g}").as_tuple().exponent
    half = 0.5 * 10.0 ** min(int(exponent), 0)
    return min(half, 0.005) if is_percent else half


def vague_words(text: str, words: Sequence[str]) -> list[str]:
    """The words in a text that stand where a number should; none where it has a number (F194).

    >>> vague_words("大部分客户表示满意", ["部分", "大部分"])
    ['大部分']
    >>> vague_words("Many of the 300 customers", ["many"])
    []
    """
    if QUANTITY.search(PLACES.sub("", text)):
        return []
    found, rest = [], text.lower()
    for word in sorted(words, key=lambda word: (-len(word), word)):
        pattern = rf"\b{re.escape(word.lower())}\b" if word.isascii() else re.escape(word)
        rest, times = re.subn(pattern, "\n", rest)
        found += [word] if times else []
    return sorted(found, key=text.lower().find)


# --- one claim --------------------------------------------------------------------------------------------------------


def _of_claim(claim: Claim, evidence: Evidence) -> Iterator[Row]:
    """A row per figure, one for the cause, one at least: what is said with neither can't be checked."""
    vague = vague_words(claim.text, evidence.plan.claims.vague_words)
    rows = [_of_figure(figure, evidence) for figure in claim.figures]
    rows += [_of_cause(claim, evidence)] if claim.cause else []
    numbered = list(enumerate(rows, start=1)) or [(0, _unfounded(vague))]
    verdict = min((row["verdict"] for _, row in numbered), key=VERDICTS.index)
    for number, row in numbered:
        yield {
            **row,
            "claim_id": claim.id,
            "figure_no": number,
            "claim_source": claim.source,
            "claim_text": claim.text,
            "claim_verdict": verdict,
            "vague_words": ", ".join(vague) or None,
        }


def _unfounded(vague: Sequence[str]) -> Row:
    """A sentence nobody bound to a figure."""
    zh = f"用“{'、'.join(vague)}”代替了数字" if vague else "没有对应的指标数字"
    en = f"it says {', '.join(vague)} where a number should stand" if vague else "no figure is named for it"
    return {"assertion": "none", **_verdict("not_told", not_told(None, Label(zh=zh, en=en)), Label(zh=zh, en=en))}


def _of_cause(claim: Claim, evidence: Evidence) -> Row:
    """Why something is so is what somebody thinks, and others may think otherwise (I55)."""
    assert claim.cause is not None
    kpi = evidence.kpis.kpis[claim.cause.kpi].label
    others = evidence.causes[claim.cause.kpi] - 1
    told = opinion(claim.source, claim.cause.text, kpi, others)
    return {"assertion": "cause", "kpi": claim.cause.kpi, **_verdict("opinion", told)}


def _verdict(verdict: str, told: Told, reason: Label | None = None) -> Row:
    return {
        "verdict": verdict,
        "reason_zh": reason.zh if reason else None,
        "reason_en": reason.en if reason else None,
        "sentence_zh": told.zh,
        "sentence_en": told.en,
    }


def _of_figure(figure: AssertedFigure, evidence: Evidence) -> Row:
    if figure.kind == "open_items":
        return _of_task(figure, evidence)
    assert figure.kpi is not None
    key = {
        "assertion": figure.kind,
        "kpi": figure.kpi,
        "variant": evidence.variant(figure, figure.kpi),
        "period": figure.period,
        "dimension": figure.dimension,
        "member": ALL if figure.member is None else figure.member,
        "against": figure.against if figure.kind in ("change", "difference", "direction", "problem") else None,
        "claimed_number": figure.number,
        "claimed_direction": figure.direction,
        "tolerance": _tolerance(figure, evidence.kpis.kpis[figure.kpi].unit),
    }
    return {**key, **_JUDGES[figure.kind](figure, evidence)}


def _tolerance(figure: AssertedFigure, unit: str) -> float | None:
    """As the plan says; None where no number is said."""
    if figure.tolerance is not None:
        return figure.tolerance
    if figure.kind == "direction":
        return SAME if figure.direction == "same" else 0.0
    if figure.number is None:
        return None
    is_percent = figure.kind in ("change", "attainment", "problem") or unit == "rate"
    return default_tolerance(figure.number, is_percent=is_percent)


def _is_close(computed: float, figure: AssertedFigure, unit: str) -> bool:
    assert figure.number is not None
    return abs(computed - figure.number) <= (_tolerance(figure, unit) or 0.0) + EXACT


# --- what the data say ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A figure as the data have it: the value of the period, what it is compared with, or why neither is known."""

    kpi: str
    label: Label
    unit: str
    better: str
    value: float | None = None
    base: float | None = None
    state: str | None = None
    running_until: date | None = None
    reason: Label | None = None
    whose: Label | None = None
    """The member, where it is not everybody's."""

    @property
    def change(self) -> float:
        """Relative to the base, which is not 0 where there is no reason."""
        assert self.value is not None and self.base is not None
        return (self.value - self.base) / abs(self.base)


def _measured(figure: AssertedFigure, evidence: Evidence, kpi: str, *, against: str | None = None) -> Measured:
    """A KPI in the period of the figure, and what it is compared with where that is asked."""
    row = evidence.row(figure, kpi, figure.period)
    entry = evidence.kpis.kpis[kpi]
    label = entry.variants[evidence.variant(figure, kpi)].label or entry.label
    known = Measured(kpi, label, entry.unit, entry.better, whose=_whose(figure, evidence.plan))
    if row is None:
        return _with(
            known, reason=Label(zh="评估范围内没有该周期或成员", en="the period or member is not among those evaluated")
        )
    value, state = row["value"], row["state"]
    until = _day(row["period_end"]) - timedelta(days=1) if evidence.is_running(row) else None
    known = _with(known, state=state, running_until=until)
    if pd.isna(value):
        return _with(known, reason=_why(row))
    known = _with(known, value=float(value))
    return known if against is None else _with_base(known, figure, evidence, row, against)


def _whose(figure: AssertedFigure, plan: Plan) -> Label | None:
    """The member a claim names, as the plan calls it."""
    if figure.member is None:
        return None
    channels = {channel.id: channel.label for channel in plan.channels} if figure.dimension == "channel" else {}
    return channels.get(figure.member, both(figure.member))


def _with(measured: Measured, **changes: Any) -> Measured:
    return Measured(**{**measured.__dict__, **changes})


def _why(row: Row) -> Label:
    told = row["reason"] if isinstance(row["reason"], str) else "no value"
    # of what nothing is recorded there are 0 observations; what is kept back tells not even that
    kept_back = row["state"] == STATES[-1] and pd.isna(row["n"])
    zh = "所用数据质量低于底线，指标暂不公布" if kept_back else "指标没有数值"
    return Label(zh=f"{zh}（{reason_zh(told)}）", en=told)


def _with_base(measured: Measured, figure: AssertedFigure, evidence: Evidence, row: Row, against: str) -> Measured:
    """The value compared with: the target, or the same figure of another period."""
    if against == "target":
        base = evidence.target(figure, row)
        missing = Label(zh="没有目标值", en="there is no target")
        if not row["is_comparable"]:
            missing = Label(
                zh=f"不与整体目标比较，{row['left_out_zh']}",
                en=f"it is not held against the target for the whole, {row['left_out_en']}",
            )
        return _with(measured, base=base, reason=missing if base is None else _zero(base))
    other = evidence.row(figure, measured.kpi, evidence.before(row) if against == "previous" else against)
    if other is None:
        return _with(
            measured,
            reason=Label(zh="评估范围内没有可比周期", en="the period compared with is not among those evaluated"),
        )
    if pd.isna(other["value"]):
        return _with(measured, reason=_why(other))
    state = max(str(measured.state), str(other["state"]), key=STATES.index)
    is_total = evidence.kpis.kpis[measured.kpi].variants[row["variant"]].denominator is None
    days, base_days = _days(row), _days(other)
    if is_total and abs(days - base_days) > UNEVEN * base_days:
        zh, en = f"两个周期长 {days} 天和 {base_days} 天", f"periods of {days} and {base_days} days"
        uneven = Label(zh=f"{zh}，总量不可比", en=f"totals of {en} can't be compared")
        return _with(measured, base=float(other["value"]), state=state, reason=uneven)
    return _with(measured, base=float(other["value"]), state=state, reason=_zero(other["value"]))


def _zero(base: float) -> Label | None:
    return Label(zh="比较的基数为 0", en="what it is compared with is 0") if base == 0 else None


def _told_of(measured: Measured) -> Row:
    return {"current_value": measured.value, "base_value": measured.base, "state": measured.state}


# --- kinds ------------------------------------------------------------------------------------------------------------


def _cannot(measured: Measured, figure: AssertedFigure) -> Row:
    assert measured.reason is not None
    head = about(measured.label, figure, measured)
    return {**_told_of(measured), **_verdict("not_told", not_told(head, measured.reason), measured.reason)}


def _number_of(measured: Measured, figure: AssertedFigure, computed: float, unit: str, currency: str) -> Row:
    """A number said against the number computed."""
    holds = _is_close(computed, figure, measured.unit)
    head = about(measured.label, figure, measured)
    tolerance = _tolerance(figure, measured.unit) or 0.0
    told = compared(head, figure, computed, unit, currency, measured, tolerance=tolerance, holds=holds)
    return {
        **_told_of(measured),
        "computed_number": computed,
        "difference": computed - float(figure.number or 0),
        **_verdict("holds" if holds else "contradicted", told),
    }


def _value(figure: AssertedFigure, evidence: Evidence) -> Row:
    measured = _measured(figure, evidence, str(figure.kpi))
    if measured.reason or measured.value is None:
        return _cannot(measured, figure)
    return _number_of(measured, figure, measured.value, measured.unit, evidence.plan.currency)


def _attainment(figure: AssertedFigure, evidence: Evidence) -> Row:
    measured = _measured(figure, evidence, str(figure.kpi), against="target")
    if measured.reason or measured.value is None or measured.base is None:
        return _cannot(measured, figure)
    return _number_of(measured, figure, measured.value / measured.base, "rate", evidence.plan.currency)


def _change(figure: AssertedFigure, evidence: Evidence) -> Row:
    measured = _measured(figure, evidence, str(figure.kpi), against=figure.against)
    if measured.reason:
        return _cannot(measured, figure)
    return _number_of(measured, figure, measured.change, "rate", evidence.plan.currency)


def _difference(figure: AssertedFigure, evidence: Evidence) -> Row:
    measured = _measured(figure, evidence, str(figure.kpi), against=figure.against)
    if measured.value is None or measured.base is None or (measured.reason and measured.base != 0):
        return _cannot(measured, figure)
    return _number_of(measured, figure, measured.value - measured.base, measured.unit, evidence.plan.currency)


def _direction(figure: AssertedFigure, evidence: Evidence) -> Row:
    measured = _measured(figure, evidence, str(figure.kpi), against=figure.against)
    if measured.reason:
        return _cannot(measured, figure)
    change, limit = measured.change, _tolerance(figure, measured.unit) or 0.0
    holds = {"up": change > limit, "down": change < -limit, "same": abs(change) <= limit}[str(figure.direction)]
    head = about(measured.label, figure, measured)
    told = changed(head, figure, measured, evidence.plan.currency, holds=holds)
    return {**_told_of(measured), "computed_number": change, **_verdict("holds" if holds else "contradicted", told)}


def _problem(figure: AssertedFigure, evidence: Evidence) -> Row:
    """More of a cost is a problem unless a unit got cheaper meanwhile (I56)."""
    measured = _measured(figure, evidence, str(figure.kpi), against=figure.against)
    unit_cost = _measured(figure, evidence, figure.judged_by, against=figure.against)
    if measured.reason:
        return _cannot(measured, figure)
    if unit_cost.reason:
        return _cannot(_with(unit_cost, value=measured.value, base=measured.base), figure)
    is_better = unit_cost.change < 0 if unit_cost.better == "lower" else unit_cost.change > 0
    is_said_right = figure.number is None or _is_close(measured.change, figure, measured.unit)
    head = about(measured.label, figure, measured)
    told = judged(head, figure, measured, unit_cost, evidence.plan.currency, is_said_right=is_said_right)
    return {
        **_told_of(measured),
        "computed_number": measured.change,
        "difference": None if figure.number is None else measured.change - figure.number,
        **_verdict("holds" if is_said_right and measured.change > 0 and not is_better else "contradicted", told),
    }


_JUDGES = {
    "value": _value,
    "ratio": _value,
    "change": _change,
    "difference": _difference,
    "direction": _direction,
    "attainment": _attainment,
    "problem": _problem,
}


def _of_task(figure: AssertedFigure, evidence: Evidence) -> Row:
    """Open items are planned less done, whatever the next step says (I54)."""
    assert figure.number is not None
    rows = evidence.tasks[evidence.tasks["task_id"] == figure.task].to_dict("records")
    row = rows[0] if rows else None
    tolerance = figure.tolerance or 0.0
    key = {
        "assertion": figure.kind,
        "task_id": figure.task,
        "claimed_number": figure.number,
        "tolerance": tolerance,
    }
    if row is None or pd.isna(row["open_quantity"]):
        zh, en = (
            ("没有这项任务", "there is no such task")
            if row is None
            else ("任务没有计划数或完成数", "the task has no quantities")
        )
        reason = Label(zh=zh, en=en)
        return {
            **key,
            **_verdict("not_told", not_told(Label(zh=f"任务 {figure.task}", en=f"Task {figure.task}"), reason), reason),
        }
    found = float(row["open_quantity"])
    holds = abs(found - figure.number) <= tolerance + EXACT
    told = open_items(
        str(figure.task), float(row["planned_quantity"]), float(row["done_quantity"]), figure.number, holds=holds
    )
    return {
        **key,
        "computed_number": found,
        "difference": found - figure.number,
        **_verdict("holds" if holds else "contradicted", told),
    }


def _of_targets(plan: Plan, kpis: Catalogue) -> Iterator[Row]:
    """Each declared target that follows from other declared ones: it is kept, and what follows is said (I52)."""
    declared = {kpi: target.value for kpi in plan.targets if (target := plan.target(kpi)) and kpi in kpis.kpis}
    for kpi in sorted(declared):
        implied = implied_target(kpi, declared, kpis, plan.definitions)
        if implied is None:
            continue
        tolerance = plan.claims.consistency * abs(declared[kpi])
        holds = abs(implied.value - declared[kpi]) <= tolerance + EXACT
        labels = {part: kpis.kpis[part] for part in (kpi, *implied.parts)}
        parts = [(labels[part].label, declared[part], labels[part].unit) for part in implied.parts]
        told = target_words(labels[kpi], declared[kpi], implied.value, parts, plan.currency, holds=holds)
        verdict = "holds" if holds else "contradicted"
        yield {
            "claim_id": f"plan.targets.{kpi}",
            "figure_no": 1,
            "claim_source": TARGETS_DOCUMENT,
            "claim_text": told.said,
            "assertion": "plan_target",
            "kpi": kpi,
            "variant": kpis.official(kpi, plan.definitions),
            "period": "campaign",
            "dimension": "total",
            "member": ALL,
            "claimed_number": declared[kpi],
            "tolerance": tolerance,
            "computed_number": implied.value,
            "difference": implied.value - declared[kpi],
            "claim_verdict": verdict,
            **_verdict(verdict, told),
        }


def claimed_unit(row: Mapping[str, Any]) -> str:
    """The unit of the numbers of a row: of changes none, of open items a count, else that of the KPI."""
    if row["assertion"] in ("change", "direction", "problem"):
        return "change"
    if row["assertion"] == "attainment":
        return "rate"
    return catalogue().kpis[row["kpi"]].unit if isinstance(row["kpi"], str) else "count"


def compute_claims(day: ProjectDay) -> pd.DataFrame:
    """`ads.claims` of a day."""
    return claims(day.project.plan, day.read(KPI_VALUES.name), day.read(TASKS), day.as_of)


def claims_lineage() -> Lineage:
    """What claims are held against; the rest is of the plan."""
    computed = [(KPI_VALUES.name, "value"), (KPI_VALUES.name, "target"), (TASKS, "open_quantity")]
    return {
        "current_value": [(KPI_VALUES.name, "value")],
        "base_value": [(KPI_VALUES.name, "value"), (KPI_VALUES.name, "target")],
        "state": [(KPI_VALUES.name, "state")],
        **dict.fromkeys(("computed_number", "difference", "verdict", "claim_verdict"), computed),
    }
