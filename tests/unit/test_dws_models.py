"""Leads, sales, costs, answers, contacts and customers: each rule on rows small enough to check by eye."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model

from pipeline.plan import Abc, Definitions, Label, Plan, Play, Range, Rfm, RfmRule, Segments, ValidLead
from pipeline.plan_tables import CELLS, months_before

MERGED = [{"source_customer_id": "C9", "customer_id": "C1"}]
TWO_TEAMS = [
    {"staff_id": "S1", "team_id": "north", "region": "华北"},
    {"staff_id": "S2", "team_id": "south", "region": "华南"},
    {"staff_id": "S3", "team_id": "west", "region": "西南"},
]


def one(name: str, plan: Plan | None = None, as_of: date | str = date(2026, 11, 20), **tables: list[Row]) -> Row:
    """The only row of a model."""
    [row] = run_model(name, tables, plan=plan, as_of=as_of)
    return row


def column(name: str, wanted: str, **tables: list[Row]) -> list[Any]:
    """One column of a model, in the order of its grain."""
    return [row[wanted] for row in run_model(name, tables)]


# --- lead_journey ---

STAGES = ["assigned", "touched", "qualified", "met", "proposed", "won"]


@pytest.mark.parametrize(
    ("times", "last_stage", "reached"),
    [
        pytest.param({}, "created", 0, id="only-created"),
        pytest.param({"assigned_at": "2026-10-02 09:00"}, "assigned", 1, id="assigned"),
        pytest.param({"met_at": "2026-10-05 09:00"}, "met", 4, id="met-implies-what-came-before"),
        pytest.param({"won_at": "2026-10-20 09:00"}, "won", 6, id="won-implies-everything"),
        pytest.param(
            {"qualified_at": "2026-10-03 09:00", "proposed_at": "2026-10-09 09:00"},
            "proposed",
            5,
            id="met-not-written-down",
        ),
    ],
)
def test_a_later_stage_implies_the_earlier_ones(times: Row, last_stage: str, reached: int) -> None:
    lead = one("dws.lead_journey", leads=[times])
    assert lead["last_stage"] == last_stage
    assert [lead[f"reached_{stage}"] for stage in STAGES] == [position < reached for position in range(len(STAGES))]


def test_a_lost_lead_dropped_at_the_last_stage_it_reached() -> None:
    lead = one(
        "dws.lead_journey", leads=[{"met_at": "2026-10-05 09:00", "lost_at": "2026-10-30 09:00", "lost_reason": "价格"}]
    )
    assert (lead["is_lost"], lead["drop_node"], lead["lost_reason"]) == (True, "met", "价格")


def test_an_open_lead_dropped_nowhere() -> None:
    lead = one("dws.lead_journey", leads=[{"met_at": "2026-10-05 09:00"}])
    assert (lead["is_won"], lead["is_lost"], lead["drop_node"]) == (False, False, None)


def test_a_signed_lead_is_won_even_if_it_was_once_given_up() -> None:
    lead = one("dws.lead_journey", leads=[{"won_at": "2026-10-20 09:00", "lost_at": "2026-10-10 09:00"}])
    assert (lead["is_won"], lead["is_lost"], lead["drop_node"]) == (True, False, None)


STRANGER: Row = {"phone": None, "email": None}


@pytest.mark.parametrize(
    ("lead", "valid"),
    [
        pytest.param({}, True, id="phone-and-tag"),
        pytest.param({"phone": None, "email": "a@b.cn"}, True, id="e-mail-will-do"),
        pytest.param(STRANGER, False, id="no-way-to-reach"),
        pytest.param({"demand_tag": None}, False, id="no-demand-tag"),
        pytest.param(STRANGER | {"demand_tag": None, "customer_id": "C1"}, True, id="the-customer-supplies-both"),
        pytest.param(STRANGER | {"customer_id": "C7"}, False, id="a-customer-nobody-knows-supplies-nothing"),
    ],
)
def test_a_valid_lead_can_be_reached_and_says_what_it_needs(lead: Row, valid: bool) -> None:
    """I23: contactable, and with a need."""
    assert one("dws.lead_journey", leads=[lead], customers=[{}])["is_valid"] is valid


@pytest.mark.parametrize(
    ("score", "valid"),
    [
        pytest.param(59.9, False, id="below"),
        pytest.param(60, True, id="exactly"),
        pytest.param(None, False, id="never-scored"),
    ],
)
def test_a_valid_lead_has_the_least_score(score: float | None, valid: bool) -> None:
    """I23: where the plan asks for a score, it is reached at exactly that score."""
    plan = a_plan(definitions=Definitions(valid_lead=ValidLead(minimum_score=60.0)))
    assert one("dws.lead_journey", plan, leads=[{"score": score}])["is_valid"] is valid


def lead_on(day: str, **fields: Any) -> Row:
    """A lead that could be valid, of a day of 2026."""
    return {"created_at": f"2026-{day} 09:00", "phone": None, "email": "a@b.cn"} | fields


@pytest.mark.parametrize(
    ("leads", "valid"),
    [
        pytest.param([lead_on("09-01"), lead_on("09-20")], [True, False], id="the-same-address"),
        pytest.param([lead_on("09-20"), lead_on("09-01")], [False, True], id="in-whatever-order-they-lie"),
        pytest.param([lead_on("09-01"), lead_on("09-20", email="c@b.cn")], [True, True], id="another-address"),
        pytest.param(
            [lead_on("09-01", phone="13900000001"), lead_on("09-20", phone="13900000001", email="c@b.cn")],
            [True, False],
            id="the-same-number",
        ),
        pytest.param(
            [lead_on("09-01", customer_id="C1"), lead_on("09-20", customer_id="C9", email="c@b.cn")],
            [True, False],
            id="two-ids-of-one-customer",
        ),
        pytest.param([lead_on("06-01"), lead_on("08-30")], [True, False], id="ninety-days-later"),
        pytest.param([lead_on("06-01"), lead_on("08-31")], [True, True], id="ninety-one-days-later"),
        pytest.param([lead_on("06-01"), lead_on("08-01"), lead_on("10-01")], [True, False, False], id="on-and-on"),
        pytest.param(
            [lead_on("09-01"), lead_on("09-20", won_at="2026-10-10 09:00")], [False, True], id="the-one-that-was-won"
        ),
        pytest.param(
            [lead_on("09-01", email=None), lead_on("09-02", email=None)], [False, False], id="nobody-can-be-reached"
        ),
    ],
)
def test_i23_two_leads_of_one_person_are_one_valid_lead(leads: list[Row], valid: list[bool]) -> None:
    found = column("dws.lead_journey", "is_valid", leads=leads, customers=[{}], customer_links=MERGED)
    assert found == valid


def test_i23_a_plan_may_count_each_lead_of_a_person() -> None:
    plan = a_plan(definitions=Definitions(valid_lead=ValidLead(repeat_days=None)))
    found = run_model("dws.lead_journey", {"leads": [lead_on("09-01"), lead_on("09-02")]}, plan=plan)
    assert [(row["is_valid"], row["is_repeat"]) for row in found] == [(True, False), (True, False)]


def test_the_plan_may_ask_for_nothing() -> None:
    plan = a_plan(definitions=Definitions(valid_lead=ValidLead(contactable=False, demand_tag=False)))
    assert one("dws.lead_journey", plan, leads=[STRANGER | {"demand_tag": None}])["is_valid"] is True


def test_every_lead_of_a_merged_customer_counts_once_under_the_one_that_stands() -> None:
    leads = [{"customer_id": "C1"}, {"customer_id": "C9"}, {"customer_id": "C7"}, {}]
    found = column("dws.lead_journey", "customer_id", leads=leads, customers=[{}], customer_links=MERGED)
    assert found == ["C1", "C1", "C7", None]


def test_a_lead_is_in_the_team_and_region_of_its_owner() -> None:
    lead = one(
        "dws.lead_journey",
        leads=[{"owner_id": "S2", "customer_id": "C1"}],
        customers=[{"region": "浙江-杭州", "owner_id": "S1"}],
        staff=TWO_TEAMS,
    )
    assert (lead["staff_id"], lead["team_id"], lead["sales_region"]) == ("S2", "south", "华南")
    assert lead["region"] == "浙江-杭州"


def test_an_owner_not_on_the_roster_leaves_the_team_unknown() -> None:
    lead = one("dws.lead_journey", leads=[{"owner_id": "S8"}], staff=TWO_TEAMS)
    assert (lead["staff_id"], lead["team_id"]) == ("S8", None)


@pytest.mark.parametrize(
    ("assigned", "touched", "hours"),
    [
        pytest.param("2026-10-01 09:00", "2026-10-01 10:30", 1.5, id="hour-and-a-half"),
        pytest.param("2026-10-01 23:30", "2026-10-02 00:00", 0.5, id="over-midnight"),
        pytest.param("2026-10-01 09:00", "2026-10-01 09:00", 0.0, id="at-once"),
        pytest.param(None, "2026-10-01 09:00", None, id="never-assigned"),
        pytest.param("2026-10-01 09:00", None, None, id="never-touched"),
    ],
)
def test_hours_to_the_first_touch_count_from_assignment(
    assigned: str | None, touched: str | None, hours: float | None
) -> None:
    lead = one("dws.lead_journey", leads=[{"assigned_at": assigned, "first_touch_at": touched}])
    assert lead["first_touch_hours"] == hours


@pytest.mark.parametrize(
    ("touched", "won", "days"),
    [
        pytest.param("2026-10-01 23:00", "2026-10-02 01:00", 1, id="two-hours-over-midnight"),
        pytest.param("2026-10-01 09:00", "2026-10-01 18:00", 0, id="same-day"),
        pytest.param("2026-10-01 09:00", "2026-11-15 09:00", 45, id="forty-five"),
        pytest.param(None, "2026-11-15 09:00", None, id="touch-not-written-down"),
        pytest.param("2026-10-01 09:00", None, None, id="not-won"),
        pytest.param("2026-11-16 09:00", "2026-11-15 09:00", None, id="touch-entered-after-the-signature"),
    ],
)
def test_the_sales_cycle_counts_days_from_first_touch_to_signature(
    touched: str | None, won: str | None, days: int | None
) -> None:
    lead = one("dws.lead_journey", leads=[{"first_touch_at": touched, "won_at": won}])
    assert lead["sales_cycle_days"] == days


def test_the_day_of_a_signature_is_the_day_where_the_company_is() -> None:
    assert one("dws.lead_journey", leads=[{"won_at": "2026-11-01 00:30"}])["won_on"] == date(2026, 11, 1)


def test_a_channel_the_plan_does_not_know_stays_what_it_is() -> None:
    assert one("dws.lead_journey", leads=[{"channel": "radio"}])["channel"] == "radio"


# --- sales ---


@pytest.mark.parametrize("amount", [pytest.param(300, id="positive"), pytest.param(-300, id="negative")])
def test_a_refund_is_negative_whichever_sign_it_was_sent_with(amount: int) -> None:
    refund = {"kind": "refund", "amount": amount, "cost_amount": 120, "refund_of": "O7"}
    found = one("dws.sales", orders=[refund])
    assert (found["is_refund"], found["net_amount"], found["cost_amount"]) == (True, Decimal(-300), Decimal(-120))


def test_a_sale_keeps_its_amount_and_an_unknown_cost_stays_unknown() -> None:
    found = one("dws.sales", orders=[{"amount": 300}])
    assert (found["kind"], found["net_amount"], found["cost_amount"]) == ("sale", Decimal(300), None)


def test_a_refund_counts_against_the_channel_people_and_product_of_its_order() -> None:
    rows = run_model(
        "dws.sales",
        {
            "orders": [
                {"lead_id": "L2", "staff_id": "S2", "product": "泵", "category": "设备"},
                {"kind": "refund", "refund_of": "O1"},
            ],
            "customers": [{"owner_id": "S1"}],
            "leads": [
                {"customer_id": "C1", "channel": "search", "won_at": "2026-01-01 09:00"},
                {"customer_id": "C1", "channel": "expo"},
            ],
            "staff": TWO_TEAMS,
        },
    )
    wanted = ("channel", "staff_id", "team_id", "product", "category", "lead_id")
    assert [tuple(row[name] for name in wanted) for row in rows] == [("expo", "S2", "south", "泵", "设备", "L2")] * 2


@pytest.mark.parametrize(
    ("order", "leads", "channel"),
    [
        pytest.param({"lead_id": "L1"}, [{"channel": "expo"}], "expo", id="of-its-lead"),
        pytest.param(
            {"lead_id": "L1"},
            [{"channel": "expo"}, {"channel": "social", "won_at": "2026-01-01 09:00", "customer_id": "C1"}],
            "expo",
            id="its-lead-before-a-won-one",
        ),
        pytest.param(
            {},
            [
                {"channel": "expo", "won_at": "2026-03-01 09:00", "customer_id": "C1"},
                {"channel": "social", "won_at": "2026-02-01 09:00", "customer_id": "C1"},
                {"channel": "field", "customer_id": "C1"},
            ],
            "social",
            id="the-first-won-lead-of-the-customer",
        ),
        pytest.param(
            {},
            [
                {"lead_id": "L8", "channel": "expo", "won_at": "2026-02-01 09:00", "customer_id": "C1"},
                {"lead_id": "L3", "channel": "social", "won_at": "2026-02-01 09:00", "customer_id": "C1"},
            ],
            "social",
            id="won-at-the-same-moment-lowest-number",
        ),
        pytest.param({}, [{"channel": "expo", "customer_id": "C1"}], "search", id="the-customers-own-channel"),
        pytest.param({"lead_id": "L5"}, [], "search", id="a-lead-nobody-knows"),
        pytest.param({"customer_id": "C7"}, [], None, id="a-customer-nobody-knows"),
    ],
)
def test_the_channel_of_an_order(order: Row, leads: list[Row], channel: str | None) -> None:
    assert one("dws.sales", orders=[order], leads=leads, customers=[{"source_channel": "search"}])["channel"] == channel


@pytest.mark.parametrize(
    ("order", "leads", "activity"),
    [
        pytest.param({"lead_id": "L1"}, [{"campaign_id": "A1"}], "A1", id="of-its-lead"),
        pytest.param(
            {"lead_id": "L1"},
            [{"lead_id": "L1"}, {"campaign_id": "A1", "won_at": "2026-01-01 09:00", "customer_id": "C1"}],
            None,
            id="its-lead-came-without-one",
        ),
        pytest.param(
            {},
            [
                {"campaign_id": "A2", "won_at": "2026-03-01 09:00", "customer_id": "C1"},
                {"campaign_id": "A1", "won_at": "2026-02-01 09:00", "customer_id": "C1"},
            ],
            "A1",
            id="of-the-first-won-lead",
        ),
        pytest.param({}, [{"campaign_id": "A1", "customer_id": "C1"}], None, id="a-lead-that-was-not-won"),
    ],
)
def test_the_campaign_activity_of_an_order(order: Row, leads: list[Row], activity: str | None) -> None:
    assert one("dws.sales", orders=[order], leads=leads, customers=[{}])["campaign_id"] == activity


@pytest.mark.parametrize(
    ("order", "seller"),
    [
        pytest.param({"staff_id": "S3", "lead_id": "L1"}, ("S3", "west", "西南"), id="who-sold"),
        pytest.param({"lead_id": "L1"}, ("S2", "south", "华南"), id="owner-of-the-lead"),
        pytest.param({}, ("S1", "north", "华北"), id="owner-of-the-customer"),
        pytest.param({"customer_id": "C7"}, (None, None, None), id="nobody"),
    ],
)
def test_the_seller_of_an_order(order: Row, seller: tuple[str | None, ...]) -> None:
    found = one(
        "dws.sales", orders=[order], leads=[{"owner_id": "S2"}], customers=[{"owner_id": "S1"}], staff=TWO_TEAMS
    )
    assert (found["staff_id"], found["team_id"], found["sales_region"]) == seller


def test_the_first_order_of_several_at_one_moment_is_the_one_with_the_lowest_number() -> None:
    orders = [{"order_id": number} for number in ("O3", "O1", "O2")]
    assert column("dws.sales", "is_first_order", orders=orders) == [True, False, False]


def test_a_refund_is_nobodys_first_order() -> None:
    orders = [
        {"kind": "refund", "refund_of": "O9", "ordered_at": "2026-01-05 09:00"},
        {"ordered_at": "2026-02-05 09:00"},
    ]
    assert column("dws.sales", "is_first_order", orders=orders) == [False, True]
    assert column("dws.sales", "customer_first_ordered_on", orders=orders) == [date(2026, 2, 5)] * 2


def test_a_customer_entered_twice_has_one_first_order() -> None:
    orders = [
        {"customer_id": "C1", "ordered_at": "2026-10-02 09:00"},
        {"customer_id": "C9", "ordered_at": "2026-10-01 09:00"},
    ]
    tables = {"orders": orders, "customers": [{}], "customer_links": MERGED}
    assert column("dws.sales", "customer_id", **tables) == ["C1", "C1"]
    assert column("dws.sales", "is_first_order", **tables) == [False, True]


def test_an_order_of_a_customer_nobody_knows_keeps_its_id_and_counts() -> None:
    found = one("dws.sales", orders=[{"customer_id": "C7"}], customers=[{}])
    assert (found["customer_id"], found["has_customer_record"], found["is_first_order"]) == ("C7", False, True)


def test_a_customer_who_only_got_money_back_has_no_first_order() -> None:
    found = one("dws.sales", orders=[{"kind": "refund", "refund_of": "O9"}])
    assert (found["is_first_order"], found["customer_first_ordered_on"]) == (False, None)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_order_comes_out_once_with_its_money(data: st.DataObject) -> None:
    some = st.sampled_from
    orders = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": some(["C1", "C2", "C9", "C7"]),
                    "kind": some(["sale", "refund"]),
                    "refund_of": some(["O1", "O2", "O99"]),
                    "lead_id": some([None, "L1", "L2", "L3", "L99"]),
                    "staff_id": some([None, "S1", "S99"]),
                    "amount": st.integers(0, 500),
                }
            ),
            max_size=12,
        )
    )
    leads = [{"customer_id": customer, "won_at": "2026-10-02 09:00"} for customer in ("C1", "C1", "C9")]
    rows = run_model(
        "dws.sales",
        {"orders": orders, "customers": [{}, {}], "customer_links": MERGED, "leads": leads, "staff": TWO_TEAMS},
    )
    assert len(rows) == len(orders)
    signed = [-order["amount"] if order["kind"] == "refund" else order["amount"] for order in orders]
    assert sum(row["net_amount"] for row in rows) == sum(signed)
    buyers = {row["customer_id"] for row in rows if not row["is_refund"]}
    assert sum(row["is_first_order"] for row in rows) == len(buyers)


# --- costs ---


@pytest.mark.parametrize(
    ("category", "is_marketing"),
    [("labour", False), ("media", True), ("material", True), ("event", True), ("commission", True), ("other", True)],
)
def test_everything_but_labour_is_marketing(category: str, is_marketing: bool) -> None:
    assert one("dws.costs", expenses=[{"category": category}])["is_marketing"] is is_marketing


@pytest.mark.parametrize(
    ("expense", "is_direct"),
    [
        pytest.param({"channel": "search"}, True, id="of-a-channel"),
        pytest.param({"campaign_id": "K1"}, True, id="of-an-activity"),
        pytest.param({"team_id": "T01"}, False, id="of-a-team-alone"),
        pytest.param({}, False, id="of-nothing-in-particular"),
    ],
)
def test_u15_a_cost_is_direct_where_it_names_what_it_was_spent_on(expense: Row, is_direct: bool) -> None:
    assert one("dws.costs", expenses=[expense])["is_direct"] is is_direct


@pytest.mark.parametrize(
    ("expense", "channel"),
    [
        pytest.param({"channel": "search", "campaign_id": "K1"}, "search", id="of-the-bill"),
        pytest.param({"campaign_id": "K1"}, "expo", id="of-the-activity"),
        pytest.param({"campaign_id": "K7"}, None, id="of-an-activity-nobody-knows"),
        pytest.param({}, None, id="none"),
    ],
)
def test_the_channel_of_a_cost(expense: Row, channel: str | None) -> None:
    campaigns = [{"campaign_id": "K1", "channel": "expo"}]
    assert one("dws.costs", expenses=[expense], campaigns=campaigns)["channel"] == channel


def test_a_team_that_sells_in_two_regions_has_no_region_of_its_own() -> None:
    staff = [
        *[
            {"staff_id": f"S{number}", "team_id": "north", "region": region}
            for number, region in enumerate(["华北", "华北"])
        ],
        *[
            {"staff_id": f"T{number}", "team_id": "south", "region": region}
            for number, region in enumerate(["华南", "西南"])
        ],
    ]
    expenses = [{"team_id": "north"}, {"team_id": "south"}, {}]
    assert column("dws.costs", "sales_region", expenses=expenses, staff=staff) == ["华北", None, None]


# --- responses ---


@pytest.mark.parametrize(
    ("answer", "is_topbox"),
    [
        pytest.param({"score": 5, "scale_max": 5}, True, id="5-of-5"),
        pytest.param({"score": 4, "scale_max": 5}, True, id="4-of-5"),
        pytest.param({"score": 3.9, "scale_max": 5}, False, id="just-below"),
        pytest.param({"score": 9, "scale_max": 10}, True, id="9-of-10"),
        pytest.param({"score": 8, "scale_max": 10}, False, id="8-of-10"),
        pytest.param({"score": 5}, None, id="scale-not-declared"),
        pytest.param({"scale_max": 5}, None, id="no-score"),
        pytest.param({"kind": "likert", "score": 5, "scale_max": 5}, None, id="not-a-satisfaction-question"),
    ],
)
def test_the_top_two_points_of_the_declared_scale_are_satisfied(answer: Row, is_topbox: bool | None) -> None:
    assert one("dws.responses", answers=[answer])["is_topbox"] is is_topbox


@pytest.mark.parametrize(
    ("answer", "is_promoter", "is_detractor"),
    [
        pytest.param({"score": 10}, True, False, id="10"),
        pytest.param({"score": 9}, True, False, id="9"),
        pytest.param({"score": 8}, False, False, id="8"),
        pytest.param({"score": 7}, False, False, id="7"),
        pytest.param({"score": 6}, False, True, id="6"),
        pytest.param({"score": 0}, False, True, id="0"),
        pytest.param({"score": None}, None, None, id="no-score"),
        pytest.param({"score": 5, "scale_min": 1, "scale_max": 5}, None, None, id="not-the-scale-of-nps"),
        pytest.param({"score": 9, "scale_min": 0, "scale_max": 10}, True, False, id="scale-declared"),
        pytest.param({"score": 9, "kind": "csat"}, None, None, id="another-question"),
    ],
)
def test_promoters_and_detractors_are_counted_on_0_to_10_only(
    answer: Row, is_promoter: bool | None, is_detractor: bool | None
) -> None:
    found = one("dws.responses", answers=[{"kind": "nps"} | answer])
    assert (found["is_promoter"], found["is_detractor"]) == (is_promoter, is_detractor)


ABOUT_S2: Row = {"about_kind": "staff", "about_id": "S2"}


@pytest.mark.parametrize(
    ("answer", "staff_id", "customer_id"),
    [
        pytest.param(
            {"kind": "peer", "respondent_kind": "staff", "respondent_id": "S3"} | ABOUT_S2, "S2", None, id="peer"
        ),
        pytest.param(
            {"kind": "peer", "respondent_kind": "staff", "respondent_id": "S3"}, None, None, id="peer-about-nobody"
        ),
        pytest.param(
            {"kind": "likert", "respondent_kind": "staff", "respondent_id": "S3"}, "S3", None, id="staff-on-their-work"
        ),
        pytest.param({"respondent_kind": "customer", "respondent_id": "C9"}, "S1", "C1", id="customer"),
        pytest.param(
            {"respondent_kind": "customer", "respondent_id": "C9"} | ABOUT_S2, "S2", "C1", id="customer-on-a-person"
        ),
        pytest.param({"respondent_kind": "customer", "respondent_id": "C7"}, None, "C7", id="customer-nobody-knows"),
        pytest.param(
            {"kind": "likert", "respondent_kind": "expert", "respondent_id": "C1"},
            None,
            None,
            id="expert",
        ),
        pytest.param({"respondent_id": "C1"}, "S1", "C1", id="kind-not-said-but-known"),
        pytest.param({"respondent_id": "X"}, None, None, id="anybody"),
        pytest.param({}, None, None, id="anonymous"),
    ],
)
def test_whom_an_answer_belongs_to(answer: Row, staff_id: str | None, customer_id: str | None) -> None:
    found = one(
        "dws.responses", answers=[answer], customers=[{"owner_id": "S1"}], customer_links=MERGED, staff=TWO_TEAMS
    )
    assert (found["staff_id"], found["customer_id"]) == (staff_id, customer_id)


def test_the_channel_of_an_answer_is_the_customers_not_the_surveys() -> None:
    answer = {"respondent_kind": "customer", "respondent_id": "C1", "channel": "sms"}
    found = one("dws.responses", answers=[answer], customers=[{"source_channel": "expo"}])
    assert (found["channel"], found["survey_channel"]) == ("expo", "sms")


# --- touches ---


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        pytest.param(
            {"channel": "field", "staff_id": "S3", "customer_id": "C9", "lead_id": "L1"},
            ("field", "S3", "C1"),
            id="its-own",
        ),
        pytest.param({"campaign_id": "K1", "lead_id": "L1"}, ("expo", "S2", "C1"), id="of-the-activity-and-the-lead"),
        pytest.param({"lead_id": "L1"}, ("search", "S2", "C1"), id="of-the-lead"),
        pytest.param({"customer_id": "C1"}, (None, "S1", "C1"), id="of-the-customer"),
        pytest.param({"customer_id": "C7"}, (None, None, "C7"), id="of-a-customer-nobody-knows"),
        pytest.param({}, (None, None, None), id="of-nobody"),
    ],
)
def test_whom_a_contact_belongs_to(touch: Row, expected: tuple[str | None, ...]) -> None:
    found = one(
        "dws.touches",
        interactions=[touch],
        leads=[{"owner_id": "S2", "customer_id": "C9", "channel": "search"}],
        campaigns=[{"campaign_id": "K1", "channel": "expo"}],
        customers=[{"owner_id": "S1"}],
        customer_links=MERGED,
        staff=TWO_TEAMS,
    )
    assert (found["channel"], found["staff_id"], found["customer_id"]) == expected


def test_hours_until_an_answer() -> None:
    interactions = [
        {"occurred_at": "2026-11-01 09:00", "answered_at": "2026-11-01 11:15"},
        {"occurred_at": "2026-11-01 09:00"},
    ]
    assert column("dws.touches", "response_hours", interactions=interactions) == [2.25, None]


def repeated(*calls: tuple[str, str, str | None], plan: Plan | None = None) -> list[bool | None]:
    """Whether each contact with customer C1, by its kind, moment and who made it, was repeated."""
    rows = [
        {"interaction_id": f"I{number}", "customer_id": "C1", "kind": kind, "occurred_at": moment, "staff_id": staff}
        for number, (kind, moment, staff) in enumerate(calls)
    ]
    return [row["is_repeated"] for row in run_model("dws.touches", {"interactions": rows}, plan=plan)]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param([("call", "11-01 09:00", "S1"), ("visit", "11-03 09:00", "S2")], [False, True], id="of-another"),
        pytest.param([("call", "11-01 09:00", "S1"), ("call", "11-03 09:00", "S1")], [False, False], id="ones-own"),
        pytest.param([("call", "11-01 09:00", "S1"), ("call", "11-08 23:00", "S2")], [False, True], id="seven-days"),
        pytest.param([("call", "11-01 23:00", "S1"), ("call", "11-09 09:00", "S2")], [False, False], id="eight-days"),
        pytest.param([("call", "11-01 09:00", "S1"), ("call", "11-01 09:01", "S2")], [False, True], id="same-day"),
        pytest.param([("visit", "11-01 09:00", "S1"), ("visit", "11-01 09:00", "S2")], [False, False], id="together"),
        pytest.param(
            [("call", "11-01 09:00", "S2"), ("call", "11-02 09:00", "S1"), ("call", "11-03 09:00", "S1")],
            [False, True, True],
            id="ones-own-in-between",
        ),
        pytest.param(
            [("call", "10-20 09:00", "S2"), ("call", "11-01 09:00", "S1"), ("call", "11-02 09:00", "S1")],
            [False, False, False],
            id="ones-own-in-between-and-long-ago",
        ),
        pytest.param(
            [("visit", "11-01 09:00", "S1"), ("visit", "11-01 09:00", "S2"), ("call", "11-02 09:00", "S1")],
            [False, False, True],
            id="after-a-visit-of-two",
        ),
        pytest.param(
            [("call", "11-01 09:00", "S1"), ("visit", "11-02 09:00", "S1"), ("visit", "11-02 09:00", "S2")],
            [False, False, True],
            id="a-visit-of-two-of-whom-one-had-called",
        ),
        pytest.param([("webinar", "11-01 09:00", "S1"), ("call", "11-02 09:00", "S2")], [None, False], id="no-contact"),
        pytest.param([("call", "11-01 09:00", "S1"), ("login", "11-02 09:00", "S2")], [False, None], id="not-by-staff"),
        pytest.param(
            [("call", "11-01 09:00", None), ("call", "11-02 09:00", "S2"), ("call", "11-03 09:00", None)],
            [None, False, None],
            id="nobody-named",
        ),
    ],
)
def test_a_contact_is_repeated_where_a_colleague_made_one_shortly_before(
    calls: list[tuple[str, str, str | None]], expected: list[bool | None]
) -> None:
    """F124."""
    assert repeated(*((kind, f"2026-{moment}", staff) for kind, moment, staff in calls)) == expected


@pytest.mark.parametrize(("days", "expected"), [(2, True), (1, False)])
def test_how_long_a_contact_counts_is_the_plans(days: int, expected: bool) -> None:
    plan = a_plan(definitions=Definitions(repeat_contact_days=days))
    calls = [("call", "2026-11-01 09:00", "S1"), ("call", "2026-11-03 09:00", "S2")]
    assert repeated(*calls, plan=plan) == [False, expected]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param({"customer_id": "C1"}, {"customer_id": "C9"}, [False, True], id="a-customer-under-two-ids"),
        pytest.param({"lead_id": "L1"}, {"customer_id": "C1"}, [False, True], id="a-lead-that-is-a-customer"),
        pytest.param({"lead_id": "L2"}, {"lead_id": "L2"}, [False, True], id="a-lead-of-nobody-known"),
        pytest.param({"lead_id": "C1"}, {"customer_id": "C1"}, [False, False], id="a-lead-named-as-a-customer"),
        pytest.param({"customer_id": "C1"}, {"customer_id": "C2"}, [False, False], id="two-customers"),
        pytest.param({}, {}, [None, None], id="nobody"),
    ],
)
def test_who_is_contacted_twice(first: Row, second: Row, expected: list[bool | None]) -> None:
    """F124: the customer where it is known, else the lead."""
    calls = [
        {"kind": "call", "staff_id": "S1", "occurred_at": "2026-11-01 09:00", **first},
        {"kind": "call", "staff_id": "S2", "occurred_at": "2026-11-02 09:00", **second},
    ]
    leads = [{"lead_id": "L1", "customer_id": "C9"}, {"lead_id": "L2"}, {"lead_id": "C1"}]
    customers = [{"customer_id": "C1", "owner_id": "S3"}, {"customer_id": "C2"}]
    found = column(
        "dws.touches", "is_repeated", interactions=calls, leads=leads, customers=customers, customer_links=MERGED
    )
    assert found == expected


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["C1", "C2"]), st.integers(0, 30), st.integers(0, 2), st.sampled_from(["S1", "S2", "S3"])
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(CALLS)
def test_contacts_are_repeated_as_somebody_who_compares_each_with_each_would_say(
    calls: list[tuple[str, int, int, str]],
) -> None:
    rows = [
        {
            "interaction_id": f"I{n:02}",
            "customer_id": who,
            "staff_id": staff,
            "kind": "call",
            "occurred_at": at(day, hour),
        }
        for n, (who, day, hour, staff) in enumerate(calls)
    ]
    expected = [
        any(
            who == other and staff != by and (before, early) < (day, hour) and day - before <= 7
            for other, before, early, by in calls
        )
        for who, day, hour, staff in calls
    ]
    assert [row["is_repeated"] for row in run_model("dws.touches", {"interactions": rows})] == expected


def at(day: int, hour: int) -> str:
    return f"{date(2026, 10, 1) + timedelta(days=day)} {9 + hour:02}:00"


# --- customer_activity ---


@pytest.mark.parametrize(
    ("day", "in_year", "in_half_year"),
    [
        pytest.param("2026-05-31", 1, 1, id="today"),
        pytest.param("2025-12-01", 1, 1, id="first-day-of-six-months"),
        pytest.param("2025-11-30", 1, 0, id="six-months-ago"),
        pytest.param("2025-06-01", 1, 0, id="first-day-of-twelve-months"),
        pytest.param("2025-05-31", 0, 0, id="twelve-months-ago"),
    ],
)
def test_windows_begin_the_day_after_the_same_day_months_ago(day: str, in_year: int, in_half_year: int) -> None:
    orders = [{"ordered_at": f"{day} 23:59", "amount": 10}]
    found = one("dws.customer_activity", as_of="2026-05-31", customers=[{}], orders=orders)
    assert (found["orders"], found["orders_12m"]) == (1, in_year)
    assert (found["net_amount_12m"], found["net_amount_6m"]) == (10 * in_year, 10 * in_half_year)


def test_a_customer_who_did_nothing_has_zeros_and_no_dates() -> None:
    found = one("dws.customer_activity", customers=[{}])
    assert (found["orders"], found["net_amount"], found["touches_12m"]) == (0, 0, 0)
    assert (found["last_ordered_on"], found["recency_days"], found["last_csat_score"]) == (None, None, None)


def test_a_refund_takes_its_money_back_and_leaves_the_order() -> None:
    orders = [{"amount": 500}, {"kind": "refund", "amount": 200, "refund_of": "O1", "ordered_at": "2026-11-10 09:00"}]
    found = one("dws.customer_activity", customers=[{}], orders=orders)
    assert (found["orders_12m"], found["refunds_12m"], found["net_amount_12m"]) == (1, 1, 300)
    assert found["last_ordered_on"] == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("costs", "margin"),
    [
        pytest.param([60, 40], Decimal(100), id="all-known"),
        pytest.param([60, None], None, id="one-unknown"),
    ],
)
def test_a_margin_needs_the_cost_of_every_order(costs: list[int | None], margin: Decimal | None) -> None:
    orders = [{"amount": 100, "cost_amount": cost} for cost in costs]
    assert one("dws.customer_activity", customers=[{}], orders=orders)["margin_amount_12m"] == margin


def test_contacts_are_counted_by_kind() -> None:
    kinds = ["visit", "visit", "complaint", "login", "call"]
    interactions = [{"customer_id": "C1", "kind": kind} for kind in kinds]
    interactions.append({"customer_id": "C1", "kind": "visit", "occurred_at": "2025-11-20 09:00"})
    found = one("dws.customer_activity", customers=[{}], interactions=interactions)
    assert (found["touches_12m"], found["visits_12m"], found["complaints_12m"], found["logins_12m"]) == (5, 2, 1, 1)


def test_the_last_score_of_each_question_counts_and_a_tie_goes_to_the_highest_number() -> None:
    said = {"respondent_kind": "customer", "respondent_id": "C1", "scale_min": 1, "scale_max": 5}
    answers = [
        said | {"score": 5, "answered_at": "2026-10-01 09:00"},
        said | {"score": 2, "answered_at": "2026-11-01 09:00"},
        said | {"score": 3, "answered_at": "2026-11-01 08:00"},
        said | {"score": None, "answered_at": "2026-11-05 09:00"},
        said | {"score": 9, "kind": "nps", "scale_min": 0, "scale_max": 10},
    ]
    found = one("dws.customer_activity", customers=[{}], answers=answers)
    assert (found["last_csat_score"], found["last_nps_score"], found["last_answered_on"]) == (3, 9, date(2026, 11, 1))


# --- customer_rfm ---


def orders_of(customer: str, number: int, amount: float, last: str) -> list[Row]:
    """`number` orders on the same last day that come to `amount`."""
    bought = {"customer_id": customer, "ordered_at": f"{last} 10:00"}
    return [
        bought | {"order_id": f"{customer}-{count}", "amount": amount if count == 0 else 0} for count in range(number)
    ]


@pytest.mark.parametrize(
    ("number", "amount", "last", "class_id"),
    [
        pytest.param(5, 100_000, "2026-08-21", "high_value", id="high-value-at-its-limits"),
        pytest.param(4, 100_000, "2026-08-21", "important_active", id="one-order-short"),
        pytest.param(5, 99_999.99, "2026-08-21", "important_active", id="a-cent-short"),
        pytest.param(5, 100_000, "2026-08-20", "important_slipping", id="three-months-are-over"),
        pytest.param(3, 50_000, "2026-08-20", "potential", id="potential-from-three-months"),
        pytest.param(4, 99_999.99, "2026-05-21", "potential", id="potential-until-six-months"),
        pytest.param(5, 99_999.99, "2026-05-21", "important_slipping", id="too-many-orders-for-potential"),
        pytest.param(3, 100_000, "2026-05-21", "important_slipping", id="too-much-spend-for-potential"),
        pytest.param(3, 50_000, "2026-05-20", "important_slipping", id="six-months-are-over"),
        pytest.param(1, 49_999.99, "2026-10-21", "new", id="new-until-one-month"),
        pytest.param(2, 49_999.99, "2026-11-20", "new", id="new-today"),
        pytest.param(1, 50_000, "2026-11-20", "important_developing", id="a-large-first-order"),
        pytest.param(1, 49_999.99, "2026-10-20", "general_developing", id="one-month-is-over"),
        pytest.param(3, 10, "2026-11-20", "general_active", id="often-and-little"),
        pytest.param(1, 10, "2026-05-20", "at_risk", id="at-risk-from-six-months"),
        pytest.param(2, 49_999.99, "2025-11-21", "at_risk", id="at-risk-inside-the-window"),
        pytest.param(2, 49_999.99, "2025-11-20", "general_lapsed", id="no-order-left-in-the-window"),
        pytest.param(1, 10, "2026-08-20", "general_lapsed", id="between-three-and-six-months"),
        pytest.param(3, 10, "2026-08-20", "general_slipping", id="used-to-come-often"),
        pytest.param(1, 50_000, "2026-08-20", "important_lapsed", id="once-and-large"),
        pytest.param(0, 0, "2026-11-20", "no_order", id="never-ordered"),
    ],
)
def test_the_class_by_the_seeds_limits(number: int, amount: float, last: str, class_id: str) -> None:
    """I28, I33: a limit belongs to one side only, months are the calendar's, and every class names its rule."""
    found = one("dws.customer_rfm", customers=[{}], orders=orders_of("C1", number, amount, last))
    assert found["class_id"] == class_id
    grid = {cell.id for cell in CELLS}
    assert found["rule_id"] == ("grid" if class_id in grid else class_id)


