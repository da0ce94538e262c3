"""Actual against plan, on rows small enough to check by eye; every cost is there once, whatever the budgets are."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model

from pipeline.plan import Budget, Channel, Label, Plan

Key = tuple[str, str, str]


def line(amount: float, **cells: str | None) -> Row:
    """A line of the budget for October, for any cost unless it says for which."""
    return {"starts_on": "2026-10-01", "ends_on": "2026-10-31", "amount": amount} | cells


def cost(amount: float, **cells: str | None) -> Row:
    """A cost of mid-October for media on the channel social, by team T1."""
    return {"spent_on": "2026-10-15", "amount": amount, "channel": "social", "team_id": "T1"} | cells


def variance(
    budgets: list[Row], expenses: list[Row], *, plan: Plan | None = None, states: list[Row] | None = None, **others: Any
) -> Mapping[Key, Row]:
    """Rows by period, dimension and member."""
    tables = {"budgets": budgets, "expenses": expenses, "dq.source_states": states or []}
    rows = run_model("ads.budget_variance", tables, plan=plan, **others)
    return {(row["period"], row["dimension"], row["member"]): row for row in rows}


def october(found: Mapping[Key, Row], dimension: str, column: str) -> dict[str, Any]:
    """A column of October's members."""
    return {
        member: row[column] for (period, of, member), row in found.items() if (period, of) == ("2026-10", dimension)
    }


def test_a_quarter_has_the_budget_of_its_three_months_and_the_costs_of_those_so_far():
    november = line(200) | {"starts_on": "2026-11-01", "ends_on": "2026-11-30"}
    december = line(400) | {"starts_on": "2026-12-01", "ends_on": "2026-12-31"}
    found = variance([line(100), november, december], [cost(80), cost(60, spent_on="2026-11-15")])
    quarter, campaign = found["2026-Q4", "total", "(all)"], found["campaign", "total", "(all)"]
    assert (quarter["period_kind"], quarter["planned_amount"], quarter["actual_amount"]) == ("quarter", 700, 140)
    assert quarter["is_reconciled"]
    assert (campaign["planned_amount"], campaign["actual_amount"]) == (300, 140)


def test_a_line_is_compared_with_the_costs_it_is_for():
    found = variance([line(100, channel="social"), line(50, channel="search")], [cost(80), cost(60, channel="search")])
    assert october(found, "channel", "planned_amount") == {"social": 100, "search": 50}
    assert october(found, "channel", "actual_amount") == {"social": 80, "search": 60}
    assert october(found, "channel", "variance_amount") == {"social": -20, "search": 10}
    assert october(found, "line", "utilisation_rate") == {"B1": 0.8, "B2": 1.2}
    assert october(found, "total", "actual_amount") == {"(all)": 140}


def test_a_cost_is_charged_once_to_the_line_that_names_most_of_it():
    budgets = [line(100), line(100, channel="social"), line(100, channel="social", team_id="T1", category="media")]
    found = variance(budgets, [cost(30), cost(20, team_id="T2"), cost(10, channel="search")])
    assert october(found, "line", "actual_amount") == {"B3": 30, "B2": 20, "B1": 10}


def test_of_two_lines_that_name_as_much_the_one_for_fewer_days_is_charged():
    budgets = [line(900, starts_on="2026-09-01", ends_on="2026-11-30"), line(100)]
    found = variance(budgets, [cost(30), cost(40, spent_on="2026-09-10")])
    assert october(found, "line", "actual_amount") == {"B1": 0, "B2": 30}
    assert found["campaign", "line", "B1"]["actual_amount"] == 40


