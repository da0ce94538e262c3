"""Claims held against the figures: the documents' own false ones are flagged, the true ones hold, opinions stay so."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import pytest
from facts import cost, evaluate, first_sale, lead, target, won_lead
from hypothesis import given, settings
from hypothesis import strategies as st
from models import a_plan, run_model
from pydantic import ValidationError

from assets.ads.claims import CLAIMS, claims, default_tolerance, vague_words
from pipeline.plan import AssertedFigure, Cause, Channel, Claim, Claims, Label, Target
from pipeline.plan.claims import usual_vague_words
from quality.scorecard import SourceState

BEFORE, AFTER = date(2026, 7, 1), date(2026, 10, 1)
OVER = date(2026, 11, 30)
"""The campaign's last day: nothing is running any more."""
PERIODS = [
    ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1)),
    ("campaign", "campaign", date(2026, 9, 1), date(2026, 12, 1)),
]
NO_TASKS = pd.DataFrame({"task_id": [], "planned_quantity": [], "done_quantity": [], "open_quantity": []})


def figure(kind: str, kpi: str | None = None, number: float | None = None, **fields: Any) -> AssertedFigure:
    return AssertedFigure(kind=kind, kpi=kpi, number=number, **fields)


def claim(*figures: AssertedFigure, name: str = "c", text: str = "获客成本 6,000 元", **fields: Any) -> Claim:
    return Claim(id=name, source=fields.pop("source", "季度总结"), text=text, figures=list(figures), **fields)


def checked(
    values: pd.DataFrame,
    *items: Claim,
    tasks: pd.DataFrame = NO_TASKS,
    as_of: date = OVER,
    targets: Mapping[str, Target] | None = None,
    channels: Sequence[Channel] = (),
) -> pd.DataFrame:
    """`ads.claims`, of the claims only unless the plan has targets."""
    plan = a_plan(claims=Claims(items=list(items)), targets=dict(targets or {}), channels=list(channels))
    return claims(plan, values, tasks, as_of)


def the(rows: pd.DataFrame) -> pd.Series:
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="module")
def third_quarter() -> pd.DataFrame:
    """S1 表2: planned 50 customers at a cost of 300,000; 45 were won at 280,000, with 12 of 100 leads converted."""
    sales = [first_sale(str(number), 40_000) for number in range(44)] + [first_sale("44", 390_000)]
    facts = {"sales": sales, "costs": [cost(280_000)], "lead_journey": [won_lead()] * 12 + [lead()] * 88}
    aims = [
        target("new_customers", 50),
        target("total_cost", 300_000, 400_000),
        target("revenue", 2_000_000),
        target("lead_conversion_rate", 0.15),
        target("io_ratio", 6.0),
    ]
    return evaluate(facts, targets=aims, periods=PERIODS)


@pytest.fixture(scope="module")
def team_a() -> pd.DataFrame:
    """G1: media from 50,000 to 80,000, labour from 100,000 to 120,000, customers from 50 to 120."""
    sales, costs = [], []
    for day, customers, amount, labour, media in (
        (BEFORE, 50, 5000, 100_000, 50_000),
        (AFTER, 120, 8000, 120_000, 80_000),
    ):
        sales += [first_sale(f"{day}-{number}", amount, day, team_id="A") for number in range(customers)]
        costs += [cost(labour, day, team_id="A", is_marketing=False), cost(media, day, team_id="A")]
    return evaluate({"sales": sales, "costs": costs}, periods=PERIODS)


@pytest.fixture(scope="module")
def one_sale() -> pd.DataFrame:
    """One customer for 50, and nothing else."""
    return evaluate({"sales": [first_sale("1", 100)], "costs": [cost(50)]})


def test_a_claim_about_a_channel_calls_it_as_the_plan_does():
    values = evaluate({"sales": [first_sale("1", 100, channel="expo")]})
    said = claim(figure("value", "new_customers", 1, dimension="channel", member="expo"))
    expo = Channel(id="expo", label=Label(zh="展会", en="Trade fairs"))
    row = the(checked(values, said, channels=[expo]))
    assert row["sentence_zh"].startswith("新增客户数（展会，活动期）：")
    assert row["sentence_en"].startswith("New customers (Trade fairs, campaign): ")


