"""The list of actions: what fires, in numbers, once for one thing, unit cost before spend, and what can't be judged."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from facts import cost, evaluate, first_sale, lead, target, won_lead
from hypothesis import given, settings
from hypothesis import strategies as st
from models import a_plan
from pydantic import ValidationError

from assets.ads.actions import ACTIONS, Found, actions, has_number, insight_faults, judge, printed
from assets.ads.alert_signals import ALERT_SIGNALS
from assets.ads.channel_scorecard import CHANNEL_SCORECARD
from assets.ads.claims import CLAIMS, claims
from assets.ads.insight_sources import SOURCES, Day, Observation
from assets.ads.risk_register import RISK_REGISTER
from assets.models import models
from pipeline.plan import Actions, AssertedFigure, Bounds, Claim, Claims, InsightRule, Label, Plan, Target
from pipeline.plan.actions import usual_insights
from quality.scorecard import SCORECARD

BEFORE, AFTER, OVER = date(2026, 7, 1), date(2026, 10, 1), date(2026, 11, 30)
PERIODS = [
    ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1)),
    ("campaign", "campaign", date(2026, 9, 1), date(2026, 12, 1)),
]
CODE_WORDS = {"dimension", "kpi", "measure"}
WORDS = Label(zh="词", en="word")


def columns_of(name: str) -> list[str]:
    python = {spec.name: spec for spec in (CHANNEL_SCORECARD, RISK_REGISTER, ALERT_SIGNALS, SCORECARD, CLAIMS)}
    return list(python[name].columns if name in python else models()[name].columns)


def frame(name: str, rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Rows of a table; what they do not say is NULL."""
    return pd.DataFrame(list(rows), columns=columns_of(name), dtype=object)


@pytest.fixture(scope="module")
def nothing() -> pd.DataFrame:
    """`ads.kpi_values` of a company without facts."""
    return evaluate(periods=PERIODS)


def day(kpis: pd.DataFrame, plan: Plan | None = None, as_of: date = OVER, **tables: Any) -> Day:
    """A day on which only what is given happened."""
    empty = {
        "channels": frame("ads.channel_scorecard"),
        "budget": frame("ads.budget_variance"),
        "risks": frame("ads.risk_register"),
        "alerts": frame("ads.alert_signals"),
        "funnel": frame("ads.funnel_wide"),
        "quality": frame("dq.quality_scorecard"),
        "win_back": pd.DataFrame(columns=["step_id", "step_zh", "step_en", "customers", "overdue_customers", "spend"]),
        "claims": frame("ads.claims"),
        "tasks": frame("ads.task_tracking"),
    }
    return Day(plan=plan or a_plan(), as_of=as_of, kpis=kpis, **empty | tables)


def found(seen: Day, before: pd.DataFrame | None = None) -> Found:
    return actions(seen, pd.DataFrame(columns=list(ACTIONS.columns)) if before is None else before)


def rows_of(seen: Day, before: pd.DataFrame | None = None) -> list[dict[str, Any]]:
    return found(seen, before).rows.to_dict("records")


def channel(name: str, **cells: Any) -> dict[str, Any]:
    """A channel over the campaign of which nothing is remarkable."""
    usual = {"period_kind": "campaign", "period": "campaign", "channel": name, "channel_zh": name, "channel_en": name}
    return usual | {"cost_amount": 100.0, "leads": 3, "new_customers": 0, "advised_change": 0.0} | cells


def budget(dimension: str, member: str, status: str | None = "overspent", **cells: Any) -> dict[str, Any]:
    """A member of the campaign's budget, spent by a fifth more than planned."""
    usual = {"period_kind": "campaign", "period": "campaign", "period_start": date(2026, 9, 1)}
    usual |= {"dimension": dimension, "member": member, "label_zh": member, "label_en": member, "state": "final"}
    usual |= {"planned_amount": 100.0, "actual_amount": 120.0, "variance_amount": 20.0, "to_date_status": status}
    usual |= {"is_running": False, "planned_to_date_amount": 100.0, "to_date_variance_amount": 20.0}
    return usual | cells