def test_spending_no_line_is_for_is_a_line_of_its_own_and_counts_as_spent():
    found = variance([line(100, channel="social")], [cost(80), cost(30, channel="expo"), cost(5, channel=None)])
    assert october(found, "line", "actual_amount") == {"B1": 80, "(unbudgeted)": 35}
    assert october(found, "line", "planned_amount") == {"B1": 100, "(unbudgeted)": None}
    assert october(found, "channel", "budget_status") == {
        "social": "on_plan",
        "expo": "unbudgeted",
        "(unknown)": "unbudgeted",
    }
    assert october(found, "total", "unbudgeted_amount") == {"(all)": 35}
    assert october(found, "total", "budget_status") == {"(all)": "overspent"}


def test_what_is_charged_to_a_line_for_all_channels_is_held_against_none_of_them():
    found = variance([line(200), line(10, channel="expo")], [cost(80), cost(12, channel="expo")])
    assert october(found, "channel", "actual_amount") == {"(shared)": 80, "expo": 12, "social": 0}
    assert october(found, "channel", "planned_amount") == {"(shared)": 200, "expo": 10, "social": None}
    assert october(found, "channel", "ledger_amount") == {"(shared)": 0, "expo": 12, "social": 80}
    social = found["2026-10", "channel", "social"]
    assert (social["budget_status"], social["reason_en"]) == (None, "its costs are charged to shared lines")


@pytest.mark.parametrize(
    ("spent", "status"),
    [
        pytest.param(0, "on_plan", id="nothing"),
        pytest.param(100, "on_plan", id="exactly-the-plan"),
        pytest.param(100.01, "warning", id="a-cent-over"),
        pytest.param(109.99, "warning", id="a-cent-below-ten-percent"),
        pytest.param(110, "overspent", id="exactly-ten-percent"),
    ],
)
def test_f181_more_than_planned_by_a_tenth_is_overspent(spent: float, status: str):
    assert october(variance([line(100)], [cost(spent)]), "total", "budget_status") == {"(all)": status}


def test_the_plan_says_how_much_over_is_too_much_and_when_to_warn():
    plan = a_plan(budget=Budget(overspend=0.5, warning_from=0.9))
    statuses = [
        october(variance([line(100)], [cost(spent)], plan=plan), "total", "budget_status")["(all)"]
        for spent in (90, 91, 149, 150)
    ]
    assert statuses == ["on_plan", "warning", "warning", "overspent"]


def test_i63_the_ten_percent_are_of_the_budget_and_not_of_all_budgets():
    """A small line is overspent by its own tenth, however large the total is."""
    found = variance([line(100, channel="social"), line(9900, channel="expo")], [cost(111)])
    assert october(found, "channel", "budget_status") == {"social": "overspent", "expo": "on_plan"}
    assert found["2026-10", "channel", "social"]["variance_rate"] == pytest.approx(0.11)


def test_a_line_for_many_days_is_spread_over_them_and_its_parts_add_up_to_the_cent():
    budgets = [line(1000, starts_on="2026-09-21", ends_on="2026-11-10")]
    found = variance(budgets, [], as_of="2026-11-05")
    parts = {period: found[period, "line", "B1"]["planned_amount"] for period in ("2026-09", "2026-10", "2026-11")}
    assert parts == {"2026-09": Decimal("196.08"), "2026-10": Decimal("607.84"), "2026-11": Decimal("196.08")}
    assert found["campaign", "line", "B1"]["planned_amount"] == 1000
    # 5 of the 10 days in November are over
    assert found["2026-11", "line", "B1"]["planned_to_date_amount"] == Decimal("98.04")


def test_without_budgets_the_costs_are_told_and_the_comparison_is_withheld():
    total = variance([], [cost(80)])["2026-10", "total", "(all)"]
    assert (total["state"], total["planned_amount"], total["variance_amount"]) == ("withheld", None, None)
    assert (total["budget_status"], total["unbudgeted_amount"]) == (None, None)
    assert (total["actual_amount"], total["reason_zh"], total["reason_en"]) == (
        80,
        "本周期没有预算",
        "the period has no budget",
    )


