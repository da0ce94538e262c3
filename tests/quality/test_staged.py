"""Gate 2: every rule of a staged table is shown to fail on a broken one, in a real PostgreSQL."""

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.errors import GateClosed
from quality.staged import SCHEMES, Staged, audit
from quality.suites import NotEvaluated

KPI = {"kpi": "cac", "member": "(all)", "state": "final", "value": 1.0, "score": 50.0, "reason": None}
SCORE = {"table_name": "orders", "dimension": "accuracy", "rate": 0.99}
ENTRY = {"table_name": "orders", "layer": "dwd", "is_balanced": True}
SEGMENT = {
    "customer_id": "C1",
    **{f"{scheme}_class_id": "some" for scheme in SCHEMES},
    "rfm_rule_id": "new",
    "abc_class_id": "A",
    "value_alive_probability": 0.5,
    "churn_score": 50.0,
}
MOVE = {"scheme": "abc", "from_class_id": "A", "share_of_from": 0.5}
BUDGET = {"member": "social", "is_reconciled": True, "budget_status": "on_plan", "to_date_status": "on_plan"}
BUDGET |= {"state": "final", "reason_en": None}
SIGNAL = {"signal_id": "s", "is_judged": True, "alert_level": "red", "owner": "acquisition"}
ACTION = {
    "action_id": "spend/channel/expo",
    "sentence_zh": "已支出 9 元",
    "sentence_en": "9 was spent",
    "advice_zh": "停",
    "advice_en": "Stop",
    "owner": "sales",
    "due_on": "2026-11-27",
    "evidence_table": "ads.channel_scorecard",
    "evidence_keys": "channel=expo",
}
CLAIM = {"claim_id": "c", "verdict": "holds", "computed_number": 1.0, "reason_en": None}
RISK = {"risk_id": "skills", "risk_score": 16, "rule_band": "extreme"}
FUNNEL = {"member": "social", "created_leads": 9, "won_leads": 3, "drop_node": "met", "drop_rate": 0.5, "drop_leads": 3}
FUNNEL |= {"drop_waiting_leads": 0, "state": "final"}
COHORT = {
    "member": "social",
    "is_complete": True,
    "retention_rate": 0.5,
    "payback_months": 2,
    "payback_reason_en": None,
}
GRADE = {"lead_id": "L1", "grade": "B", "grade_score": 55.0, "state": "final"}
LINE = {
    "line_id": "cac.paying.full",
    "report": "before_after",
    "evidence_grade": "D",
    "sentence_zh": "获客成本由 3,000 元降至 1,667 元。",
    "problem_zh": "获客成本 1,667 元",
    "owner": "acquisition",
    "due_on": date(2026, 12, 1),
}
GOAL = {"kpi": "cac", "target": 1200.0, "assessment": "smart", "is_specific": True, "is_measurable": True}
GOAL |= {"is_achievable": True, "is_relevant": True, "is_time_bound": True}
EARNED = {"scheme_id": "commission", "step_rate": 0.08, "incentive_amount": 3960.0, "state": "final"}
CUSTOMER = {
    "customer_id": "C1",
    "kind": "person",
    "display_name": "王*",
    "phone_tail": "5678",
    "email_domain": "example.com",
    "name_hash": "0" * 64,
    "phone_hash": "a" * 64,
    "email_hash": "f" * 64,
}

GOOD = {
    "ads.alert_signals": (SIGNAL, ("signal_id",)),
    "ads.actions": (ACTION, ("action_id",)),
    "ads.claims": (CLAIM, ("claim_id",)),
    "ads.risk_register": (RISK, ("risk_id",)),
    "ads.budget_variance": (BUDGET, ("member",)),
    "ads.case_reports": (LINE, ("line_id",)),
    "ads.cohorts": (COHORT, ("member",)),
    "ads.goal_checks": (GOAL, ("kpi",)),
    "ads.incentives": (EARNED, ("scheme_id",)),
    "ads.funnel_wide": (FUNNEL, ("member",)),
    "ads.kpi_values": (KPI, ("kpi", "member")),
    "dq.quality_scorecard": (SCORE, ("table_name", "dimension")),
    "dq.ledger": (ENTRY, ("table_name", "layer")),
    "dws.customer_directory": (CUSTOMER, ("customer_id",)),
    "dws.customer_segments": (SEGMENT, ("customer_id",)),
    "dws.lead_grades": (GRADE, ("lead_id",)),
    "ads.segment_transitions": (MOVE, ("scheme", "from_class_id")),
}

