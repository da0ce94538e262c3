"""The reports of a case, from small facts by way of their KPIs: before and after, targets, what to keep and mend."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
import pytest
from facts import CAMPAIGN, cost, csat, evaluate, first_sale, lead, target, won_lead
from hypothesis import given, settings
from hypothesis import strategies as st
from models import a_plan
from pydantic import ValidationError

from assets.ads.case_lines import CASE_REPORTS, Point, change_between
from assets.ads.case_reports import case_reports
from assets.ads.catalogue import catalogue
from assets.ads.plan_faults import plan_faults
from pipeline.plan import Campaign, CaseReports, DueDays, Label, Plan, ReviewModule
from quality.scorecard import SourceState

OVER = date(2026, 12, 1)
BASELINE = ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1))
BEFORE, AFTER = date(2026, 7, 1), date(2026, 10, 1)
BOTH = (BASELINE, CAMPAIGN)

Row = Mapping[str, Any]


def reports(
    facts: Mapping[str, list], *, periods: Any = BOTH, plan: Plan | None = None, as_of: date = OVER, **given: Any
) -> pd.DataFrame:
    values = evaluate(facts, periods=periods, **given)
    return case_reports(values, plan or a_plan(), catalogue(), as_of)


def line(found: pd.DataFrame, report: str, line_id: str, member: str = "(all)", period: str = "campaign") -> Row:
    mine = found[(found["report"] == report) & (found["line_id"] == line_id) & (found["member"] == member)]
    [row] = mine[mine["period"] == period].to_dict("records")
    return {name: None if value is pd.NA or value != value else value for name, value in row.items()}


def customers(number: int, on: date, amount: float = 1000) -> list[dict]:
    return [first_sale(f"{on}-{place}", amount, on) for place in range(number)]


# --- before and after ---


def test_a_bare_comparison_is_graded_d_and_says_that_it_tells_no_cause():
    """I59, U07: no word of an effect, whatever the figures."""
    facts = {"sales": [*customers(10, BEFORE), *customers(20, AFTER)]}
    found = reports(facts)
    before_after = found[found["report"] == "before_after"]
    assert set(before_after["evidence_grade"]) == {"D"}
    assert all(text.endswith("不能说明变化的原因。") for text in before_after["sentence_zh"])
    assert not found["sentence_zh"].str.contains("效果|效应|导致|因为").any()
    assert not found["sentence_en"].str.contains("effect|impact|because|due to", case=False).any()


def test_a_change_that_may_be_chance_is_neither_better_nor_worse():
    """2 of 20 against 3 of 20 is no difference, 20 of 200 against 80 of 200 is one."""
    few = [*[won_lead(BEFORE)] * 2, *[lead(created_on=BEFORE)] * 18, *[won_lead(AFTER)] * 3]
    few += [lead(created_on=AFTER)] * 17
    many = [*[won_lead(BEFORE)] * 20, *[lead(created_on=BEFORE)] * 180, *[won_lead(AFTER)] * 80]
    many += [lead(created_on=AFTER)] * 120
    rows = [
        line(reports({"lead_journey": leads}), "before_after", "lead_conversion_rate.created") for leads in (few, many)
    ]
    assert [row["assessment"] for row in rows] == ["unclear", "better"]
    assert rows[0]["change_lower"] < 0 < rows[0]["change_upper"]
    assert 0 < rows[1]["change_lower"] < rows[1]["change"] < rows[1]["change_upper"]
    assert "可能只是偶然波动" in rows[0]["sentence_zh"]
    assert "可能只是偶然波动" not in rows[1]["sentence_zh"]


@pytest.mark.parametrize(
    ("before", "after", "assessment", "said"),
    [
        pytest.param(
            (100, 10), (200, 40), "better", "支出增加而单位成本下降，不作为问题。", id="more-spent-each-cheaper"
        ),
        pytest.param((100, 10), (400, 20), "worse", "支出与单位成本同时上升，需要控制。", id="more-spent-each-dearer"),
        pytest.param((400, 10), (100, 10), "better", "支出与单位成本同时下降。", id="less-spent-each-cheaper"),
        pytest.param((400, 100), (100, 5), "worse", "支出减少而单位成本上升，不算节约。", id="less-spent-each-dearer"),
    ],
)
def test_spending_is_judged_by_what_a_customer_costs(before, after, assessment, said):
    """I56: unit cost before spend."""
    spent = [cost(before[0], BEFORE), cost(after[0], AFTER)]
    facts = {"sales": [*customers(before[1] * 4, BEFORE), *customers(after[1] * 4, AFTER)], "costs": spent}
    row = line(reports(facts), "before_after", "total_cost.full")
    assert said in row["sentence_zh"]
    assert row["sentence_zh"].startswith("客户获取成本")
    assert row["assessment"] == assessment


def test_without_a_cost_per_customer_spending_is_not_judged():
    row = line(reports({"costs": [cost(100, BEFORE), cost(200, AFTER)]}), "before_after", "total_cost.full")
    assert (row["assessment"], row["change_rate"]) == ("unclear", 1.0)


def test_quantities_of_periods_of_other_lengths_are_compared_per_day():
    """46 days of a campaign against 92 of the baseline: half as many is as many."""
    short = ("campaign", "campaign", date(2026, 9, 1), date(2026, 10, 17))
    found = reports({"sales": [*customers(10, BEFORE), *customers(5, AFTER)]}, periods=(BASELINE, short))
    counted, mean = (line(found, "before_after", name) for name in ("new_customers.first_order", "aov.sale"))
    assert (counted["before_value"], counted["value"]) == (10, 5)
    assert (counted["change"], counted["change_rate"], counted["change_basis"]) == (0, 0, "per_day")
    assert (mean["change_basis"], mean["change_rate"]) == ("value", 0)
    assert counted["sentence_zh"].startswith(
        "新增客户数由 10 变为 5（日均持平）。前后天数不同（92 天与 46 天），变化按日均计算。"
    )
    assert counted["sentence_en"].startswith("New customers went from 10 to 5 (no change in the daily average).")


def test_what_was_not_above_nothing_has_no_rate_of_change():
    """A return that was negative can't have grown by so many percent."""
    facts = {"sales": customers(1, AFTER, 300), "costs": [cost(100, BEFORE), cost(100, AFTER)]}
    row = line(reports(facts), "before_after", "roi_revenue.full")
    assert (row["before_value"], row["value"], row["change"], row["change_rate"]) == (-1, 2, 3, None)


