"""The facts of the indicators: tasks, workdays, budgets by the day, markets, and what became of new customers."""

from decimal import Decimal

import pytest
from models import a_plan, run_model

from pipeline.plan import Definitions, Market


def test_a_task_done_on_its_day_is_in_time_and_one_done_later_only_done():
    """F116: done or on time, of all."""
    tasks = [
        {"due_on": "2026-11-10", "done_on": "2026-11-10"},
        {"due_on": "2026-11-10", "done_on": "2026-11-11"},
        {"due_on": "2026-11-10"},
        {"due_on": "2026-11-20", "done_on": "2026-11-21"},
    ]
    rows = run_model("dws.tasks", {"tasks": tasks})
    assert [(row["is_done"], row["is_on_time"]) for row in rows] == [
        (True, True),
        (True, False),
        (False, False),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("departments", "number"), [(None, 0), ("销售部", 1), ("销售部,市场部", 2), ("销售部，市场部、产品部", 3)]
)
def test_departments_are_counted_whichever_comma_stands_between_them(departments, number):
    """F117."""
    [row] = run_model("dws.tasks", {"tasks": [{"departments": departments}]})
    assert row["departments"] == number


def test_of_how_often_work_was_sent_back_silence_is_not_never():
    """F123."""
    rows = run_model("dws.tasks", {"tasks": [{"reworks": reworks} for reworks in (0, 2, None)]})
    assert [row["reworks"] for row in rows] == [0, 2, None]


def test_a_visit_is_a_task_of_a_kind_the_plan_names():
    tasks = {"tasks": [{"kind": "Visit"}, {"kind": "客户拜访"}, {"kind": "资料整理"}]}
    assert [row["is_visit"] for row in run_model("dws.tasks", tasks)] == [True, True, False]


def test_workdays_of_people_begin_and_end_with_them_and_leave_the_controls_out():
    """I20, I60: 12 workdays from Monday, November 2, to Tuesday, November 17."""
    staff = [
        {"joined_on": "2026-11-02", "left_on": "2026-11-17"},
        {"joined_on": "2026-11-02", "left_on": "2026-11-17", "is_control": True},
    ]
    rows = run_model("dws.people_days", {"staff": staff})
    assert {row["staff_id"] for row in rows} == {"S1"}
    assert len(rows) == 12


def test_a_workday_has_a_contact_where_a_call_or_visit_of_it_is_on_record():
    """F102: two contacts are of one day, a complaint that came in is nobody's work, a weekend is no workday."""
    moments = [("call", "02 09:00"), ("visit", "02 15:00"), ("complaint", "03 09:00"), ("visit", "07 09:00")]
    tables = {
        "staff": [{"joined_on": "2026-11-02", "left_on": "2026-11-08"}],
        "interactions": [{"kind": kind, "occurred_at": f"2026-11-{at}", "staff_id": "S1"} for kind, at in moments],
    }
    rows = run_model("dws.people_days", tables)
    assert [row["day"].day for row in rows] == [2, 3, 4, 5, 6]
    assert [row["has_contact"] for row in rows] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("left_on", "last"),
    [
        pytest.param("2026-11-11", 11, id="on-a-wednesday"),
        pytest.param("2026-11-15", 13, id="on-a-sunday-after-friday"),
        pytest.param("2026-11-20", 20, id="on-the-day-evaluated"),
        pytest.param("2026-11-24", None, id="not-yet"),
        pytest.param(None, None, id="never"),
    ],
)
def test_the_last_workday_of_who_has_left_is_told(left_on: str | None, last: int | None):
    """F177."""
    rows = run_model("dws.people_days", {"staff": [{"joined_on": "2026-11-02", "left_on": left_on}]})
    assert [row["day"].day for row in rows if row["is_last_day"]] == [last] * (last is not None)


@pytest.mark.parametrize("amount", ["1000.00", "0.01", "99999.99"])
def test_the_days_of_a_budget_line_add_up_to_it_to_the_cent(amount):
    budgets = [{"starts_on": "2026-09-01", "ends_on": "2026-10-31", "amount": amount}]
    rows = run_model("dws.budget_days", {"budgets": budgets})
    assert len(rows) == 61
    assert sum(row["amount"] for row in rows) == Decimal(amount)


def test_a_market_is_known_of_those_whose_industry_and_region_are():
    """I18: nobody is put into a market by what is missing."""
    asked = Market(industries=["教育"], regions=["四川省"])
    plan = a_plan(definitions=Definitions(audience=asked))
    customers = [
        {"industry": "教育", "region": "四川省-成都市"},
        {"industry": "教育", "region": "湖北省-武汉市"},
        {"industry": None, "region": "四川省-成都市"},
    ]
    rows = run_model("dws.customer_markets", {"customers": customers}, plan=plan)
    assert [row["is_audience"] for row in rows] == [True, False, None]
    assert {row["is_new_market"] for row in rows} == {None}


def test_retention_counts_the_days_of_each_window_and_leaves_out_who_is_not_observed_so_long():
    """I24: right-censored."""
    customers = [{"customer_id": name} for name in ("A", "B", "C")]
    orders = [
        {"customer_id": "A", "ordered_at": "2026-08-01 10:00"},
        {"customer_id": "A", "ordered_at": "2026-08-31 10:00"},
        {"customer_id": "A", "ordered_at": "2026-09-01 10:00"},
        {"customer_id": "B", "ordered_at": "2026-09-21 10:00"},
        {"customer_id": "C", "ordered_at": "2026-10-22 10:00"},
    ]
    visits = [{"customer_id": "C", "kind": "login", "occurred_at": "2026-10-23 09:00"}]
    rows = run_model("dws.customer_starts", {"customers": customers, "orders": orders, "interactions": visits})
    told = {row["customer_id"]: [row[f"is_retained_{days}"] for days in (30, 60, 90)] for row in rows}
    assert told == {"A": [True, True, False], "B": [False, False, None], "C": [None, None, None]}


def test_different_people_took_part_and_each_counts_once():
    """I21: persons and attendances are two numbers."""
    came = [{"customer_id": "C1", "kind": "webinar", "campaign_id": "A1"}] * 2
    rows = run_model(
        "dws.activities",
        {
            "campaigns": [{"campaign_id": "A1", "expected_participants": 10}],
            "customers": [{"customer_id": "C1"}],
            "interactions": [*came, {"customer_id": "C1", "kind": "call", "campaign_id": "A1"}],
        },
    )
    assert [(row["participants"], row["attendances"]) for row in rows] == [(1, 2)]


def test_an_answer_within_the_hours_of_the_plan_is_in_time():
    """F122."""
    answered = {"kind": "complaint", "occurred_at": "2026-11-01 09:00"}
    asked = [{**answered, "answered_at": f"2026-11-01 {time}"} for time in ("11:00", "11:01")]
    rows = run_model("dws.touches", {"interactions": [*asked, answered]})
    assert [row["is_in_time"] for row in rows] == [True, False, None]


def test_the_market_size_of_a_period_is_given_once():
    sizes = [
        {"metric": "market_size", "period": "2026-Q3", "value": 5e6, "source": "B"},
        {"metric": "market_size", "period": "2026-Q3", "value": 4e6, "source": "A"},
        {"metric": "aov", "period": "2026-Q3", "value": 1.0},
    ]
    [row] = run_model("dws.market_sizes", {"benchmarks": sizes})
    assert (row["market_size"], row["source"]) == (4e6, "A")