def team_a(customers_after: int) -> pd.DataFrame:
    """G1: cost from 150,000 to 200,000 (media +60 %) for a team that won 50 customers before."""
    sales, costs = [], []
    for on, customers, labour, media in ((BEFORE, 50, 100_000, 50_000), (AFTER, customers_after, 120_000, 80_000)):
        sales += [first_sale(f"{on}-{number}", 5000, on, team_id="A") for number in range(customers)]
        costs += [cost(labour, on, team_id="A", is_marketing=False), cost(media, on, team_id="A")]
    return evaluate({"sales": sales, "costs": costs}, periods=PERIODS)


@pytest.fixture(scope="module")
def cheaper() -> pd.DataFrame:
    """120 customers for it: each costs 44.4 % less."""
    return team_a(120)


@pytest.fixture(scope="module")
def dearer() -> pd.DataFrame:
    """40 customers for it: each costs 66.7 % more."""
    return team_a(40)


# --- unit cost before spend ---


def test_i56_g1_more_spending_while_a_customer_costs_less_asks_for_nothing(cheaper: pd.DataFrame):
    assert rows_of(day(cheaper)) == []


def test_i56_more_spending_while_a_customer_costs_more_is_told_for_all_and_for_the_team(dearer: pd.DataFrame):
    told = rows_of(day(dearer))
    assert [row["action_id"] for row in told] == ["spend/team/A", "spend/total/(all)"]
    assert {row["rule_id"] for row in told} == {"spend_rises"}
    assert told[1]["sentence_zh"] == "总体日均拓客总成本较基期 +34.8%，单位获客成本也较基期 +66.7%。"
    assert told[1]["sentence_en"] == (
        "All: Total cost per day changed by +34.8% against the baseline, and the cost of a customer by +66.7%."
    )


@pytest.mark.parametrize("member", [("total", "(all)"), ("team", "A"), ("category", "media")])
def test_i56_an_overspent_budget_is_an_offer_while_a_customer_costs_less(
    cheaper: pd.DataFrame, member: tuple[str, str]
):
    [row] = rows_of(day(cheaper, budget=frame("ads.budget_variance", [budget(*member)])))
    assert (row["rule_id"], row["finding_kind"]) == ("overspent_cheaper", "opportunity")
    assert "超出 20 元；但单位获客成本较基期 −44.4%" in row["sentence_zh"]


def test_f180_a_running_period_is_told_against_what_was_planned_so_far(dearer: pd.DataFrame):
    """The campaign's 300 are not spent, but 120 went where 100 were planned so far."""
    running = {"is_running": True, "planned_amount": 300.0, "variance_amount": -180.0}
    told = rows_of(day(dearer, budget=frame("ads.budget_variance", [budget("team", "A", **running)])))
    assert "截至当日计划 100 元，已支出 120 元，超出 20 元；" in told[0]["sentence_zh"]
    assert "CNY 120 spent against CNY 100 planned so far, CNY 20 over;" in told[0]["sentence_en"]


def test_f082_the_funnel_tells_what_was_given_up_apart_from_what_waits(cheaper: pd.DataFrame):
    """Of 729 leads met 320 have no offer: 193 were given up, and 127 wait."""
    row = {"period_kind": "campaign", "period": "campaign", "dimension": "total", "member": "(all)"}
    row |= {"created_leads": 2079, "won_leads": 233, "drop_node": "met", "drop_zh": "已见面 → 已出方案"}
    row |= {"drop_en": "Met → Proposed", "drop_rate": 193 / 729, "drop_leads": 193, "drop_waiting_leads": 127}
    [told] = rows_of(day(cheaper, funnel=frame("ads.funnel_wide", [row])))
    assert told["sentence_zh"] == (
        "转化漏斗在“已见面 → 已出方案”流失最多：放弃 193 条线索（占到达该环节的 26.5%），另有 127 条待跟进；"
        "全部 2,079 条线索中签约 233 条。"
    )
    assert told["sentence_en"] == (
        "The funnel loses most at “Met → Proposed”: 193 leads were given up there (26.5% of those that got so far)"
        " and 127 still wait; of 2,079 leads 233 were signed."
    )