@pytest.mark.parametrize(
    ("last", "class_id"),
    [
        pytest.param("2026-03-01", "high_value", id="first-of-march-is-less-than-three-months-before-the-31st-of-may"),
        pytest.param("2026-02-28", "important_slipping", id="last-of-february-is-three-months"),
    ],
)
def test_a_short_month_ends_on_its_last_day(last: str, class_id: str) -> None:
    """I33: three calendar months before May 31 is the last day of February."""
    orders = orders_of("C1", 5, 100_000, last)
    assert one("dws.customer_rfm", as_of="2026-05-31", customers=[{}], orders=orders)["class_id"] == class_id


def test_recency_looks_at_all_history_and_the_rest_at_the_window() -> None:
    """I29: R on all history, F and M on 12 months."""
    orders = orders_of("C1", 6, 900_000, "2025-11-20")
    found = one("dws.customer_rfm", customers=[{}], orders=orders)
    assert (found["recency_days"], found["frequency"], found["monetary_amount"]) == (365, 0, 0)


def test_the_window_is_the_plans() -> None:
    """I29."""
    plan = a_plan(segments=Segments(rfm=Rfm(window_months=24)))
    found = one("dws.customer_rfm", plan, customers=[{}], orders=orders_of("C1", 6, 900_000, "2025-11-20"))
    assert (found["frequency"], found["class_id"]) == (6, "important_slipping")
    assert "近 24 个月下单 6 次" in found["sentence_zh"]