# --- the documents' own claims ---


def test_i53_a_cost_per_customer_said_to_fall_by_five_percent_rose(third_quarter: pd.DataFrame):
    """The cost fell by 6.7 %, the customers by more: 6,000 planned and 6,222 spent for each."""
    said = claim(
        figure("change", "cac", -0.05, against="target"),
        figure("change", "total_cost", -0.067, against="target"),
        text="优化线上广告投放，获客成本降低5%",
    )
    cac, total = checked(third_quarter, said).to_dict("records")
    assert (cac["base_value"], round(cac["current_value"])) == (6000, 6222)
    assert cac["computed_number"] == pytest.approx(0.037, abs=5e-4)
    assert cac["verdict"] == "contradicted"
    assert cac["sentence_zh"] == (
        "客户获取成本（活动期）：文中称 −5.0%，数据为 +3.7%（目标 6,000 元，实际 6,222 元），"
        "与数据不符（容许相差 0.5 个百分点）。"
    )
    assert cac["sentence_en"] == (
        "Customer acquisition cost (campaign): said to be −5.0%, computed +3.7% "
        "(CNY 6,222, the target is CNY 6,000); the data contradict it (tolerance ±0.5 percentage points)."
    )
    assert total["verdict"] == "holds"
    assert {cac["claim_verdict"], total["claim_verdict"]} == {"contradicted"}


def test_i54_twelve_of_fifteen_leave_three_and_not_two(one_sale: pd.DataFrame):
    row = {"task_id": "T1", "name": "签约跟进", "due_on": "2026-07-31", "planned_quantity": 15, "done_quantity": 12}
    tasks = pd.DataFrame(run_model("ads.task_tracking", {"tasks": [row | {"next_step": "8月10日前推动剩余2家签约"}]}))
    said = claim(figure("open_items", number=2.0, task="T1"), text="8月10日前推动剩余2家签约")
    told = the(checked(one_sale, said, tasks=tasks))
    assert (told["computed_number"], told["difference"], told["verdict"]) == (3, 1, "contradicted")
    assert told["sentence_zh"] == "任务 T1：计划 15，完成 12，剩余 3；文中称剩余 2，与数据不符。"
    assert told["sentence_en"] == "Task T1: 15 planned, 12 done, 3 open; 2 are said to be; the data contradict it."


@pytest.mark.parametrize(
    "member", [pytest.param({}, id="total"), pytest.param({"dimension": "team", "member": "A"}, id="team")]
)
def test_i56_g1_more_budget_is_no_problem_while_a_customer_costs_less(team_a: pd.DataFrame, member: dict[str, str]):
    said = figure("problem", "total_cost", 0.6, variant="marketing", **member)
    told = the(checked(team_a, claim(said, text="营销预算投入较大：营销预算增加了60%")))
    assert told["computed_number"] == pytest.approx(0.6)
    assert told["verdict"] == "contradicted"
    assert "由 50,000 元升至 80,000 元（+60.0%）" in told["sentence_zh"]
    assert "from CNY 3,000 to CNY 1,667 (−44.4%) and got better, so spending more is no problem" in told["sentence_en"]


def test_more_budget_is_a_problem_where_a_customer_costs_more_too():
    sales = [first_sale(f"{day}{number}", 100, day) for day in (BEFORE, AFTER) for number in range(10)]
    values = evaluate({"sales": sales, "costs": [cost(100, BEFORE), cost(160, AFTER)]}, periods=PERIODS)
    told = the(checked(values, claim(figure("problem", "total_cost", 0.6))))
    assert told["verdict"] == "holds"
    assert the(checked(values, claim(figure("problem", "total_cost", 0.3))))["verdict"] == "contradicted"


def test_less_of_a_cost_is_no_problem_whatever_a_customer_costs():
    facts = {
        "sales": [first_sale("b", 100, BEFORE), first_sale("c", 100, AFTER)],
        "costs": [cost(60, BEFORE), cost(50, AFTER)],
    }
    told = the(checked(evaluate(facts, periods=PERIODS), claim(figure("problem", "total_cost"))))
    assert told["verdict"] == "contradicted"
    assert "而投入并未增加" in told["sentence_zh"]


