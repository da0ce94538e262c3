"""What is worth a warning on a day: rules held against small tables, whichever way is worse."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import DAY, a_plan

from assets.ads.alert_signals import ALERT_SIGNALS, Sources, alert_signals, breached
from pipeline.plan import AlertRule, Alerts, Channel, Label, Owners

KPI = {
    "kpi": "cac",
    "is_official": True,
    "period_kind": "campaign",
    "period": "campaign",
    "period_start": date(2026, 9, 1),
    "dimension": "total",
    "member": "(all)",
    "value": 100.0,
    "attainment_rate": 1.0,
    "better": "lower",
    "state": "final",
    "reason": None,
    "label_zh": "获客成本",
    "label_en": "CAC",
    "unit": "currency",
    "left_out_zh": None,
    "left_out_en": None,
}
RATE = {
    "layer": "ods",
    "table_name": "orders",
    "dimension": "duplicates",
    "rate": 0.02,
    "threshold": 0.01,
    "floor": 0.2,
    "better": "lower",
    "status": "below_threshold",
    "reason": None,
}
BUDGET = {
    "period_kind": "campaign",
    "period": "campaign",
    "period_start": date(2026, 9, 1),
    "dimension": "channel",
    "member": "social",
    "label_zh": "社交媒体",
    "label_en": "Social media",
    "budget_status": "overspent",
    "to_date_status": "overspent",
    "to_date_variance_rate": 0.2,
    "utilisation_rate": 1.2,
    "state": "final",
    "reason_en": None,
    "sentence_zh": "超支。",
    "sentence_en": "Overspent.",
}
RISK = {
    "risk_id": "skills",
    "label_zh": "能力不足",
    "label_en": "Skills",
    "alert_level": "red",
    "kpi": "win_rate",
    "indicator_value": 0.1,
    "indicator_limit": 0.2,
    "is_holding": False,
    "is_overdue": True,
    "owner": "team:sales",
    "reason": None,
    "sentence_zh": "已突破限值。",
    "sentence_en": "Beyond its limit.",
}
ORDINARY = {"kpis": KPI, "quality": RATE, "budget": BUDGET, "risks": RISK}


def signals(
    rules: Iterable[AlertRule] | None = None, before: pd.DataFrame | None = None, as_of: date = DAY, **tables: Any
) -> pd.DataFrame:
    """The day's signals by id; each table is given as rows that name the cells they are about."""
    frames = {
        name: pd.DataFrame([ordinary | row for row in tables.get(name, [])], columns=list(ordinary))
        for name, ordinary in ORDINARY.items()
    }
    last = pd.DataFrame(columns=list(ALERT_SIGNALS.columns)) if before is None else before.reset_index()
    alerts = Alerts() if rules is None else Alerts(rules=list(rules))
    expo = Channel(id="expo", label=Label(zh="展会", en="Trade fairs"))
    plan = a_plan(alerts=alerts, owners=Owners(data="data-office", campaign="acquisition"), channels=[expo])
    return alert_signals(plan, Sources(**frames, before=last), as_of).set_index("signal_id")


def cac(**fields: Any) -> AlertRule:
    return AlertRule(**{"id": "dear", "kpi": "cac", "yellow": 80.0, "red": 120.0} | fields)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        pytest.param(79, None, id="within"),
        pytest.param(80, None, id="exactly-at-the-limit"),
        pytest.param(80.01, "yellow", id="beyond-the-first"),
        pytest.param(120.01, "red", id="beyond-the-worst"),
    ],
)
def test_the_worst_limit_a_value_is_beyond_gives_the_level(value: float, level: str | None):
    assert list(signals([cac()], kpis=[{"value": value}])["alert_level"]) == ([level] if level else [])


def test_i47_worse_is_above_where_less_is_better_and_below_where_more_is():
    rule = AlertRule(id="low", kpi="win_rate", yellow=0.3, red=0.2)
    more = {"kpi": "win_rate", "better": "higher"}
    found = {value: list(signals([rule], kpis=[more | {"value": value}])["alert_level"]) for value in (0.4, 0.25, 0.1)}
    assert found == {0.4: [], 0.25: ["yellow"], 0.1: ["red"]}
    assert list(signals([cac()], kpis=[{"value": 1.0}])["alert_level"]) == []


