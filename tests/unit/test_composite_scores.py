"""One score out of many: weights that miss 100 %, parts that are missing, and what the choice of weights does."""

import json
from datetime import date
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from facts import CAMPAIGN, cost, evaluate, first_sale, lead, target, won_lead
from hypothesis import given
from hypothesis import strategies as st

from assets.ads.composite_scores import COMPOSITE_SCORES, NOT_SCORABLE, composite, composite_scores
from assets.ads.kpi_query import ALL, TOTAL, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from pipeline.plan import Campaign, Label, Model, Owners, Plan, Window

# S0 §3.2: 20/15/10/10/25/10/5, together 95 %
M2 = {
    "reached_leads": 0.20,
    "online_participants": 0.15,
    "first_touch_hours": 0.10,
    "sales_cycle_days": 0.10,
    "valid_lead_conversion_rate": 0.25,
    "high_value_customers": 0.10,
    "cac": 0.05,
}
# S0 §5.2: 20/15/10/10/15/15/10/5/5, together 105 %
M3 = {
    "new_customers": 0.20,
    "high_value_share": 0.15,
    "total_cost": 0.10,
    "cac": 0.10,
    "csat_mean": 0.15,
    "valid_lead_conversion_rate": 0.15,
    "visits": 0.10,
    "collaboration_score": 0.05,
    "revenue": 0.05,
}


def model(weights: dict[str, float], **fields: Any) -> Model:
    return Model(label=Label(zh="模型", en="Model"), weights=weights, **fields)


def plan(**models: Model) -> Plan:
    return Plan(
        campaign=Campaign(id="c", name=Label(zh="秋", en="C"), starts_on=date(2026, 9, 1), ends_on=date(2026, 11, 30)),
        baseline=Window(starts_on=date(2026, 6, 1), ends_on=date(2026, 8, 31)),
        timezone="Asia/Shanghai",
        currency="CNY",
        owners=Owners(data="data", campaign="marketing"),
        targets={},
        models=models,
    )


def part(kpi: str, score: float | None, **fields: Any) -> dict[str, Any]:
    """A row of `ads.kpi_values`: the campaign's total, final and with a target unless said otherwise."""
    kind, period, start, end = CAMPAIGN
    keys = {
        "period_kind": kind,
        "period": period,
        "period_start": start,
        "period_end": end,
        "dimension": TOTAL,
        "member": ALL,
    }
    told = {"value": 1.0, "target": 1.0, "state": "final", "reason": None, "is_official": True}
    told |= {"lower": None, "upper": None, "better": "higher", "is_comparable": True}
    told |= {"unit": "score", "denominator": 1.0, "floor": 0.0}
    return {"kpi": kpi, "score": score, **keys, **told, **fields}


def scored(*parts: dict[str, Any], **models: Model) -> pd.DataFrame:
    return composite_scores(pd.DataFrame(parts).astype({"score": float}), plan(**models))


def only(rows: pd.DataFrame) -> pd.Series:
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("weights", "total"), [pytest.param(M2, 0.95, id="95-percent"), pytest.param(M3, 1.05, id="105-percent")]
)
def test_weights_that_miss_100_percent_are_normalised(weights, total):
    """I01, I02: full marks are 100, half marks are 50, whatever the weights add up to."""
    assert sum(weights.values()) == pytest.approx(total)
    row = only(scored(*(part(kpi, 100) for kpi in weights), M2=model(weights)))
    assert row["score"] == pytest.approx(100)
    assert json.loads(row["raw_weights"]) == weights
    assert json.loads(row["effective_weights"]) == pytest.approx(
        {kpi: weight / total for kpi, weight in weights.items()}
    )


def test_the_residual_goes_to_the_part_the_plan_names():
    """I01: the 5 % the seven core indicators leave over belong to satisfaction."""
    residual = model(M2, policy="residual", residual_to="csat_mean")
    parts = [part(kpi, 100) for kpi in M2]
    row = only(scored(*parts, part("csat_mean", 0), M2=residual))
    assert row["score"] == pytest.approx(95)
    assert json.loads(row["effective_weights"])["csat_mean"] == pytest.approx(0.05)
    assert "csat_mean" not in json.loads(row["raw_weights"])