def test_a_value_that_is_missing_is_told_and_not_taken_for_nothing():
    row = line(reports({"costs": [cost(100, AFTER)]}), "before_after", "total_cost.full")
    assert (row["before_value"], row["change"], row["assessment"]) == (None, None, "unclear")
    assert row["sentence_zh"].startswith("拓客总成本：缺少数据，无法比较。")
    assert row["reason"].startswith("total_cost: numerator is unknown")


def test_every_team_has_a_table_of_its_own_and_nobodys_has_none():
    leads = [won_lead(on, team_id=team) for on in (BEFORE, AFTER) for team in ("A", "B", None)]
    found = reports({"lead_journey": leads})
    rows = found[(found["report"] == "before_after") & (found["line_id"] == "leads.created")]
    assert dict(zip(rows["member"], rows["value"], strict=True)) == {"(all)": 3, "A": 1, "B": 1}


def test_without_a_baseline_there_is_no_before():
    found = reports({"sales": customers(3, AFTER)}, periods=(CAMPAIGN,))
    assert set(found["report"]) == {"attainment", "review"}


def test_the_plan_says_which_lines_there_are():
    plan = a_plan(case_reports=CaseReports(before_after=["aov", "total_cost.marketing"], before_after_of=["total"]))
    found = reports({"sales": customers(1, AFTER)}, plan=plan)
    rows = found[found["report"] == "before_after"].sort_values("position")
    assert list(rows["line_id"]) == ["aov.sale", "total_cost.marketing"]


def test_a_provisional_figure_makes_its_line_provisional():
    answers = [csat(score, answered_on=on) for on in (BEFORE, AFTER) for score in (4, 5)]
    states = {"answers": SourceState("provisional", "few came")}
    found = reports({"responses": answers, "sales": customers(2, AFTER)}, states=states)
    row = line(found, "before_after", "csat_mean.five_point")
    assert (row["state"], row["reason"]) == ("provisional", "csat_mean: answers: few came")
    assert line(found, "before_after", "revenue.net")["state"] == "final"


VALUES = st.floats(0.01, 100)