def test_an_overspent_budget_is_a_problem_while_a_customer_costs_more(dearer: pd.DataFrame):
    told = rows_of(day(dearer, budget=frame("ads.budget_variance", [budget("team", "A")])))
    assert (told[0]["action_id"], told[0]["rule_id"], told[0]["finding_kind"]) == (
        "spend/team/A",
        "overspent",
        "problem",
    )
    assert told[0]["other_rules"] == "spend_rises"


def test_an_overspent_budget_is_told_though_unit_costs_can_not_be_compared(nothing: pd.DataFrame):
    [row] = rows_of(day(nothing, budget=frame("ads.budget_variance", [budget("total", "(all)")])))
    assert row["rule_id"] == "overspent_unit_unknown"


# --- one list ---


def test_no_action_twice_for_the_same_thing(nothing: pd.DataFrame):
    """A channel that spent in vain and beyond its budget is one thing to do."""
    in_vain = channel("expo", fired_rules="spends_in_vain", cost_amount=120.0)
    [row] = rows_of(
        day(
            nothing,
            channels=frame("ads.channel_scorecard", [in_vain]),
            budget=frame("ads.budget_variance", [budget("channel", "expo")]),
        )
    )
    assert (row["action_id"], row["rule_id"], row["other_rules"]) == (
        "spend/channel/expo",
        "spends_in_vain",
        "overspent_unit_unknown",
    )
    assert row["sentence_zh"] == "渠道“expo”已支出 120 元，线索 3 条，新增客户 0 个。"
    assert (row["evidence_table"], row["evidence_keys"]) == ("ads.channel_scorecard", "period=campaign, channel=expo")


CHANNELS = [
    channel("a", advised_change=0.05, effective_weight=0.2, advised_share=0.25, cac_amount=10.0),
    channel("b", advised_change=0.10, effective_weight=0.2, advised_share=0.30, cac_amount=10.0),
    channel("c", advised_change=-0.15, effective_weight=0.5, advised_share=0.35, cac_amount=90.0),
    channel("d", fired_rules="spends_in_vain"),
    channel("e", advised_change=0.05, effective_weight=0.2, advised_share=0.25, cac_amount=10.0),
]


def test_the_most_urgent_come_first_and_of_one_rule_the_largest(nothing: pd.DataFrame):
    told = rows_of(day(nothing, channels=frame("ads.channel_scorecard", CHANNELS)))
    assert [(row["position"], row["priority"], row["member"]) for row in told] == [
        (1, 1, "d"),
        (2, 4, "b"),
        (3, 4, "a"),
        (4, 4, "e"),
        (5, 4, "c"),
    ]


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        pytest.param("{label}: {cac}", "expo: CNY 500 The cost is without wages.", id="of-cost"),
        pytest.param("{label}: {leads}", "expo: 3", id="of-no-cost"),
    ],
)
def test_i12_a_sentence_about_the_cost_of_a_channel_says_what_it_is_without(
    nothing: pd.DataFrame, sentence: str, told: str
):
    words = Label(zh=sentence, en=sentence)
    rule = InsightRule(
        id="dear",
        about="channel",
        finding="problem",
        priority=1,
        topic="kpi.cac",
        when={"leads": Bounds(least=1)},
        sentence=words,
        advice=WORDS,
        days=7,
    )
    expo = channel("expo", cac_amount=500.0, left_out_zh="不含人力", left_out_en="without wages")
    plan = a_plan(actions=Actions(without=[usual.id for usual in usual_insights()], rules=[rule]))
    [action] = rows_of(day(nothing, plan=plan, channels=frame("ads.channel_scorecard", [expo])))
    assert action["sentence_en"] == told
    assert ("其中成本不含人力。" in action["sentence_zh"]) == ("cac" in sentence)


