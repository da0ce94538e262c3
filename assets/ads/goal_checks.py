"""Whether each goal of the plan is SMART: specific, measurable, achievable, relevant, time-bound (S2 §03, F057)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from assets.ads.case_lines import SAME_LENGTH, Point
from assets.ads.case_words import printed, sentence, signed
from assets.ads.catalogue import Catalogue, Kpi, catalogue
from assets.ads.figures import percent
from assets.ads.implied_targets import implied_target
from assets.ads.intervals import events_interval
from assets.ads.kpi_query import ALL, TOTAL
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import PERIOD_WORDS, SAME_IN_CHINESE, reason_zh
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import Label, Plan, Target
from pipeline.plan_tables import months_before
from pipeline.tables import TableSpec
from quality.scorecard import STATES

BOOLEAN, NUMBER, TEXT = "boolean", "double precision", "text"
WHOLE = (TOTAL, ALL)

GOAL_CHECKS = TableSpec(
    name="ads.goal_checks",
    description="One row per goal of the plan, of the whole or of a member: whether it is SMART, and what it lacks.",
    grain=("kpi", "dimension", "member"),
    columns={
        "kpi": (TEXT, "KPI it is a goal for"),
        "variant": (TEXT, "Which of the KPI's definitions: the official one"),
        "dimension": (TEXT, "total, or the dimension of which one member has this goal"),
        "member": (TEXT, "Member of the dimension; (all) of total"),
        "label_zh": (TEXT, "Name in Chinese"),
        "label_en": (TEXT, "Name in English"),
        "unit": KPI_VALUES.columns["unit"],
        "better": KPI_VALUES.columns["better"],
        "owner": (TEXT, "Who answers for the campaign"),
        "due_on": ("date", "By when it is to be reached: the last day of the campaign"),
        "target": (NUMBER, "What is aimed at"),
        "before_value": (
            NUMBER,
            "Value of the baseline, of what adds up for as many days as the campaign has; NULL where none compares",
        ),
        "asked_change_rate": (NUMBER, "Target / before - 1: how much more or less is asked for"),
        "benchmark": KPI_VALUES.columns["benchmark"],
        "milestones": ("bigint", "Months it is split by"),
        "is_specific": (BOOLEAN, "Whether it says one thing: no other number follows from the other goals"),
        "is_measurable": (BOOLEAN, "Whether the sources allow it to be measured"),
        "is_achievable": (
            BOOLEAN,
            "Whether it asks for no more beyond the baseline than the plan allows, or others reach it; NULL where "
            "there is neither, or the baseline is too uncertain to say",
        ),
        "is_relevant": (BOOLEAN, "Whether the official score, or the report of what was attained, goes by it"),
        "is_time_bound": (BOOLEAN, "Whether it has dates on the way: milestones, of what adds up over months"),
        "assessment": (TEXT, "smart, weak where it lacks one of the five, unclear where one can't be told"),
        "sentence_zh": (TEXT, "What it asks for and what it lacks, in Chinese"),
        "sentence_en": (TEXT, "What it asks for and what it lacks, in English"),
        "currency": (TEXT, "Currency of amounts"),
        "state": (TEXT, "final, provisional or withheld, as the value it is a goal for"),
        "reason": (TEXT, "Why that value is missing or not final; NULL when there is nothing to say"),
        "reason_zh": (TEXT, SAME_IN_CHINESE),
    },
)
MET = Label(
    zh="具体、可衡量、可实现、相关、有时限五项均满足",
    en="It is specific, measurable, achievable, relevant and time-bound",
)
NOT_COMPARED = Label(
    zh="能否实现无法判断：没有可比的基期或外部基准",
    en="Whether it can be achieved is not known: there is no baseline or benchmark to compare with",
)
UNCERTAIN = Label(
    zh="能否实现无法判断：基期样本少，按其 95% 区间较优的一端则在可及范围内",
    en="Whether it can be achieved is not known: with the better end of the baseline's 95% interval it is within reach",
)
NOT_RELEVANT = Label(
    zh="关联不明：正式评分与目标达成评估均未采用该指标",
    en="Not seen to be relevant: neither the official score nor the report of what was attained goes by it",
)
NO_DATES = Label(
    zh="缺少阶段时限：没有按月分解的里程碑", en="Without dates on the way: no milestones split it by month"
)
AS_LONG = Label(zh="基期折合同等天数", en="baseline over as many days")
NO_PROGRESS = Label(zh="目标不优于基期水平", en="It asks for nothing beyond the baseline")


@dataclass(frozen=True)
class Goal:
    """One target of the plan beside what is known of its KPI."""

    name: str
    kpi: Kpi
    target: Target
    dimension: str
    member: str
    now: Point | None
    before: Point | None
    implied: float | None
    """What follows for it from the other goals; None where nothing does."""
    plan: Plan

    @cached_property
    def scale(self) -> float | None:
        """What the baseline counts, so that it compares: more of what adds up where the campaign has more days.

        None where there is no baseline, or none to compare with.
        """
        if self.before is None or self.before.value is None or self.before.value <= 0:
            return None
        days = (self.plan.campaign.ends_on - self.plan.campaign.starts_on).days + 1
        longer = days / self.before.days
        if self.kpi.additive:
            return longer
        return None if self.before.is_quantity and abs(longer - 1) > SAME_LENGTH else 1.0

    @property
    def base(self) -> float | None:
        """The baseline, of what adds up for as many days."""
        return None if self.before is None or self.scale is None else self.scale * float(self.before.value or 0)

    @property
    def best_base(self) -> float | None:
        """The end of its 95 % interval that is nearer to the goal; itself where it has none."""
        if self.before is None or self.base is None or self.scale is None:
            return None
        lower, upper = self.before.number("lower"), self.before.number("upper")
        if self.before.is_quantity and self.kpi.unit == "count":
            ends = events_interval(np.array([self.before.value]), np.ones(1))
            lower, upper = (float(end[0]) for end in ends)
        end = upper if self.kpi.better == "higher" else lower
        return self.base if end is None else self.scale * end

    def asked(self, base: float | None) -> float | None:
        """How much better than this the target is; below 0 where it is worse, None where none compares."""
        if base is None:
            return None
        if self.kpi.better == "higher":
            return self.target.value / base - 1
        return base / self.target.value - 1 if self.target.value > 0 else None

    @property
    def is_without_progress(self) -> bool:
        asked = self.asked(self.base)
        return asked is not None and asked <= 0

    @property
    def benchmark(self) -> float | None:
        """What others reach."""
        return self.now.number("benchmark") if self.now else None

    @property
    def is_specific(self) -> bool:
        off = 0 if self.implied is None else abs(self.implied - self.target.value)
        return off <= self.plan.claims.consistency * abs(self.target.value)

    @property
    def is_measurable(self) -> bool:
        return self.now is not None and self.now.row["state"] != STATES[-1]

    @property
    def is_achievable(self) -> bool | None:
        if self.benchmark is not None and self._is_reached_by(self.benchmark):
            return True
        asked, at_least = self.asked(self.base), self.asked(self.best_base)
        if asked is None or at_least is None:
            return None
        most = self.plan.goals.stretch
        return True if asked <= most else None if at_least <= most else False

    @property
    def is_relevant(self) -> bool:
        model = self.plan.models.get(self.plan.official_model)
        sections = self.plan.case_reports.attainment.values()
        reported = {name.partition(".")[0] for names in sections for name in names}
        return self.name in reported or (model is not None and self.name in model.effective_weights)

    @property
    def is_time_bound(self) -> bool:
        """A level is due at the end; what adds up over several months needs months to be held against."""
        is_long = months_before(self.plan.campaign.ends_on, 1) >= self.plan.campaign.starts_on
        return bool(self.target.milestones) or not (self.kpi.additive and is_long)

    def _is_reached_by(self, value: float) -> bool:
        return value >= self.target.value if self.kpi.better == "higher" else value <= self.target.value

    def text(self, value: float) -> Label:
        return printed(value, self.name, self.kpi.unit, self.plan.currency)


def goal_checks(values: pd.DataFrame, plan: Plan, kpis: Catalogue) -> pd.DataFrame:
    """The table `ads.goal_checks`.

    Args:
        values: `ads.kpi_values`.
        plan: Its targets are the goals.
        kpis: What they are goals for.
    """
    rows = [_row(goal, kpis) for goal in _goals(_points(values, kpis), plan, kpis)]
    frame = pd.DataFrame(rows, columns=list(GOAL_CHECKS.columns)).astype({"is_achievable": "boolean"})
    return frame.sort_values(list(GOAL_CHECKS.grain), kind="stable", ignore_index=True)


Key = tuple[str, str, str, str]


def _points(values: pd.DataFrame, kpis: Catalogue) -> dict[Key, Point]:
    """The official values of the campaign and the baseline, by KPI, period and member."""
    wanted = values["is_official"] & values["period_kind"].isin(["campaign", "baseline"])
    return {
        (row["kpi"], row["period_kind"], row["dimension"], row["member"]): Point.of(row, kpis)
        for row in values.loc[wanted].to_dict("records")
    }


def _goals(points: Mapping[Key, Point], plan: Plan, kpis: Catalogue) -> Iterator[Goal]:
    """The goals of the whole, each followed by those of members."""
    targets = {name: target.value for name in plan.targets if (target := plan.target(name))}
    for name in targets:
        target = plan.target(name)
        implied = implied_target(name, targets, kpis, plan.definitions)
        aims = [(WHOLE, target, implied.value if implied else None)]
        aims += [
            ((dimension, member), target.of(value, is_part=name in kpis.quantities), None)
            for dimension, members in target.by.items()
            for member, value in members.items()
        ]
        for of, aimed_at, follows in aims:
            now, before = (points.get((name, period, *of)) for period in ("campaign", "baseline"))
            yield Goal(name, kpis.kpis[name], aimed_at, *of, now, before, follows, plan)


def _row(goal: Goal, kpis: Catalogue) -> dict[str, Any]:
    variant = kpis.official(goal.name, goal.plan.definitions)
    label = kpis.kpis[goal.name].variants[variant].label or goal.kpi.label
    five = {
        "is_specific": goal.is_specific,
        "is_measurable": goal.is_measurable,
        "is_achievable": goal.is_achievable,
        "is_relevant": goal.is_relevant,
        "is_time_bound": goal.is_time_bound,
    }
    lacking = list(_lacking(goal))
    words = sentence(_asks(goal, label), *(lacking or [MET]))
    reason = goal.now.reason if goal.now else None
    return {
        "kpi": goal.name,
        "variant": variant,
        "dimension": goal.dimension,
        "member": goal.member,
        "label_zh": label.zh,
        "label_en": label.en,
        "unit": goal.kpi.unit,
        "better": goal.kpi.better,
        "owner": goal.plan.owners.campaign,
        "due_on": goal.plan.campaign.ends_on,
        "target": goal.target.value,
        "before_value": goal.base,
        "asked_change_rate": None if goal.base is None else goal.target.value / goal.base - 1,
        "benchmark": goal.benchmark,
        "milestones": len(goal.target.milestones),
        **five,
        "assessment": "weak" if False in five.values() else "unclear" if None in five.values() else "smart",
        "sentence_zh": words.zh,
        "sentence_en": words.en,
        "currency": goal.plan.currency,
        "state": goal.now.row["state"] if goal.now else STATES[-1],
        "reason": reason,
        "reason_zh": reason_zh(reason),
    }


def _asks(goal: Goal, label: Label) -> Label:
    """The goal beside the baseline."""
    aim = goal.text(goal.target.value)
    if goal.base is None:
        return Label(zh=f"{label.zh}：目标 {aim.zh}", en=f"{label.en}: target {aim.en}")
    base, change = goal.text(goal.base), signed(goal.target.value / goal.base - 1)
    before = AS_LONG if goal.kpi.additive else PERIOD_WORDS["baseline"]
    return Label(
        zh=f"{label.zh}：目标 {aim.zh}，{before.zh} {base.zh}，要求变化 {change}",
        en=f"{label.en}: target {aim.en}, {before.en} {base.en}, so a change of {change} is asked for",
    )


def _lacking(goal: Goal) -> Iterator[Label]:
    """Which of the five it lacks, and what else a reader should know of it."""
    if goal.implied is not None and not goal.is_specific:
        follows = goal.text(goal.implied)
        yield Label(
            zh=f"不够具体：由其他目标推得 {follows.zh}，两者不一致",
            en=f"Not specific: from the other goals {follows.en} follows, which is not the same",
        )
    if not goal.is_measurable:
        reason = goal.now.reason if goal.now else None
        yield Label(
            zh=f"无法衡量：{reason_zh(reason) or '没有数据'}",
            en=f"It can't be measured: {reason or 'there are no figures'}",
        )
    if goal.is_achievable is None:
        yield NOT_COMPARED if goal.base is None else UNCERTAIN
    elif not goal.is_achievable:
        most = percent(goal.plan.goals.stretch)
        yield Label(
            zh=f"难以实现：超出方案所设的较基期最多改善 {most}",
            en=f"Hard to achieve: the plan holds at most {most} beyond the baseline to be within reach",
        )
    elif goal.is_without_progress:
        yield NO_PROGRESS
    if not goal.is_relevant:
        yield NOT_RELEVANT
    if not goal.is_time_bound:
        yield NO_DATES


def compute_goal_checks(day: ProjectDay) -> pd.DataFrame:
    """`ads.goal_checks` of a day."""
    return goal_checks(day.read(KPI_VALUES.name), day.project.plan, catalogue())


def goal_checks_lineage() -> Lineage:
    """Goals are the plan's; what is said of them comes from the baseline, benchmarks and states."""
    made = ("value", "lower", "upper", "benchmark", "state", "reason")
    known = {"benchmark": ("benchmark",), "state": ("state",), "before_value": ("value",), "reason": ("reason",)}
    known |= {"reason_zh": ("reason",), "asked_change_rate": ("value",), "is_measurable": ("state",)}
    known |= {
        "is_achievable": ("value", "lower", "upper", "benchmark"),
        "assessment": made,
        "sentence_zh": made,
        "sentence_en": made,
    }
    return {name: [(KPI_VALUES.name, column) for column in columns] for name, columns in known.items()}