def test_the_same_customer_is_classed_anew_on_another_day() -> None:
    tables = {"customers": [{}], "orders": orders_of("C1", 1, 10, "2026-11-01")}
    days = ["2026-11-20", "2026-12-20", "2027-03-01", "2027-05-01"]
    found = [run_model("dws.customer_rfm", tables, as_of=day)[0]["class_id"] for day in days]
    assert found == ["new", "general_developing", "general_lapsed", "at_risk"]


@pytest.mark.parametrize(
    ("as_of", "classes"),
    [
        pytest.param("2024-02-01", ["no_order", "new"], id="in-february"),
        pytest.param("2024-03-15", ["new", "general_developing"], id="55-days-later"),
    ],
)
def test_a_customer_is_new_on_a_day_and_not_for_good(as_of: str, classes: list[str]) -> None:
    """I32: who bought on January 20 is no new customer in a table that knows an order of March 15."""
    bought = [*orders_of("C1", 1, 10, "2024-03-15"), *orders_of("C2", 1, 10, "2024-01-20")]
    orders = [order for order in bought if order["ordered_at"] <= f"{as_of} 24"]
    rows = run_model("dws.customer_rfm", {"customers": [{}, {}], "orders": orders}, as_of=as_of)
    assert [row["class_id"] for row in rows] == classes