BROKEN = [
    pytest.param("ads.kpi_values", {"state": "perhaps"}, "state_allowed", id="unknown-state"),
    pytest.param(
        "ads.kpi_values", {"state": "withheld", "reason": "no source"}, "withheld_has_no_value", id="withheld-value"
    ),
    pytest.param(
        "ads.kpi_values", {"state": "withheld", "value": None}, "withheld_has_a_reason", id="withheld-without-reason"
    ),
    pytest.param("ads.kpi_values", {"score": 201.0}, "score_range", id="score-too-high"),
    pytest.param("ads.kpi_values", {"value": float("inf")}, "value_finite", id="infinite-value"),
    pytest.param("ads.kpi_values", {"kpi": None}, "kpi_required", id="no-grain"),
    pytest.param("ads.budget_variance", {"is_reconciled": False}, "adds_up_to_the_ledger", id="costs-lost"),
    pytest.param("ads.budget_variance", {"is_reconciled": None}, "reconciliation_told", id="costs-not-compared"),
    pytest.param("ads.budget_variance", {"budget_status": "fine"}, "status_allowed", id="unknown-budget-status"),
    pytest.param(
        "ads.budget_variance",
        {"to_date_status": "fine"},
        "to_date_status_allowed",
        id="unknown-status-of-the-days-so-far",
    ),
    pytest.param(
        "ads.budget_variance",
        {"budget_status": "overspent", "to_date_status": "warning"},
        "overspent_in_all_is_overspent_so_far",
        id="overspent-in-all-but-not-so-far",
    ),
    pytest.param(
        "ads.budget_variance",
        {"state": "withheld", "reason_en": "no source"},
        "withheld_has_no_status",
        id="withheld-budget-status",
    ),
    pytest.param(
        "ads.budget_variance",
        {"state": "withheld", "budget_status": None},
        "withheld_has_a_reason",
        id="withheld-budget-without-reason",
    ),
    pytest.param("ads.alert_signals", {"alert_level": "pink"}, "level_allowed", id="unknown-level"),
    pytest.param("ads.alert_signals", {"alert_level": None}, "judged_has_a_level", id="judged-without-a-level"),
    pytest.param("ads.alert_signals", {"owner": None}, "owner_required", id="alert-without-an-owner"),
    pytest.param("ads.case_reports", {"evidence_grade": "A"}, "bare_comparison_is_graded_d", id="too-good-a-grade"),
    pytest.param("ads.case_reports", {"evidence_grade": None}, "bare_comparison_has_a_grade", id="no-evidence-grade"),
    pytest.param(
        "ads.case_reports", {"sentence_zh": "效果明显。"}, "no_word_of_effect", id="effect-of-a-bare-comparison"
    ),
    pytest.param("ads.case_reports", {"owner": None}, "problem_has_an_owner", id="problem-of-nobody"),
    pytest.param("ads.case_reports", {"due_on": None}, "problem_has_a_day", id="problem-for-ever"),
    pytest.param("ads.goal_checks", {"assessment": "fine"}, "assessment_allowed", id="unknown-assessment"),
    pytest.param("ads.goal_checks", {"target": None}, "target_required", id="goal-without-a-target"),
    *(
        pytest.param("ads.goal_checks", {f"is_{name}": False}, f"smart_is_{name}", id=f"smart-and-not-{name}")
        for name in ("specific", "measurable", "achievable", "relevant", "time_bound")
    ),
    pytest.param("ads.incentives", {"step_rate": 8.0}, "rate_range", id="percent-for-a-rate"),
    pytest.param("ads.incentives", {"state": "withheld"}, "withheld_has_no_amount", id="money-for-a-withheld-figure"),
    pytest.param("ads.incentives", {"incentive_amount": None}, "told_has_an_amount", id="no-money-for-a-figure"),
    pytest.param("ads.cohorts", {"retention_rate": 1.1}, "retention_range", id="more-came-than-were"),
    pytest.param(
        "ads.cohorts", {"is_complete": False}, "running_month_has_no_retention", id="retention-of-half-a-month"
    ),
    pytest.param("ads.cohorts", {"payback_months": None}, "no_payback_has_a_reason", id="silent-about-payback"),
    pytest.param("ads.funnel_wide", {"won_leads": 10}, "nobody_won_who_was_not_entered", id="more-won-than-entered"),
    pytest.param("ads.funnel_wide", {"drop_rate": 1.1}, "drop_range", id="more-lost-than-there-were"),
    pytest.param("ads.funnel_wide", {"drop_waiting_leads": None}, "waiting_told", id="a-drop-without-those-waiting"),
    pytest.param("ads.funnel_wide", {"drop_leads": 0}, "drop_has_leads", id="a-drop-of-nobody"),
    pytest.param("ads.actions", {"sentence_zh": "很多"}, "sentence_zh_has_a_number", id="a-sentence-without-a-number"),
    pytest.param("ads.actions", {"sentence_en": "many"}, "sentence_en_has_a_number", id="the-same-in-english"),
    *[
        pytest.param("ads.actions", {name: None}, f"{name}_required", id=f"action-without-{name}")
        for name in ("sentence_zh", "advice_en", "owner", "due_on", "evidence_table", "evidence_keys")
    ],
    pytest.param("ads.claims", {"verdict": "maybe"}, "verdict_allowed", id="unknown-verdict"),
    pytest.param("ads.claims", {"verdict": None}, "verdict_required", id="no-verdict"),
    pytest.param("ads.claims", {"verdict": "not_told"}, "not_told_has_a_reason", id="not-told-without-reason"),
    pytest.param("ads.claims", {"computed_number": None}, "judged_has_a_number", id="judged-without-a-number"),
    pytest.param("ads.risk_register", {"risk_score": 26}, "score_range", id="score-beyond-the-matrix"),
    pytest.param("ads.risk_register", {"rule_band": "awful"}, "band_allowed", id="unknown-band"),
    pytest.param("ads.risk_register", {"rule_band": None}, "band_required", id="no-band"),
    pytest.param("dq.quality_scorecard", {"rate": 1.2}, "rate_range", id="rate-above-one"),
    pytest.param("dq.ledger", {"is_balanced": False}, "balanced", id="unbalanced"),
    pytest.param("dws.customer_directory", {"display_name": "王小明"}, "display_name_masked", id="name-of-a-person"),
    pytest.param(
        "dws.customer_directory", {"display_name": "王小明", "kind": None}, "display_name_masked", id="kindless"
    ),
    pytest.param("dws.customer_directory", {"phone_tail": "13812345678"}, "phone_tail_masked", id="whole-phone"),
    pytest.param("dws.customer_directory", {"email_domain": "a@b.cn"}, "email_domain_masked", id="whole-e-mail"),
    pytest.param("dws.customer_directory", {"phone_hash": "13812345678"}, "phone_hash_masked", id="no-hash"),
    *[
        pytest.param(
            "dws.customer_segments", {f"{scheme}_class_id": None}, f"{scheme}_class_required", id=f"no-{scheme}"
        )
        for scheme in SCHEMES
    ],
    pytest.param("dws.customer_segments", {"value_alive_probability": 1.1}, "alive_range", id="too-alive"),
    pytest.param("dws.customer_segments", {"churn_score": -1.0}, "churn_score_range", id="score-below-nothing"),
    pytest.param("dws.lead_grades", {"grade": "E"}, "grade_allowed", id="unknown-grade"),
    pytest.param("dws.lead_grades", {"grade": None}, "grade_required", id="no-grade-of-a-lead"),
    pytest.param("dws.lead_grades", {"state": "withheld"}, "withheld_has_no_grade", id="withheld-grade"),
    pytest.param("ads.funnel_wide", {"state": "withheld"}, "withheld_counts_nothing", id="withheld-funnel"),
    pytest.param("dws.lead_grades", {"grade_score": 101.0}, "score_range", id="more-than-all-points"),
    pytest.param("ads.segment_transitions", {"share_of_from": 1.5}, "share_range", id="more-than-all"),
    pytest.param("dws.customer_segments", {"rfm_rule_id": None}, "rfm_rule_required", id="no-rule"),
    pytest.param("dws.customer_segments", {"abc_class_id": "D"}, "abc_allowed", id="unknown-abc-class"),
]


