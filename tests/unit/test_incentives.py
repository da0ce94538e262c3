"""What is earned by what is sold, from small facts by way of their KPIs (S4 激励, 渠道; F112, F120; I63)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from facts import CAMPAIGN, evaluate, first_sale, sale, target
from hypothesis import given, settings
from hypothesis import strategies as st
from models import a_plan
from pydantic import ValidationError

from assets.ads.catalogue import catalogue
from assets.ads.incentives import INCENTIVES, incentives
from assets.ads.plan_faults import plan_faults
from pipeline.plan import Incentive, Label, Plan, Step
from quality.scorecard import SourceState

MONTH = ("month", "2026-10", date(2026, 10, 1), date(2026, 11, 1))
QUARTER = ("quarter", "2026-Q4", date(2026, 10, 1), date(2026, 12, 1))
DAY, OVER = date(2026, 10, 5), date(2026, 12, 1)
STEPS = [Step(above=1.0, rate=0.08), Step(above=1.2, rate=0.12)]
"""S4 激励: 5 % at first, 8 to 12 % of what lies beyond the target."""


def scheme(**changes: Any) -> Incentive:
    usual = {"id": "commission", "label": Label(zh="佣金", en="commission"), "rate": 0.05, "quota": 60_000.0}
    return Incentive(**usual | {"steps": STEPS} | changes)


def sold(amount: float, by: str = "S1", **columns: Any) -> dict[str, list]:
    return {"sales": [sale("C1", amount, DAY, staff_id=by, **columns)]}


def earned(
    facts: dict[str, list], *schemes: Incentive, periods: Any = (MONTH,), as_of: date = OVER, **given: Any
) -> pd.DataFrame:
    plan = a_plan(incentives=list(schemes) or [scheme()])
    return incentives(evaluate(facts, periods=periods, **given), plan, catalogue(), as_of)


def one(*given: Any, **more: Any) -> dict[str, Any]:
    [row] = earned(*given, **more).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("amount", "earns", "rate", "to_next"),
    [
        pytest.param(30_000, "1500.00", 0.05, 30_000, id="half-of-it"),
        pytest.param(60_000, "3000.00", 0.08, 12_000, id="all-of-it"),
        pytest.param(66_000, "3480.00", 0.08, 6_000, id="a-tenth-beyond"),
        pytest.param(90_000, "6120.00", 0.12, None, id="half-beyond"),
        pytest.param(-10_000, "-500.00", 0.05, 70_000, id="given-back"),
    ],
)
def test_f120_beyond_the_quota_the_rate_rises_for_what_lies_beyond(amount, earns, rate, to_next):
    """90,000 are 60,000 at 5 %, 12,000 at 8 % and 18,000 at 12 %."""
    row = one(sold(amount))
    assert (row["incentive_amount"], row["step_rate"]) == (Decimal(earns), rate)
    assert (None if pd.isna(row["to_next_step"]) else row["to_next_step"]) == to_next


def test_it_is_told_how_it_comes_about():
    row = one(sold(66_000))
    assert row["sentence_zh"] == (
        "销售额 66,000 元，按 5.0%、8.0% 分段计，佣金 3,480 元。定额 60,000 元，达成 110.0%。"
        "距 12.0% 一档还差 6,000 元。"
    )
    assert row["sentence_en"] == (
        "Revenue CNY 66,000 at 5.0%, 8.0% in steps makes a commission of CNY 3,480. "
        "The quota is CNY 60,000, 110.0% of it reached. CNY 6,000 more would reach the step of 12.0%."
    )


@pytest.mark.parametrize(("customers", "earns"), [(1, "100.00"), (2, "300.00"), (3, "450.00")])
def test_f112_a_rebate_may_rise_for_all_once_new_customers_are_won(customers: int, earns: str):
    """S4 渠道: 1,000 each; 10 % of it, and 15 % of all from two new customers on."""
    rebate = scheme(
        dimension="channel",
        rate=0.1,
        judged_by="new_customers",
        quota=2.0,
        steps=[Step(above=1.0, rate=0.15)],
        steps_on="all",
        period="quarter",
    )
    facts = {"sales": [first_sale(f"C{place}", 1000, DAY, channel="partner") for place in range(customers)]}
    row = one(facts, rebate, periods=(QUARTER,))
    assert (row["member"], row["judged_kpi"], row["judged_value"]) == ("partner", "new_customers", customers)
    assert row["incentive_amount"] == Decimal(earns)
    assert (
        f"按 {'15.0%' if customers > 1 else '10.0%'} 计，佣金 {earns[:-3]} 元。新增客户数 {customers}，定额 2，"
        in row["sentence_zh"]
    )


def test_a_target_of_the_members_own_comes_before_the_quota_of_the_incentive():
    """40,000 at 5 %, 8,000 at 8 % and 18,000 at 12 %."""
    own = [target("revenue", 40_000.0, period=MONTH, of=("staff", "S1"))]
    row = one(sold(66_000), targets=own)
    assert (row["quota"], row["attainment_rate"]) == (40_000.0, 1.65)
    assert row["incentive_amount"] == Decimal("4800.00")


def test_without_a_quota_nothing_lies_beyond_it():
    row = one(sold(66_000), scheme(quota=None))
    assert row["incentive_amount"] == Decimal("3300.00")
    assert pd.isna(row["attainment_rate"])
    assert pd.isna(row["next_step_rate"])
    assert "没有定额，按基础比例计" in row["sentence_zh"]


def test_only_whom_the_incentive_names_earn_by_it_and_nobody_unknown():
    facts = {"sales": [sale("C1", 1000, DAY, staff_id=by) for by in ("S1", "S2", None)]}
    assert earned(facts)["member"].tolist() == ["S1", "S2"]
    assert earned(facts, scheme(members=["S2"]))["member"].tolist() == ["S2"]


def test_of_a_withheld_figure_nothing_is_earned_yet():
    row = one(sold(66_000), states={"orders": SourceState("withheld")})
    assert (row["state"], row["incentive_amount"], row["step_rate"]) == ("withheld", None, 0.05)
    assert (row["sentence_zh"], row["reason"]) == ("数据缺失或不可用，无法计算。", "revenue: orders: withheld")


def test_a_month_that_runs_says_so():
    running, over = (one(sold(66_000), as_of=day) for day in (date(2026, 10, 20), OVER))
    assert (running["is_running"], over["is_running"]) == (True, False)
    assert running["sentence_zh"].endswith("截至 2026-10-20，期间尚未结束。")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(-50_000, 300_000), min_size=2, max_size=5))
def test_who_sells_more_never_earns_less(amounts: list[int]):
    facts = {"sales": [sale("C1", amount, DAY, staff_id=f"S{place}") for place, amount in enumerate(amounts)]}
    found = earned(facts).sort_values("basis_amount")
    assert found["incentive_amount"].is_monotonic_increasing


def test_each_incentive_has_rows_for_its_own_periods():
    found = earned(
        sold(66_000, channel="partner"),
        scheme(),
        scheme(id="rebate", dimension="channel", period="campaign"),
        periods=(MONTH, QUARTER, CAMPAIGN),
    )
    assert found[["scheme_id", "period", "dimension"]].to_numpy().tolist() == [
        ["commission", "2026-10", "staff"],
        ["rebate", "campaign", "channel"],
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"steps": STEPS[::-1]}, "from the lowest up", id="steps-fall"),
        pytest.param({"judged_by": "new_customers"}, "use steps_on: all", id="beyond-of-another-kpi"),
        pytest.param({"rate": 5.0}, "less than or equal to 1", id="percent-for-a-rate"),
        pytest.param({"quota": 0.0}, "greater than 0", id="no-quota-is-none"),
    ],
)
def test_an_incentive_that_can_not_be_computed_is_refused(changes: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        scheme(**changes)


def test_two_incentives_of_one_id_are_refused():
    with pytest.raises(ValidationError, match="ids used twice: commission; give each its own"):
        Plan.model_validate(a_plan().model_dump() | {"incentives": [scheme().model_dump()] * 2})


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"of": "revenu"}, "incentives.commission.of: no KPI 'revenu'; did you mean revenue?"),
        ({"of": "nps"}, "incentives.commission.of: nps is no amount of money; use one, such as revenue"),
        (
            {"dimension": "channel", "judged_by": "acquisition_efficiency", "steps_on": "all"},
            "incentives.commission.judged_by: acquisition_efficiency is not told by channel; "
            "known: team, staff, sales_region",
        ),
        (
            {"dimension": "team", "judged_by": "cac", "steps_on": "all"},
            "incentives.commission.judged_by: of cac less is better, so there is no quota to go beyond",
        ),
    ],
)
def test_an_incentive_that_names_what_is_not_there_is_told_before_the_day(changes: dict[str, Any], fault: str):
    assert fault in plan_faults(catalogue(), a_plan(incentives=[scheme(**changes)]))


def test_a_plan_without_incentives_has_an_empty_table_of_the_same_columns(tmp_path):
    found = incentives(evaluate(sold(100), periods=(MONTH,)), a_plan(), catalogue(), OVER)
    assert found.empty
    assert list(found.columns) == list(INCENTIVES.columns)
    assert INCENTIVES.write(found, tmp_path / "rows.parquet") == 0