@settings(deadline=None, max_examples=25)
@given(st.permutations(CHANNELS))
def test_the_order_of_the_rows_does_not_matter(nothing: pd.DataFrame, shuffled: Sequence[Mapping[str, Any]]):
    first, other = (day(nothing, channels=frame("ads.channel_scorecard", rows)) for rows in (CHANNELS, shuffled))
    pd.testing.assert_frame_equal(found(first).rows, found(other).rows)
    assert found(first).not_judged == found(other).not_judged


def test_the_day_it_is_due_stays_while_it_is_still_found(nothing: pd.DataFrame):
    channels = frame("ads.channel_scorecard", [channel("d", fired_rules="spends_in_vain")])
    first = found(day(nothing, as_of=date(2026, 11, 1), channels=channels)).rows
    [row] = first.to_dict("records")
    assert (row["first_found_on"], row["due_on"], row["is_overdue"]) == (date(2026, 11, 1), date(2026, 11, 8), False)
    [later] = rows_of(day(nothing, as_of=date(2026, 11, 9), channels=channels), first)
    assert (later["first_found_on"], later["due_on"], later["is_overdue"]) == (
        date(2026, 11, 1),
        date(2026, 11, 8),
        True,
    )
    [gone] = rows_of(day(nothing, as_of=date(2026, 11, 9), channels=channels))
    assert gone["first_found_on"] == date(2026, 11, 9)


# --- what each kind of figure says ---


def test_what_is_due_of_a_quantity_grows_with_the_days_of_the_campaign():
    """Half of the campaign's days are over: 30 of 100 customers are behind 50, and 60 are not."""
    half = [PERIODS[0], ("campaign", "campaign", date(2026, 9, 1), date(2026, 10, 16))]
    window = {"as_of": date(2026, 10, 15)}
    for customers, rules in ((30, ["behind_target"]), (60, [])):
        sales = [first_sale(str(number), 10, date(2026, 9, 10)) for number in range(customers)]
        kpis = evaluate({"sales": sales}, periods=half, targets=[target("new_customers", 100)])
        told = rows_of(day(kpis, **window))
        assert [row["rule_id"] for row in told] == rules
    assert rows_of(day(evaluate(periods=half, targets=[target("new_customers", 100)]), **window))[0]["sentence_zh"] == (
        "新增客户数为 0，按目标到今天应为 49.5，只达到 0.0%。"
    )


@pytest.mark.parametrize(
    ("until", "due"),
    [
        pytest.param(date(2026, 9, 30), "80", id="first-month-over"),
        pytest.param(date(2026, 10, 15), "84.8", id="half-of-the-second"),
        pytest.param(OVER, "100", id="all-over"),
    ],
)
def test_what_is_due_follows_the_milestones(until: date, due: str):
    milestones = {"2026-09": 80.0, "2026-10": 10.0, "2026-11": 10.0}
    plan = a_plan(targets={"new_customers": Target(value=100.0, milestones=milestones)})
    period = ("campaign", "campaign", date(2026, 9, 1), until + timedelta(days=1))
    kpis = evaluate(periods=[period], targets=[target("new_customers", 100)])
    [row] = rows_of(day(kpis, plan, as_of=until))
    assert f"按目标到今天应为 {due}，" in row["sentence_zh"]