def judge(server: sa.URL, name: str, rows: list[dict], expected_rows: int | None = None) -> None:
    """Stage the rows and let gate 2 judge them."""
    engine = sa.create_engine(server)
    pd.DataFrame(rows).to_sql("staged", engine, schema="public", if_exists="replace", index=False)
    engine.dispose()
    staged = Staged(name, "public.staged", GOOD[name][1], len(rows) if expected_rows is None else expected_rows)
    audit(server.render_as_string(hide_password=False), [staged], side_by_side=False)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_table_passes(server: sa.URL, name: str) -> None:
    judge(server, name, [GOOD[name][0]])


@pytest.mark.parametrize(("name", "change", "rule"), BROKEN)
def test_a_broken_table_closes_the_gate_and_the_rule_is_named(
    server: sa.URL, name: str, change: dict, rule: str
) -> None:
    good, grain = GOOD[name]
    other = good | {grain[-1]: "another"}
    with pytest.raises(GateClosed, match=rule):
        judge(server, name, [other, good | change])


@pytest.mark.parametrize("name", GOOD)
def test_two_rows_of_one_grain_close_the_gate(server: sa.URL, name: str) -> None:
    with pytest.raises(GateClosed, match="grain_unique"):
        judge(server, name, [GOOD[name][0]] * 2)