def test_a_refund_before_and_after_the_day_that_moves_a_class() -> None:
    bought = orders_of("C1", 5, 100_000, "2026-11-01")
    returned = {"order_id": "R1", "kind": "refund", "refund_of": "C1-0", "amount": 1, "ordered_at": "2026-11-10 09:00"}
    before = one("dws.customer_rfm", customers=[{}], orders=bought)
    after = one("dws.customer_rfm", customers=[{}], orders=[*bought, returned])
    assert (before["class_id"], after["class_id"]) == ("high_value", "important_active")
    assert (after["frequency"], after["monetary_amount"], after["recency_days"]) == (5, 99_999, 19)


def test_a_refund_of_an_order_before_the_window_may_leave_less_than_nothing() -> None:
    bought = orders_of("C1", 1, 500, "2025-10-01")
    returned = {
        "order_id": "R1",
        "kind": "refund",
        "refund_of": "C1-0",
        "amount": 500,
        "ordered_at": "2026-01-10 09:00",
    }
    found = one("dws.customer_rfm", customers=[{}], orders=[*bought, returned])
    assert (found["monetary_amount"], found["class_id"]) == (-500, "general_lapsed")
    assert "净消费 −500.00 元" in found["sentence_zh"]


def test_orders_of_merged_customers_count_together() -> None:
    orders = [*orders_of("C1", 3, 60_000, "2026-11-01"), *orders_of("C9", 2, 40_000, "2026-11-02")]
    found = one("dws.customer_rfm", customers=[{}], customer_links=MERGED, orders=orders)
    assert (found["class_id"], found["frequency"]) == ("high_value", 5)


