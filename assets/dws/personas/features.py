"""What customers are told apart by: numbers that can be compared with each other, and the words for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.plan import Label, Plan
from pipeline.plan_tables.rows import currency_zh


class Measure(NamedTuple):
    """A feature: its unit, what it says of a customer, what much and little of it are called."""

    unit: str
    """days, count, amount or rate: how its numbers are written."""
    is_skewed: bool
    """Whether a few customers have many times what others have."""
    says: Label
    much: Label
    little: Label
    holds: str
    """What its numbers are, for the dictionary."""


def _measure(
    unit: str, zh: str, en: str, much: tuple[str, str], little: tuple[str, str], holds: str, *, is_skewed: bool
) -> Measure:
    labels = (Label(zh=in_chinese, en=in_english) for in_chinese, in_english in ((zh, en), much, little))
    return Measure(unit, is_skewed, *labels, holds)


def _counted(zh: str, en: str) -> Measure:
    return _measure(
        "count",
        f"近 12 个月{zh} {{number}} 次",
        f"{{number}} {en} in the last 12 months",
        (f"{zh}多", f"many {en}"),
        (f"{zh}少", f"few {en}"),
        f"{en.capitalize()} of the last 12 months",
        is_skewed=True,
    )


MEASURES: dict[str, Measure] = {
    "recency_days": _measure(
        "days",
        "最近一次下单在 {number} 天前",
        "last order {number} days ago",
        ("久未下单", "long since last order"),
        ("近期有下单", "ordered recently"),
        "Days since the last order",
        is_skewed=False,
    ),
    "frequency": _measure(
        "count",
        "近 {months} 个月下单 {number} 次",
        "{number} orders in {months} months",
        ("下单频繁", "frequent orders"),
        ("下单少", "few orders"),
        "Orders in the plan's window",
        is_skewed=True,
    ),
    "monetary_amount": _measure(
        "amount",
        "近 {months} 个月净消费 {number} {unit_zh}",
        "net spend of {number} {unit_en} in {months} months",
        ("消费高", "high spend"),
        ("消费低", "low spend"),
        "Net spend in the plan's window",
        is_skewed=True,
    ),
    "order_amount": _measure(
        "amount",
        "平均每单 {number} {unit_zh}",
        "{number} {unit_en} per order",
        ("单笔金额大", "large orders"),
        ("单笔金额小", "small orders"),
        "Net spend per order, of all history",
        is_skewed=True,
    ),
    "tenure_days": _measure(
        "days",
        "首次下单在 {number} 天前",
        "first order {number} days ago",
        ("合作较久", "known for long"),
        ("合作较短", "known for a short time"),
        "Days since the first order",
        is_skewed=False,
    ),
    "touches_12m": _counted("联系", "contacts"),
    "visits_12m": _counted("拜访", "visits"),
    "complaints_12m": _counted("投诉", "complaints"),
    "logins_12m": _counted("登录", "logins"),
    "margin_rate": _measure(
        "rate",
        "毛利率 {number}",
        "margin of {number}",
        ("毛利高", "high margin"),
        ("毛利低", "low margin"),
        "Margin of the last 12 months as a share of net spend",
        is_skewed=False,
    ),
}
NUMBERS = {"days": "{:,.0f}", "count": "{:,.1f}", "amount": "{:,.2f}", "rate": "{:.1%}"}


def number_text(name: str, value: float) -> str:
    """The number of a feature as it stands in the profile of a group."""
    return NUMBERS[MEASURES[name].unit].format(value)


def number_texts(name: str, values: np.ndarray) -> list[str]:
    """Customers' own numbers as they stand in sentences: their counts are whole."""
    unit = MEASURES[name].unit
    return list(map(NUMBERS["days" if unit == "count" else unit].format, values.tolist()))


def saying(name: str, plan: Plan) -> Label:
    """What the feature says of a customer, with a place for `{number}`."""
    says = MEASURES[name].says
    known = {
        "months": plan.segments.rfm.window_months,
        "unit_zh": currency_zh(plan),
        "unit_en": plan.currency,
        "number": "{number}",
    }
    return Label(zh=says.zh.format(**known), en=says.en.format(**known))


@dataclass(frozen=True)
class Scale:
    """How a feature's numbers are made comparable: less the mean of all, in standard deviations (I08).

    Skewed ones are evened out before: asinh(x / size), which is a logarithm for what is large, a line around 0, and the
    same in any currency, since `size` is the median of what is not 0 (Burbidge, Magee & Robb 1988).
    """

    name: str
    size: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> "Scale":
        """The scale by all values that are known."""
        known = values[~np.isnan(values)]
        some = np.abs(known[known != 0])
        size = float(np.median(some)) if len(some) else 1.0
        even = _even(name, known, size)
        return cls(name, size, float(even.mean()), float(even.std()))

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Standard deviations from the mean; a value that is missing counts as the mean."""
        scores = (_even(self.name, values, self.size) - self.mean) / self.deviation
        return np.where(np.isnan(scores), 0.0, scores)

    def values(self, scores: np.ndarray) -> np.ndarray:
        """The numbers, in their natural unit, that have these scores."""
        even = scores * self.deviation + self.mean
        return np.sinh(even) * self.size if MEASURES[self.name].is_skewed else even


def _even(name: str, values: np.ndarray, size: float) -> np.ndarray:
    return np.arcsinh(values / size) if MEASURES[name].is_skewed else values


ALIKE = Label(zh="所有客户都一样", en="it is the same for all")


def _lacking(share: float) -> Label:
    return Label(zh=f"{share:.1%} 的客户缺少该特征", en=f"{share:.1%} of the customers lack it")


class LeftOut(NamedTuple):
    """A feature that tells nobody apart: the share of customers that lack it, and why it is left out."""

    name: str
    missing: float
    reason: Label


@dataclass(frozen=True)
class Points:
    """Customers as points: one row per customer, one column per feature that tells them apart."""

    scores: np.ndarray
    scales: list[Scale]
    left_out: list[LeftOut]

    @property
    def names(self) -> list[str]:
        """The features of the columns."""
        return [scale.name for scale in self.scales]

    def scored(self, centres: pd.DataFrame) -> np.ndarray:
        """Centres in natural units, brought to the scale of these points."""
        return np.column_stack([scale.scores(centres[scale.name].to_numpy(float)) for scale in self.scales])

    def natural(self, centres: np.ndarray) -> pd.DataFrame:
        """Centres in natural units: means, of skewed features means of what was evened out, brought back."""
        columns = {scale.name: scale.values(centres[:, place]) for place, scale in enumerate(self.scales)}
        return pd.DataFrame(columns, index=range(len(centres)))


def points(customers: pd.DataFrame, features: Sequence[str], missing_limit: float) -> Points:
    """Customers, one row each with their features in natural units, as points."""
    scales, left_out = [], []
    for name in features:
        values = customers[name].to_numpy(float)
        missing = float(np.isnan(values).mean())
        scale = Scale.of(name, values) if missing < 1 else None
        if scale is None or missing > missing_limit:
            left_out.append(LeftOut(name, missing, _lacking(missing)))
        elif scale.deviation == 0:
            left_out.append(LeftOut(name, missing, ALIKE))
        else:
            scales.append(scale)
    columns = [scale.scores(customers[scale.name].to_numpy(float)) for scale in scales]
    scores = np.column_stack(columns) if columns else np.empty((len(customers), 0))
    return Points(np.ascontiguousarray(scores), scales, left_out)