def test_g2_true_claims_of_the_same_table_hold(third_quarter: pd.DataFrame):
    said = claim(
        figure("value", "new_customers", 45.0),
        figure("attainment", "new_customers", 0.90),
        figure("attainment", "revenue", 1.075),
        figure("attainment", "lead_conversion_rate", 0.80),
        figure("ratio", "io_ratio", 7.7),
    )
    found = checked(third_quarter, said)
    assert found["verdict"].tolist() == ["holds"] * 5
    assert "文中称 1:7.7，数据为 1:7.7，与数据相符" in found["sentence_zh"][4]
    assert "目标达成率 90.0%，数据为 90.0%（目标 50，实际 45）" in found["sentence_zh"][1]


def test_i55_causes_that_contradict_each_other_stay_opinions(third_quarter: pd.DataFrame):
    table_2 = claim(
        figure("attainment", "lead_conversion_rate", 0.8),
        name="table_2",
        source="表2",
        cause=Cause(kpi="lead_conversion_rate", text="线索筛选标准过严"),
    )
    table_3 = claim(name="table_3", source="表3", cause=Cause(kpi="lead_conversion_rate", text="线索质量不稳定"))
    found = checked(third_quarter, table_2, table_3)
    causes = found[found["assertion"] == "cause"]
    assert causes["verdict"].tolist() == ["opinion", "opinion"]
    assert causes["claim_verdict"].tolist() == ["holds", "opinion"]
    assert causes["sentence_zh"].iloc[0] == (
        "“表2”认为线索转化率的原因是“线索筛选标准过严”：这是该文件的看法，数据不作结论；另有 1 处给出原因。"
    )


# --- the plan against itself ---


def in_plan(**values: float) -> dict[str, Target]:
    return {kpi: Target(value=value) for kpi, value in values.items()}


def test_i52_a_target_of_one_to_six_is_kept_though_its_parts_say_six_and_two_thirds(one_sale: pd.DataFrame):
    targets = in_plan(io_ratio=6.0, revenue=2_000_000.0, total_cost=300_000.0)
    told = the(checked(one_sale, targets=targets))
    assert (told["claim_id"], told["claimed_number"]) == ("plan.targets.io_ratio", 6.0)
    assert told["computed_number"] == pytest.approx(200 / 30)
    assert told["verdict"] == "contradicted"
    assert told["sentence_zh"] == (
        "投入产出比目标为 1:6，按销售额 2,000,000 元、拓客总成本 300,000 元的目标推算为 1:6.67，"
        "两者不一致，仍按所定目标评估。"
    )


@pytest.mark.parametrize(
    ("targets", "verdicts"),
    [
        pytest.param(in_plan(io_ratio=6.65, revenue=2e6, total_cost=3e5), ["holds"], id="within-one-percent"),
        pytest.param(in_plan(io_ratio=6.0, revenue=2e6), [], id="a-part-without-a-target"),
        pytest.param(in_plan(io_ratio=6.0, revenue=2e6, total_cost=0.0), [], id="nothing-to-divide-by"),
        pytest.param(in_plan(roi_revenue=5.67, revenue=2e6, total_cost=3e5), ["holds"], id="parts-subtracted"),
        pytest.param(in_plan(cac=6000.0, new_customers=50.0, total_cost=3e5), ["holds"], id="cost-per-customer"),
    ],
)
def test_a_target_is_held_against_what_its_parts_come_to(
    one_sale: pd.DataFrame, targets: dict[str, Target], verdicts: list[str]
):
    assert checked(one_sale, targets=targets)["verdict"].tolist() == verdicts