def test_i47_too_many_duplicates_are_told_as_above_and_too_little_accuracy_as_below():
    rates = [{}, {"dimension": "accuracy", "better": "higher", "rate": 0.9, "threshold": 0.98}]
    found = signals(quality=rates)
    assert found["comparison"].to_dict() == {
        "source_quality/accuracy/source/orders": "below",
        "source_quality/duplicates/source/orders": "above",
    }
    assert found["sentence_zh"].to_list() == [
        "订单的准确性为 90.0%，低于要求的 98.0%。",
        "订单的重复率为 2.0%，高于要求的 1.0%。",
    ]
    assert found["sentence_en"].to_list() == [
        "Accuracy of Orders is 90.0%, below the 98.0% asked for.",
        "Duplicates of Orders is 2.0%, above the 1.0% asked for.",
    ]


def test_without_rules_of_its_own_a_plan_watches_sources_spending_and_risks():
    found = signals(quality=[{}, {"table_name": "leads", "status": "below_floor"}], budget=[{}], risks=[{}])
    assert found["alert_level"].to_dict() == {
        "overspending/budget/channel/social": "yellow",
        "risk_indicator/indicator/risk/skills": "red",
        "risk_overdue/overdue/risk/skills": "red",
        "source_quality/duplicates/source/leads": "red",
        "source_quality/duplicates/source/orders": "yellow",
    }
    assert set(found["owner"]) == {"data-office", "acquisition", "team:sales"}


@pytest.mark.parametrize("level", ["red", "yellow", "blue", None])
def test_f176_i43_an_overdue_measure_is_as_urgent_as_its_risk(level: str | None):
    """A risk that warns of nothing by itself, being low, has an overdue measure told in blue."""
    rule = AlertRule(id="late", risk="overdue")
    assert signals([rule], risks=[{"alert_level": level}])["alert_level"].to_list() == [level or "blue"]


def test_what_holds_is_no_signal():
    fine = {
        "quality": [{"status": "met"}],
        "budget": [{"budget_status": "on_plan", "to_date_status": "on_plan"}],
        "risks": [{"is_holding": True, "is_overdue": False}, {"risk_id": "b", "kpi": None, "is_holding": None}],
    }
    assert signals(**(fine | {"risks": [fine["risks"][0] | {"is_overdue": False}]})).empty


def test_single_lines_of_the_budget_are_watched_only_where_that_is_asked_for():
    line = {"dimension": "line", "member": "B1"}
    assert signals(budget=[line]).empty
    assert len(signals([AlertRule(id="lines", budget="line")], budget=[line, {}])) == 1


def test_f181_spending_ahead_of_the_plan_is_an_overspend_before_the_whole_budget_is_gone():
    """November: 1,269 of 1,373 spent, which is within the budget of the month, but 915 were planned so far."""
    ahead = {"budget_status": "warning", "utilisation_rate": 0.925}
    [row] = signals(budget=[ahead | {"to_date_status": "overspent", "to_date_variance_rate": 0.387}]).to_dict("records")
    assert (row["alert_level"], row["value"]) == ("yellow", pytest.approx(1.387))


def test_limits_of_a_budget_are_about_how_much_of_it_is_used():
    rule = AlertRule(id="half", budget="any", yellow=0.5, red=1.5)
    found = signals([rule], budget=[{"to_date_status": "on_plan", "utilisation_rate": 0.6}])
    assert found[["alert_level", "value", "limit_value"]].values.tolist() == [["yellow", 0.6, 0.5]]


def test_what_is_withheld_is_not_judged_and_says_why():
    withheld = {"value": None, "state": "withheld", "reason": "expenses: no source is declared"}
    [row] = signals([cac()], kpis=[withheld]).to_dict("records")
    assert (row["is_judged"], row["is_raised"], row["days_breached"]) == (False, False, 0)
    assert row["reason"] == "expenses: no source is declared"


def test_of_several_periods_the_newest_is_watched():
    rows = [
        {"period_kind": "month", "period": f"2026-{month}", "period_start": date(2026, month, 1), "value": value}
        for month, value in ((10, 500.0), (11, 50.0))
    ]
    assert signals([cac(period="month")], kpis=rows).empty