@pytest.mark.parametrize(
    ("leads", "rules"),
    [pytest.param(10, [], id="one-of-ten"), pytest.param(400, ["behind_target"], id="forty-of-four-hundred")],
)
def test_a_gap_that_may_be_chance_is_no_problem(leads: int, rules: list[str]):
    """A tenth is won where a fifth is aimed at; of ten leads a fifth may as well have been won."""
    facts = {"lead_journey": [won_lead() if number % 10 == 0 else lead() for number in range(leads)]}
    kpis = evaluate(facts, periods=PERIODS, targets=[target("lead_conversion_rate", 0.2)])
    assert [row["rule_id"] for row in rows_of(day(kpis))] == rules


def test_a_cost_beyond_its_target_says_by_how_much():
    facts = {"sales": [first_sale(str(number), 100) for number in range(100)], "costs": [cost(15000)]}
    kpis = evaluate(facts, periods=PERIODS, targets=[target("cac", 100, 300)])
    [row] = rows_of(day(kpis))
    assert (row["rule_id"], row["action_id"]) == ("beyond_target", "kpi.cac/total/(all)")
    assert row["sentence_zh"] == "客户获取成本为 150 元，目标是不超过 100 元（+50.0%）。"


def test_a_contradicted_claim_is_to_be_corrected_and_one_that_holds_is_not(cheaper: pd.DataFrame):
    """U12, I56: the case's own problem is corrected with both figures."""
    spending = AssertedFigure(kind="problem", kpi="total_cost", variant="marketing", number=0.6)
    true = AssertedFigure(kpi="new_customers", number=120.0)
    items = [
        Claim(id=name, source="案例", text="x", figures=[figure])
        for name, figure in (("false", spending), ("true", true))
    ]
    plan = a_plan(claims=Claims(items=items))
    told = claims(plan, cheaper, frame("ads.task_tracking"), OVER)
    [row] = rows_of(day(cheaper, plan, claims=told))
    assert (row["action_id"], row["rule_id"]) == ("claim/claim/false", "claim_contradicted")
    assert "+60.0%" in row["sentence_zh"] and "−44.4%" in row["sentence_zh"]


def test_a_source_below_its_floor_comes_first_and_belongs_to_whoever_sends_it(nothing: pd.DataFrame):
    row = {"layer": "ods", "table_name": "orders", "dimension": "accuracy", "rate": 0.7, "threshold": 0.98}
    failed = row | {"floor": 0.8, "status": "below_floor"}
    unknown = row | {"dimension": "timeliness", "rate": None, "floor": 0.5, "status": "not_assessed"}
    result = found(day(nothing, quality=frame("dq.quality_scorecard", [failed, unknown])))
    [told] = result.rows.to_dict("records")
    assert (told["rule_id"], told["priority"], told["action_id"]) == (
        "quality_failed",
        1,
        "quality.accuracy/source/orders",
    )
    assert "准确性为 70.0%，未达到底线 80.0%" in told["sentence_zh"]
    assert told["owner"] != a_plan().owners.campaign
    assert result.not_judged["quality_failed: status unknown"] == 1


def test_overdue_steps_of_winning_back_and_tasks_are_counted(nothing: pd.DataFrame):
    steps = pd.DataFrame(
        [
            {
                "step_id": "call",
                "step_zh": "回访",
                "step_en": "Call",
                "customers": 9,
                "overdue_customers": 4,
                "spend": 5e4,
            },
            {
                "step_id": "visit",
                "step_zh": "拜访",
                "step_en": "Visit",
                "customers": 2,
                "overdue_customers": 0,
                "spend": 1.0,
            },
        ]
    )
    tasks = [
        {"task_id": "1", "team_id": "T1", "task_state": "overdue", "late_days": 3, "carry_state": "differs"},
        {"task_id": "2", "team_id": "T1", "task_state": "overdue", "late_days": 8, "carry_state": "not_told"},
        {"task_id": "3", "team_id": "T2", "task_state": "on_time", "late_days": 0, "carry_state": "agrees"},
    ]
    told = rows_of(day(nothing, win_back=steps, tasks=frame("ads.task_tracking", tasks)))
    assert [row["action_id"] for row in told] == [
        "win_back/step/call",
        "task.overdue/team/T1",
        "task.carried/team/T1",
    ]
    assert told[0]["sentence_en"].startswith("9 customers to win back wait for “Call”, 4 of them too long")
    assert told[1]["sentence_zh"] == "团队“T1”有 2 项任务逾期未完成，最长逾期 8 天。"