def test_a_company_is_shown_in_full(server: sa.URL) -> None:
    judge(server, "dws.customer_directory", [CUSTOMER | {"kind": "company", "display_name": "东方机械"}])


def test_rows_lost_on_the_way_close_the_gate(server: sa.URL) -> None:
    with pytest.raises(GateClosed, match="rows_arrived"):
        judge(server, "dq.ledger", [ENTRY], expected_rows=2)


def test_what_can_not_be_evaluated_is_not_called_bad_data(server: sa.URL) -> None:
    with pytest.raises(NotEvaluated, match="could not be evaluated"):
        judge(server, "dq.ledger", [{"table_name": "orders", "layer": "dwd"}])


THREE = ("dq.ledger", "dq.quality_scorecard", "ads.claims")


def stage(server: sa.URL, rows: dict[str, list[dict]]) -> list[Staged]:
    """Tables as they are staged, in `public`."""
    engine = sa.create_engine(server)
    staged = []
    for name, found in rows.items():
        relation = f"public.{name.replace('.', '_')}"
        pd.DataFrame(found).to_sql(relation.partition(".")[2], engine, schema="public", index=False)
        staged.append(Staged(name, relation, GOOD[name][1], len(found)))
    engine.dispose()
    return staged


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("broken", [None, *THREE])
def test_of_several_tables_each_is_judged_in_whatever_process(
    server: sa.URL, broken: str | None, side_by_side: bool
) -> None:
    staged = stage(server, {name: [GOOD[name][0]] * (2 if name == broken else 1) for name in THREE})
    url = server.render_as_string(hide_password=False)
    if broken is None:
        audit(url, staged, side_by_side=side_by_side)
    else:
        with pytest.raises(GateClosed, match=f"{broken} as staged breaks grain_unique"):
            audit(url, staged, side_by_side=side_by_side)


@pytest.mark.parametrize("name", ["dq.ledger", "dq.quality_scorecard"])
def test_a_rule_that_cannot_be_computed_is_told_from_whatever_process(server: sa.URL, name: str) -> None:
    rows = {name: [GOOD[name][0]] for name in ("dq.ledger", "dq.quality_scorecard")}
    rows[name] = [dict(list(rows[name][0].items())[:2])]
    staged = stage(server, rows)
    with pytest.raises(NotEvaluated, match=name):
        audit(server.render_as_string(hide_password=False), staged, side_by_side=True)