def test_only_the_official_value_of_the_dimension_asked_for_is_watched():
    rows = [{"is_official": False}, {"dimension": "channel", "member": "social"}, {"kpi": "cpl"}]
    assert signals([cac()], kpis=rows).empty
    found = signals([cac(dimension="channel")], kpis=rows)
    assert found["sentence_zh"].to_list() == ["获客成本（social）为 100 元，高于限值 80 元（活动期）。"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"value": 1234.6}, "CNY 1,235, above the limit of CNY 120", id="money"),
        pytest.param({"value": 80.2}, "80.2, above the limit of 80", id="printed-alike"),
        pytest.param({"value": 90.0, "unit": "days"}, "90 days, above the limit of 80 days", id="days"),
    ],
)
def test_a_breach_is_told_in_the_units_of_the_kpi_and_the_words_of_the_plan(row: dict[str, Any], told: str):
    found = signals([cac(dimension="channel")], kpis=[{"dimension": "channel", "member": "expo"} | row])
    assert found["sentence_en"].to_list() == [f"CAC of Trade fairs is {told} (campaign)."]


def test_a_breach_of_a_channel_says_which_cost_is_not_in_the_figure():
    left_out = {
        "left_out_zh": "不含未注明渠道的成本 500 元",
        "left_out_en": "without CNY 500 of cost that names no channel",
    }
    rows = [{"dimension": "channel", "member": "expo", "value": 100.0, **left_out}]
    told = signals([cac(dimension="channel")], kpis=rows).iloc[0]
    assert told["sentence_zh"].endswith("。该数值不含未注明渠道的成本 500 元。")
    assert told["sentence_en"].endswith(". The figure is without CNY 500 of cost that names no channel.")


def test_a_rule_for_several_days_raises_on_the_last_of_them():
    found, days = None, []
    for day in (18, 19, 20):
        found = signals([cac(days=3)], before=found, as_of=date(2026, 11, day), kpis=[{}])
        days.append(found.iloc[0][["days_breached", "is_raised", "breached_since"]].to_list())
    assert days == [
        [1, False, date(2026, 11, 18)],
        [2, False, date(2026, 11, 18)],
        [3, True, date(2026, 11, 18)],
    ]


def test_a_day_that_cant_be_judged_neither_counts_nor_breaks_the_row():
    first = signals([cac(days=2)], as_of=date(2026, 11, 18), kpis=[{}])
    blind = signals([cac(days=2)], first, as_of=date(2026, 11, 19), kpis=[{"value": None}])
    again = signals([cac(days=2)], blind, as_of=date(2026, 11, 20), kpis=[{}])
    assert [list(day["days_breached"]) for day in (first, blind, again)] == [[1], [1], [2]]
    assert again.iloc[0]["breached_since"] == date(2026, 11, 18)


def test_a_day_on_which_it_holds_begins_the_count_anew():
    first = signals([cac(days=2)], as_of=date(2026, 11, 18), kpis=[{}])
    fine = signals([cac(days=2)], first, as_of=date(2026, 11, 19), kpis=[{"value": 1.0}])
    again = signals([cac(days=2)], fine, as_of=date(2026, 11, 20), kpis=[{}])
    assert (list(again["days_breached"]), list(again["is_raised"])) == ([1], [False])


def test_f176_a_red_alert_is_to_be_answered_within_two_hours():
    found = signals([cac(), cac(id="dearer", red=90.0)], kpis=[{}])
    assert found["response_hours"].to_dict() == {"dear/cac/total/(all)": 24, "dearer/cac/total/(all)": 2}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"id": "a"}, "watches nothing"),
        ({"id": "a", "kpi": "cac", "red": 1.0, "budget": "any"}, "watches kpi, budget"),
        ({"id": "a", "kpi": "cac"}, "has no limit"),
        ({"id": "a", "quality": "any", "red": 1.0}, "has limits of its own"),
        ({"id": "a", "kpi": "cac", "comparison": "above", "red": 1.0, "yellow": 2.0}, "red must be worse than yellow"),
        ({"id": "a", "kpi": "cac", "red": 1.0, "yellow": 3.0, "blue": 2.0}, "red must be worse than yellow"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: Mapping[str, Any], fault: str):
    with pytest.raises(ValueError, match=fault):
        AlertRule(**fields)


@given(st.floats(-1e6, 1e6), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3, unique=True), st.booleans())
def test_a_worse_value_never_has_a_milder_level(value: float, limits: list[float], is_above: bool):
    ordered = dict(zip(("red", "yellow", "blue"), sorted(limits, reverse=is_above), strict=True))
    comparison, step = ("above", 1.0) if is_above else ("below", -1.0)
    levels = ["red", "yellow", "blue", None]
    before, after = ((breached(v, ordered, comparison) or (None,))[0] for v in (value, value + step))
    assert levels.index(after) <= levels.index(before)