def test_a_risk_beyond_its_limit_brings_the_measure_the_plan_has_for_it(nothing: pd.DataFrame):
    risk = {"risk_id": "skills", "label_zh": "能力", "label_en": "Skills", "rule_band": "extreme", "risk_score": 16}
    risk |= {"kpi": "cac", "indicator_value": 210.0, "indicator_limit": 200.0, "is_holding": False, "is_overdue": None}
    risk |= {"measure_zh": "培训", "measure_en": "Training", "owner": "hr"}
    result = found(day(nothing, risks=frame("ads.risk_register", [risk])))
    [row] = result.rows.to_dict("records")
    assert row["sentence_zh"] == "风险“能力”（风险值 16）：监测指标为 210 元，已突破限值 200 元。"
    assert (row["advice_en"], row["owner"]) == ("Take the measure: Training.", "hr")
    assert result.not_judged["risk_overdue: overdue unknown"] == 1


def test_of_measures_that_are_late_that_against_the_gravest_risk_comes_first(nothing: pd.DataFrame):
    late = {"label_zh": "险", "label_en": "Risk", "is_overdue": True, "due_on": date(2026, 11, 1), "owner": "hr"}
    risks = [late | {"risk_id": name, "risk_score": score, "rule_band": "low"} for name, score in (("a", 4), ("b", 16))]
    told = rows_of(day(nothing, risks=frame("ads.risk_register", risks)))
    assert [row["member"] for row in told if row["rule_id"] == "risk_overdue"] == ["b", "a"]


# --- rules ---


def fitting(rule: InsightRule) -> Observation:
    """Something the rule fires on."""
    source = SOURCES[rule.about]
    figures = {name: (_within(rule.when.get(name, Bounds())), "count") for name in source.figures}
    codes = {name: rule.where.get(name, ["some"])[0] for name in source.codes}
    words = {name: Label(zh=f"{name} 1", en=f"{name} 1") for name in source.words}
    return Observation("total", "(all)", {"id": "1"}, figures, codes, words)


def _within(bounds: Bounds) -> float | None:
    if not bounds.known:
        return None
    low = next((limit for limit in (bounds.above, bounds.least) if limit is not None), None)
    high = next((limit for limit in (bounds.below, bounds.most) if limit is not None), None)
    return 7.0 if low is None and high is None else low + 1.0 if low is not None else high - 1.0


@pytest.mark.parametrize("rule", usual_insights(), ids=lambda rule: rule.id)
def test_every_usual_rule_fires_on_what_it_is_about_and_on_nothing_less(rule: InsightRule):
    seen = fitting(rule)
    assert judge(rule, seen) is True
    for name, bounds in rule.when.items():
        opposite = {**seen.figures, name: (1.0 if not bounds.known else None, "count")}
        broken = Observation(seen.dimension, seen.member, seen.keys, opposite, seen.codes, seen.words)
        assert judge(rule, broken) == (False if not bounds.known else [name])
    for name in rule.where:
        broken = Observation(
            seen.dimension, seen.member, seen.keys, seen.figures, {**seen.codes, name: "other"}, seen.words
        )
        assert judge(rule, broken) is False


def test_the_usual_rules_name_what_is_there_and_tell_a_number():
    assert list(insight_faults(a_plan())) == []


def test_one_condition_that_fails_is_enough_though_another_is_unknown():
    rule = own(when={"spend": Bounds(above=1.0), "leads": Bounds(above=1.0)})
    seen = Observation("channel", "x", {}, {"spend": (None, "currency"), "leads": (0.0, "count")})
    assert judge(rule, seen) is False