def test_a_month_without_a_line_is_withheld_beside_one_that_has_some():
    found = variance([line(100)], [cost(80), cost(10, spent_on="2026-11-03")])
    assert {period: found[period, "total", "(all)"]["state"] for period in ("2026-10", "2026-11")} == {
        "2026-10": "final",
        "2026-11": "withheld",
    }


@pytest.mark.parametrize(
    ("table", "withheld"),
    [("budgets", ("planned_amount", "variance_amount")), ("expenses", ("actual_amount", "variance_amount"))],
)
def test_what_is_made_of_a_source_below_its_floor_is_withheld(table: str, withheld: tuple[str, ...]):
    states = [{"table_name": table, "state": "withheld", "reason": "accuracy 10.0%, asked at least 80.0%"}]
    total = variance([line(100)], [cost(80)], states=states)["2026-10", "total", "(all)"]
    assert [total[name] for name in (*withheld, "budget_status")] == [None] * 3
    assert (total["state"], total["reason_en"]) == ("withheld", f"{table}: accuracy 10.0%, asked at least 80.0%")
    assert total["is_reconciled"]


def test_a_source_below_its_threshold_makes_the_comparison_provisional():
    states = [{"table_name": "expenses", "state": "provisional", "reason": "late"}]
    total = variance([line(100)], [cost(80)], states=states)["2026-10", "total", "(all)"]
    assert (total["state"], total["budget_status"], total["reason_en"]) == ("provisional", "on_plan", "expenses: late")


def test_costs_of_another_currency_are_compared_in_the_currency_of_the_plan():
    rates = [{"day": "2026-10-01", "currency": "USD", "rate": 7.0}]
    tables = {"budgets": [line(100)], "expenses": [cost(10, currency="USD")], "rates": rates}
    rows = run_model("ads.budget_variance", tables)
    [total] = [row for row in rows if (row["period"], row["dimension"]) == ("2026-10", "total")]
    assert (total["actual_amount"], total["currency"]) == (70, "CNY")


def test_what_it_comes_to_is_told_in_both_languages():
    plan = a_plan(channels=[Channel(id="social", label=Label(zh="社交媒体", en="Social media"))])
    row = variance([line(1000, channel="social")], [cost(1120)], plan=plan)["2026-10", "channel", "social"]
    assert (row["label_zh"], row["label_en"]) == ("社交媒体", "Social media")
    assert row["sentence_zh"] == (
        "预算 1,000.00 元，已支出 1,120.00 元，使用率 112.0%，超支 120.00 元，达到或超过允许的 10.0%。"
    )
    assert row["sentence_en"] == (
        "1,120.00 of 1,000.00 CNY spent (112.0%), over by 120.00 CNY, which is 10.0% or more."
    )


BOOKED_DAILY = [f"2026-11-{day:02}" for day in range(1, 21)]
BOOKED_WEEKLY = ["2026-11-06", "2026-11-13", "2026-11-20"]
BOOKED_ONCE = ["2026-11-10"]


def november(amount: float, days: list[str], planned: float = 3000, **others: Any) -> Row:
    """The running November of 30 days, 20 of which are over: what was spent in equal parts on those days."""
    budgets = [line(planned, starts_on="2026-11-01", ends_on="2026-11-30")]
    expenses = [cost(amount / len(days), spent_on=day) for day in days]
    return variance(budgets, expenses, as_of="2026-11-20", **others)["2026-11", "total", "(all)"]


