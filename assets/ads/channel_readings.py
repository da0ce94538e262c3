"""How a channel's figures are read: rules that fire on numbers and say them (S0 §5.3, §6.2; F107, F110)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from assets.ads.figures import amount, percent
from assets.ads.wording import from_to
from pipeline.plan import ChannelCards, Label

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """A rule: when it fires, and what it then says, with the numbers of the row in it."""

    id: str
    fires: Callable[[Row, ChannelCards], bool]
    sentence: Label


def _converts_but_costs(row: Row, cards: ChannelCards) -> bool:
    """Better than all channels together beyond chance, and dearer than they are."""
    return (
        row["is_judged"]
        and row["lead_conversion_rate_lower"] > row["pooled_conversion_rate"]
        and row["cac"] >= cards.high_cost * row["pooled_cac"]
    )


def _grows_at_rising_cost(row: Row, cards: ChannelCards) -> bool:
    """Where most customers come from, while each costs more than before."""
    return (
        row["is_judged"]
        and row["is_largest"]
        and row["new_customer_share"] >= cards.main_share
        and row["cac_change_rate"] >= cards.rising_cost
    )


def _spends_in_vain(row: Row, cards: ChannelCards) -> bool:
    """Money went out and nobody was won (U11)."""
    return bool(row["is_channel"] and row["spend"] > 0 and row["new_customers"] == 0)


def _misses_audience(row: Row, cards: ChannelCards) -> bool:
    """Fewer of those reached are of the target audience than of all channels together, beyond chance (S0 §6.2)."""
    return bool(row["is_channel"] and row["audience_precision_upper"] < row["pooled_audience_precision"])


READINGS = (
    Reading(
        "converts_but_costs",
        _converts_but_costs,
        Label(
            zh="线索转化率 {conversion}，明显高于各渠道合计的 {pooled_conversion}；"
            "但获客成本 {cac_zh}，是合计（{pooled_cac_zh}）的 {times} 倍。"
            "先看是否带来高价值客户（占 {high_value}），若没有，再查转化过程中的体验。",
            en="{conversion} of the leads are won, clearly more than the {pooled_conversion} of all channels together, "
            "but a customer costs {cac_en}, {times} times the {pooled_cac_en} of all. See whether the customers are of "
            "high value ({high_value} are); if not, look at how leads are handled on the way.",
        ),
    ),
    Reading(
        "grows_at_rising_cost",
        _grows_at_rising_cost,
        Label(
            zh="新增客户有 {share} 来自该渠道，是最大来源；而获客成本{went_zh}（+{rise}）。"
            "成本若继续上升，增长难以持续，宜同时拓展成本更低的渠道。",
            en="{share} of the new customers come through this channel, more than through any other, while the cost of "
            "one rose from {before_en} to {cac_en} (+{rise}). Growth may not last at rising cost: open up cheaper "
            "channels beside it.",
        ),
    ),
    Reading(
        "spends_in_vain",
        _spends_in_vain,
        Label(
            zh="支出 {spend_zh}，线索 {leads} 条，新增客户 0 个：获客成本无法计算，不评级。",
            en="{spend_en} was spent for {leads} leads and no new customer: "
            "there is no cost per customer, and no rating.",
        ),
    ),
    Reading(
        "misses_audience",
        _misses_audience,
        Label(
            zh="触达的线索中 {precision} 属于目标客户（95% 区间上限 {precision_upper}），"
            "低于各渠道合计的 {pooled_precision}：受众与目标客户不够匹配。",
            en="{precision} of the leads reached are of the target audience (at most {precision_upper} by the 95% "
            "interval), of all channels together {pooled_precision}: who is met here is less often who is meant.",
        ),
    ),
)


def readings(rows: pd.DataFrame, cards: ChannelCards, currency: str) -> pd.DataFrame:
    """`fired_rules`, `reading_zh` and `reading_en` of every row: the rules that fired and their sentences, in order."""
    told = [_told(row, cards, currency) for row in rows.to_dict("records")]
    return pd.DataFrame(told, index=rows.index, columns=["fired_rules", "reading_zh", "reading_en"], dtype=object)


def _told(row: Row, cards: ChannelCards, currency: str) -> tuple[str | None, str | None, str | None]:
    fired = [reading for reading in READINGS if reading.fires(row, cards)]
    words = dict(_words(row, currency))
    zh = "".join(reading.sentence.zh.format(**words) for reading in fired)
    en = " ".join(reading.sentence.en.format(**words) for reading in fired)
    return ", ".join(reading.id for reading in fired) or None, zh or None, en or None


def _went(row: Row, currency: str) -> str:
    """How the cost of a customer went, in Chinese; nothing where one of the two is unknown."""
    before, now = row["cac_before"], row["cac"]
    if pd.isna(before) or pd.isna(now):
        return ""
    return from_to(amount(before, currency).zh, amount(now, currency).zh, now - before)


def _words(row: Row, currency: str) -> Iterator[tuple[str, str]]:
    """The numbers of a row as they are printed; what is unknown is a dash."""
    rates = {
        "conversion": row["lead_conversion_rate"],
        "pooled_conversion": row["pooled_conversion_rate"],
        "high_value": row["high_value_share"],
        "share": row["new_customer_share"],
        "rise": row["cac_change_rate"],
        "precision": row["audience_precision"],
        "precision_upper": row["audience_precision_upper"],
        "pooled_precision": row["pooled_audience_precision"],
    }
    for name, rate in rates.items():
        yield name, "–" if pd.isna(rate) else percent(rate)
    amounts = {
        "cac": row["cac"],
        "pooled_cac": row["pooled_cac"],
        "before": row["cac_before"],
        "spend": row["spend"],
    }
    for name, value in amounts.items():
        label = Label(zh="–", en="–") if pd.isna(value) else amount(value, currency)
        yield f"{name}_zh", label.zh
        yield f"{name}_en", label.en
    yield "went_zh", _went(row, currency)
    yield "times", "–" if pd.isna(row["cac"]) or pd.isna(row["pooled_cac"]) else f"{row['cac'] / row['pooled_cac']:.1f}"
    yield "leads", "–" if pd.isna(row["leads"]) else f"{row['leads']:,.0f}"