def test_the_first_rule_that_holds_decides() -> None:
    both = [
        RfmRule(id="frequent", label=Label(zh="常客", en="Frequent"), frequency=Range(least=2)),
        RfmRule(id="high_value", label=Label(zh="大客户", en="Large"), amount=Range(least=100)),
    ]
    orders = orders_of("C1", 2, 500, "2026-11-01")
    in_order = one("dws.customer_rfm", a_plan(segments=Segments(rfm=Rfm(rules=both))), customers=[{}], orders=orders)
    turned = one(
        "dws.customer_rfm", a_plan(segments=Segments(rfm=Rfm(rules=both[::-1]))), customers=[{}], orders=orders
    )
    assert (in_order["class_id"], turned["class_id"]) == ("frequent", "high_value")


def test_a_rule_without_limits_takes_everybody_but_those_who_never_ordered() -> None:
    everybody = RfmRule(id="high_value", label=Label(zh="全部", en="All"))
    plan = a_plan(segments=Segments(rfm=Rfm(rules=[everybody])))
    rows = run_model("dws.customer_rfm", {"customers": [{}, {}], "orders": [{}]}, plan=plan)
    assert [row["class_id"] for row in rows] == ["high_value", "no_order"]


def test_the_cell_of_the_grid_is_told_beside_the_rule() -> None:
    found = one("dws.customer_rfm", customers=[{}], orders=orders_of("C1", 5, 100_000, "2026-11-01"))
    assert (found["class_id"], found["grid_id"], found["grid_label_zh"]) == (
        "high_value",
        "important_active",
        "重要价值客户",
    )