def test_strict_refuses_weights_that_miss_100_percent():
    with pytest.raises(ValueError, match="weights add up to 95% under policy strict"):
        model(M2, policy="strict")


def test_strict_takes_weights_of_exactly_100_percent():
    quarters = dict.fromkeys(["new_customers", "cac", "high_value_share", "collaboration_score"], 0.25)
    row = only(
        scored(
            *(part(kpi, score) for kpi, score in zip(quarters, (100, 50, 30, 20), strict=True)),
            M1=model(quarters, policy="strict"),
        )
    )
    assert (row["score"], row["policy"], row["is_official"]) == (50, "strict", True)


def test_a_missing_part_leaves_its_weight_to_the_others_and_is_listed_with_the_reason():
    parts = [
        part("new_customers", 80),
        part("cac", None, value=None, reason="denominator is 0"),
        part("nps", None, target=None),
        part("aov", None, reason="not scored: the target has no floor on its worse side"),
        part("cpl", None, target=None, is_comparable=False, reason="not held against the target for the whole"),
    ]
    weights = {"new_customers": 0.4, "cac": 0.2, "nps": 0.2, "aov": 0.05, "cpl": 0.05, "visits": 0.1}
    row = only(scored(*parts, M1=model(weights)))
    assert row["score"] == 80
    assert row["weight_available"] == pytest.approx(0.4)
    assert json.loads(row["effective_weights"]) == {"new_customers": 1.0}
    assert json.loads(row["missing_parts"]) == {
        "cac": "denominator is 0",
        "nps": "not scorable: there is no target for it",
        "aov": "not scored: the target has no floor on its worse side",
        "cpl": "not held against the target for the whole",
        "visits": "can't be had here",
    }
    assert (row["state"], row["reason"]) == (
        "provisional",
        "missing: cac, nps, aov, cpl, visits, so that the weights are new_customers 100.0%",
    )


def test_the_score_is_the_weighted_mean_of_the_parts():
    """I07: (80 x 0.60 + 20 x 0.35) / 0.95."""
    assert composite({"a": 80.0, "b": 20.0}, {"a": 0.60, "b": 0.35}).score == pytest.approx(55 / 0.95)


@given(
    st.lists(st.floats(0.05, 1), min_size=1, max_size=6),
    st.floats(0, 100, allow_nan=False),
)
def test_the_mean_of_equal_scores_is_that_score_to_the_last_digit(weights: list[float], score: float):
    """Not 99.99999999999999 where every part has 100."""
    named = {f"part_{number}": weight for number, weight in enumerate(weights)}
    found = composite(dict.fromkeys(named, score), named)
    assert (found.score, found.low, found.high) == (score, score, score)


def test_money_and_counts_meet_only_as_points_between_floor_and_target():
    """I06: 2 of 4 customers are 50 points, 2,250 a customer between 3,000 and 2,000 are 75."""
    values = evaluate(
        {"sales": [first_sale("a", 1), first_sale("b", 1)], "costs": [cost(4500)]},
        targets=[target("new_customers", 4), target("cac", 2000, floor=3000)],
    )
    row = only(composite_scores(values, plan(M1=model({"new_customers": 0.5, "cac": 0.5}))))
    assert row["score"] == pytest.approx(62.5)