def own(**fields: Any) -> InsightRule:
    usual = {"id": "own", "about": "channel", "topic": "leads", "sentence": Label(zh="{leads}", en="{leads}")}
    return InsightRule(**usual | {"advice": WORDS, "days": 3} | fields)


def test_a_plan_adds_replaces_switches_off_and_moves_limits(nothing: pd.DataFrame):
    channels = frame("ads.channel_scorecard", CHANNELS)
    plan = a_plan(
        actions=Actions(
            rules=[own(when={"leads": Bounds(least=3.0)}, owner="me"), own(id="spends_in_vain", topic="vain")],
            without=["shift_from"],
            limits={"shift_to": {"shift": Bounds(least=0.08)}},
            owners={"shift_to": "team:media"},
        )
    )
    told = rows_of(day(nothing, plan, channels=channels))
    by_rule = {rule: [row["member"] for row in told if row["rule_id"] == rule] for rule in {r["rule_id"] for r in told}}
    assert by_rule == {"own": list("abcde"), "spends_in_vain": list("abcde"), "shift_to": ["b"]}
    owners = {row["rule_id"]: row["owner"] for row in told}
    assert owners == {"own": "me", "spends_in_vain": "acquisition", "shift_to": "team:media"}


def test_nothing_to_look_at_and_nothing_to_tell_are_counted(nothing: pd.DataFrame):
    plan = a_plan(actions=Actions(rules=[own(sentence=Label(zh="{cac}", en="{cac}"))]))
    silent = found(day(nothing, plan, channels=frame("ads.channel_scorecard", [channel("x")]))).not_judged
    assert silent["own: no number to tell"] == 1
    assert silent["risk_breached: ads.risk_register has nothing to look at"] == 1


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        pytest.param(own(when={"profit": Bounds(above=1.0)}), "own.when: channel has no 'profit'", id="figure"),
        pytest.param(own(where={"colour": ["red"]}), "own.where: channel has no 'colour'", id="code"),
        pytest.param(own(size="profit"), "own.when: channel has no 'profit'", id="size"),
        pytest.param(own(topic="kpi.{kpi}"), "own.topic: channel has no 'kpi'", id="topic"),
        pytest.param(own(advice=Label(zh="{who}", en="x")), "own.templates: channel has no 'who'", id="template"),
        pytest.param(own(sentence=Label(zh="{leads}", en="many")), "'many' tells no number", id="sentence"),
    ],
)
def test_a_rule_that_names_what_is_not_there_is_told(rule: InsightRule, told: str):
    faults = list(insight_faults(a_plan(actions=Actions(rules=[rule]))))
    assert len(faults) == 1 and told in faults[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"without": ["shift"]}, "no rule 'shift'", id="switched-off"),
        pytest.param({"limits": {"shift_to": {"cac": Bounds(above=1.0)}}}, "has no limit of cac", id="limit"),
        pytest.param({"rules": [own(), own()]}, "rules with the same id: own", id="twice"),
    ],
)
def test_a_plan_that_speaks_of_rules_that_are_not_there_is_refused(fields: dict[str, Any], told: str):
    with pytest.raises(ValidationError, match=told):
        Actions(**fields)


def test_a_figure_wanted_unknown_has_no_bounds():
    with pytest.raises(ValidationError, match="remove them"):
        Bounds(known=False, above=1.0)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.123, "change", "+12.3%"), (-0.1, "change", "−10.0%"), (0.0, "change", "0.0%"), (None, "rate", "–")],
)
def test_figures_are_printed_with_their_sign_and_unknown_ones_as_a_dash(value: float | None, unit: str, words: str):
    assert printed((value, unit), "CNY").zh == words


def test_a_sentence_needs_its_number_in_both_languages():
    assert not has_number(Label(zh="9 个", en="nine"))
