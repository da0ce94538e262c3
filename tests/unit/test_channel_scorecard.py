"""Channels judged on rows small enough to check by eye."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from facts import CAMPAIGN, Rows, cost, evaluate, first_sale, lead, won_lead
from hypothesis import given, settings
from hypothesis import strategies as st
from models import a_plan

from assets.ads.advised_shares import advised_shares
from assets.ads.channel_scorecard import CHANNEL_SCORECARD, channel_scorecard
from pipeline.plan import Channel, ChannelCards, Definitions, Label, Market, Plan, Rating, Reallocation, Scorecards
from quality.scorecard import SourceState

BEFORE = date(2026, 7, 1)
BASELINE = ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1))
OCTOBER = ("month", "2026-10", date(2026, 10, 1), date(2026, 11, 1))
SEPTEMBER = ("month", "2026-09", date(2026, 9, 1), date(2026, 10, 1))
WORDS = Label(zh="渠道", en="Channel")


def channel(name: str, weight: float | None = None, **fields: Any) -> Channel:
    return Channel(id=name, label=Label(zh=f"渠道 {name}", en=name.title()), weight=weight, **fields)


# S0 §2.2: 35/20/15/10/10 online and 10/5 offline, together 105 %; expos N/A, referral as one likes
SEED_CHANNELS = [
    *(
        channel(name, weight)
        for name, weight in {
            "social": 0.35,
            "search": 0.20,
            "content": 0.15,
            "online_ads": 0.10,
            "online_event": 0.10,
            "field": 0.10,
            "partner": 0.05,
        }.items()
    ),
    channel("expo"),
    channel("referral", budget="outside"),
]


def plan(*channels: Channel, **cards: Any) -> Plan:
    usual = {"customers_least": 2}
    return a_plan(channels=list(channels), scorecards=Scorecards(channels=ChannelCards(**usual | cards)))


def facts(on: date | None = None, **channels: tuple[int, int, float | None]) -> dict[str, Rows]:
    """Per channel: leads, how many of them were won and bought for 1,000 each, and what it cost."""
    day = {} if on is None else {"on": on}
    created = {} if on is None else {"created_on": on}
    found: dict[str, list] = {"lead_journey": [], "sales": [], "costs": []}
    for name, (leads, won, spent) in channels.items():
        found["lead_journey"] += [won_lead(channel=name, **day)] * won
        found["lead_journey"] += [lead(channel=name, **created)] * (leads - won)
        found["sales"] += [first_sale(f"{name}-{on}-{n}", 1000, channel=name, **day) for n in range(won)]
        found["costs"] += [] if spent is None else [cost(spent, channel=name, **day)]
    return found


def both(*parts: dict[str, Rows]) -> dict[str, Rows]:
    return {name: [row for part in parts for row in part[name]] for name in parts[0]}


def card(rows: pd.DataFrame, name: str, period: str = "campaign") -> pd.Series:
    found = rows.loc[(rows["channel"] == name) & (rows["period"] == period)]
    assert len(found) == 1
    return found.iloc[0]


def test_i03_planned_shares_of_105_percent_are_brought_to_100_and_missing_ones_stay_missing():
    rows = channel_scorecard(evaluate(facts(expo=(4, 2, 100), referral=(4, 2, 100))), plan(*SEED_CHANNELS))
    assert card(rows, "social")["planned_weight"] == 0.35
    assert card(rows, "social")["effective_weight"] == pytest.approx(0.35 / 1.05)
    assert rows["effective_weight"].sum() == pytest.approx(1)
    assert (
        rows.loc[rows["channel"].isin(["expo", "referral"]), ["planned_weight", "effective_weight"]]
        .isna()
        .all(axis=None)
    )
    assert card(rows, "expo")["budget_state"] == "open"
    assert card(rows, "referral")["budget_state"] == "outside"


def test_a_channel_that_is_not_paid_from_the_budget_can_have_no_share_of_it():
    with pytest.raises(ValueError, match="referral is outside the budget and has weight 0.1"):
        channel("referral", 0.1, budget="outside")


def test_f106_a_channel_has_its_customers_conversion_cost_and_return():
    rows = channel_scorecard(evaluate(facts(a=(20, 5, 1000), b=(20, 10, 1000))), plan(channel("a"), channel("b")))
    told = card(rows, "a")
    assert (told["leads"], told["new_customers"], told["lead_conversion_rate"]) == (20, 5, 0.25)
    assert (told["cac_amount"], told["cost_amount"], told["revenue_amount"]) == (200, 1000, 5000)
    assert (told["roi_revenue"], told["cost_share"]) == (4, 0.5)
    assert told["new_customer_share"] == pytest.approx(1 / 3)
    assert told["lead_conversion_rate_lower"] < 0.25 < told["lead_conversion_rate_upper"]


def test_i17_cheaper_is_better_and_as_good_as_all_together_is_fifty():
    same = channel_scorecard(evaluate(facts(a=(10, 4, 400), b=(10, 4, 400))), plan())
    assert same["value_score"].dropna().tolist() == pytest.approx([50, 50])
    rows = channel_scorecard(evaluate(facts(a=(10, 4, 100), b=(10, 4, 700))), plan())
    # all together a customer costs 100: norm(1 / 25) = 100 / 125, norm(1 / 175) = 100 / 275; both are reached alike
    assert card(rows, "a")["value_score"] == pytest.approx(100 * (0.5 * 0.5 + 0.5 * 100 / 125))
    assert card(rows, "b")["value_score"] == pytest.approx(100 * (0.5 * 0.5 + 0.5 * 100 / 275))


def test_i17_the_weights_of_the_plan_say_how_much_reach_counts():
    few_reached = facts(a=(10, 4, 400), b=(10, 4, 400))
    unreached = [lead(channel="b", reached_touched=False)] * 20
    few_reached["lead_journey"] = [*few_reached["lead_journey"], *unreached]
    by_cost = channel_scorecard(evaluate(few_reached), plan(reach_weight=0.0, cost_weight=1.0))
    by_reach = channel_scorecard(evaluate(few_reached), plan(reach_weight=1.0, cost_weight=0.0))
    assert card(by_cost, "a")["value_score"] == card(by_cost, "b")["value_score"] == 50
    assert card(by_reach, "a")["value_score"] == pytest.approx(100 * 1 / (1 + 0.5))
    assert card(by_reach, "b")["value_score"] == pytest.approx(100 * (1 / 3) / (1 / 3 + 0.5))


def test_u11_a_channel_with_spend_and_no_customer_is_never_rated():
    rows = channel_scorecard(evaluate(facts(a=(30, 0, 50_000), b=(10, 4, 400))), plan(channel("a"), channel("b")))
    told = card(rows, "a")
    assert told[["value_score", "rating_id", "cac_amount", "advised_share"]].isna().all()
    assert (told["rating_reason_zh"], told["rating_reason_en"]) == (
        "有支出而无新增客户",
        "money was spent and no customer won",
    )
    assert told["fired_rules"] == "spends_in_vain"
    assert told["reading_zh"] == "支出 50,000 元，线索 30 条，新增客户 0 个：获客成本无法计算，不评级。"
    assert told["reading_en"] == (
        "CNY 50,000 was spent for 30 leads and no new customer: there is no cost per customer, and no rating."
    )


@settings(max_examples=8, deadline=None)
@given(
    leads=st.integers(1, 6),
    spent=st.integers(1, 10_000),
    others=st.tuples(st.integers(2, 6), st.integers(1, 10_000)),
)
def test_u11_whatever_the_others_do_nobody_won_is_no_rating(leads, spent, others):
    won, cost_of_others = others
    rows = channel_scorecard(evaluate(facts(a=(leads, 0, spent), b=(9, won, cost_of_others))), plan())
    assert card(rows, "a")[["rating_id", "value_score"]].isna().all()
    assert not pd.isna(card(rows, "b")["rating_id"])


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        pytest.param((10, 1, 100), "fewer than 2 new customers", id="too-few-customers"),
        pytest.param((10, 0, None), "no customer was won", id="nothing-spent-nobody-won"),
        pytest.param((10, 4, None), "no cost is booked for it", id="a-cost-not-booked-is-not-a-cost-of-0"),
        pytest.param((0, 0, None), "nothing was recorded of it in the period", id="planned-and-never-seen"),
    ],
)
def test_what_can_not_be_judged_says_why(told: tuple[int, int, float | None], reason: str):
    rows = channel_scorecard(evaluate(facts(a=told, b=(10, 4, 400))), plan(channel("a"), channel("b")))
    assert card(rows, "a")["rating_reason_en"] == reason
    assert pd.isna(card(rows, "a")["rating_id"])
    assert pd.isna(card(rows, "b")["rating_reason_en"])


def test_a_channel_says_which_cost_its_figures_are_without():
    found = facts(search=(4, 2, 100), expo=(4, 2, 300))
    found["costs"].append(cost(600, is_marketing=False))
    rows = channel_scorecard(evaluate(found), plan(channel("search"), channel("expo")))
    assert card(rows, "search")["left_out_zh"] == "不含未注明渠道的成本 600 元（占全部成本的 60.0%）"
    assert card(rows, "search")["left_out_en"].startswith("without the CNY 600 of cost that names no channel")
    assert pd.isna(card(rows, "(unknown)")["left_out_en"])
    # channels are compared with each other, all of them without it
    assert card(rows, "search")["value_score"] > 50 > card(rows, "expo")["value_score"]


def test_a_channel_nobody_booked_a_cost_for_is_no_worse_for_it_in_all_other_figures():
    rows = channel_scorecard(evaluate(facts(search=(4, 2, 100), referral=(4, 2, None))), plan(channel("search")))
    referral = card(rows, "referral")
    assert (referral["state"], referral["rating_reason_en"]) == ("final", "no cost is booked for it")


def test_cost_that_names_no_channel_is_shown_and_not_judged():
    spent = facts(a=(10, 4, 400))
    wages = {**spent, "costs": [*spent["costs"], cost(9000, is_marketing=False)]}
    rows = channel_scorecard(evaluate(wages), plan(channel("a")))
    unnamed = card(rows, "(unknown)")
    assert (unnamed["cost_amount"], unnamed["rating_reason_en"]) == (9000, "no channel is named")
    assert card(rows, "a")["cost_share"] == 1
    assert card(rows, "a")["value_score"] == pytest.approx(50)


def test_a_source_below_its_floor_takes_cost_and_rating_with_it():
    withheld = {"expenses": SourceState("withheld", "completeness 0.5 below 0.8")}
    rows = channel_scorecard(evaluate(facts(a=(10, 4, 400)), states=withheld), plan(channel("a")))
    told = card(rows, "a")
    assert (told["state"], told["rating_reason_zh"]) == ("withheld", "所用数据质量低于底线")
    assert pd.isna(told["cost_amount"]) and told["new_customers"] == 4
    assert "total_cost: expenses: completeness 0.5 below 0.8" in told["reason"]


@pytest.mark.parametrize(
    ("score", "rating"),
    [
        pytest.param(65.0, "excellent", id="exactly-excellent"),
        pytest.param(64.99, "good", id="just-below"),
        pytest.param(35.0, "fair", id="exactly-fair"),
        pytest.param(0.0, "poor", id="nothing"),
    ],
)
def test_ratings_begin_at_their_points(score: float, rating: str):
    assert ChannelCards().rating(score).id == rating


def test_ratings_that_leave_a_score_without_a_word_are_refused():
    with pytest.raises(ValueError, match="down to one that begins at 0"):
        ChannelCards(ratings=[Rating(id="good", label=WORDS, least=50)])


def test_weights_of_the_value_score_must_make_100_percent():
    with pytest.raises(ValueError, match="add up to 90%"):
        ChannelCards(reach_weight=0.4, cost_weight=0.5)


def test_f107_conversion_above_the_others_at_high_cost_asks_for_the_value_of_the_customers():
    told = facts(a=(100, 50, 50_000), b=(900, 50, 5000))
    rows = channel_scorecard(evaluate(told), plan())
    assert card(rows, "a")["fired_rules"] == "converts_but_costs"
    assert card(rows, "a")["reading_en"].startswith(
        "50.0% of the leads are won, clearly more than the 10.0% of all channels together, but a customer costs "
        "CNY 1,000, 1.8 times the CNY 550 of all."
    )
    assert card(rows, "a")["reading_zh"].startswith(
        "线索转化率 50.0%，明显高于各渠道合计的 10.0%；但获客成本 1,000 元，是合计（550 元）的 1.8 倍。"
    )
    assert pd.isna(card(rows, "b")["fired_rules"])


def test_f107_a_conversion_that_could_be_chance_says_nothing():
    rows = channel_scorecard(evaluate(facts(a=(4, 2, 50_000), b=(8, 3, 3000))), plan())
    assert card(rows, "a")["lead_conversion_rate"] > card(rows, "b")["lead_conversion_rate"]
    assert pd.isna(card(rows, "a")["fired_rules"])


def of_audience(name: str | None, hits: int, misses: int) -> dict[str, Rows]:
    reached = [lead(channel=name, reached_touched=True, is_audience=place < hits) for place in range(hits + misses)]
    return {"lead_journey": reached}


def test_f110_a_channel_whose_audience_is_not_the_target_says_so_and_one_that_may_be_unlucky_does_not():
    """S0 §6.2: 10 of 100 beside 80 of 100; 1 of 4 may be bad luck."""
    told = both(of_audience("a", 10, 90), of_audience("b", 80, 20), of_audience("c", 1, 3), of_audience(None, 0, 500))
    declared = Definitions(audience=Market(industries=["教育"]))
    rows = channel_scorecard(evaluate(told, definitions=declared), plan())
    assert [card(rows, name)["audience_precision"] for name in "abc"] == [0.1, 0.8, 0.25]
    assert [card(rows, name)["fired_rules"] for name in "abc"] == ["misses_audience", None, None]
    assert card(rows, "a")["reading_zh"] == (
        "触达的线索中 10.0% 属于目标客户（95% 区间上限 17.4%），低于各渠道合计的 44.6%：受众与目标客户不够匹配。"
    )


def test_a_plan_without_an_audience_makes_no_channel_worse():
    row = card(channel_scorecard(evaluate(facts(a=(9, 3, 300))), plan()), "a")
    assert pd.isna(row["audience_precision"])
    assert row["state"] == "final"


def test_f107_growth_through_one_channel_at_rising_cost_is_a_warning():
    told = both(facts(BEFORE, a=(20, 5, 500), b=(20, 5, 500)), facts(a=(40, 12, 1800), b=(40, 6, 600)))
    rows = channel_scorecard(evaluate(told, periods=(BASELINE, CAMPAIGN)), plan())
    assert card(rows, "a")[["cac_before_amount", "cac_amount"]].tolist() == [100, 150]
    assert card(rows, "a")["cac_change_rate"] == pytest.approx(0.5)
    assert card(rows, "a")["fired_rules"] == "grows_at_rising_cost"
    assert card(rows, "a")["reading_en"].startswith(
        "66.7% of the new customers come through this channel, more than through any other, while the cost of one "
        "rose from CNY 100 to CNY 150 (+50.0%)."
    )
    assert pd.isna(card(rows, "b")["fired_rules"])
    assert pd.isna(card(rows, "a", "baseline")["cac_change_rate"])


def test_a_month_is_compared_with_the_month_before():
    told = both(facts(date(2026, 9, 5), a=(9, 4, 400)), facts(date(2026, 10, 5), a=(9, 5, 1000)))
    rows = channel_scorecard(evaluate(told, periods=(SEPTEMBER, OCTOBER)), plan())
    assert card(rows, "a", "2026-10")[["cac_before_amount", "cac_change_rate"]].tolist() == [100, 1.0]
    assert pd.isna(card(rows, "a", "2026-09")["cac_before_amount"])


def test_a_quarter_is_compared_with_the_quarter_before():
    third = ("quarter", "2026-Q3", date(2026, 7, 1), date(2026, 10, 1))
    fourth = ("quarter", "2026-Q4", date(2026, 10, 1), date(2026, 11, 21))
    told = both(facts(date(2026, 8, 5), a=(9, 4, 400)), facts(date(2026, 10, 5), a=(9, 5, 1000)))
    rows = channel_scorecard(evaluate(told, periods=(third, fourth)), plan())
    assert card(rows, "a", "2026-Q4")[["cac_before_amount", "cac_change_rate"]].tolist() == [100, 1.0]
    assert pd.isna(card(rows, "a", "2026-Q3")["cac_before_amount"])


def test_i60_advice_moves_the_budget_to_cheap_customers_and_no_further_than_the_bounds():
    told = facts(a=(10, 5, 100), b=(10, 5, 1000), c=(10, 0, 500))
    channels = [channel("a", 0.4), channel("b", 0.4), channel("c", 0.2)]
    rows = channel_scorecard(evaluate(told), plan(*channels, reallocation=Reallocation(least=0.5, most=1.5)))
    advised = {name: card(rows, name)["advised_share"] for name in "abc"}
    assert advised == pytest.approx({"a": 0.6, "b": 0.2, "c": 0.2})
    assert card(rows, "a")["advised_change"] == pytest.approx(0.2)


def test_i60_of_equal_cost_the_channel_with_better_customers_gets_more():
    told = facts(a=(10, 5, 500), b=(10, 5, 500))
    valued = [
        {"channel": name, "first_ordered_on": date(2026, 9, 10), "is_high_value": n < high}
        for name, high in (("a", 3), ("b", 1))
        for n in range(5)
    ]
    bounds = Reallocation(least=0.1, most=2.0, prior_customers=5)
    rows = channel_scorecard(
        evaluate({**told, "customer_segments": valued}), plan(channel("a", 0.5), channel("b", 0.5), reallocation=bounds)
    )
    # 3 and 2 usual ones of 10, against 1 and 2 of 10
    assert card(rows, "a")["advised_share"] == pytest.approx(5 / 8)
    assert card(rows, "b")["advised_reason_zh"] == (
        "高价值客户占比按 30.0% 计：5 个新增客户中有 1 个；为免少数客户左右结果，另计入 5 个平均水平（40.0%）的客户。"
        "按这一占比与获客成本之比应得 37.5%；一次调整限于计划占比的 0.1 至 2 倍。"
    )
    assert card(rows, "b")["advised_reason_en"] == (
        "Its share of high value counts as 30.0%: 1 of 5 new customers, and 5 more of the usual 40.0%, so that a few "
        "customers don't decide. Held against what a new customer costs, 37.5% is its fair part; one step stays within "
        "0.1 to 2 times the planned share."
    )


def test_where_few_do_not_count_less_or_nobody_is_of_high_value_the_reason_says_so():
    told, bounds = facts(a=(10, 5, 500), b=(10, 5, 500)), {"least": 0.5, "most": 1.5}
    channels = [channel("a", 0.5), channel("b", 0.5)]
    none = channel_scorecard(evaluate(told), plan(*channels, reallocation=Reallocation(**bounds)))
    assert card(none, "a")["advised_reason_zh"].startswith("各渠道都没有高价值客户，占比一律按相同计。")
    valued = [
        {"channel": name, "first_ordered_on": date(2026, 9, 10), "is_high_value": name == "a" or n > 3}
        for name in "ab"
        for n in range(5)
    ]
    plain = channel_scorecard(
        evaluate({**told, "customer_segments": valued}),
        plan(*channels, reallocation=Reallocation(**bounds, prior_customers=0)),
    )
    assert card(plain, "b")["advised_reason_en"].startswith("Its share of high value is 20.0%: 1 of 5 new customers. ")


def test_advice_is_for_the_campaign_alone():
    rows = channel_scorecard(evaluate(facts(a=(9, 4, 400)), periods=(CAMPAIGN, SEPTEMBER)), plan(channel("a", 1.0)))
    assert card(rows, "a")["advised_share"] == 1
    assert pd.isna(card(rows, "a", "2026-09")["advised_share"])


shares = st.lists(st.tuples(st.floats(0.01, 1), st.floats(1e-6, 1e6)), min_size=1, max_size=9)


@given(parts=shares, least=st.floats(0, 1), most=st.floats(1, 5))
def test_i60_advised_shares_keep_the_sum_and_the_bounds_and_favour_what_attracts_more(parts, least, most):
    planned, attraction = (np.array(column) for column in zip(*parts, strict=True))
    advised = advised_shares(planned, attraction, least, most)
    assert advised.sum() == pytest.approx(planned.sum())
    assert (advised >= least * planned - 1e-9).all()
    assert (advised <= most * planned + 1e-9).all()
    even = advised_shares(np.ones(len(parts)), attraction, least, most)
    ordered = even[np.argsort(attraction, kind="stable")]
    assert (np.diff(ordered) >= -1e-9).all()


def test_the_order_of_the_rows_does_not_matter_and_the_table_can_be_written(tmp_path: Path):
    values = evaluate(facts(a=(30, 0, 50_000), b=(10, 4, 400), c=(9, 3, 100)), periods=(BASELINE, CAMPAIGN))
    judged = plan(channel("a", 0.5), channel("b", 0.5))
    written = []
    for name, frame in (("as-it-is", values), ("turned", values.iloc[::-1])):
        CHANNEL_SCORECARD.write(channel_scorecard(frame, judged), tmp_path / name)
        written.append(pq.read_table(tmp_path / name))
    assert written[0].equals(written[1])
    assert written[0].column("rating_id").null_count > 0


def test_a_company_without_planned_channels_or_figures_has_a_table_all_the_same(tmp_path: Path):
    rows = channel_scorecard(evaluate({}), plan())
    assert CHANNEL_SCORECARD.write(rows, tmp_path / "none.parquet") == 0