@pytest.mark.parametrize(
    ("orders", "zh", "en"),
    [
        pytest.param(
            orders_of("C1", 6, 128_000, "2026-11-08"),
            "最近一次下单在 12 天前，近 12 个月下单 6 次，净消费 128,000.00 元，符合高价值客户规则。",
            "Last order 12 days ago, 6 orders in the last 12 months, net spend 128,000.00 CNY: "
            'meets the rule "High value".',
            id="rule",
        ),
        pytest.param(
            orders_of("C1", 1, 1_234_567.8, "2026-11-19"),
            "最近一次下单在 1 天前，近 12 个月下单 1 次，净消费 1,234,567.80 元，"
            "不符合任何已定义的规则，按八格划分为重要发展客户。",
            "Last order 1 day ago, 1 order in the last 12 months, net spend 1,234,567.80 CNY: meets no defined rule, "
            'placed by the eight-cell grid as "Important, developing".',
            id="grid",
        ),
        pytest.param(
            orders_of("C1", 1, 0.5, "2026-11-20"),
            "最近一次下单在今天，近 12 个月下单 1 次，净消费 0.50 元，符合新客户规则。",
            'Last order today, 1 order in the last 12 months, net spend 0.50 CNY: meets the rule "New".',
            id="today",
        ),
        pytest.param(
            orders_of("C1", 1, 10, "2025-11-20"),
            "最近一次下单在 365 天前，近 12 个月没有下单，净消费 0.00 元，"
            "不符合任何已定义的规则，按八格划分为一般挽留客户。",
            "Last order 365 days ago, no orders in the last 12 months, net spend 0.00 CNY: meets no defined rule, "
            'placed by the eight-cell grid as "General, lapsed".',
            id="before-the-window",
        ),
        pytest.param([], "尚未下单。", "No order yet.", id="never-ordered"),
    ],
)
def test_the_sentence_tells_the_customers_own_numbers(orders: list[Row], zh: str, en: str) -> None:
    found = one("dws.customer_rfm", customers=[{}], orders=orders)
    assert (found["sentence_zh"], found["sentence_en"]) == (zh, en)


def test_tied_customers_score_the_same() -> None:
    orders = [order for customer in ("C1", "C2", "C3") for order in orders_of(customer, 2, 70, "2026-11-01")]
    orders += orders_of("C4", 1, 10, "2026-01-01")
    rows = run_model("dws.customer_rfm", {"customers": [{}, {}, {}, {}], "orders": orders})
    assert [(row["r_score"], row["f_score"], row["m_score"]) for row in rows[:3]] == [(2, 2, 2)] * 3
    assert (rows[3]["r_score"], rows[3]["f_score"], rows[3]["m_score"]) == (1, 1, 1)