@settings(max_examples=50)
@given(before=VALUES, after=VALUES, width=st.floats(0, 1))
def test_the_interval_of_a_change_holds_it_and_turns_with_it(before, after, width):
    """Before and after changed round give the same interval with its signs changed round."""

    def point(value: float) -> Point:
        row = {"value": value, "lower": value * (1 - width / 2), "upper": value * (1 + width)}
        days = {"period_start": pd.Timestamp("2026-06-01"), "period_end": pd.Timestamp("2026-09-01")}
        return Point(row | days, is_quantity=False)

    change, back = change_between(point(before), point(after)), change_between(point(after), point(before))
    assert change.lower <= change.amount <= change.upper
    assert (back.lower, back.upper) == pytest.approx((-change.upper, -change.lower))


# --- targets and what was reached ---


def test_what_still_adds_up_is_held_against_what_was_due_so_far():
    running = ("campaign", "campaign", date(2026, 9, 1), date(2026, 11, 21))
    aims = [target("new_customers", 50) | {"milestone_target": due} for due in (15, 33, None)]
    rows = [
        line(
            reports({"sales": customers(20, AFTER)}, periods=(running,), targets=[aim], as_of=date(2026, 11, 20)),
            "attainment",
            "new_customers.first_order",
        )
        for aim in aims
    ]
    assert [row["assessment"] for row in rows] == ["on_track", "behind", "running"]
    assert "截至 2026-11-20，里程碑要求 15，达成 133.3%。" in rows[0]["sentence_zh"]
    assert rows[2]["sentence_zh"].endswith("截至 2026-11-20，期间尚未结束。")


def test_a_figure_without_a_target_is_shown_without_attainment():
    row = line(reports({"sales": customers(2, AFTER)}), "attainment", "revenue.net")
    assert (row["value"], row["target"], row["attainment_rate"], row["assessment"]) == (2000, None, None, "no_target")
    assert row["sentence_en"] == "Revenue CNY 2,000, no target is set."


def test_targets_that_follow_from_each_other_agree():
    aims = [target("revenue", 600), target("total_cost", 100, floor=200), target("io_ratio", 6.0)]
    row = line(reports({"sales": customers(1, AFTER)}, targets=aims), "attainment", "io_ratio.full")
    assert (row["implied_target"], row["is_target_consistent"]) == (6.0, True)
    assert "不一致" not in row["sentence_zh"]


# --- what to keep, what to mend ---


def conversion(won: int, lost: int, on: date = AFTER) -> list[dict]:
    return [*[won_lead(on)] * won, *[lead(created_on=on)] * lost]


def test_the_worst_figure_beyond_chance_is_the_problem_with_advice_owner_and_day():
    """F185, S1 表3."""
    facts = {"lead_journey": conversion(20, 180), "sales": customers(4, AFTER, 2000)}
    aims = [target("lead_conversion_rate", 0.20), target("aov", 1500)]
    row = line(reports(facts, targets=aims), "review", "strategy")
    assert row["highlight_zh"] == "客单价 2,000 元，目标 1,500 元，达成 133.3%"
    assert row["problem_zh"] == "线索转化率 10.0%，目标 20.0%，达成 50.0%"
    assert row["problem_en"] == "Lead conversion rate 10.0%, target 20.0%, 50.0% of it reached"
    assert row["advice_zh"] == "在转化漏斗中找出流失最多的环节，逐条复盘该环节的线索"
    assert (row["kpi"], row["owner"], row["assessment"]) == ("lead_conversion_rate", "acquisition", "missed")
    assert row["due_on"] == date(2026, 12, 14), "two weeks after the campaign: half of the target is far from it"


def test_a_gap_that_may_be_chance_is_no_problem():
    facts = {"lead_journey": conversion(3, 17)}
    row = line(reports(facts, targets=[target("lead_conversion_rate", 0.20)]), "review", "strategy")
    assert (row["problem_zh"], row["advice_zh"], row["owner"], row["due_on"]) == (None, None, None, None)
    assert row["assessment"] == "unclear"


def test_a_figure_without_a_target_stands_to_the_baseline():
    facts = {"lead_journey": [*conversion(20, 180, BEFORE), *conversion(80, 120)]}
    row = line(reports(facts), "review", "strategy")
    assert row["highlight_zh"] == "线索转化率由 10.0% 升至 40.0%（+300.0%）"


