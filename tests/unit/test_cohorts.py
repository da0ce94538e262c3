"""Cohorts by the month of the first order: retention, revenue and payback, on rows small enough to check by eye."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model

from assets.ads.catalogue import catalogue
from pipeline.plan import Definitions, Periods, Plan, Segments, Value
from pipeline.plan_tables import plan_tables

Matrix = Mapping[tuple[str, str, int], Row]


def order(customer: str, day: str, amount: float = 100, **cells: Any) -> Row:
    return {"customer_id": customer, "ordered_at": f"{day} 10:00", "amount": amount, "cost_amount": amount / 2} | cells


def cost(amount: float, day: str = "2026-09-15", **cells: Any) -> Row:
    return {"spent_on": day, "amount": amount} | cells


def matrix(
    orders: list[Row],
    expenses: Iterable[Row] = (),
    *,
    plan: Plan | None = None,
    as_of: str = "2026-11-20",
    **others: Any,
) -> Matrix:
    """Rows by cohort, member and age."""
    numbered = [{"order_id": f"O{number}"} | row for number, row in enumerate(orders)]
    tables = {"orders": numbered, "expenses": list(expenses), **others}
    rows = run_model("ads.cohorts", tables, plan=plan, as_of=as_of)
    return {(row["cohort"], row["member"], row["age_months"]): row for row in rows}


def told(found: Matrix, cohort: str, column: str, member: str = "(all)") -> list[Any]:
    """A column of one cohort from age to age."""
    ages = sorted(age for month, of, age in found if (month, of) == (cohort, member))
    return [found[cohort, member, age][column] for age in ages]


def test_a_cohort_is_followed_from_the_month_of_its_first_orders():
    """F080, F081: of three won in September two came back in October."""
    found = matrix(
        [
            *[order(customer, "2026-09-10") for customer in ("C1", "C2", "C3")],
            *[order(customer, "2026-10-02") for customer in ("C1", "C2")],
        ]
    )
    assert told(found, "2026-09", "customers") == [3, 3, 3]
    assert told(found, "2026-09", "active_customers") == [3, 2, 0]
    assert told(found, "2026-09", "retention_rate") == [1.0, pytest.approx(2 / 3), None]
    assert told(found, "2026-09", "revenue_amount") == [300, 200, 0]
    assert told(found, "2026-09", "cumulative_revenue_amount") == [300, 500, 500]
    assert told(found, "2026-09", "cumulative_revenue_per_customer_amount") == [
        100,
        Decimal("166.67"),
        Decimal("166.67"),
    ]


def test_a_month_that_is_not_over_never_looks_like_falling_retention():
    orders = [order("C1", "2026-10-01"), order("C2", "2026-10-31"), order("C1", "2026-11-19")]
    running, over = matrix(orders, as_of="2026-11-29"), matrix(orders, as_of="2026-11-30")
    assert told(running, "2026-10", "is_complete") == [True, False]
    assert told(running, "2026-10", "active_customers") == [2, 1]
    assert told(running, "2026-10", "retention_rate") == [1.0, None]
    assert told(over, "2026-10", "is_complete") == [True, True]
    assert told(over, "2026-10", "retention_rate") == [1.0, 0.5]


def test_who_orders_twice_in_a_month_is_active_once():
    found = matrix([order("C1", "2026-09-01"), order("C1", "2026-09-02"), order("C1", "2026-10-05")])
    assert told(found, "2026-09", "active_customers") == [1, 1, 0]
    assert told(found, "2026-09", "revenue_amount") == [200, 100, 0]


def test_money_given_back_lowers_revenue_and_is_no_activity():
    back = order("C1", "2026-10-05", 40, kind="refund", refund_of="O0", cost_amount=None)
    found = matrix([order("C1", "2026-09-01"), back])
    assert told(found, "2026-09", "active_customers") == [1, 0, 0]
    assert told(found, "2026-09", "cumulative_revenue_amount") == [100, 60, 60]


def test_money_given_back_before_the_first_order_counts_in_the_first_month():
    early = order("C1", "2026-08-20", 30, kind="refund", refund_of="O9")
    found = matrix([early, order("C1", "2026-09-01")])
    assert told(found, "2026-09", "cumulative_revenue_amount") == [70, 70, 70]


def test_orders_after_the_day_do_not_count():
    found = matrix([order("C1", "2026-11-01"), order("C1", "2026-11-25"), order("C2", "2026-11-26")])
    row = found["2026-11", "(all)", 0]
    assert (row["customers"], row["revenue_amount"]) == (1, 100)


def test_every_customer_stays_with_the_channel_of_the_first_order():
    leads = [{"lead_id": "L1", "channel": "expo"}, {"lead_id": "L2", "channel": "search"}]
    orders = [
        order("C1", "2026-09-01", lead_id="L1"),
        order("C1", "2026-10-01", lead_id="L2"),
        order("C2", "2026-09-02"),
    ]
    found = matrix(orders, leads=leads)
    assert {member for _, member, _ in found} == {"(all)", "expo", "(unknown)"}
    assert told(found, "2026-09", "revenue_amount", "expo") == [100, 100, 0]
    assert told(found, "2026-09", "active_customers", "(unknown)") == [1, 0, 0]


def test_a_month_in_which_nobody_was_won_is_told_of():
    found = matrix([order("C1", "2026-10-01")])
    row = found["2026-09", "(all)", 0]
    assert (row["customers"], row["retention_rate"], row["cumulative_revenue_per_customer_amount"]) == (0, None, None)
    assert row["payback_reason_en"] == "no customer was won in the month"


def test_cohorts_reach_back_as_far_as_the_plan_asks():
    plan = a_plan(periods=Periods(cohorts=2))
    found = matrix([order("C1", "2026-09-01"), order("C2", "2026-10-01")], plan=plan)
    assert sorted(found) == [
        ("2026-10", "(all)", 0),
        ("2026-10", "(all)", 1),
        *[("2026-10", "(unknown)", age) for age in (0, 1)],
        ("2026-11", "(all)", 0),
    ]


# --- payback ---

SEPTEMBER = [order("C1", "2026-09-01", 100), order("C1", "2026-10-01", 100), order("C1", "2026-11-01", 100)]
"""Each brings a margin of 50."""


@pytest.mark.parametrize(
    ("spent", "payback"),
    [
        pytest.param(50, 0, id="exactly-covered-in-the-first-month"),
        pytest.param(51, 1, id="covered-in-the-next"),
        pytest.param(150, 2, id="covered-in-the-running-month"),
    ],
)
def test_payback_is_the_first_age_whose_margin_covers_the_cost(spent: float, payback: int):
    found = matrix(SEPTEMBER, [cost(spent)])
    assert told(found, "2026-09", "payback_months") == [payback] * 3
    assert told(found, "2026-09", "payback_reason_en") == [None] * 3
    assert told(found, "2026-09", "cost_covered_rate") == pytest.approx([50 / spent, 100 / spent, 150 / spent])


def test_a_cost_that_is_not_covered_says_how_far_it_is():
    row = matrix(SEPTEMBER, [cost(300)])["2026-09", "(all)", 0]
    assert (row["payback_months"], row["payback_basis"]) == (None, "margin")
    assert row["payback_reason_zh"] == "尚未收回：截至目前毛利为成本的 50.0%"
    assert row["payback_reason_en"] == "not yet: so far margin is 50.0% of the cost"


def test_without_the_cost_of_goods_revenue_is_held_against_the_cost_and_says_so():
    unknown = [row | {"cost_amount": None} for row in SEPTEMBER]
    found = matrix(unknown, [cost(150)])
    assert told(found, "2026-09", "payback_basis") == ["revenue"] * 3
    assert told(found, "2026-09", "payback_months") == [1] * 3
    assert told(found, "2026-09", "margin_amount") == [None] * 3


@pytest.mark.parametrize(
    ("value", "source", "margin"),
    [
        pytest.param(Value(), "cohort", [50, 50, 50], id="its-own-rate-where-enough-is-known"),
        pytest.param(Value(margin_coverage=0.7), None, [None] * 3, id="none-where-too-little-is"),
        pytest.param(Value(margin_rate=0.2), "plan", [50, 50, 20], id="the-rate-of-the-plan-first"),
    ],
)
def test_a_rate_stands_in_for_margins_that_are_not_known(value: Value, source: str | None, margin: list[float | None]):
    orders = [*SEPTEMBER[:2], SEPTEMBER[2] | {"cost_amount": None}]
    found = matrix(orders, plan=a_plan(segments=Segments(value=value)))
    assert told(found, "2026-09", "margin_source") == [source] * 3
    assert told(found, "2026-09", "margin_amount") == margin
    assert told(found, "2026-09", "margin_coverage_rate") == pytest.approx([2 / 3] * 3)


def test_a_cost_that_was_not_booked_is_not_a_cost_of_nothing():
    """U11: nobody has a customer for nothing because his cost is missing."""
    row = matrix(SEPTEMBER, [cost(50, "2026-10-15")])["2026-09", "(all)", 0]
    assert (row["acquisition_cost_amount"], row["cost_covered_rate"], row["payback_months"]) == (None, None, None)
    assert row["payback_reason_en"] == "no such cost is booked in the month"


def test_a_running_month_is_not_paid_back_while_cost_may_still_come():
    row = matrix([order("C1", "2026-11-02")], [cost(1, "2026-11-03")])["2026-11", "(all)", 0]
    assert (row["cost_covered_rate"], row["payback_months"]) == (50.0, None)
    assert row["payback_reason_en"] == "the month is not over: customers and cost will be added"


def test_a_channel_has_the_cost_that_names_it():
    leads = [{"lead_id": "L1", "channel": "expo"}]
    expenses = [cost(30, channel="expo"), cost(70, category="labour")]
    found = matrix([row | {"lead_id": "L1"} for row in SEPTEMBER], expenses, leads=leads)
    assert told(found, "2026-09", "acquisition_cost_amount", "expo") == [30] * 3
    assert told(found, "2026-09", "acquisition_cost_amount") == [100] * 3
    assert told(found, "2026-09", "payback_months", "expo") == [0] * 3
    assert told(found, "2026-09", "payback_months") == [1] * 3


@pytest.mark.parametrize("variant", catalogue().kpis["cac"].variants)
def test_the_cost_of_a_cohort_is_of_the_scope_of_the_official_cost_per_customer(variant: str):
    """U15: the same rows of the one ledger; a budget is nothing that was spent."""
    plan = a_plan(definitions=Definitions(official={"cac": variant}))
    row = matrix(SEPTEMBER, [cost(30), cost(70, category="labour")], plan=plan)["2026-09", "(all)", 0]
    is_marketing = "marketing_cost" in catalogue().kpis["cac"].variants[variant].measures
    expected = ("marketing", 30) if is_marketing else ("full", 100)
    assert (row["cost_scope"], row["acquisition_cost_amount"]) == expected


def test_without_a_choice_of_the_plan_the_scope_is_that_of_the_catalogue():
    usual, chosen = ({}, {"cac": catalogue().kpis["cac"].official_variant})
    tables = [
        plan_tables(a_plan(definitions=Definitions(official=official)), date(2026, 11, 20), additive=frozenset())
        for official in (usual, chosen)
    ]
    assert tables[0]["plan.cohort_rules"] == tables[1]["plan.cohort_rules"]


# --- how far it can be trusted ---


def source(table: str, state: str) -> Row:
    return {"table_name": table, "state": state, "reason": "half is missing"}


def test_without_orders_nothing_is_told():
    found = matrix(SEPTEMBER, [cost(50)], **{"dq.source_states": [source("orders", "withheld")]})
    row = found["2026-09", "(all)", 0]
    assert (row["customers"], row["revenue_amount"], row["retention_rate"], row["payback_months"]) == (None,) * 4
    assert (row["state"], row["reason"]) == ("withheld", "orders: half is missing")
    assert row["payback_reason_en"] == "there are no usable orders or customers"


def test_without_expenses_the_cohort_is_told_and_its_payback_is_not():
    found = matrix(SEPTEMBER, [cost(50)], **{"dq.source_states": [source("expenses", "withheld")]})
    row = found["2026-09", "(all)", 0]
    assert (row["customers"], row["acquisition_cost_amount"], row["state"]) == (1, None, "provisional")
    assert row["payback_reason_en"] == "there are no usable expenses"


# --- against counting one by one ---

DAYS = ["2026-08-31", "2026-09-01", "2026-09-30", "2026-10-15", "2026-11-01", "2026-11-20"]
ORDERS = st.lists(
    st.builds(
        order,
        st.sampled_from(["C1", "C2", "C3", "C4"]),
        st.sampled_from(DAYS),
        st.integers(0, 500).map(float),
        lead_id=st.sampled_from([None, "L1", "L2"]),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(orders=ORDERS)
def test_a_cohort_matrix_is_what_counting_one_by_one_gives(orders: list[Row]):
    leads = [{"lead_id": "L1", "channel": "expo"}, {"lead_id": "L2", "channel": "search"}]
    found = matrix(orders, leads=leads)
    first: dict[str, str] = {}
    for row in orders:
        first[row["customer_id"]] = min(first.get(row["customer_id"], "9999"), row["ordered_at"])
    revenue, active = defaultdict(float), defaultdict(set)
    for row in orders:
        cohort, month = first[row["customer_id"]][:7], row["ordered_at"][:7]
        place = (cohort, int(month[5:]) - int(cohort[5:]))
        revenue[place] += row["amount"]
        active[place].add(row["customer_id"])
    for (cohort, member, age), row in found.items():
        if member == "(all)":
            assert float(row["revenue_amount"]) == revenue[cohort, age]
            assert row["active_customers"] == len(active[cohort, age])
            assert row["customers"] == sum(day[:7] == cohort for day in first.values())
            parts = [other for (c, m, a), other in found.items() if (c, a) == (cohort, age) and m != "(all)"]
            for column in ("customers", "active_customers", "revenue_amount"):
                assert sum(part[column] for part in parts) == row[column]
