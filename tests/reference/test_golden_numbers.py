"""The numbers the documents give, recomputed by the product's own formulas from rows."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from facts import cost, csat, evaluate, first_sale, lead, one, sale, target, won_lead
from models import a_plan

from assets.ads.case_reports import case_reports
from assets.ads.catalogue import catalogue
from assets.ads.kpi_query import ALL, TOTAL
from assets.ads.kpi_values import one_to
from pipeline.plan import Campaign, Label, Owners, Plan, Target, Window
from pipeline.plan_tables import plan_tables

BEFORE, AFTER = date(2026, 7, 1), date(2026, 10, 1)
PERIODS = [
    ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1)),
    ("campaign", "campaign", date(2026, 9, 1), date(2026, 12, 1)),
]


@pytest.fixture(scope="module")
def team_a() -> pd.DataFrame:
    """G1, S0 §5.3 case 1: before 1,000 leads, 50 customers of 5,000; after 1,000 leads, 120 customers of 8,000."""
    leads, sales, costs, answers = [], [], [], []
    for day, customers, amount, labour, media in (
        (BEFORE, 50, 5000, 100_000, 50_000),
        (AFTER, 120, 8000, 120_000, 80_000),
    ):
        leads += [won_lead(day, team_id="A")] * customers + [lead(created_on=day, team_id="A")] * (1000 - customers)
        sales += [first_sale(f"{day}-{number}", amount, day, team_id="A") for number in range(customers)]
        costs += [cost(labour, day, team_id="A", is_marketing=False), cost(media, day, team_id="A")]
    for day, scores in ((BEFORE, [4, 4, 4, 4, 5]), (AFTER, [5, 5, 5, 5, 5, 5, 5, 4, 4, 4])):
        answers += [csat(score, answered_on=day, team_id="A") for score in scores]
    facts = {"lead_journey": leads, "sales": sales, "costs": costs, "responses": answers}
    return evaluate(facts, periods=PERIODS)


@pytest.mark.parametrize(
    ("kpi", "before", "after", "change"),
    [
        ("new_customers", 50, 120, 1.40),
        ("lead_conversion_rate", 0.05, 0.12, 1.40),
        ("aov", 5000, 8000, 0.60),
        ("csat_mean", 4.2, 4.7, 0.119),
        ("total_cost", 150_000, 200_000, 1 / 3),
        ("revenue", 250_000, 960_000, 2.84),
        ("cac", 3000, 5000 / 3, -0.444),
        ("roi_revenue", 2 / 3, 3.80, 4.70),
        ("leads", 1000, 1000, 0.0),
    ],
)
@pytest.mark.parametrize(("dimension", "member"), [(TOTAL, ALL), ("team", "A")])
def test_g1_team_a_before_and_after(team_a, kpi, before, after, change, dimension, member):
    was = one(team_a, kpi, period="baseline", dimension=dimension, member=member)["value"]
    is_ = one(team_a, kpi, period="campaign", dimension=dimension, member=member)["value"]
    assert (was, is_) == pytest.approx((before, after))
    assert is_ / was - 1 == pytest.approx(change, abs=5e-4)


@pytest.fixture(scope="module")
def team_a_case(team_a) -> dict[tuple[str, str], dict]:
    """Its case table, by report and line, as the product prints it."""
    rows = case_reports(team_a, a_plan(), catalogue(), date(2026, 12, 1)).to_dict("records")
    return {(row["member"], row["line_id"]): row for row in rows if row["report"] == "before_after"}


@pytest.mark.parametrize(
    ("line", "before", "after", "change"),
    [
        ("new_customers.first_order", 50, 120, 1.40),
        ("leads.created", 1000, 1000, 0.0),
        ("lead_conversion_rate.created", 0.05, 0.12, 1.40),
        ("aov.sale", 5000, 8000, 0.60),
        ("csat_mean.five_point", 4.2, 4.7, 0.119),
        ("revenue.net", 250_000, 960_000, 2.84),
        ("cac.paying.full", 3000, 5000 / 3, -0.444),
        ("roi_revenue.full", 2 / 3, 3.80, 4.70),
        ("total_cost.labour", 100_000, 120_000, 0.20),
        ("total_cost.marketing", 50_000, 80_000, 0.60),
    ],
)
@pytest.mark.parametrize("member", [ALL, "A"])
def test_g1_the_case_table_of_team_a(team_a_case, line, before, after, change, member):
    """F186, S0 §6: what was before, what is after, by how much."""
    row = team_a_case[member, line]
    assert (row["before_value"], row["value"]) == pytest.approx((before, after))
    assert row["change_rate"] == pytest.approx(change, abs=5e-4)
    assert row["evidence_grade"] == "D"


def test_g1_more_budget_is_no_problem_while_a_customer_costs_less(team_a_case):
    """I56: the case lists 60 % more budget as a problem; the cost of a customer stands before it and says otherwise."""
    row = team_a_case["A", "total_cost.marketing"]
    assert row["assessment"] == "better"
    assert row["sentence_zh"].startswith(
        "客户获取成本由 3,000 元降至 1,667 元（−44.4%）。营销总成本由 50,000 元升至 80,000 元（+60.0%）。"
        "支出增加而单位成本下降，不作为问题。"
    )
    assert row["sentence_en"].startswith("Customer acquisition cost fell from CNY 3,000 to CNY 1,667 (−44.4%).")


def test_g1_the_number_of_leads_it_implies_did_not_change(team_a):
    for period in ("baseline", "campaign"):
        customers = one(team_a, "new_customers", period=period)["value"]
        rate = one(team_a, "lead_conversion_rate", period=period)["value"]
        assert customers / rate == pytest.approx(1000)


def test_g1_cost_per_customer_fell_although_the_budget_rose(team_a):
    """I56: the case lists 60 % more budget as a problem; the unit cost says otherwise."""
    media = [one(team_a, "total_cost", "marketing", period=period)["value"] for period in ("baseline", "campaign")]
    cac = [one(team_a, "cac", period=period)["value"] for period in ("baseline", "campaign")]
    assert media[1] / media[0] - 1 == pytest.approx(0.60)
    assert [round(value, 2) for value in cac] == [3000.00, 1666.67]


@pytest.fixture(scope="module")
def third_quarter() -> pd.DataFrame:
    """G2, S1 表2: 45 of 50 customers, 215 of 200 (10,000 yuan), 220 of 200 visits, 12 % of 15 %, at a cost of 28."""
    customers = [first_sale(str(number), 40_000) for number in range(45)]
    facts = {
        "sales": [*customers, sale("0", 2_150_000 - 45 * 40_000)],
        "touches": [{"occurred_on": date(2026, 9, 2), "kind": "visit"}] * 220,
        "lead_journey": [won_lead()] * 12 + [lead()] * 88,
        "costs": [cost(280_000)],
    }
    targets = [
        target("new_customers", 50),
        target("revenue", 2_000_000),
        target("visits", 200),
        target("lead_conversion_rate", 0.15),
        target("io_ratio", 6.0),
        target("total_cost", 300_000, floor=400_000),
    ]
    return evaluate(facts, targets=targets)


@pytest.mark.parametrize(
    ("kpi", "attainment", "score"),
    [
        pytest.param("new_customers", 0.90, 90, id="45-of-50"),
        pytest.param("revenue", 1.075, 100, id="215-of-200"),
        pytest.param("visits", 1.10, 100, id="220-of-200"),
        pytest.param("lead_conversion_rate", 0.80, 80, id="12-percent-of-15-percent"),
    ],
)
def test_g2_attainment_is_shown_uncapped_and_scored_capped(third_quarter, kpi, attainment, score):
    """I09: over-achievement is seen, but buys no points."""
    row = one(third_quarter, kpi)
    assert row["attainment_rate"] == pytest.approx(attainment)
    assert row["score"] == pytest.approx(score)


@pytest.fixture(scope="module")
def third_quarter_table(third_quarter) -> dict[str, dict]:
    """S1 表2 as the product prints it, by KPI."""
    rows = case_reports(third_quarter, a_plan(), catalogue(), date(2026, 12, 1)).to_dict("records")
    return {row["kpi"]: row for row in rows if row["report"] == "attainment"}


@pytest.mark.parametrize(
    ("kpi", "section", "said"),
    [
        ("new_customers", "结果指标", "新增客户数 45，目标 50，达成 90.0%。"),
        ("revenue", "结果指标", "销售额 2,150,000 元，目标 2,000,000 元，达成 107.5%。"),
        ("visits", "过程指标", "客户拜访量 220，目标 200，达成 110.0%。"),
        (
            "lead_conversion_rate",
            "过程指标",
            "线索转化率 12.0%，目标 15.0%，达成 80.0%。样本 100，95% 区间包含目标，差距可能只是偶然。",
        ),
        (
            "total_cost",
            "投入产出",
            "客户获取成本 6,222 元。拓客总成本 280,000 元，目标不超过 300,000 元（为目标的 93.3%）。",
        ),
        (
            "io_ratio",
            "投入产出",
            "投入产出比 1:7.7，目标 1:6.0，达成 128.0%。"
            "由其他目标推得 1:6.67，与设定的目标不一致，仍以设定的目标为准。",
        ),
    ],
)
def test_g2_table_2_tells_target_actual_and_attainment_in_words(third_quarter_table, kpi, section, said):
    """F185: every line with its numbers, and no word of why (I55)."""
    row = third_quarter_table[kpi]
    assert (row["section_zh"], row["sentence_zh"]) == (section, said)


def test_g2_a_target_that_others_contradict_is_kept_and_flagged(third_quarter_table):
    """I52: 1:6 is declared, 200 for 30 is 1:6.67; both are shown."""
    row = third_quarter_table["io_ratio"]
    assert (row["target"], row["target_text"], row["value_text"]) == (6.0, "1:6.0", "1:7.7")
    assert row["implied_target"] == pytest.approx(200 / 30)
    assert row["is_target_consistent"] is False
    assert row["attainment_rate"] == pytest.approx(215 / 28 / 6)


def test_g2_input_to_output_is_printed_as_one_to_x(third_quarter):
    ratio = one(third_quarter, "io_ratio")["value"]
    assert ratio == pytest.approx(7.68, abs=0.005)
    assert one_to(ratio) == "1:7.7"


def test_g2_ten_put_in_and_thirty_five_got_out_is_one_to_three_and_a_half():
    values = evaluate({"sales": [sale("a", 350_000)], "costs": [cost(Decimal("100000.00"))]})
    ratio = one(values, "io_ratio")["value"]
    assert (ratio, one_to(ratio)) == (3.5, "1:3.5")


def test_g6_each_month_is_measured_against_its_milestone_and_the_campaign_against_their_sum():
    """S1 一: 50 = 15 + 18 + 17; S1 表1: 12 of 15 signed in July."""
    plan = Plan(
        campaign=Campaign(
            id="q3", name=Label(zh="三季度", en="Q3"), starts_on=date(2026, 7, 1), ends_on=date(2026, 9, 30)
        ),
        baseline=Window(starts_on=date(2026, 4, 1), ends_on=date(2026, 6, 30)),
        timezone="Asia/Shanghai",
        currency="CNY",
        owners=Owners(data="data", campaign="marketing"),
        targets={"new_customers": Target(value=50.0, milestones={"2026-07": 15.0, "2026-08": 18.0, "2026-09": 17.0})},
    )
    tables = plan_tables(plan, date(2026, 9, 30), additive=catalogue().quantities)
    signed = {date(2026, 7, 31): 12, date(2026, 8, 1): 16, date(2026, 9, 30): 17}
    sales = [first_sale(f"{day}-{number}", 1, day) for day, customers in signed.items() for number in range(customers)]
    names = ("period_kind", "period", "period_start", "period_end", "previous_start")
    periods = [tuple(row[name] for name in names) for row in tables["plan.periods"].to_pylist()]
    values = evaluate({"sales": sales}, periods=periods, targets=tables["plan.targets"].to_pylist())
    july, campaign = one(values, "new_customers", period="2026-07"), one(values, "new_customers")
    assert (july["value"], july["target"], july["attainment_rate"]) == (12, 15, 0.80)
    assert (campaign["value"], campaign["target"], campaign["milestone_target"]) == (45, 50, 50)
    assert campaign["attainment_rate"] == pytest.approx(0.90)
    months = [one(values, "new_customers", period=month)["target"] for month in ("2026-07", "2026-08", "2026-09")]
    assert sum(months) == campaign["target"]


def test_g6_milestones_that_miss_the_target_are_refused():
    with pytest.raises(ValueError, match="milestones add up to 49, the target is 50"):
        Target(value=50.0, milestones={"2026-07": 15.0, "2026-08": 17.0, "2026-09": 17.0})