def test_recent_buyers_score_high_and_old_ones_low() -> None:
    days = ["2025-12-01", "2026-03-01", "2026-06-01", "2026-09-01", "2026-11-01"]
    orders = [
        order
        for number, day in enumerate(days, start=1)
        for order in orders_of(f"C{number}", number, number * 100, day)
    ]
    rows = run_model("dws.customer_rfm", {"customers": [{}] * 6, "orders": orders})
    assert [row["r_score"] for row in rows] == [1, 2, 3, 4, 5, None]
    assert [row["f_score"] for row in rows] == [1, 2, 3, 4, 5, None]
    assert [row["m_score"] for row in rows] == [1, 2, 3, 4, 5, None]


WHOLE = st.one_of(st.none(), st.integers(0, 13))
LIMITS = st.tuples(WHOLE, WHOLE).map(
    lambda pair: Range(
        least=None if pair[0] is None else float(pair[0]),
        below=None if pair[1] is None or (pair[0] is not None and pair[1] <= pair[0]) else float(pair[1]),
    )
)
HISTORIES = st.lists(
    st.lists(st.tuples(st.integers(0, 800), st.integers(-3, 12), st.booleans()), max_size=5), min_size=1, max_size=12
)


@settings(max_examples=20, deadline=None)
@given(
    histories=HISTORIES,
    limits=st.lists(st.tuples(LIMITS, LIMITS, LIMITS), max_size=4),
    as_of=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
)
def test_every_customer_has_exactly_one_class_and_the_first_rule_that_holds_gave_it(
    histories: list[list[tuple[int, int, bool]]], limits: list[tuple[Range, Range, Range]], as_of: date
) -> None:
    """I28: coverage is 100 %, overlap 0, and every row says by which rule."""
    rules = [
        RfmRule(
            id=f"rule_{number}",
            label=Label(zh=f"类{number}", en=f"Class {number}"),
            recency_months=r,
            frequency=f,
            amount=m,
        )
        for number, (r, f, m) in enumerate(limits)
    ]
    plan = a_plan(segments=Segments(rfm=Rfm(rules=rules)), definitions=Definitions(high_value="grade"))
    customers = [{"customer_id": f"C{number:02}"} for number, _ in enumerate(histories)]
    orders = [
        {
            "customer_id": f"C{number:02}",
            "ordered_at": f"{date.fromordinal(as_of.toordinal() - days)} 12:00",
            "kind": "refund" if is_refund else "sale",
            "amount": amount,
            "refund_of": "O0",
        }
        for number, history in enumerate(histories)
        for days, amount, is_refund in history
    ]
    rows = run_model("dws.customer_rfm", {"customers": customers, "orders": orders}, plan=plan, as_of=as_of)
    assert [row["customer_id"] for row in rows] == [customer["customer_id"] for customer in customers]
    for row, history in zip(rows, histories, strict=True):
        assert row["class_id"] == expected_class(history, plan.segments.rfm, as_of)
        assert (
            row["rule_id"]
            and row["label_zh"]
            and row["sentence_zh"].endswith("。")
            and row["sentence_en"].endswith(".")
        )


def expected_class(history: list[tuple[int, int, bool]], rfm: Rfm, as_of: date) -> str:
    """The class by a second reading of the rules."""
    days = [date.fromordinal(as_of.toordinal() - back) for back, _, is_refund in history if not is_refund]
    if not days:
        return "no_order"
    start = months_before(as_of, rfm.window_months)
    inside = [event for event in history if date.fromordinal(as_of.toordinal() - event[0]) > start]
    frequency = sum(not is_refund for _, _, is_refund in inside)
    amount = sum(-abs(amount) if is_refund else amount for _, amount, is_refund in inside)

    def is_within(limits: Range, value: float) -> bool:
        return (limits.least is None or value >= limits.least) and (limits.below is None or value < limits.below)

    def is_recent(months: float) -> bool:
        return max(days) > months_before(as_of, int(months))

    for rule in rfm.rules:
        least, below = rule.recency_months.least, rule.recency_months.below
        in_time = (least is None or not is_recent(least)) and (below is None or is_recent(below))
        if in_time and is_within(rule.frequency, frequency) and is_within(rule.amount, amount):
            return rule.id
    grid = rfm.grid
    place = (is_recent(grid.recency_months), frequency >= grid.frequency, amount >= grid.amount)
    return next(cell.id for cell in CELLS if (cell.is_recent, cell.is_frequent, cell.is_large) == place)


# --- customer_abc ---


def spenders(*amounts: float) -> dict[str, list[Row]]:
    """Customers C1, C2, … who spent these amounts; a negative one was given back."""
    orders = [
        {"customer_id": f"C{number}", "amount": amount, "kind": "sale" if amount >= 0 else "refund", "refund_of": "O0"}
        for number, amount in enumerate(amounts, start=1)
    ]
    return {"customers": [{}] * len(amounts), "orders": orders}


@pytest.mark.parametrize(
    ("amounts", "classes"),
    [
        pytest.param([70, 20, 10], "ABC", id="exactly-70-90-100"),
        pytest.param([69, 21, 10], "AAC", id="who-crosses-70-is-A-who-starts-at-90-is-C"),
        pytest.param([95, 5], "AC", id="one-crosses-everything"),
        pytest.param([60, 25, 10, 5], "AABC", id="crossing-customers-belong-to-the-class-they-leave"),
        pytest.param([0.70, 0.20, 0.10], "ABC", id="cents"),
        pytest.param([25, 25, 25, 25], "AAAA", id="equal-spenders-stay-together"),
        pytest.param([80, 10, 10], "ABB", id="a-tie-at-the-limit"),
        pytest.param([100, 0], "AC", id="nothing-spent"),
        pytest.param([100, -40], "AC", id="more-given-back-than-bought"),
        pytest.param([0, 0], "CC", id="nobody-spent"),
    ],
)
def test_the_class_goes_by_the_share_of_those_who_spent_more(amounts: list[float], classes: str) -> None:
    """I34: the share of spend before the customer decides; who spent nothing, or less, is C."""
    assert "".join(row["class_id"] for row in run_model("dws.customer_abc", spenders(*amounts))) == classes


def test_what_was_given_back_is_no_part_of_the_total() -> None:
    rows = run_model("dws.customer_abc", spenders(70, 20, 10, -50))
    assert [row["spend_share"] for row in rows] == [0.7, 0.2, 0.1, 0.0]
    assert [row["share_before"] for row in rows] == [0.0, 0.7, 0.9, 1.0]
    assert [row["cumulative_share"] for row in rows] == [0.7, 0.9, 1.0, 1.0]
    assert [row["spend_rank"] for row in rows] == [1, 2, 3, 4]


def test_a_refund_moves_its_customer_down() -> None:
    """I34: net of refunds."""
    tables = spenders(70, 20, 10)
    refund = {"customer_id": "C1", "kind": "refund", "refund_of": "O1", "amount": 65}
    moved = run_model("dws.customer_abc", {**tables, "orders": [*tables["orders"], refund]})
    assert [row["class_id"] for row in moved] == ["B", "A", "A"]
    assert [row["spend_amount"] for row in moved] == [5, 20, 10]


def test_where_nobody_spent_there_is_nothing_to_share() -> None:
    assert [row["spend_share"] for row in run_model("dws.customer_abc", spenders(0, -5))] == [None, None]


def test_the_limits_are_the_plans() -> None:
    plan = a_plan(segments=Segments(abc=Abc(a_until=0.5, b_until=0.6)))
    assert [row["class_id"] for row in run_model("dws.customer_abc", spenders(55, 25, 20), plan=plan)] == [
        "A",
        "B",
        "C",
    ]


@settings(max_examples=20, deadline=None)
@given(amounts=st.lists(st.integers(-20, 100), min_size=1, max_size=20))
def test_classes_never_rise_as_spend_falls_and_A_holds_its_share(amounts: list[int]) -> None:
    rows = run_model("dws.customer_abc", spenders(*amounts))
    assert len(rows) == len(amounts)
    ordered = sorted(rows, key=lambda row: row["spend_amount"], reverse=True)
    assert [row["class_id"] for row in ordered] == sorted(row["class_id"] for row in ordered)
    total = sum(max(amount, 0) for amount in amounts)
    if total:
        assert sum(max(row["spend_amount"], 0) for row in rows if row["class_id"] == "A") * 10 >= total * 7