@pytest.mark.parametrize(
    ("targets", "score", "weights", "missing"),
    [
        pytest.param([], 50, {"new_customers": 1.0}, {"total_cost": NOT_SCORABLE}, id="no-planned-cost"),
        pytest.param(
            [target("total_cost", 1000, floor=2000)], 55, {"new_customers": 0.9, "total_cost": 0.1}, {}, id="planned"
        ),
        pytest.param(
            [target("total_cost", 1000)],
            50,
            {"new_customers": 1.0},
            {"total_cost": "not scored: the target has no floor on its worse side"},
            id="no-worse-end",
        ),
    ],
)
def test_what_it_cost_is_scored_only_against_what_was_planned(targets, score, weights, missing):
    """I10: less is better; without a plan the 10 % go to the others, and that is told."""
    values = evaluate(
        {"sales": [first_sale("a", 1)], "costs": [cost(900)]}, targets=[target("new_customers", 2), *targets]
    )
    row = only(composite_scores(values, plan(M1=model({"new_customers": 0.9, "total_cost": 0.1}))))
    assert row["score"] == pytest.approx(score)
    assert json.loads(row["effective_weights"]) == pytest.approx(weights)
    assert json.loads(row["missing_parts"]) == missing


def test_without_any_part_there_is_no_score():
    row = only(
        scored(part("cac", None, value=None, state="withheld", reason="expenses: absent"), M1=model({"cac": 1.0}))
    )
    assert pd.isna(row["score"]) and pd.isna(row["score_low"]) and pd.isna(row["score_high"])
    assert (row["state"], row["weight_available"]) == ("withheld", 0)
    assert json.loads(row["missing_parts"]) == {"cac": "expenses: absent"}


def test_a_provisional_part_makes_the_score_provisional():
    row = only(scored(part("cac", 10, state="provisional"), part("aov", 20), M1=model({"cac": 0.5, "aov": 0.5})))
    assert (row["state"], row["reason"], row["score"]) == ("provisional", "provisional: cac", 15)


def test_a_part_without_weight_is_not_missed():
    row = only(scored(part("cac", 10), M1=model({"cac": 1.0, "nps": 0.0})))
    assert (row["state"], row["weight_available"]) == ("final", 1)


def test_each_weight_moved_by_a_fifth_shows_what_the_score_owes_to_it():
    """U06: of an even split, 0.4 to 0.5 is the least and 0.5 to 0.4 the most the better part can weigh."""
    result = composite({"a": 100.0, "b": 0.0}, {"a": 0.5, "b": 0.5})
    assert result.score == 50
    assert result.low == pytest.approx(100 * 0.4 / 0.9)
    assert result.high == pytest.approx(100 * 0.5 / 0.9)


def test_equal_parts_do_not_care_about_weights():
    result = composite({"a": 70.0, "b": 70.0}, {"a": 0.9, "b": 0.1})
    assert (result.low, result.score, result.high) == pytest.approx((70, 70, 70))


scores_and_weights = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.floats(0, 100), st.floats(0.01, 1)), min_size=1
)


@given(parts=scores_and_weights)
def test_a_score_lies_between_its_parts_and_inside_its_sensitivity(parts):
    scores = {name: score for name, (score, _) in parts.items()}
    result = composite(scores, {name: weight for name, (_, weight) in parts.items()})
    assert min(scores.values()) - 1e-9 <= result.score <= max(scores.values()) + 1e-9
    assert result.low <= result.score <= result.high
    assert sum(result.weights.values()) == pytest.approx(1)


@given(parts=scores_and_weights)
def test_rolling_up_by_dimension_gives_the_same_score_as_by_indicator(parts):
    """I05: a dimension weighs what its indicators weigh together."""
    scores = {name: score for name, (score, _) in parts.items()}
    weights = {name: weight for name, (_, weight) in parts.items()}
    groups = [[name for name in parts if name in letters] for letters in ("abc", "def")]
    rolled = [group for group in groups if group]
    group_scores = {str(n): composite(scores, {name: weights[name] for name in g}).score for n, g in enumerate(rolled)}
    group_weights = {str(n): sum(weights[name] for name in group) for n, group in enumerate(rolled)}
    assert composite(group_scores, group_weights).score == pytest.approx(composite(scores, weights).score)


def test_models_are_computed_side_by_side_and_one_is_official():
    """I04."""
    rows = scored(part("cac", 10), part("aov", 30), M1=model({"cac": 1.0}), M3=model({"aov": 1.0}))
    assert list(zip(rows["model"], rows["score"], rows["is_official"], strict=True)) == [
        ("M1", 10, True),
        ("M3", 30, False),
    ]


