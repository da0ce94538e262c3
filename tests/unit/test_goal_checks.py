"""Whether goals are SMART, from small facts by way of their KPIs (S2 §03, F057)."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from facts import CAMPAIGN, cost, evaluate, first_sale, lead, won_lead
from models import a_plan
from pydantic import ValidationError

from assets.ads.catalogue import catalogue
from assets.ads.goal_checks import GOAL_CHECKS, goal_checks
from pipeline.plan import CaseReports, Goals, Label, Model, Plan, Target
from quality.scorecard import SourceState

BASELINE = ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1))
BEFORE, NOW = date(2026, 7, 1), date(2026, 10, 1)
MONTHS = ("2026-09", "2026-10", "2026-11")


def thirds(value: float) -> Target:
    return Target(value=value, milestones={month: value / 3 for month in MONTHS})


def checks(plan: Plan, facts: dict[str, list] | None = None, **given: Any) -> pd.DataFrame:
    values = evaluate(facts or {}, periods=(BASELINE, CAMPAIGN), definitions=plan.definitions, **given)
    return goal_checks(values, plan, catalogue())


def check(plan: Plan, facts: dict[str, list] | None = None, **given: Any) -> dict[str, Any]:
    [row] = checks(plan, facts, **given).to_dict("records")
    return row


def customers(number: int, on: date = BEFORE) -> list[dict]:
    return [first_sale(f"{on}-{place}", 1000, on) for place in range(number)]


def leads_won(won: int, others: int, on: date = BEFORE) -> dict[str, list]:
    return {"lead_journey": [won_lead(on) for _ in range(won)] + [lead(created_on=on) for _ in range(others)]}


def test_a_goal_that_has_all_five_is_smart():
    """91 days of autumn after 92 of summer: 50 of summer are 49.5 of autumn, and a fifth more is asked for."""
    row = check(a_plan(targets={"new_customers": thirds(60.0)}), {"sales": customers(50)})
    five = ("is_specific", "is_measurable", "is_achievable", "is_relevant", "is_time_bound")
    assert [row[name] for name in five] == [True] * 5
    assert (row["assessment"], row["milestones"], row["due_on"]) == ("smart", 3, date(2026, 11, 30))
    assert row["before_value"] == pytest.approx(49.457, abs=0.001)
    assert row["asked_change_rate"] == pytest.approx(0.2132, abs=0.0001)
    assert row["sentence_zh"] == (
        "新增客户数：目标 60，基期折合同等天数 49.5，要求变化 +21.3%。具体、可衡量、可实现、相关、有时限五项均满足。"
    )
    assert row["sentence_en"] == (
        "New customers: target 60, baseline over as many days 49.5, so a change of +21.3% is asked for. "
        "It is specific, measurable, achievable, relevant and time-bound."
    )


@pytest.mark.parametrize(
    ("value", "is_achievable", "said"),
    [
        pytest.param(98.0, True, "五项均满足", id="not-quite-twice"),
        pytest.param(100.0, None, "按其 95% 区间较优的一端则在可及范围内", id="twice-but-for-chance"),
        pytest.param(131.0, False, "难以实现：超出方案所设的较基期最多改善 100.0%", id="more-than-twice"),
    ],
)
def test_more_than_twice_the_baseline_is_hard_to_achieve(value: float, is_achievable: bool | None, said: str):
    """50 customers may as well have been 65.9, a count of Poisson: 49.5 for as many days, at most 65.2."""
    row = check(a_plan(targets={"new_customers": thirds(value)}), {"sales": customers(50)})
    assert (None if pd.isna(row["is_achievable"]) else row["is_achievable"]) is is_achievable
    assert said in row["sentence_zh"]


def test_the_plan_says_how_much_is_within_reach():
    goals = Goals(stretch=0.5), Goals(stretch=1.1)
    plans = [a_plan(targets={"new_customers": thirds(600.0)}, goals=reach) for reach in goals]
    assert [check(plan, {"sales": customers(300)})["assessment"] for plan in plans] == ["weak", "smart"]
    with pytest.raises(ValidationError, match="greater than 0"):
        Goals(stretch=0)


@pytest.mark.parametrize(
    ("value", "is_achievable"), [pytest.param(51.0, True, id="not-quite-half"), pytest.param(46.0, False, id="less")]
)
def test_less_than_half_the_cost_is_as_hard_as_twice_the_customers(value: float, is_achievable: bool):
    plan = a_plan(targets={"cac": Target(value=value, floor=200.0)})
    row = check(plan, {"sales": customers(1000), "costs": [cost(100_000, BEFORE)]})
    assert (row["before_value"], row["is_achievable"]) == (100.0, is_achievable)


def test_what_others_reach_can_be_achieved():
    """A rate of 10 % before and 30 % asked for; the industry has 32 %."""
    plan = a_plan(targets={"lead_conversion_rate": Target(value=0.3)})
    told = [{"metric": "lead_conversion_rate", "period": "2026", "value": 0.32, "source": "industry"}]
    alone, beside = (check(plan, leads_won(100, 900), benchmarks=found) for found in ([], told))
    assert (alone["is_achievable"], beside["is_achievable"]) == (False, True)
    assert beside["benchmark"] == 0.32


def test_without_a_baseline_or_a_benchmark_nobody_can_say():
    row = check(a_plan(targets={"lead_conversion_rate": Target(value=0.3)}), leads_won(1, 9, NOW))
    assert (row["assessment"], row["is_achievable"], row["before_value"]) == ("unclear", None, None)
    assert "没有可比的基期或外部基准" in row["sentence_zh"]


def test_a_goal_below_the_baseline_is_told_to_ask_for_nothing():
    row = check(a_plan(targets={"lead_conversion_rate": Target(value=0.1)}), leads_won(2, 8))
    assert row["assessment"] == "smart"
    assert row["sentence_en"].endswith("It asks for nothing beyond the baseline.")


def test_people_counted_once_are_not_compared_over_other_lengths_of_time():
    """S0 §1.3: a person is counted once however long, so half the days need not have half the people."""
    plan = a_plan(targets={"headcount": Target(value=3.0)})
    days = [{"staff_id": name, "day": BEFORE} for name in "ab"]
    short = ("baseline", "baseline", date(2026, 6, 1), date(2026, 7, 16))
    compared, apart = (
        goal_checks(evaluate({"people_days": days}, periods=(before, CAMPAIGN)), plan, catalogue())
        for before in (BASELINE, short)
    )
    assert (compared["before_value"][0], apart["before_value"][0]) == (2.0, None)


def test_a_goal_that_the_others_contradict_is_not_specific():
    """I52: 215 of revenue for 28 is 1:7.68, not 1:20."""
    targets = {"revenue": thirds(215.0), "total_cost": Target(value=28.0, floor=40.0), "io_ratio": Target(value=20.0)}
    found = checks(a_plan(targets=targets)).set_index("kpi")
    assert found["is_specific"].to_dict() == {"io_ratio": False, "revenue": True, "total_cost": True}
    assert "由其他目标推得 1:7.7" in found.loc["io_ratio", "sentence_zh"]


def test_a_goal_nobody_can_measure_says_why():
    plan = a_plan(targets={"lead_conversion_rate": Target(value=0.3)})
    row = check(plan, states={"leads": SourceState("withheld")})
    assert (row["is_measurable"], row["assessment"], row["state"]) == (False, "weak", "withheld")
    assert "It can't be measured: leads: withheld." in row["sentence_en"]


def test_a_goal_is_relevant_where_the_score_or_the_report_goes_by_it():
    targets = {"click_rate": Target(value=0.1)}
    label = Label(zh="模型", en="Model")
    neither = a_plan(targets=targets)
    scored = a_plan(targets=targets, models={"M1": Model(label=label, weights={"click_rate": 1.0})})
    other = a_plan(targets=targets, models={"M2": Model(label=label, weights={"click_rate": 1.0})})
    reported = a_plan(targets=targets, case_reports=CaseReports(attainment={"process": ["click_rate.impressions"]}))
    assert [check(plan)["is_relevant"] for plan in (neither, scored, other, reported)] == [False, True, False, True]


def test_what_adds_up_over_months_needs_dates_on_the_way():
    """F055; of a campaign of a month its end is enough, and so it is of a rate."""
    facts = {"sales": customers(50)}
    row = check(a_plan(targets={"new_customers": Target(value=60.0)}), facts)
    assert (row["is_time_bound"], row["assessment"]) == (False, "weak")
    campaign = a_plan().campaign
    month = campaign.model_copy(update={"ends_on": campaign.starts_on + timedelta(days=29)})
    assert check(a_plan(targets={"new_customers": Target(value=20.0)}, campaign=month), facts)["is_time_bound"]
    assert check(a_plan(targets={"lead_conversion_rate": Target(value=0.3)}))["is_time_bound"]


def test_members_with_goals_of_their_own_have_lines_of_their_own():
    """Of 50 customers before 10 were of T1, which is to bring 45 of 60."""
    target = Target(value=60.0, milestones={month: 20.0 for month in MONTHS}, by={"team": {"T1": 45.0, "T9": 15.0}})
    sales = [row | {"team_id": "T1" if place < 10 else "T2"} for place, row in enumerate(customers(50))]
    found = checks(a_plan(targets={"new_customers": target}), {"sales": sales})
    assert found[["dimension", "member", "target", "milestones", "assessment"]].to_numpy().tolist() == [
        ["team", "T1", 45.0, 3, "weak"],
        ["team", "T9", 15.0, 3, "weak"],
        ["total", "(all)", 60.0, 3, "smart"],
    ]


def test_a_plan_without_targets_has_no_goals_and_the_table_keeps_its_columns(tmp_path):
    found = checks(a_plan(targets={"new_customers": "no target"}))
    assert found.empty
    assert list(found.columns) == list(GOAL_CHECKS.columns)
    assert GOAL_CHECKS.write(found, tmp_path / "rows.parquet") == 0