@pytest.mark.parametrize(
    ("spent", "status", "rate"),
    [
        pytest.param(1500, "on_plan", -0.25, id="behind"),
        pytest.param(2000, "on_plan", 0.0, id="as-planned"),
        pytest.param(2180, "on_plan", 0.09, id="ahead-by-less-than-ten-percent"),
        pytest.param(2780, "overspent", 0.39, id="ahead-by-more-within-the-month"),
        pytest.param(3300, "overspent", 0.65, id="beyond-the-month"),
    ],
)
def test_f180_a_running_month_is_judged_by_what_was_planned_for_its_days_so_far(spent: float, status: str, rate: float):
    row = november(spent, BOOKED_DAILY)
    assert (row["is_running"], row["planned_to_date_amount"], row["to_date_variance_amount"]) == (
        True,
        2000,
        spent - 2000,
    )
    assert (row["to_date_status"], row["to_date_variance_rate"]) == (status, pytest.approx(rate))
    assert (row["variance_amount"], row["budget_status"]) == (spent - 3000, "overspent" if spent == 3300 else "on_plan")


@pytest.mark.parametrize(
    ("days", "spent", "ahead", "status"),
    [
        pytest.param(BOOKED_ONCE, 3000, 1000, "on_plan", id="the-wages-of-the-month-at-once"),
        pytest.param(BOOKED_ONCE, 3290, 1000, "warning", id="more-than-the-whole-month"),
        pytest.param(BOOKED_ONCE, 3300, 1000, "overspent", id="a-tenth-more"),
        pytest.param(BOOKED_ONCE, 1900, 0, "on_plan", id="less-than-planned-so-far"),
        pytest.param(BOOKED_WEEKLY, 2250, 100, "on_plan", id="three-of-four-weekly-wages-are-for-21-days"),
        pytest.param(BOOKED_WEEKLY, 2800, 100, "overspent", id="weekly-wages-too-high"),
    ],
)
def test_costs_booked_in_one_go_are_no_overspend_before_their_time_is_up(
    days: list[str], spent: float, ahead: float, status: str
):
    row = november(spent, days)
    assert (row["booked_ahead_amount"], row["to_date_status"]) == (ahead, status)


def test_wages_booked_ahead_do_not_hide_what_another_line_spends_too_fast():
    days = {"starts_on": "2026-11-01", "ends_on": "2026-11-30"}
    budgets = [line(3000, category="labour", **days), line(3000, category="media", **days)]
    wages = [cost(3000, category="labour", spent_on="2026-11-10")]
    media = [cost(150, category="media", spent_on=day) for day in BOOKED_DAILY]
    found = variance(budgets, wages + media, as_of="2026-11-20")
    by_category = {name: found["2026-11", "category", name]["to_date_status"] for name in ("labour", "media")}
    assert by_category == {"labour": "on_plan", "media": "overspent"}
    total = found["2026-11", "total", "(all)"]
    assert (total["planned_to_date_amount"], total["booked_ahead_amount"]) == (4000, 1000)
    assert (total["actual_amount"], total["to_date_status"]) == (6000, "overspent")


def test_an_ended_month_is_judged_by_its_whole_budget():
    row = variance([line(100)], [cost(105)])["2026-10", "total", "(all)"]
    assert not row["is_running"]
    assert (row["to_date_variance_amount"], row["booked_ahead_amount"]) == (row["variance_amount"], 0)
    assert (row["to_date_status"], row["budget_status"]) == ("warning", "warning")
    assert row["sentence_zh"].startswith("预算 100.00 元，已支出 105.00 元")


