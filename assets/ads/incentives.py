"""What people, teams and partners earn by the incentives of the plan (S4 激励, 渠道; F112, F120; I63).

An estimate to steer by: what is paid is for payroll to say. Of a period that runs it is what has been earned so far,
and money that is given back takes its part of it back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pandas as pd

from assets.ads.case_lines import Point, worst_state
from assets.ads.case_words import led, sentence
from assets.ads.catalogue import Catalogue, catalogue
from assets.ads.figures import money, percent
from assets.ads.kpi_query import PERIOD, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import SAME_IN_CHINESE, shown
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import Incentive, Label, Plan
from pipeline.tables import TableSpec

MONEY, NUMBER, TEXT = "numeric(18,2)", "double precision", "text"

INCENTIVES = TableSpec(
    name="ads.incentives",
    description="One row per incentive, period and member: what is earned, at which rate, and what the next step asks.",
    grain=("scheme_id", "period_kind", "period", "dimension", "member"),
    columns={
        "scheme_id": (TEXT, "Incentive of the plan"),
        "scheme_zh": (TEXT, "What it is called, in Chinese"),
        "scheme_en": (TEXT, "What it is called, in English"),
        **{name: KPI_VALUES.columns[name] for name in PERIOD},
        "dimension": (TEXT, "staff, team or channel"),
        "member": (TEXT, "Who earns it"),
        "kpi": (TEXT, "KPI it is a part of"),
        "basis_amount": (MONEY, "Value of that KPI in the period; NULL where it is withheld"),
        "judged_kpi": (TEXT, "KPI the quota is of"),
        "judged_value": (NUMBER, "Value of that KPI in the period"),
        "quota": (NUMBER, "The member's target of the period, else the quota of the incentive; NULL where neither is"),
        "attainment_rate": (NUMBER, "Judged value / quota; NULL without a quota"),
        "base_rate": (NUMBER, "Rate below the first step, 0-1"),
        "step_rate": (NUMBER, "Rate of the step that is reached, 0-1; the base rate below the first"),
        "next_step_rate": (NUMBER, "Rate of the step after it, 0-1; NULL after the last and without a quota"),
        "to_next_step": (NUMBER, "What is missing to it, in the unit of the judged KPI; NULL where there is none"),
        "incentive_amount": (MONEY, "What is earned, to the cent; NULL where a figure is withheld"),
        "is_running": ("boolean", "Whether the period is not over, so that this is what is earned so far"),
        "sentence_zh": (TEXT, "How it comes about, in Chinese"),
        "sentence_en": (TEXT, "How it comes about, in English"),
        "currency": (TEXT, "Currency of amounts"),
        "state": (TEXT, "final, provisional or withheld, as the worse of the two figures"),
        "reason": (TEXT, "Why a figure is missing or not final; NULL when there is nothing to say"),
        "reason_zh": (TEXT, SAME_IN_CHINESE),
    },
)


@dataclass(frozen=True)
class Earned:
    """What a member earns by an incentive in a period."""

    scheme: Incentive
    basis: Point
    judged: Point
    plan: Plan

    @property
    def quota(self) -> float | None:
        target = self.judged.number("target")
        return self.scheme.quota if target is None else target

    @property
    def attainment(self) -> float | None:
        if self.judged.value is None or not self.quota or self.quota < 0:
            return None
        return self.judged.value / self.quota

    @property
    def reached(self) -> int:
        """Steps that are reached."""
        return sum(self.attainment is not None and self.attainment >= step.above for step in self.scheme.steps)

    @property
    def rates(self) -> list[float]:
        """The rate below the first step, and that of each."""
        return [self.scheme.rate, *(step.rate for step in self.scheme.steps)]

    @property
    def amount(self) -> float | None:
        """What is earned; None where a figure is missing."""
        if self.basis.value is None or self.judged.value is None:
            return None
        if self.scheme.steps_on == "all" or not self.quota or not self.reached:
            return self.basis.value * self.rates[self.reached]
        ends = [0.0, *(step.above * self.quota for step in self.scheme.steps[: self.reached]), self.basis.value]
        parts = [most - least for least, most in pairwise(ends)]
        return sum(part * rate for part, rate in zip(parts, self.rates, strict=False))

    @property
    def missing(self) -> float | None:
        """What the next step asks for beyond what is reached."""
        if self.attainment is None or not self.quota or self.reached == len(self.scheme.steps):
            return None
        return self.scheme.steps[self.reached].above * self.quota - float(self.judged.value or 0)


def incentives(values: pd.DataFrame, plan: Plan, kpis: Catalogue, as_of: date) -> pd.DataFrame:
    """The table `ads.incentives`.

    Args:
        values: `ads.kpi_values`.
        plan: Which incentives there are.
        kpis: The catalogue.
        as_of: The day; of a period that runs on it is told what is earned so far.
    """
    rows = [row for scheme in plan.incentives for row in _rows(scheme, values, plan, kpis, as_of)]
    frame = pd.DataFrame(rows, columns=list(INCENTIVES.columns))
    frame = frame.assign(**{name: money(frame[name]) for name in ("basis_amount", "incentive_amount")})
    return frame.sort_values(list(INCENTIVES.grain), kind="stable", ignore_index=True)


def _rows(
    scheme: Incentive, values: pd.DataFrame, plan: Plan, kpis: Catalogue, as_of: date
) -> Iterator[dict[str, Any]]:
    wanted = values["is_official"] & values["kpi"].isin([scheme.of, scheme.judged_kpi])
    wanted &= (values["dimension"] == scheme.dimension) & (values["period_kind"] == scheme.period)
    wanted &= values["member"].isin(scheme.members) if scheme.members else values["member"] != UNKNOWN
    found: dict[tuple[str, str], dict[str, Point]] = {}
    for row in values.loc[wanted].to_dict("records"):
        found.setdefault((row["period"], row["member"]), {})[row["kpi"]] = Point.of(row, kpis)
    for points in found.values():
        if scheme.of in points and scheme.judged_kpi in points:
            yield _row(Earned(scheme, points[scheme.of], points[scheme.judged_kpi], plan), as_of)


def _row(earned: Earned, as_of: date) -> dict[str, Any]:
    scheme, basis, judged = earned.scheme, earned.basis, earned.judged
    states = worst_state(*((basis,) if basis is judged else (basis, judged)))
    words = sentence(*_words(earned, as_of))
    return {
        **{name: basis.row[name] for name in (*PERIOD, "dimension", "member", "kpi")},
        **states,
        "scheme_id": scheme.id,
        "scheme_zh": scheme.label.zh,
        "scheme_en": scheme.label.en,
        "basis_amount": basis.value,
        "judged_kpi": scheme.judged_kpi,
        "judged_value": judged.value,
        "quota": earned.quota,
        "attainment_rate": earned.attainment,
        "base_rate": scheme.rate,
        "step_rate": earned.rates[earned.reached],
        "next_step_rate": None if earned.missing is None else earned.rates[earned.reached + 1],
        "to_next_step": earned.missing,
        "incentive_amount": earned.amount,
        "is_running": basis.runs_on(as_of),
        "sentence_zh": words.zh,
        "sentence_en": words.en,
        "currency": earned.plan.currency,
    }


def _words(earned: Earned, as_of: date) -> Iterator[Label]:
    scheme, basis, judged, currency = earned.scheme, earned.basis, earned.judged, earned.plan.currency
    if earned.amount is None or basis.value is None or judged.value is None:
        yield Label(zh="数据缺失或不可用，无法计算", en="A figure is missing or withheld, so it can't be computed")
        return
    sold, got = basis.text(basis.value, currency), shown(earned.amount, "currency", currency)
    rates = earned.rates[: earned.reached + 1] if scheme.steps_on == "beyond" else [earned.rates[earned.reached]]
    listed, several = [percent(rate) for rate in rates], len(rates) > 1
    yield Label(
        zh=f"{led(basis.label.zh)}{sold.zh}，按 {'、'.join(listed)} {'分段' if several else ''}计，"
        f"{led(scheme.label.zh)}{got.zh}",
        en=f"{basis.label.en} {sold.en} at {', '.join(listed)}{' in steps' if several else ''} makes a "
        f"{scheme.label.en} of {got.en}",
    )
    if earned.attainment is None or not earned.quota:
        yield Label(zh="没有定额，按基础比例计", en="There is no quota, so it is the base rate")
    else:
        yield _attained(earned, earned.quota, earned.attainment)
    if earned.missing is not None:
        more, rate = judged.text(earned.missing, currency), percent(earned.rates[earned.reached + 1])
        yield Label(zh=f"距 {rate} 一档还差 {more.zh}", en=f"{more.en} more would reach the step of {rate}")
    if basis.runs_on(as_of):
        yield Label(zh=f"截至 {as_of}，期间尚未结束", en=f"Up to {as_of}, the period is not over")


def _attained(earned: Earned, quota: float, rate: float) -> Label:
    """The quota and how much of it is reached; by what, where that is not the amount just told."""
    currency, judged = earned.plan.currency, earned.judged
    value, asked = (judged.text(number, currency) for number in (judged.value or 0, quota))
    by = Label(zh=f"{led(judged.label.zh)}{value.zh}，定额", en=f"{judged.label.en} {value.en}, quota")
    name = Label(zh="定额", en="The quota is") if judged is earned.basis else by
    return Label(
        zh=f"{name.zh} {asked.zh}，达成 {percent(rate)}", en=f"{name.en} {asked.en}, {percent(rate)} of it reached"
    )


def compute_incentives(day: ProjectDay) -> pd.DataFrame:
    """`ads.incentives` of a day."""
    return incentives(day.read(KPI_VALUES.name), day.project.plan, catalogue(), day.as_of)


def incentives_lineage() -> Lineage:
    """Who and when are keys; amounts and rates come from values and targets."""
    keys = (*PERIOD, "dimension", "member", "kpi")
    made: Mapping[str, tuple[str, ...]] = {
        **{name: (name,) for name in (*keys, "state", "reason")},
        "reason_zh": ("reason",),
        "basis_amount": ("value",),
        "judged_value": ("value",),
        "quota": ("target",),
        "is_running": ("period_end",),
        **{
            name: ("value", "target")
            for name in ("attainment_rate", "step_rate", "next_step_rate", "to_next_step", "incentive_amount")
        },
        **{name: ("value", "target", "period_end") for name in ("sentence_zh", "sentence_en")},
    }
    return {name: [(KPI_VALUES.name, column) for column in columns] for name, columns in made.items()}
