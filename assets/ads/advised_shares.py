"""Shares of a budget in proportion to what attracts it, within bounds (I60: the documents' own formula is lost)."""

import numpy as np
import pandas as pd

from assets.ads.figures import percent
from pipeline.plan import Label, Reallocation

FEW_COUNT_LITTLE = Label(
    zh="高价值客户占比按 {counted} 计：{customers} 个新增客户中有 {high_value} 个；为免少数客户左右结果，"
    "另计入 {prior:g} 个平均水平（{usual}）的客户。",
    en="Its share of high value counts as {counted}: {high_value} of {customers} new customers, and {prior:g} more of "
    "the usual {usual}, so that a few customers don't decide.",
)
AS_THEY_ARE = Label(
    zh="高价值客户占比为 {counted}：{customers} 个新增客户中有 {high_value} 个。",
    en="Its share of high value is {counted}: {high_value} of {customers} new customers.",
)
COST_ALONE = Label(
    zh="各渠道都没有高价值客户，占比一律按相同计。",
    en="No channel has customers of high value, so that they count alike.",
)
IN_PROPORTION = Label(
    zh="按这一占比与获客成本之比应得 {fair}；一次调整限于计划占比的 {least:g} 至 {most:g} 倍。",
    en="Held against what a new customer costs, {fair} is its fair part; one step stays within {least:g} to {most:g} "
    "times the planned share.",
)


def advised_shares(planned: np.ndarray, attraction: np.ndarray, least: float, most: float) -> np.ndarray:
    """The shares that add up to what was planned, as near to proportional to the attraction as the bounds allow.

    Args:
        planned: Shares of today, none negative.
        attraction: What speaks for each, above 0.
        least, most: A share stays between so many times the planned one; 1 lies between them.

    >>> advised_shares(np.array([0.5, 0.5]), np.array([3.0, 1.0]), 0.5, 2.0)
    array([0.75, 0.25])
    """
    lower, upper, total = least * planned, most * planned, planned.sum()

    def given(scale: float) -> np.ndarray:
        return np.clip(scale * attraction, lower, upper)

    # between two places where a share meets a bound the sum is a straight line, so that the scale is found exactly
    bends = np.unique(np.concatenate([lower, upper]) / np.concatenate([attraction, attraction]))
    sums = np.array([given(bend).sum() for bend in bends])
    place = min(int(np.searchsorted(sums, total)), len(bends) - 1)
    if place == 0 or sums[place] == sums[place - 1]:
        return given(bends[place])
    part = (total - sums[place - 1]) / (sums[place] - sums[place - 1])
    return given(bends[place - 1] + part * (bends[place] - bends[place - 1]))


def advice_reasons(rows: pd.DataFrame, bounds: Reallocation) -> pd.DataFrame:
    """`advised_reason_zh` and `advised_reason_en` of the channels whose share may move.

    Args:
        rows: Of each its new customers, those of high value, the usual share of these, the share that is counted,
            what speaks for it, and its effective weight.
    """
    fair = rows["attraction"] / rows["attraction"].sum() * rows["effective_weight"].sum()
    told = [_reason(row, bounds) for row in rows.assign(fair=fair).to_dict("records")]
    return pd.DataFrame(
        {f"advised_reason_{lang}": [getattr(label, lang) for label in told] for lang in ("zh", "en")},
        index=rows.index,
        dtype=object,
    )


def _reason(row: dict[str, float], bounds: Reallocation) -> Label:
    quality = COST_ALONE if not row["usual"] > 0 else FEW_COUNT_LITTLE if bounds.prior_customers else AS_THEY_ARE
    words = {
        "counted": percent(row["counted"]),
        "usual": percent(row["usual"]),
        "customers": f"{row['new_customers']:,.0f}",
        "high_value": f"{0 if pd.isna(row['high_value_customers']) else row['high_value_customers']:,.0f}",
        "prior": bounds.prior_customers,
        "fair": percent(row["fair"]),
        "least": bounds.least,
        "most": bounds.most,
    }
    return Label(
        zh=quality.zh.format(**words) + IN_PROPORTION.zh.format(**words),
        en=f"{quality.en.format(**words)} {IN_PROPORTION.en.format(**words)}",
    )
