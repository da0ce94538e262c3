"""Winning customers back: steps, owners, days and results on histories small enough to follow. The day is 2026-11-20.

C1 bought on three days 30 days apart, the last of them 2026-08-01: at risk from 2026-09-15 on.
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, run_model
from pydantic import ValidationError

from pipeline.plan import Definitions, Plan, Segments
from pipeline.plan.churn import WinBack
from pipeline.plan_tables import plan_tables

BOUGHT = ("2026-06-02", "2026-07-02", "2026-08-01")
BEGAN = date(2026, 9, 15)
OWNED = {"owner_id": "S1"}


def sales(*days: str, customer: str = "C1", amount: float = 100) -> list[Row]:
    return [
        {"order_id": f"{customer}-{day}", "customer_id": customer, "ordered_at": f"{day} 10:00", "amount": amount}
        for day in days
    ]


def reached(*days: str, kind: str = "call", outcome: str | None = "需跟进") -> list[Row]:
    return [
        {"interaction_id": f"I-{kind}-{number}", "customer_id": "C1", "kind": kind, "outcome": outcome}
        | {"occurred_at": f"{day} 15:00"}
        for number, day in enumerate(days)
    ]


def listed(
    orders: list[Row], interactions: list[Row] | None = None, plan: Plan | None = None, as_of: date | str = DAY
) -> Row | None:
    tables = {"customers": [OWNED], "orders": orders, "interactions": interactions or []}
    rows = run_model("dws.win_back", tables, plan=plan, as_of=as_of)
    assert len(rows) <= 1
    return rows[0] if rows else None


def due(row: Row | None) -> tuple[object, ...]:
    assert row
    return row["state"], row["step_id"], row["due_on"]


def win_back(**changes: object) -> Plan:
    return a_plan(segments=Segments(win_back=WinBack(**changes)))


# --- steps ---


def test_the_first_step_is_due_days_after_the_customer_began_to_stay_away() -> None:
    found = listed(sales(*BOUGHT))
    assert due(found) == ("open", "service_call", BEGAN + timedelta(days=3))
    assert (found["began_on"], found["step"], found["steps_done"], found["is_overdue"]) == (BEGAN, 1, 0, True)
    assert (found["step_zh"], found["owner_role_zh"], found["owner_role_en"]) == (
        "客服回访",
        "客服",
        "Customer service",
    )
    assert (found["owner_id"], found["is_won_back"], found["spend_amount"]) == (None, None, Decimal("300.00"))


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        pytest.param(["2026-09-14"], ("open", "service_call", date(2026, 9, 18)), id="before-it-began"),
        pytest.param(["2026-09-15"], ("open", "account_manager", date(2026, 9, 22)), id="on-the-day-it-began"),
        pytest.param(["2026-11-16"], ("open", "account_manager", date(2026, 11, 23)), id="one-step"),
        pytest.param(["2026-11-16"] * 2, ("open", "account_manager", date(2026, 11, 23)), id="twice-on-a-day-is-once"),
        pytest.param(["2026-11-01", "2026-11-16"], ("open", "executive", date(2026, 11, 30)), id="two-steps"),
        pytest.param(["2026-10-01", "2026-11-01", "2026-11-16"], ("tried", None, None), id="all-three"),
        pytest.param(["2026-10-01", "2026-10-02", "2026-11-01", "2026-11-16"], ("tried", None, None), id="four"),
    ],
)
def test_each_day_with_a_contact_is_a_step_done(contacts: list[str], expected: tuple[object, ...]) -> None:
    assert due(listed(sales(*BOUGHT), reached(*contacts))) == expected


@pytest.mark.parametrize(
    ("interactions", "step"),
    [
        pytest.param(reached("2026-11-16", kind="visit"), 2, id="a-visit"),
        pytest.param(reached("2026-11-16", outcome=None), 2, id="a-call-without-outcome"),
        pytest.param(reached("2026-11-16", outcome="未接通"), 1, id="nobody-reached"),
        pytest.param(reached("2026-11-16", outcome="No Answer"), 1, id="nobody-reached-in-any-case-of-letters"),
        pytest.param(reached("2026-11-16", kind="email_open"), 1, id="not-a-contact-of-ours"),
    ],
)
def test_a_contact_counts_where_somebody_was_reached(interactions: list[Row], step: int) -> None:
    assert listed(sales(*BOUGHT), interactions)["step"] == step


def test_the_plan_says_what_a_contact_is_and_how_nobody_is_reached() -> None:
    plan = a_plan(
        segments=Segments(win_back=WinBack(contact_kinds=["visit"])), definitions=Definitions(not_reached=["door shut"])
    )
    interactions = reached("2026-11-02") + reached("2026-11-10", kind="visit", outcome="Door shut")
    assert listed(sales(*BOUGHT), interactions, plan)["steps_done"] == 0
    assert listed(sales(*BOUGHT), reached("2026-11-10", kind="visit", outcome="未接通"), plan)["steps_done"] == 1


def test_the_second_step_falls_to_the_one_who_looks_after_the_customer() -> None:
    owners = [
        listed(sales(*BOUGHT), reached(*days))["owner_id"]
        for days in ([], ["2026-11-16"], ["2026-11-15", "2026-11-16"])
    ]
    assert owners == [None, "S1", None]


@pytest.mark.parametrize(
    ("as_of", "is_overdue"),
    [pytest.param("2026-09-18", False, id="on-the-day"), pytest.param("2026-09-19", True, id="a-day-later")],
)
def test_a_step_is_overdue_when_its_day_is_over(as_of: str, is_overdue: bool) -> None:
    assert listed(sales(*BOUGHT), as_of=as_of)["is_overdue"] is is_overdue


# --- results ---


@pytest.mark.parametrize(
    ("contacts", "bought", "state", "is_won_back"),
    [
        pytest.param(["2026-10-01"], "2026-10-20", "won_back", True, id="nineteen-days-after-a-call"),
        pytest.param(["2026-10-20"], "2026-10-20", "returned", None, id="a-call-on-the-day-of-the-order-came-too-late"),
        pytest.param([], "2026-10-20", "returned", None, id="without-a-call"),
        pytest.param(["2026-09-01"], "2026-10-20", "returned", None, id="a-call-before-it-began"),
    ],
)
def test_an_order_in_time_after_a_contact_is_a_success(
    contacts: list[str], bought: str, state: str, is_won_back: bool | None
) -> None:
    found = listed(sales(*BOUGHT, bought), reached(*contacts))
    assert (found["state"], found["is_won_back"], found["step"], found["due_on"]) == (state, is_won_back, None, None)
    assert (found["began_on"], found["bought_on"]) == (BEGAN, date.fromisoformat(bought))


@pytest.mark.parametrize(
    ("bought", "state", "is_won_back"),
    [
        pytest.param("2026-11-09", "won_back", True, id="on-the-last-day"),
        pytest.param("2026-11-10", "returned", False, id="a-day-late"),
        pytest.param(None, "open", False, id="not-at-all"),
    ],
)
def test_success_has_its_days(bought: str | None, state: str, is_won_back: bool) -> None:
    plan = win_back(success_days=40)
    found = listed(sales(*BOUGHT, *filter(None, [bought])), reached("2026-09-30"), plan)
    assert (found["state"], found["is_won_back"]) == (state, is_won_back)


@pytest.mark.parametrize(
    ("as_of", "is_won_back"),
    [pytest.param("2026-11-09", None, id="on-the-last-day"), pytest.param("2026-11-10", False, id="the-day-after")],
)
def test_a_result_is_not_known_before_its_days_are_over(as_of: str, is_won_back: bool | None) -> None:
    found = listed(sales(*BOUGHT), reached("2026-09-30"), win_back(success_days=40), as_of)
    assert found["is_won_back"] is is_won_back


def test_who_stays_away_again_is_on_the_list_for_the_new_time() -> None:
    found = listed(sales(*BOUGHT, "2026-09-20"), as_of="2026-12-20")
    assert (found["state"], found["began_on"]) == ("open", date(2026, 9, 20) + timedelta(days=55))


def test_a_contact_of_an_earlier_time_is_no_step_of_the_new_one() -> None:
    found = listed(sales(*BOUGHT, "2026-09-20"), reached("2026-09-17"), as_of="2026-12-20")
    assert found["steps_done"] == 0


# --- who is on the list ---


def test_who_buys_as_usual_is_not_on_it() -> None:
    assert listed(sales("2026-08-02", "2026-09-17", "2026-11-01")) is None


def test_who_is_at_risk_by_a_fall_is_there_from_the_day_after_the_last_order() -> None:
    orders = sales("2026-03-01", amount=100) + sales("2026-06-25", amount=10) + sales("2026-10-20", amount=10)
    found = listed(orders)
    assert (found["lifecycle_class_id"], found["began_on"]) == ("lifecycle_at_risk", date(2026, 10, 21))


def test_a_complaint_after_the_last_order_begins_it_anew() -> None:
    orders = sales("2026-03-01", amount=100) + sales("2026-06-25", amount=10) + sales("2026-10-20", amount=10)
    complaint = {"interaction_id": "X", "customer_id": "C1", "kind": "complaint", "occurred_at": "2026-11-05 09:00"}
    found = listed(orders, [complaint, *reached("2026-10-30")])
    assert (found["began_on"], found["steps_done"]) == (date(2026, 11, 5), 0)


def test_whoever_is_warned_of_is_there_even_on_the_day_of_an_order() -> None:
    orders = sales(*[f"2026-{month:02}-20" for month in range(1, 12)])
    said = {"respondent_kind": "customer", "respondent_id": "C1", "answered_at": "2026-11-19 09:00", "score": 1}
    answers = [
        said | {"kind": "nps", "scale_min": 0, "scale_max": 10},
        said | {"kind": "csat", "scale_min": 1, "scale_max": 5},
    ]
    plan = a_plan(
        segments=Segments.model_validate({"churn": {"warned_from": 15, "watched_from": 10, "least_told_share": 0.1}})
    )
    tables = {"customers": [OWNED], "orders": orders, "answers": answers}
    [found] = run_model("dws.win_back", tables, plan=plan)
    assert (found["churn_class_id"], found["lifecycle_class_id"]) == ("churn_warned", "lifecycle_growing")
    assert (found["began_on"], found["state"]) == (DAY, "open")


@pytest.mark.parametrize(
    ("least", "is_listed"),
    [pytest.param(299.99, True, id="a-cent-more"), pytest.param(300, False, id="exactly-is-not-more")],
)
def test_only_who_spent_enough_in_the_year_before_is_worth_it(least: float, is_listed: bool) -> None:
    assert (listed(sales(*BOUGHT), plan=win_back(least_amount=least)) is not None) is is_listed


def test_what_was_given_back_makes_nobody_worth_it() -> None:
    refund = {"order_id": "R", "ordered_at": "2026-08-02 10:00", "kind": "refund", "amount": 300, "refund_of": "O"}
    assert listed([*sales(*BOUGHT), refund]) is None


@pytest.mark.parametrize(
    ("day", "is_listed"),
    [pytest.param("2025-10-25", True, id="a-year-before"), pytest.param("2025-10-24", False, id="a-day-earlier")],
)
def test_worth_is_what_was_spent_in_the_year_before_it_began(day: str, is_listed: bool) -> None:
    orders = sales(day, amount=900) + sales("2026-07-25", amount=0)
    assert (listed(orders) is not None) is is_listed


@pytest.mark.parametrize(
    ("months", "is_listed"), [pytest.param(3, True, id="within"), pytest.param(2, False, id="too-long-ago")]
)
def test_who_has_been_away_for_too_long_is_left_alone(months: int, is_listed: bool) -> None:
    assert (listed(sales(*BOUGHT), plan=win_back(within_months=months)) is not None) is is_listed


@settings(max_examples=15, deadline=None)
@given(
    bought=st.lists(st.integers(0, 500), max_size=8, unique=True),
    called=st.lists(st.integers(0, 500), max_size=6, unique=True),
)
def test_a_row_says_one_thing_whatever_the_order_of_the_rows(bought: list[int], called: list[int]) -> None:
    orders = sales(*[(DAY - timedelta(days=back)).isoformat() for back in bought])
    interactions = reached(*[(DAY - timedelta(days=back)).isoformat() for back in called])
    found = listed(orders, interactions)
    assert listed(orders[::-1], interactions[::-1]) == found
    if found:
        assert (found["state"] == "open") is (found["step"] is not None) is (found["due_on"] is not None)
        assert (found["state"] in ("won_back", "returned")) is (found["bought_on"] is not None)
        assert found["is_won_back"] in ((True,) if found["state"] == "won_back" else (False, None))
        assert found["steps_done"] == min(found["contacts"], 3)
        assert found["began_on"] <= DAY


# --- the plan ---


def test_the_three_steps_of_the_documents_hold_unless_the_plan_has_its_own() -> None:
    steps = plan_tables(a_plan(), DAY, additive=frozenset())["plan.win_back_steps"].to_pylist()
    assert [(row["step"], row["label_zh"]) for row in steps] == [(1, "客服回访"), (2, "业务经理介入"), (3, "高管出面")]


@pytest.mark.parametrize("wrong", [pytest.param([], id="none"), pytest.param(WinBack().steps[:1] * 2, id="one-twice")])
def test_steps_that_name_nothing_or_one_thing_twice_are_refused(wrong: list) -> None:
    with pytest.raises(ValidationError, match="at least 1 item|used twice"):
        WinBack(steps=wrong)