@pytest.mark.parametrize(
    ("aim", "due"),
    [pytest.param(0.13, date(2026, 12, 30), id="near"), pytest.param(0.13 * 2, date(2026, 12, 14), id="far")],
)
def test_what_is_far_from_its_target_is_due_sooner(aim, due):
    facts = {"lead_journey": conversion(220, 1780)}
    row = line(reports(facts, targets=[target("lead_conversion_rate", aim)]), "review", "strategy")
    assert row["due_on"] == due


@pytest.mark.parametrize("as_of", [date(2026, 11, 2), date(2026, 11, 20), date(2026, 11, 29)])
def test_while_the_campaign_runs_a_problem_is_due_on_the_same_day_all_month(as_of):
    running = ("campaign", "campaign", date(2026, 9, 1), as_of + pd.Timedelta(days=1).to_pytimedelta())
    plan = a_plan(
        campaign=Campaign(
            starts_on=date(2026, 9, 1), ends_on=date(2027, 1, 31), id="long", name=Label(zh="长", en="Long")
        ),
        case_reports=CaseReports(due_days=DueDays(far=10, near=20)),
    )
    facts = {"lead_journey": conversion(200, 1800)}
    aims = [target("lead_conversion_rate", 0.20)]
    row = line(reports(facts, periods=(running,), targets=aims, plan=plan, as_of=as_of), "review", "strategy")
    assert row["due_on"] == date(2026, 12, 10)


def test_months_are_reviewed_when_they_are_over():
    months = [
        ("month", "2026-10", date(2026, 10, 1), date(2026, 11, 1)),
        ("month", "2026-11", date(2026, 11, 1), date(2026, 11, 21)),
    ]
    found = reports({"lead_journey": conversion(2, 8)}, periods=[*BOTH, *months], as_of=date(2026, 11, 20))
    assert set(found.loc[found["report"] == "review", "period"]) == {"campaign", "2026-10"}


def test_the_plan_says_who_mends_and_what_is_advised():
    plan = a_plan(
        case_reports=CaseReports(
            review={"resources": ReviewModule(kpis=["aov"], owner="sales-director")},
            advice={"aov": Label(zh="试行组合报价", en="Try bundles")},
        )
    )
    row = line(reports({"sales": customers(9, AFTER)}, targets=[target("aov", 2000)], plan=plan), "review", "resources")
    assert (row["owner"], row["advice_en"], row["section_zh"]) == ("sales-director", "Try bundles", "资源利用")


# --- cases worth a closer look ---


def leads_of(team: str, won: int, others: int, on: date = AFTER, **columns: Any) -> list[dict]:
    lost = [lead(created_on=on, team_id=team, **columns) for _ in range(others)]
    return [won_lead(on, team_id=team, **columns) for _ in range(won)] + lost


def cases(found: pd.DataFrame) -> dict[str, tuple[str, str]]:
    chosen = found[found["report"] == "cases"]
    return {row["member"]: (row["section"], row["assessment"]) for row in chosen.to_dict("records")}


def test_f187_a_team_that_stands_out_beyond_chance_is_a_case_and_one_that_may_be_lucky_is_none():
    """S0 §6.1: 40 of 100 and 2 of 100 beside 20 of 100 each; 4 of 5 are too few, 8 of 30 may be chance."""
    won = {"T1": (40, 60), "T2": (2, 98), "T3": (20, 80), "T4": (20, 80), "T5": (8, 22), "T6": (4, 1)}
    facts = {"lead_journey": [row for team, numbers in won.items() for row in leads_of(team, *numbers)]}
    found = reports(facts)
    assert cases(found) == {"T1": ("success", "better"), "T2": ("problem", "worse")}
    row = line(found, "cases", "lead_conversion_rate.created", "T1")
    assert row["sentence_zh"] == (
        "T1 的线索转化率 40.0%（95% 区间 30.9% 至 49.8%），总体 21.6%；共比较 5 个，仅因偶然约有 0.1 个会入选。"
        "仅为与总体的对比（证据等级 D），不能说明差异的原因。"
    )


def test_of_withheld_figures_no_case_is_made():
    facts = {"lead_journey": [*leads_of("T1", 40, 60), *leads_of("T2", 2, 98)]}
    assert cases(reports(facts, states={"leads": SourceState("withheld")})) == {}


