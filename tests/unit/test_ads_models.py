"""The funnel and the summary of the segments, on rows small enough to check by eye."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model

from pipeline.plan import Label, Periods, Play

STAGES = ["created", "assigned", "touched", "qualified", "met", "proposed", "won"]
TIMES = {
    "assigned": "assigned_at",
    "touched": "first_touch_at",
    "qualified": "qualified_at",
    "met": "met_at",
    "proposed": "proposed_at",
    "won": "won_at",
}


# --- funnel ---


def at(stage: str, *, lost: bool = False, **cells: str | None) -> Row:
    """A lead of October that got as far as a stage."""
    reached = {TIMES[stage]: "2026-10-10 09:00"} if stage in TIMES else {}
    return reached | ({"lost_at": "2026-10-20 09:00"} if lost else {}) | cells


def funnel(leads: list[Row], period: str = "campaign", member: str = "(all)", **others: list[Row]) -> dict[str, Row]:
    """The stages of one funnel in their order."""
    rows = run_model("ads.funnel", {"leads": leads, **others})
    found = [row for row in rows if (row["period"], row["member"]) == (period, member)]
    return {row["stage"]: row for row in sorted(found, key=lambda row: row["stage_order"])}


def test_a_funnel_counts_who_reached_each_stage() -> None:
    leads = [at("created"), at("touched"), at("touched", lost=True), at("met", lost=True), at("won")]
    found = funnel(leads)
    assert list(found) == STAGES
    assert [row["leads"] for row in found.values()] == [5, 4, 4, 2, 2, 1, 1]
    assert [row["dropped"] for row in found.values()] == [0, 0, 1, 0, 1, 0, 0]
    assert [row["waiting"] for row in found.values()] == [1, 0, 1, 0, 0, 0, 0]


def test_rates_are_of_the_start_and_of_the_stage_before() -> None:
    found = funnel([at("created"), at("touched"), at("touched"), at("won")])
    assert [row["of_start_rate"] for row in found.values()] == [1.0, 0.75, 0.75, 0.25, 0.25, 0.25, 0.25]
    assert [row["of_previous_rate"] for row in found.values()] == [None, 0.75, 1.0, 1 / 3, 1.0, 1.0, 1.0]


def test_a_stage_after_one_nobody_reached_has_no_rate() -> None:
    found = funnel([at("created")])
    assert (found["assigned"]["of_previous_rate"], found["touched"]["of_previous_rate"]) == (0.0, None)
    assert (found["touched"]["of_start_rate"], found["touched"]["leads"]) == (0.0, 0)


@pytest.mark.parametrize(
    ("created", "periods"),
    [
        pytest.param("2026-10-01 00:00", {"2026-10", "2026-Q4", "campaign"}, id="first-moment-of-a-month"),
        pytest.param("2026-09-30 23:59", {"2026-09", "campaign"}, id="last-minute-of-a-month"),
        pytest.param("2026-09-01 00:00", {"2026-09", "campaign"}, id="first-moment-of-the-campaign"),
        pytest.param("2026-08-31 23:59", {"baseline"}, id="eve-of-the-campaign"),
        pytest.param("2026-05-31 23:59", set(), id="eve-of-the-baseline"),
        pytest.param("2026-11-20 23:59", {"2026-11", "2026-Q4", "campaign"}, id="the-day-itself"),
    ],
)
def test_leads_belong_to_the_periods_they_were_entered_in(created: str, periods: set[str]) -> None:
    rows = run_model("ads.funnel", {"leads": [{"created_at": created}]})
    assert {row["period"] for row in rows} == periods


def test_months_before_the_campaign_are_told_as_far_back_as_the_plan_asks() -> None:
    plan = a_plan(periods=Periods(months=5))
    rows = run_model("ads.funnel", {"leads": [{"created_at": "2026-08-31 23:59"}]}, plan=plan)
    assert {(row["period_kind"], row["period"]) for row in rows} == {("month", "2026-08"), ("baseline", "baseline")}
    august = {(row["period_start"], row["period_end"]) for row in rows if row["period_kind"] == "month"}
    assert august == {(date(2026, 8, 1), date(2026, 9, 1))}


@pytest.mark.parametrize(
    ("state", "leads"),
    [pytest.param("provisional", 1, id="told"), pytest.param("withheld", None, id="counts-nothing")],
)
def test_a_funnel_is_as_good_as_the_leads(state: str, leads: int | None) -> None:
    states = [{"table_name": "leads", "state": state, "reason": "accuracy 70.0%", "reason_zh": "准确性 70.0%"}]
    tables = {"leads": [at("won")], "dq.source_states": states}
    for name, counted in (("ads.funnel", "leads"), ("ads.funnel_wide", "won_leads")):
        rows = run_model(name, tables)
        assert {(row["state"], row["reason"], row["reason_zh"], row[counted]) for row in rows} == {
            (state, "leads: accuracy 70.0%", "线索：准确性 70.0%", leads)
        }


def test_a_funnel_of_sound_leads_is_final() -> None:
    assert {(row["state"], row["reason"]) for row in run_model("ads.funnel_wide", {"leads": [at("won")]})} == {
        ("final", None)
    }


def test_a_funnel_stands_for_every_channel_and_every_team() -> None:
    leads = [
        at("won", channel="expo", owner_id="S1"),
        at("met", channel="expo", owner_id="S1"),
        at("created", channel="radio", owner_id="S9"),
        at("created", channel="search"),
    ]
    rows = run_model("ads.funnel", {"leads": leads, "staff": [{"staff_id": "S1", "team_id": "north"}]})
    started = {
        (row["dimension"], row["member"]): row["leads"]
        for row in rows
        if (row["period"], row["stage"]) == ("campaign", "created")
    }
    assert started == {
        ("total", "(all)"): 4,
        ("channel", "expo"): 2,
        ("channel", "radio"): 1,
        ("channel", "search"): 1,
        ("team", "north"): 2,
        ("team", "(unknown)"): 2,
        ("grade", "(unknown)"): 4,
    }


LEADS = st.lists(
    st.builds(
        at,
        st.sampled_from(STAGES),
        lost=st.booleans(),
        channel=st.sampled_from(["search", "expo"]),
        owner_id=st.sampled_from([None, "S1", "S2"]),
        score=st.sampled_from([None, 20.0, 50.0, 90.0]),
        created_at=st.sampled_from(["2026-09-15 09:00", "2026-10-01 00:00", "2026-11-20 09:00", "2026-08-01 09:00"]),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=20, deadline=None)
@given(leads=LEADS)
def test_no_lead_is_lost_between_two_stages_or_between_the_members(leads: list[Row]) -> None:
    staff = [{"staff_id": "S1", "team_id": "north"}, {"staff_id": "S2", "team_id": "south"}]
    rows = run_model("ads.funnel", {"leads": leads, "staff": staff})
    leads_at = {(row["period"], row["dimension"], row["member"], row["stage_order"]): row["leads"] for row in rows}
    for row in rows:
        place = (row["period"], row["dimension"], row["member"])
        further = leads_at.get((*place, row["stage_order"] + 1), row["leads"])
        assert row["leads"] == further + row["dropped"] + row["waiting"]
    for dimension in ("channel", "team", "grade"):
        for (period, whole, _, stage), total in leads_at.items():
            if whole == "total":
                parts = [n for (p, d, _, s), n in leads_at.items() if (p, d, s) == (period, dimension, stage)]
                assert sum(parts) == total


# --- the funnel in one row ---


def wide(rows: list[Row], period: str = "campaign", member: str = "(all)") -> Row:
    """The one row of a period and member."""
    [found] = [row for row in rows if (row["period"], row["member"]) == (period, member)]
    return found


def funnel_wide(leads: list[Row]) -> list[Row]:
    staff = [{"staff_id": "S1", "team_id": "north"}, {"staff_id": "S2", "team_id": "south"}]
    return run_model("ads.funnel_wide", {"leads": leads, "staff": staff})


@settings(max_examples=20, deadline=None)
@given(leads=LEADS)
def test_a_wide_funnel_says_of_every_period_and_member_what_the_long_one_says(leads: list[Row]) -> None:
    """U16: two shapes of the same figures, for tools that want the one or the other."""
    staff = [{"staff_id": "S1", "team_id": "north"}, {"staff_id": "S2", "team_id": "south"}]
    long = run_model("ads.funnel", {"leads": leads, "staff": staff})
    keys = ("period_kind", "period", "period_start", "period_end", "dimension", "member")
    told = {}
    for row in long:
        stage, place = row["stage"], tuple(row[key] for key in keys)
        figures = {f"{stage}_leads": row["leads"]}
        if stage != "created":
            figures |= {f"{stage}_{rate}": row[rate] for rate in ("of_start_rate", "of_previous_rate")}
        told[place] = told.get(place, {}) | figures
    found = {tuple(row[key] for key in keys): row for row in funnel_wide(leads)}
    assert {place: {name: row[name] for name in told[place]} for place, row in found.items()} == told


def drop(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("drop_node", "drop_rate", "drop_leads", "drop_waiting_leads"))


def test_f082_the_drop_node_is_the_stage_at_which_the_largest_part_was_given_up() -> None:
    """4 were touched and 2 met; one of each was given up, and half is more than a quarter."""
    leads = [at("created"), at("touched"), at("touched", lost=True), at("met", lost=True), at("won")]
    row = wide(funnel_wide(leads))
    assert drop(row) == ("met", 0.5, 1, 0)
    assert (row["drop_en"], row["drop_zh"]) == ("Met → Proposed", "已见面 → 已出方案")


def test_f082_leads_that_wait_are_told_and_not_lost() -> None:
    """After touched 4 of 6 are missing, but only 1 was given up; after met 1 of 2 was."""
    leads = [at("touched"), at("touched"), at("touched"), at("touched", lost=True), at("met", lost=True), at("won")]
    assert drop(wide(funnel_wide(leads))) == ("met", 0.5, 1, 0)
    assert drop(wide(funnel_wide([*leads, at("met"), at("met")]))) == ("met", 0.25, 1, 2)


def test_f082_of_two_stages_that_lose_as_large_a_part_the_earlier_is_the_drop_node() -> None:
    leads = [at("touched", lost=True), at("touched", lost=True), at("met", lost=True), at("won")]
    assert drop(wide(funnel_wide(leads))) == ("touched", 0.5, 2, 0)


def test_each_channel_has_a_drop_node_of_its_own() -> None:
    leads = [at("touched", lost=True, channel="expo"), at("won", channel="search")]
    rows = funnel_wide([*leads, at("created", lost=True, channel="search")])
    assert [wide(rows, member=channel)["drop_node"] for channel in ("expo", "search")] == ["touched", "created"]


@pytest.mark.parametrize("last", ["touched", "won"])
def test_a_funnel_that_loses_nobody_has_no_drop_node(last: str) -> None:
    row = wide(funnel_wide([at("won"), at(last)]))
    assert (row["drop_zh"], *drop(row)) == (None, None, None, None, None)


# --- segment_summary ---


def bought(customer: str, orders: int, amount: float, day: str = "2026-11-01") -> list[Row]:
    """Orders on one day that come to `amount`."""
    return [
        {
            "order_id": f"{customer}-{number}",
            "customer_id": customer,
            "ordered_at": f"{day} 10:00",
            "amount": amount if number == 0 else 0,
        }
        for number in range(orders)
    ]


def summary(scheme: str, tables: dict[str, list[Row]], **plan: object) -> dict[str, Row]:
    """The classes of a scheme in their order."""
    rows = run_model("ads.segment_summary", tables, plan=a_plan(**plan))
    found = sorted((row for row in rows if row["scheme"] == scheme), key=lambda row: row["position"])
    return {row["class_id"]: row for row in found}


COMPANY = {
    "customers": [{}, {}, {}, {}],
    "orders": [*bought("C1", 5, 120_000), *bought("C2", 7, 140_000), *bought("C3", 1, 40_000)],
}


def test_every_class_is_listed_also_where_nobody_is_in_it() -> None:
    """I31."""
    found = summary("rfm", COMPANY)
    assert list(found)[:4] == ["high_value", "potential", "new", "at_risk"]
    assert (len(found), list(found)[-1]) == (13, "no_order")
    assert {name: row["customers"] for name, row in found.items() if row["customers"]} == {
        "high_value": 2,
        "new": 1,
        "no_order": 1,
    }
    assert list(summary("abc", COMPANY)) == ["A", "B", "C"]


@pytest.mark.parametrize("scheme", ["rfm", "abc"])
def test_the_shares_of_a_scheme_add_up_to_one(scheme: str) -> None:
    """I31."""
    found = summary(scheme, COMPANY).values()
    assert sum(row["customers"] for row in found) == 4
    assert sum(row["customer_share"] for row in found) == pytest.approx(1)
    assert sum(row["spend_share"] for row in found) == pytest.approx(1)
    assert sum(row["total_spend_amount"] for row in found) == 300_000


def test_means_are_per_order_and_per_customer() -> None:
    high = summary("rfm", COMPANY)["high_value"]
    assert (high["mean_frequency"], float(high["mean_order_amount"])) == (6.0, 21_666.67)
    assert (high["customer_share"], high["spend_share"]) == (0.5, pytest.approx(260 / 300))


def test_an_empty_class_has_no_means() -> None:
    empty = summary("rfm", COMPANY)["at_risk"]
    assert (empty["customers"], empty["customer_share"], empty["spend_share"]) == (0, 0.0, 0.0)
    assert (empty["mean_frequency"], empty["mean_order_amount"]) == (None, None)


@pytest.mark.parametrize(
    ("class_id", "zh", "en"),
    [
        pytest.param(
            "high_value",
            "共 2 位客户，占全部客户的 50.0%；人均下单 6.0 次，客单价 21,666.67 元；"
            "净消费合计 260,000.00 元，占全部的 86.7%。",
            "2 customers, 50.0% of all; 6.0 orders each on average, 21,666.67 CNY per order; "
            "net spend 260,000.00 CNY, 86.7% of all.",
            id="several",
        ),
        pytest.param(
            "no_order",
            "共 1 位客户，占全部客户的 25.0%；期内没有下单；净消费合计 0.00 元，占全部的 0.0%。",
            "1 customer, 25.0% of all; no orders in the period; net spend 0.00 CNY, 0.0% of all.",
            id="without-orders",
        ),
        pytest.param("at_risk", "目前没有客户属于此类。", "No customer is in this class now.", id="nobody"),
    ],
)
def test_what_marks_a_class_is_told_in_numbers(class_id: str, zh: str, en: str) -> None:
    found = summary("rfm", COMPANY)[class_id]
    assert (found["features_zh"], found["features_en"]) == (zh, en)


def test_a_company_without_customers_has_its_classes_and_no_shares() -> None:
    for scheme in ("rfm", "abc"):
        for row in summary(scheme, {}).values():
            assert (row["customers"], row["customer_share"], row["spend_share"]) == (0, None, None)
            assert row["features_en"] == "No customer is in this class now."


def test_where_more_came_back_than_was_bought_there_is_no_share_of_spend() -> None:
    returned = {"customer_id": "C1", "kind": "refund", "refund_of": "O0", "amount": 500}
    found = summary("rfm", {"customers": [{}], "orders": [*bought("C1", 1, 100), returned]})["new"]
    assert (found["spend_share"], found["total_spend_amount"]) == (None, -400)
    assert (
        found["features_zh"]
        == "共 1 位客户，占全部客户的 100.0%；人均下单 1.0 次，客单价 −400.00 元；净消费合计 −400.00 元。"
    )


def test_strategies_come_from_the_playbook_by_class_of_each_scheme() -> None:
    play = Play(
        strategy=Label(zh="专属经理", en="Own manager"), resource=Label(zh="折扣", en="Discount"), owner="sales"
    )
    playbook = {"at_risk": play, "abc_a": play}
    rfm = summary("rfm", COMPANY, playbook=playbook)
    abc = summary("abc", COMPANY, playbook=playbook)
    assert (rfm["at_risk"]["strategy_zh"], rfm["at_risk"]["resource_en"]) == ("专属经理", "Discount")
    assert (abc["A"]["strategy_en"], abc["A"]["strategy_owner"]) == ("Own manager", "sales")
    assert (rfm["new"]["strategy_zh"], abc["B"]["strategy_zh"]) == (None, None)


def test_each_class_shows_the_thresholds_it_goes_by() -> None:
    assert summary("rfm", COMPANY)["new"]["definition_zh"] == (
        "最近一次下单不满 1 个月，近 12 个月下单至少 1 次、少于 3 次，近 12 个月净消费低于 50,000.00 元。"
    )