def test_days_baseline_channels_and_the_unknown_team_have_no_score():
    parts = [
        part("cac", 10),
        part("cac", 10, period_kind="month", period="2026-10"),
        part("cac", 10, period_kind="quarter", period="2026-Q4"),
        part("cac", 10, period_kind="day", period="2026-10-01"),
        part("cac", 10, period_kind="baseline", period="baseline"),
        part("cac", 10, dimension="team", member="A"),
        part("cac", 10, dimension="team", member=UNKNOWN),
        part("cac", 10, dimension="channel", member="expo"),
        part("cac", 99, is_official=False),
    ]
    rows = scored(*parts, M1=model({"cac": 1.0}))
    assert list(zip(rows["period"], rows["member"], strict=True)) == [
        ("campaign", "A"),
        ("campaign", ALL),
        ("2026-10", ALL),
        ("2026-Q4", ALL),
    ]


def test_a_team_is_scored_by_its_rates_and_told_what_is_left_out(tmp_path):
    facts = {
        "lead_journey": [won_lead(team_id="A"), lead(team_id="A")],
        "sales": [first_sale("a", 100, team_id="A")],
        "costs": [cost(2500, team_id="A")],
    }
    targets = [target("new_customers", 2), target("lead_conversion_rate", 1.0), target("cac", 2000, floor=3000)]
    KPI_VALUES.write(evaluate(facts, targets=targets), tmp_path / "values.parquet")
    values = pq.read_table(tmp_path / "values.parquet").to_pandas(date_as_object=False)
    weights = {"new_customers": 0.5, "lead_conversion_rate": 0.25, "cac": 0.25}
    rows = composite_scores(values, plan(M1=model(weights)))
    team = only(rows.loc[rows["dimension"] == "team"])
    assert (team["member"], team["score"]) == ("A", pytest.approx(50))
    assert json.loads(team["missing_parts"]) == {"new_customers": NOT_SCORABLE}
    assert only(rows.loc[rows["dimension"] == TOTAL])["state"] == "final"
    assert COMPOSITE_SCORES.write(rows, tmp_path / "composite.parquet") == 2


def test_f118_a_team_with_a_part_of_the_whole_is_scored_by_it_as_sure_as_its_count_is():
    """2 of 4, and 10 of 10: by a count of 2 the team could be anywhere from 0.24 to 7.22 (Garwood)."""
    sales = [first_sale(f"{team}{n}", 100, team_id=team) for team, won in (("A", 2), ("B", 10)) for n in range(won)]
    targets = [
        target("new_customers", 14),
        *(target("new_customers", to, of=("team", t)) for t, to in (("A", 4), ("B", 10))),
    ]
    rows = composite_scores(evaluate({"sales": sales}, targets=targets), plan(M1=model({"new_customers": 1.0})))
    teams = rows.loc[rows["dimension"] == "team"].set_index("member")
    assert teams["score"].to_dict() == {"A": 50, "B": 100}
    assert (teams.at["A", "lower"], teams.at["A", "upper"]) == pytest.approx((100 * 0.2422 / 4, 100), abs=0.01)
    assert teams["rank_reason"].tolist() == ["the intervals touch: nobody is ranked before another"] * 2


def test_spend_without_a_single_customer_does_not_lift_the_score():
    """U11: what could not be divided is missing, not excellent."""
    values = evaluate(
        {"lead_journey": [lead()], "costs": [cost(50_000)]},
        targets=[target("new_customers", 10), target("cac", 2000, floor=3000)],
    )
    row = only(composite_scores(values, plan(M1=model({"new_customers": 0.5, "cac": 0.5}))))
    assert row["score"] == 0
    assert json.loads(row["missing_parts"]) == {"cac": "denominator is 0"}


def test_a_plan_without_models_has_no_rows(tmp_path):
    rows = scored(part("cac", 10))
    assert list(rows.columns) == list(COMPOSITE_SCORES.columns)
    assert COMPOSITE_SCORES.write(rows, tmp_path / "none.parquet") == 0