@pytest.mark.parametrize(
    ("days", "spent", "zh", "en"),
    [
        pytest.param(
            BOOKED_DAILY,
            2780,
            "截至当日计划 2,000.00 元，已支出 2,780.00 元，超前 780.00 元（39.0%），达到或超过允许的 10.0%；"
            "为全期预算 3,000.00 元的 92.7%。",
            "2,780.00 CNY spent so far against 2,000.00 planned so far, 780.00 more (39.0%), which is 10.0% or more"
            " ahead; 92.7% of the whole period's budget of 3,000.00.",
            id="ahead",
        ),
        pytest.param(
            BOOKED_DAILY,
            1500,
            "截至当日计划 2,000.00 元，已支出 1,500.00 元，少 500.00 元（25.0%）；为全期预算 3,000.00 元的 50.0%。",
            "1,500.00 CNY spent so far against 2,000.00 planned so far, 500.00 less (25.0%);"
            " 50.0% of the whole period's budget of 3,000.00.",
            id="behind",
        ),
        pytest.param(
            BOOKED_ONCE,
            3000,
            "截至当日计划 2,000.00 元，已支出 3,000.00 元，超前 1,000.00 元（50.0%）；"
            "扣除集中入账、对应后续日期的 1,000.00 元后不超前；为全期预算 3,000.00 元的 100.0%。",
            "3,000.00 CNY spent so far against 2,000.00 planned so far, 1,000.00 more (50.0%);"
            " without the 1,000.00 booked at once for days to come it is not ahead;"
            " 100.0% of the whole period's budget of 3,000.00.",
            id="booked-at-once",
        ),
    ],
)
def test_a_running_month_says_what_it_is_compared_with(days: list[str], spent: float, zh: str, en: str):
    row = november(spent, days)
    assert (row["sentence_zh"], row["sentence_en"]) == (zh, en)


purposes = st.fixed_dictionaries(
    {
        "category": st.sampled_from([None, "media", "labour"]),
        "channel": st.sampled_from([None, "social", "search"]),
        "team_id": st.sampled_from([None, "T1", "T2"]),
    }
)
days = st.sampled_from(["2026-08-31", "2026-09-01", "2026-09-30", "2026-10-15", "2026-11-20"])
cents = st.integers(0, 10_000_000).map(lambda n: n / 100)
some_costs = st.lists(
    st.tuples(purposes, days, cents).map(
        lambda told: told[0] | {"category": told[0]["category"] or "other", "spent_on": told[1], "amount": told[2]}
    ),
    max_size=8,
)
some_lines = st.lists(
    st.tuples(purposes, days, days, cents).map(
        lambda told: told[0] | {"starts_on": min(told[1:3]), "ends_on": max(told[1:3]), "amount": told[3]}
    ),
    max_size=6,
)


def as_of_an_ended_period(row: Row) -> bool:
    """Whether the days so far are judged as the whole period, since they are."""
    if row["planned_amount"] is None:
        return row["to_date_status"] == row["budget_status"]
    same = row["to_date_variance_amount"] == row["variance_amount"] and row["booked_ahead_amount"] == 0
    return same and row["to_date_status"] == row["budget_status"]


def within_the_whole_budget(row: Row) -> bool:
    """Whether what counts as planned so far is part of the whole, so that overspent in all is overspent so far."""
    due = row["planned_to_date_amount"] + row["booked_ahead_amount"]
    is_as_bad = row["budget_status"] != "overspent" or row["to_date_status"] == "overspent"
    return row["booked_ahead_amount"] >= 0 and due <= row["planned_amount"] and is_as_bad


@settings(max_examples=40, deadline=None)
@given(some_lines, some_costs)
def test_whatever_the_budgets_every_dimension_adds_up_to_the_ledger_and_to_the_lines(
    budgets: list[Row], expenses: list[Row]
):
    found = variance(budgets, expenses)
    ledger = run_model("dws.costs", {"expenses": expenses})
    for period in {period for period, _, _ in found}:
        rows = [row for key, row in found.items() if key[0] == period]
        start, end = rows[0]["period_start"], rows[0]["period_end"]
        spent = sum(row["amount"] for row in ledger if start <= row["spent_on"] < end)
        planned = found[period, "total", "(all)"]["planned_amount"]
        for dimension in {row["dimension"] for row in rows}:
            members = [row for row in rows if row["dimension"] == dimension]
            assert sum(row["actual_amount"] for row in members) == spent
            assert all(row["is_reconciled"] for row in members)
            assert all(as_of_an_ended_period(row) for row in members if not row["is_running"])
            assert all(within_the_whole_budget(row) for row in members if row["planned_amount"] is not None)
            if planned is not None:
                assert sum(row["planned_amount"] or 0 for row in members) == planned
