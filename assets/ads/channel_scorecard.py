"""Every channel judged: its share of the budget, what it brought at what cost, and what to make of it.

The value score is the documents' formula with its signs put back (S0 §2.2; I17): w_r · norm(reach efficiency) +
w_c · norm(1 / cost per customer). norm(x) = x / (x + x of all channels together), so that 50 is as good as all of
them together, and one channel of extreme cost does not move the score of the others.
"""

from collections.abc import Iterator

import pandas as pd

from assets.ads.advised_shares import advice_reasons, advised_shares
from assets.ads.channel_readings import readings
from assets.ads.figures import Figures, money, official_figures
from assets.ads.kpi_query import PERIOD, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.wording import SAME_IN_CHINESE, reason_zh
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import ChannelCards, Label, Plan, Reallocation
from pipeline.plan_tables import months_before
from pipeline.tables import TableSpec

MONTHS = {"month": 1, "quarter": 3}
"""What is compared with the one before, and how far back that begins."""
KPIS = (
    "leads",
    "reached_leads",
    "lead_conversion_rate",
    "new_customers",
    "high_value_share",
    "total_cost",
    "cac",
    "revenue",
    "roi_revenue",
)
NUMBER, MONEY, TEXT = "double precision", "numeric(18,2)", "text"

CHANNEL_SCORECARD = TableSpec(
    name="ads.channel_scorecard",
    description="One row per channel and campaign, baseline, quarter or month: share, results, cost, rating.",
    grain=("period_kind", "period", "channel"),
    columns={
        **{name: KPI_VALUES.columns[name] for name in PERIOD},
        "channel": (TEXT, "Channel; (unknown) for what names none, such as wages"),
        "channel_zh": (TEXT, "Name in Chinese"),
        "channel_en": (TEXT, "Name in English"),
        "budget_state": (
            TEXT,
            "share: has a planned share; open: none yet; outside: not paid from the shares; unplanned: not in the plan",
        ),
        "planned_weight": (NUMBER, "Planned share of the budget as the plan declares it; NULL where it has none"),
        "effective_weight": (NUMBER, "Planned share, brought to 100 % over the channels that have one"),
        "leads": ("bigint", "Leads created in the period"),
        "lead_reach_rate": (NUMBER, "Reach efficiency: part of these leads that have been reached, 0-1"),
        "lead_conversion_rate": (NUMBER, "Part of these leads that have been won since, 0-1"),
        "lead_conversion_rate_lower": (NUMBER, "Lower end of its 95 % interval"),
        "lead_conversion_rate_upper": (NUMBER, "Upper end of its 95 % interval"),
        "new_customers": ("bigint", "Customers whose first order falls into the period"),
        "new_customers_target": (NUMBER, "How many the plan sets for it; NULL where it names no part of its own"),
        "new_customers_attainment_rate": (NUMBER, "New customers / that target, not capped"),
        "new_customer_share": (NUMBER, "Part of the new customers of the channels together, 0-1"),
        "high_value_share": (NUMBER, "Part of the new customers that are of high value, 0-1"),
        "audience_precision": (NUMBER, "Part of the leads reached that are of the target audience, 0-1"),
        "audience_precision_upper": (NUMBER, "Upper end of its 95 % interval"),
        "cost_amount": (MONEY, "Cost that names the channel; NULL where none is booked, which is not 0"),
        "cost_share": (NUMBER, "Part of the cost that names a channel, 0-1"),
        "budget_cost_share": (
            NUMBER,
            "Part of the cost of the channels with a planned share, to compare with effective_weight",
        ),
        "cac_amount": (MONEY, "Cost per new customer"),
        "cac_before_amount": (
            MONEY,
            "The same of the baseline, for a month or quarter of the one before; NULL with too few customers",
        ),
        "cac_change_rate": (NUMBER, "Change of the cost per new customer against that; below 0 is better"),
        "revenue_amount": (MONEY, "Sales less refunds in the period"),
        "roi_revenue": (NUMBER, "(revenue - cost) / cost"),
        "currency": (TEXT, "Currency of the amounts"),
        "left_out_zh": (TEXT, "What its costs leave out since it names no channel, such as wages, in Chinese"),
        "left_out_en": (TEXT, "The same in English"),
        "value_score": (
            NUMBER,
            "Reach efficiency and cheapness, weighted by the plan, 0-100; 50 is what all channels together reach; both "
            "by the cost that names a channel",
        ),
        "rating_id": (
            TEXT,
            "Rating by the plan's limits of the value score; NULL where there is too little to judge by",
        ),
        "rating_zh": (TEXT, "Rating in Chinese"),
        "rating_en": (TEXT, "Rating in English"),
        "rating_reason_zh": (TEXT, "Why there is no rating, in Chinese"),
        "rating_reason_en": (TEXT, "Why there is no rating, in English"),
        "fired_rules": (TEXT, "Reading rules that fired"),
        "reading_zh": (TEXT, "What they say, in Chinese"),
        "reading_en": (TEXT, "What they say, in English"),
        "advised_share": (
            NUMBER,
            "Advice only, for the campaign: share in proportion to share of high value / cost per customer, bounded",
        ),
        "advised_change": (NUMBER, "Advised share less effective weight, as a part of the budget"),
        "advised_reason_zh": (TEXT, "How it was reached, in Chinese; NULL where the share is not moved"),
        "advised_reason_en": (TEXT, "The same in English"),
        "state": (
            TEXT,
            "final, provisional or withheld, as the worst figure in the row; NULL where nothing is recorded",
        ),
        "reason": (TEXT, "Why it is not final"),
        "reason_zh": (TEXT, SAME_IN_CHINESE),
    },
)