# --- what can't be told ---


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(figure("value", "cac", 1.0, period="2025-01"), "not among those evaluated", id="no-such-period"),
        pytest.param(
            figure("value", "cac", 1.0, dimension="team", member="Z"), "not among those evaluated", id="no-such-member"
        ),
        pytest.param(figure("attainment", "cac", 1.0), "there is no target", id="no-target"),
        pytest.param(
            figure("change", "cac", 1.0, against="previous"), "compared with is not among", id="nothing-before"
        ),
        pytest.param(figure("change", "revenue", 1.0, against="2025-01"), "compared with is not among", id="no-base"),
        pytest.param(figure("change", "leads", 1.0), "what it is compared with is 0", id="from-nothing"),
        pytest.param(figure("value", "nps", 1.0), "denominator", id="no-value"),
        pytest.param(figure("open_items", number=1.0, task="T9"), "there is no such task", id="no-task"),
    ],
)
def test_what_can_not_be_told_says_why(team_a: pd.DataFrame, said: AssertedFigure, reason: str):
    told = the(checked(team_a, claim(said)))
    assert (told["verdict"], told["claim_verdict"]) == ("not_told", "not_told")
    assert reason in told["reason_en"]
    assert told["reason_zh"] in told["sentence_zh"] and told["reason_en"] in told["sentence_en"]
    assert pd.isna(told["computed_number"])


def test_a_withheld_figure_confirms_nothing():
    facts = {"sales": [first_sale("1", 100)], "costs": [cost(50)]}
    values = evaluate(facts, states={"expenses": SourceState("withheld", "half of the rows are missing")})
    told = the(checked(values, claim(figure("value", "cac", 50.0))))
    assert (told["verdict"], told["state"]) == ("not_told", "withheld")
    assert "half of the rows are missing" in told["reason_en"]
    assert told["reason_zh"].startswith("所用数据质量低于底线")


def test_a_total_of_a_shorter_period_is_not_compared_and_a_rate_is():
    """I26: what it grew from must be as long."""
    sales = [first_sale(f"{day}{number}", 100, day) for day in (BEFORE, AFTER) for number in range(2)]
    facts = {"sales": sales, "costs": [cost(100, BEFORE), cost(50, AFTER)]}
    running = [PERIODS[0], ("campaign", "campaign", date(2026, 9, 1), date(2026, 10, 11))]
    items = [claim(figure("direction", kpi, direction="down"), name=kpi) for kpi in ("total_cost", "cac")]
    found = checked(evaluate(facts, periods=running), *items, as_of=date(2026, 10, 10)).set_index("claim_id")
    assert found["reason_en"]["total_cost"] == "totals of periods of 40 and 92 days can't be compared"
    assert found["verdict"]["cac"] == "holds"
    assert "（活动期，截至 2026-10-10）" in found["sentence_zh"]["cac"]


# --- directions, differences, tolerances ---


@pytest.mark.parametrize(
    ("direction", "verdict"), [("down", "holds"), ("up", "contradicted"), ("same", "contradicted")]
)
def test_a_direction_is_held_against_the_way_a_figure_went(team_a: pd.DataFrame, direction: str, verdict: str):
    told = the(checked(team_a, claim(figure("direction", "cac", direction=direction))))
    assert told["verdict"] == verdict
    assert "由 3,000 元降至 1,667 元（−44.4%）" in told["sentence_zh"]


def test_a_difference_of_rates_is_told_in_percentage_points(third_quarter: pd.DataFrame):
    told = the(checked(third_quarter, claim(figure("difference", "lead_conversion_rate", -0.03, against="target"))))
    assert told["verdict"] == "holds"
    assert "文中称 −3.0 个百分点" in told["sentence_zh"]
    assert "said to be −3.0 percentage points" in told["sentence_en"]


@pytest.mark.parametrize(
    ("number", "tolerance", "verdict"),
    [
        pytest.param(6222.0, None, "holds", id="rounded-to-one"),
        pytest.param(6221.0, None, "contradicted", id="off-by-more-than-half-a-digit"),
        pytest.param(6000.0, 230.0, "holds", id="within-the-tolerance"),
        pytest.param(6000.0, 220.0, "contradicted", id="beyond-it"),
    ],
)
def test_a_number_may_be_off_by_its_tolerance(
    third_quarter: pd.DataFrame, number: float, tolerance: float | None, verdict: str
):
    assert the(checked(third_quarter, claim(figure("value", "cac", number, tolerance=tolerance))))["verdict"] == verdict