# --- customer_segments ---


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        pytest.param("company", "东方机械有限公司", "东方机械有限公司", id="company"),
        pytest.param("person", "王小明", "王*", id="person"),
        pytest.param("person", "Ann Lee", "A*", id="latin-name"),
        pytest.param(None, "李雷", "李*", id="not-said"),
    ],
)
def test_people_are_named_by_their_first_character_only(kind: str | None, name: str, shown: str) -> None:
    assert one("dws.customer_segments", customers=[{"kind": kind, "name": name}])["display_name"] == shown


def test_high_value_goes_by_the_rfm_class() -> None:
    orders = orders_of("C1", 5, 100_000, "2026-11-01")
    rows = run_model("dws.customer_segments", {"customers": [{"grade": "C"}, {"grade": "A"}], "orders": orders})
    assert [row["is_high_value"] for row in rows] == [True, False]


def test_high_value_goes_by_the_crms_grade_where_the_plan_says_so() -> None:
    definitions = Definitions(high_value="grade", high_value_grades=["A", "S", "A"])
    orders = orders_of("C1", 5, 100_000, "2026-11-01")
    customers = [{"grade": "C"}, {"grade": "A"}, {"grade": "S"}, {"grade": None}]
    rows = run_model(
        "dws.customer_segments", {"customers": customers, "orders": orders}, plan=a_plan(definitions=definitions)
    )
    assert [row["is_high_value"] for row in rows] == [False, True, True, False]


@pytest.mark.parametrize(
    ("definitions", "high_value"),
    [
        pytest.param(Definitions(), [True, False], id="rfm-unless-said-otherwise"),
        pytest.param(Definitions(high_value="grade", high_value_grades=["A"]), [False, True], id="grade"),
        pytest.param(Definitions(high_value="company"), [True, False], id="company"),
        pytest.param(Definitions(high_value="spend", high_value_spend=100_000), [True, False], id="spend-just-reached"),
        pytest.param(Definitions(high_value="spend", high_value_spend=100_001), [False, False], id="too-little-spend"),
        pytest.param(Definitions(high_value="tier"), [True, False], id="tier"),
    ],
)
def test_the_plan_chooses_who_is_of_high_value_and_the_rest_stays_to_be_seen(
    definitions: Definitions, high_value: list[bool]
) -> None:
    """I22: class by RFM, grade of the CRM, kind, spend and tier stand beside the choice."""
    tables = {
        "customers": [{"grade": "C", "kind": "company"}, {"grade": "A", "kind": "person"}],
        "orders": orders_of("C1", 5, 100_000, "2026-09-01"),
    }
    rows = run_model("dws.customer_segments", tables, plan=a_plan(definitions=definitions))
    assert [row["is_high_value"] for row in rows] == high_value
    features = run_model("dws.customer_features", tables, plan=a_plan(definitions=definitions))
    assert [row["is_high_value"] for row in features] == high_value
    told = ("rfm_class_id", "grade", "kind", "net_amount_12m", "tier_class_id")
    assert [tuple(row[name] for name in told) for row in rows] == [
        ("high_value", "C", "company", 100_000, "vip"),
        ("no_order", "A", "person", 0, "unrated"),
    ]


def test_i22_high_value_by_spend_needs_to_be_told_how_much() -> None:
    with pytest.raises(ValueError, match="state high_value_spend"):
        Definitions(high_value="spend")


def test_what_to_do_is_the_play_of_the_rfm_class() -> None:
    play = Play(strategy=Label(zh="欢迎", en="Welcome"), resource=Label(zh="礼包", en="Gift"), owner="onboarding")
    rows = run_model(
        "dws.customer_segments", {"customers": [{}, {}], "orders": [{}]}, plan=a_plan(playbook={"new": play})
    )
    assert [(row["strategy_zh"], row["resource_en"], row["strategy_owner"]) for row in rows] == [
        ("欢迎", "Gift", "onboarding"),
        (None, None, None),
    ]


def test_one_wide_row_gathers_every_scheme() -> None:
    customers = [{"owner_id": "S2", "region": "浙江-杭州", "source_channel": "expo", "industry": "制造业"}]
    orders = orders_of("C1", 5, 120_000, "2026-11-01")
    found = one("dws.customer_segments", customers=customers, orders=orders, staff=TWO_TEAMS)
    assert (found["channel"], found["team_id"], found["sales_region"]) == ("expo", "south", "华南")
    assert (found["rfm_class_id"], found["abc_class_id"], found["abc_spend_rank"]) == ("high_value", "A", 1)
    assert (found["orders_12m"], found["net_amount_12m"], found["net_amount_6m"]) == (5, 120_000, 120_000)
    assert (found["first_ordered_on"], found["rfm_recency_days"]) == (date(2026, 11, 1), 19)


def test_the_plans_twelve_months_are_the_activitys() -> None:
    tables = {
        "customers": [{}, {}],
        "orders": [*orders_of("C1", 4, 900, "2025-11-21"), *orders_of("C2", 2, 70, "2025-11-20")],
    }
    for row in run_model("dws.customer_segments", tables):
        assert (row["rfm_frequency"], row["rfm_monetary_amount"]) == (row["orders_12m"], row["net_amount_12m"])


# --- money of other currencies -------------------------------------------------------------------------------------

RATES = [
    {"day": "2026-11-01", "currency": "USD", "rate": 7.0},
    {"day": "2026-11-10", "currency": "USD", "rate": 7.25},
    {"day": "2026-11-01", "currency": "JPY", "rate": 0.04712345},
]


@pytest.mark.parametrize(
    ("moment", "amount", "currency", "net"),
    [
        pytest.param("2026-11-01 00:00", 100, "USD", "700.00", id="the-day-of-the-first-rate"),
        pytest.param("2026-11-09 23:59", 100, "USD", "700.00", id="the-last-day-of-a-rate"),
        pytest.param("2026-11-10 00:00", 100, "USD", "725.00", id="the-day-of-the-next-rate"),
        pytest.param("2026-11-20 10:00", 100, "USD", "725.00", id="the-latest-rate-goes-on"),
        pytest.param("2026-11-02 10:00", 12345, "JPY", "581.74", id="rounded-once-to-the-fen"),
        pytest.param("2026-11-02 10:00", 100, "CNY", "100.00", id="the-plans-own-currency"),
    ],
)
def test_a_sale_in_another_currency_counts_by_the_rate_of_its_day(
    moment: str, amount: int, currency: str, net: str
) -> None:
    orders = [{"ordered_at": moment, "amount": amount, "currency": currency, "cost_amount": None}]
    [sale] = run_model("dws.sales", {"orders": orders, "rates": RATES})
    assert (str(sale["net_amount"]), sale["currency"], sale["cost_amount"]) == (net, "CNY", None)
    assert (sale["original_amount"], sale["original_currency"]) == (amount, currency)


def test_a_refund_counts_by_the_rate_of_its_own_day() -> None:
    orders = [
        {"order_id": "O1", "ordered_at": "2026-11-02 10:00", "amount": 100, "currency": "USD"},
        {
            "order_id": "R1",
            "ordered_at": "2026-11-12 10:00",
            "amount": 100,
            "currency": "USD",
            "kind": "refund",
            "refund_of": "O1",
        },
    ]
    found = {
        sale["order_id"]: str(sale["net_amount"]) for sale in run_model("dws.sales", {"orders": orders, "rates": RATES})
    }
    assert found == {"O1": "700.00", "R1": "-725.00"}


def test_a_cost_in_another_currency_counts_by_the_rate_of_its_day() -> None:
    expenses = [{"spent_on": "2026-11-10", "amount": 80, "currency": "USD"}]
    [cost] = run_model("dws.costs", {"expenses": expenses, "rates": RATES})
    assert (str(cost["amount"]), cost["currency"]) == ("580.00", "CNY")
    assert (cost["original_amount"], cost["original_currency"]) == (80, "USD")