UNNAMED = Label(zh="未注明渠道", en="No channel named")
NO_CHANNEL = Label(zh="未注明渠道", en="no channel is named")
NOTHING = Label(zh="期内没有任何记录", en="nothing was recorded of it in the period")
WITHHELD = Label(zh="所用数据质量低于底线", en="the quality of a source it rests on is below its floor")
IN_VAIN = Label(zh="有支出而无新增客户", en="money was spent and no customer won")
NO_CUSTOMERS = Label(zh="没有新增客户", en="no customer was won")
FEW = Label(zh="新增客户不足 {least} 个", en="fewer than {least} new customers")
NO_COST = Label(zh="没有登记成本", en="no cost is booked for it")
NO_REACH = Label(zh="没有线索触达记录", en="nothing tells whether leads were reached")


def channel_scorecard(values: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table `ads.channel_scorecard` from `ads.kpi_values`."""
    cards = plan.scorecards.channels
    figures = official_figures(values, "channel", KPIS, members=[channel.id for channel in plan.channels])
    rows = _judged(_measured(figures, cards, plan), figures, cards).join(_aimed(values, figures.index))
    rows = rows.join(readings(rows, cards, plan.currency)).join(_advice(rows, cards.reallocation))
    named = rows.rename(
        columns={"spend": "cost_amount"} | {name: f"{name}_amount" for name in ("cac", "cac_before", "revenue")}
    )
    return _typed(named.reset_index().rename(columns={"member": "channel"}), plan.currency)


def _measured(figures: Figures, cards: ChannelCards, plan: Plan) -> pd.DataFrame:
    """Everything about a channel that is not a judgement; a row per period and channel."""
    value = figures.value
    rows = value[
        ["leads", "lead_conversion_rate", "new_customers", "high_value_share", "cac", "revenue", "roi_revenue"]
    ]
    rows = rows.assign(
        is_channel=figures.index.get_level_values("member") != UNKNOWN,
        is_recorded=figures.state.notna().any(axis=1),
        lead_reach_rate=value["reached_leads"] / value["leads"].where(value["leads"] != 0),
        reached_leads=value["reached_leads"],
        new_customers_target=figures.target["new_customers"],
        new_customers_attainment_rate=value["new_customers"] / figures.target["new_customers"],
        lead_conversion_rate_lower=figures.lower["lead_conversion_rate"],
        lead_conversion_rate_upper=figures.upper["lead_conversion_rate"],
        spend=value["total_cost"],
        high_value_customers=figures.numerator["high_value_share"],
        left_out_zh=figures.left_out_zh["cac"],
        left_out_en=figures.left_out_en["cac"],
        state=figures.worst_state(),
        reason=figures.reasons(),
        reason_zh=figures.reasons().map(reason_zh).astype(object),
    ).join(_planned(figures.index.get_level_values("member"), plan).set_index(figures.index))
    of_channels = rows["is_channel"]
    return rows.assign(
        new_customer_share=_share(rows["new_customers"].where(of_channels)),
        cost_share=_share(rows["spend"].where(of_channels)),
        budget_cost_share=_share(rows["spend"].where(rows["effective_weight"].notna())),
        is_largest=_is_largest(rows["new_customers"].where(of_channels)),
        pooled_conversion_rate=figures.pooled("lead_conversion_rate", of_channels),
        pooled_cac=figures.pooled("cac", of_channels),
        pooled_high_value_share=figures.pooled("high_value_share", of_channels),
        pooled_reach_rate=_sum(rows["reached_leads"].where(of_channels)) / _sum(rows["leads"].where(of_channels)),
    ).pipe(_with_change, cards)


def _aimed(values: pd.DataFrame, index: pd.MultiIndex) -> pd.DataFrame:
    """How well each channel hits the target audience; a row is no worse where the plan names none."""
    name = "audience_precision"
    figures = official_figures(values, "channel", [name])
    named = pd.Series(figures.index.get_level_values("member") != UNKNOWN, index=figures.index)
    columns = {
        name: figures.value[name],
        f"{name}_upper": figures.upper[name],
        f"pooled_{name}": figures.pooled(name, named),
    }
    return pd.DataFrame(columns).reindex(index)


def _planned(channels: pd.Index, plan: Plan) -> pd.DataFrame:
    """What the plan says of each channel: numeric shares are brought to 100 %, a missing one stays missing (I03)."""
    declared = {channel.id: channel for channel in plan.channels}
    total = sum(channel.weight for channel in plan.channels if channel.weight is not None)
    rows = []
    for name in channels:
        channel = declared.get(name)
        weight = channel.weight if channel else None
        label = channel.label if channel else Label(zh=name, en=name) if name != UNKNOWN else UNNAMED
        state = "unplanned" if channel is None else "outside" if channel.budget == "outside" else "share"
        rows.append(
            {
                "channel_zh": label.zh,
                "channel_en": label.en,
                "budget_state": "open" if state == "share" and weight is None else state,
                "planned_weight": weight,
                "effective_weight": weight / total if weight is not None and total else None,
            }
        )
    columns = ["channel_zh", "channel_en", "budget_state", "planned_weight", "effective_weight"]
    kinds = {"planned_weight": float, "effective_weight": float}
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def _sum(column: pd.Series) -> pd.Series:
    """The sum over a period on each of its rows; NaN where nothing is known, or it is nothing."""
    total = column.groupby(level=list(PERIOD)).transform("sum", min_count=1)
    return total.where(total != 0)


def _share(column: pd.Series) -> pd.Series:
    return column / _sum(column)


def _is_largest(column: pd.Series) -> pd.Series:
    return column.notna() & (column == column.groupby(level=list(PERIOD)).transform("max"))


def _with_change(rows: pd.DataFrame, cards: ChannelCards) -> pd.DataFrame:
    """The cost per customer of the baseline, of a month or quarter the one before, where both have enough customers."""
    enough = rows["cac"].where(rows["new_customers"] >= cards.customers_least)
    known = {(kind, start, member): cost for (kind, _, start, _, member), cost in enough.items()}
    baseline = {("campaign", member): cost for (kind, _, member), cost in known.items() if kind == "baseline"}
    before = [
        known.get((kind, _start_before(kind, start), member)) if kind in MONTHS else baseline.get((kind, member))
        for kind, _, start, _, member in rows.index
    ]
    was = pd.Series(before, index=rows.index, dtype=float)
    return rows.assign(cac_before=was, cac_change_rate=enough / was.where(was > 0) - 1)


def _start_before(kind: str, start: pd.Timestamp) -> pd.Timestamp:
    """The first day of the month or quarter before the one that starts on a day."""
    return pd.Timestamp(months_before(pd.Timestamp(start).date(), MONTHS[kind]))


def _judged(rows: pd.DataFrame, figures: Figures, cards: ChannelCards) -> pd.DataFrame:
    """Value score and rating, or why there is none: who won nobody is never rated, whatever the quotient would be."""
    reasons = _why_not(rows, figures, cards)
    judged = reasons.isna()
    reach = rows["lead_reach_rate"] / (rows["lead_reach_rate"] + rows["pooled_reach_rate"])
    # norm(1 / cost), both sides multiplied by the costs: one that cost nothing is as cheap as can be
    cheap = rows["pooled_cac"] / (rows["pooled_cac"] + rows["cac"])
    score = (100 * (cards.reach_weight * reach + cards.cost_weight * cheap)).where(judged)
    ratings = [None if pd.isna(points) else cards.rating(points) for points in score]
    return rows.assign(
        is_judged=judged,
        value_score=score,
        rating_id=pd.Series([rating and rating.id for rating in ratings], index=rows.index, dtype=object),
        rating_zh=pd.Series([rating and rating.label.zh for rating in ratings], index=rows.index, dtype=object),
        rating_en=pd.Series([rating and rating.label.en for rating in ratings], index=rows.index, dtype=object),
        rating_reason_zh=reasons.map(lambda label: label.zh, na_action="ignore"),
        rating_reason_en=reasons.map(lambda label: label.en, na_action="ignore"),
    )


def _why_not(rows: pd.DataFrame, figures: Figures, cards: ChannelCards) -> pd.Series:
    """Why a channel is not judged, the first reason that holds; NULL where it is."""
    needed = figures.state.mask(figures.is_unknown)[["reached_leads", "new_customers", "cac"]]
    few = Label(zh=FEW.zh.format(least=cards.customers_least), en=FEW.en.format(least=cards.customers_least))
    customers, spend = rows["new_customers"], rows["spend"]
    cases = [
        (~rows["is_channel"], NO_CHANNEL),
        (~rows["is_recorded"], NOTHING),
        ((needed == "withheld").any(axis=1), WITHHELD),
        ((customers == 0) & (spend > 0), IN_VAIN),
        (customers == 0, NO_CUSTOMERS),
        (customers < cards.customers_least, few),
        (~(rows["cac"] >= 0) | ~(rows["pooled_cac"] > 0), NO_COST),
        (~(rows["lead_reach_rate"] >= 0) | rows["pooled_reach_rate"].isna(), NO_REACH),
    ]
    labels = [label for _, label in cases]
    holding = zip(*(holds.to_numpy(bool) for holds, _ in cases), strict=True)
    reasons = [next((label for label, is_so in zip(labels, held, strict=True) if is_so), None) for held in holding]
    return pd.Series(reasons, index=rows.index, dtype=object)


def _advice(rows: pd.DataFrame, bounds: Reallocation) -> pd.DataFrame:
    """Shares of the campaign's budget in proportion to share of high value / cost per customer, where both are known.

    Those not judged keep theirs. The share of high value is that of the channel's customers and `prior_customers`
    usual ones together.
    """
    usual = rows["pooled_high_value_share"].fillna(0)
    customers = rows["new_customers"]
    quality = (rows["high_value_customers"].fillna(0) + bounds.prior_customers * usual) / (
        customers + bounds.prior_customers
    )
    attraction = quality.where(usual > 0, 1.0) / rows["cac"].where(rows["cac"] > 0)
    movable = rows["is_judged"] & (attraction > 0) & (rows["effective_weight"] > 0)
    movable &= rows.index.get_level_values("period_kind") == "campaign"
    advised = rows["effective_weight"].where(rows.index.get_level_values("period_kind") == "campaign")
    told = advice_reasons(rows.loc[movable].assign(usual=usual, counted=quality, attraction=attraction), bounds)
    if movable.any():
        advised[movable] = advised_shares(
            rows.loc[movable, "effective_weight"].to_numpy(),
            attraction[movable].to_numpy(),
            bounds.least,
            bounds.most,
        )
    return pd.DataFrame({"advised_share": advised, "advised_change": advised - rows["effective_weight"]}).join(told)


def _typed(rows: pd.DataFrame, currency: str) -> pd.DataFrame:
    counts = {name: rows[name].round().astype("Int64") for name in ("leads", "new_customers")}
    amounts = {name: money(rows[name]) for name, (kind, _) in CHANNEL_SCORECARD.columns.items() if kind == MONEY}
    return rows.assign(currency=currency, **counts, **amounts)[list(CHANNEL_SCORECARD.columns)]


REASONS = {name: name for name in ("state", "reason", "left_out_zh", "left_out_en")} | {"reason_zh": "reason"}
"""What is told of more than values."""


def compute_channel_scorecard(day: ProjectDay) -> pd.DataFrame:
    """`ads.channel_scorecard` of a day."""
    return channel_scorecard(day.read(KPI_VALUES.name), day.project.plan)


def channel_scorecard_lineage() -> Lineage:
    """Keys are keys; figures and what is said of them come from values, their parts and their states."""
    return dict(_lineage())


def _lineage() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    keys = {**{name: name for name in PERIOD}, "channel": "member"}
    planned = {"channel_zh", "channel_en", "budget_state", "planned_weight", "effective_weight", "currency"}
    for name in CHANNEL_SCORECARD.columns:
        if name in keys:
            yield name, [(KPI_VALUES.name, keys[name])]
        elif name not in planned:
            told = ("kpi", REASONS.get(name, "target" if name == "new_customers_target" else "value"))
            yield name, [(KPI_VALUES.name, column) for column in told]