def test_two_numbers_that_differ_are_never_printed_alike(third_quarter: pd.DataFrame):
    told = the(checked(third_quarter, claim(figure("value", "cac", 6222.1, tolerance=0.0))))
    assert told["verdict"] == "contradicted"
    assert "文中称 6222.1，数据为 6222.222222" in told["sentence_zh"]


@given(st.integers(-10_000_000, 10_000_000), st.integers(0, 4))
def test_a_number_said_with_fewer_digits_is_within_its_tolerance(units: int, digits: int):
    exact = units / 1000
    said = round(exact, digits)
    assert abs(said - exact) <= default_tolerance(said, is_percent=False) + 1e-9


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(4)))
def test_the_order_of_claims_does_not_matter(one_sale: pd.DataFrame, order: Sequence[int]):
    items = [claim(figure("value", "cac", float(number)), name=f"c{number}") for number in range(4)]
    pd.testing.assert_frame_equal(checked(one_sale, *items), checked(one_sale, *[items[place] for place in order]))


# --- words ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("大部分沉默客户在三个月内没有下单", ["大部分"], id="f194-most"),
        pytest.param("65%的沉默客户没有下单", [], id="f194-with-a-number"),
        pytest.param("Q3大部分客户来自转介绍", ["大部分"], id="a-quarter-is-no-quantity"),
        pytest.param("2026年8月大量客户流失", ["大量"], id="a-month-is-no-quantity"),
        pytest.param("六成客户来自大客户", [], id="chinese-numerals"),
        pytest.param("Many customers came back", ["many"], id="english"),
        pytest.param("Germany is our market", [], id="within-another-word"),
        pytest.param("客户满意", [], id="nothing-vague"),
    ],
)
def test_f194_words_in_the_place_of_a_number_are_found(text: str, found: list[str]):
    assert vague_words(text, usual_vague_words()) == found


def test_f194_a_vague_sentence_without_a_figure_can_not_be_checked(one_sale: pd.DataFrame):
    told = the(checked(one_sale, claim(text="大部分客户表示满意")))
    assert (told["figure_no"], told["verdict"], told["vague_words"]) == (0, "not_told", "大部分")
    assert told["sentence_zh"] == "无法核对：用“大部分”代替了数字。"
    assert told["sentence_en"] == "Can't be checked: it says 大部分 where a number should stand."


def test_f194_a_vague_sentence_that_is_bound_to_a_figure_is_judged_and_flagged(third_quarter: pd.DataFrame):
    told = the(checked(third_quarter, claim(figure("value", "new_customers", 45.0), text="新增了很多客户")))
    assert (told["verdict"], told["vague_words"]) == ("holds", "很多")


# --- the plan section ---


def test_no_claims_make_an_empty_table_with_all_columns(one_sale: pd.DataFrame):
    assert checked(one_sale).columns.tolist() == list(CLAIMS.columns)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"kind": "value", "kpi": "cac"}, "needs number", id="no-number"),
        pytest.param({"kind": "open_items", "number": 2.0}, "needs task", id="no-task"),
        pytest.param({"kind": "direction", "kpi": "cac"}, "needs direction", id="no-direction"),
        pytest.param({"kpi": "cac", "number": 1.0, "dimension": "team"}, "name both", id="no-member"),
        pytest.param({"kpi": "cac", "number": 1.0, "direction": "up"}, "has no direction", id="direction-of-a-value"),
        pytest.param({"kpi": "cac", "number": 1.0, "period": "last month"}, "period", id="a-period-nobody-knows"),
    ],
)
def test_a_figure_that_says_too_little_is_refused(fields: dict[str, Any], told: str):
    with pytest.raises(ValidationError, match=told):
        AssertedFigure(**fields)


@pytest.mark.parametrize("text", ["找 13800138000 确认", "ask a.b@example.com"])
def test_a_claim_that_names_somebody_is_refused(text: str):
    with pytest.raises(ValidationError, match="e-mail address or a mobile number"):
        claim(text=text)


def test_two_claims_with_one_id_are_refused():
    with pytest.raises(ValidationError, match="claims with the same id: c"):
        Claims(items=[claim(), claim()])