def test_f188_a_problem_case_has_advice_an_owner_and_a_day():
    facts = {"lead_journey": [*leads_of("T1", 40, 60), *leads_of("T2", 2, 98)]}
    row = line(reports(facts, as_of=date(2026, 11, 20)), "cases", "lead_conversion_rate.created", "T2")
    assert (row["section_zh"], row["owner"], row["due_on"]) == ("问题案例", "acquisition", date(2026, 12, 14))
    assert "转化漏斗" in row["advice_zh"]
    assert row["problem_en"].startswith("T2: Lead conversion rate 2.0% (95% interval")


def test_a_case_is_held_against_its_own_past_too():
    """S0 §6.1: side by side with the others, and with what was before."""
    rows = [*leads_of("T1", 40, 60), *leads_of("T2", 2, 98), *leads_of("T1", 20, 80, on=BEFORE)]
    row = line(reports({"lead_journey": rows}), "cases", "lead_conversion_rate.created", "T1")
    assert (row["before_value"], row["value"]) == (0.2, 0.4)
    assert "线索转化率由 20.0% 升至 40.0%（+100.0%）" in row["sentence_zh"]


def test_people_are_chosen_like_teams_and_the_plan_says_by_what():
    rows = [*leads_of("T1", 40, 60, staff_id="S1"), *leads_of("T1", 2, 98, staff_id="S2")]
    found = reports({"lead_journey": rows})
    assert cases(found) == {"S1": ("success", "better"), "S2": ("problem", "worse")}
    plan = a_plan(case_reports=CaseReports(cases=["aov"]))
    assert cases(reports({"lead_journey": rows}, plan=plan)) == {}
    plan = a_plan(case_reports=CaseReports(cases_of=["team"]))
    assert cases(reports({"lead_journey": rows}, plan=plan)) == {}


def test_who_costs_less_than_the_whole_is_a_success():
    """100 customers for 1,000 beside 30 for 1,000; not where most of the cost is of no team."""
    sales = [row | {"team_id": "T1"} for row in customers(100, AFTER)]
    sales += [first_sale(f"x{place}", 1000, AFTER, team_id="T2") for place in range(30)]
    costs = [cost(1000, AFTER, cost_id=team, team_id=team) for team in ("T1", "T2")]
    plan = a_plan(case_reports=CaseReports(cases=["cac"]))
    found = reports({"sales": sales, "costs": costs}, plan=plan)
    assert cases(found) == {"T1": ("success", "better"), "T2": ("problem", "worse")}
    wages = cost(8000, AFTER, cost_id="wages", is_marketing=False)
    assert cases(reports({"sales": sales, "costs": [*costs, wages]}, plan=plan)) == {}


# --- the table ---


def test_columns_and_order_are_those_the_table_declares(tmp_path):
    facts = {"lead_journey": conversion(5, 45), "sales": customers(5, AFTER), "costs": [cost(100, AFTER)]}
    found = reports(facts)
    assert list(found.columns) == list(CASE_REPORTS.columns)
    assert not found.duplicated(list(CASE_REPORTS.grain)).any()
    assert CASE_REPORTS.write(found, tmp_path / "rows.parquet") == len(found)


def test_the_order_of_the_values_changes_nothing():
    values = evaluate({"lead_journey": conversion(5, 45), "sales": customers(5, AFTER)}, periods=BOTH)
    tables = [case_reports(rows, a_plan(), catalogue(), OVER) for rows in (values, values.iloc[::-1])]
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param({"before_after": ["new_custmers"]}, "no KPI 'new_custmers'; did you mean", id="no-such-kpi"),
        pytest.param({"before_after": ["total_cost.labor"]}, "no variant 'labor'; did you mean labour?", id="variant"),
        pytest.param({"review": {"strategy": {"kpis": ["aof"]}}}, "case_reports.review.strategy: no KPI", id="review"),
        pytest.param({"unit_cost": "cap"}, "case_reports.unit_cost: no KPI 'cap'", id="unit-cost"),
    ],
)
def test_a_report_of_what_is_not_there_is_refused_before_the_run(said, told):
    [fault] = plan_faults(catalogue(), a_plan(case_reports=CaseReports.model_validate(said)))
    assert told in fault


def test_a_module_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="at least 1 item"):
        ReviewModule(kpis=[])
