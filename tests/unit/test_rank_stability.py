"""Ranks by a weighted score (I05, U06, U19): who is before whom, and which weight, moved by a fifth, changes it."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.ads.composite_scores import composite, composite_scores
from assets.ads.rank_stability import rank_stability, weight_moves
from pipeline.plan import Campaign, Label, Model, Owners, Plan, Window

EVEN = {"cac": 0.5, "nps": 0.5}


def ranked(
    scores: dict[str, dict[str, float]], weights: dict[str, float], spread: float = 0, groups: dict | None = None
) -> pd.DataFrame:
    """Members by their scores, each as sure as the spread says."""
    table = pd.DataFrame.from_dict(scores, orient="index")
    return rank_stability(table, table - spread, table + spread, weights, groups or {})


def test_a_lead_in_all_parts_is_stable_whatever_the_weights():
    told = ranked({"A": {"cac": 90, "nps": 80}, "B": {"cac": 70, "nps": 60}}, EVEN)
    assert told["rank_group"].tolist() == [1, 2]
    assert told["is_rank_stable"].tolist() == [True, True]
    assert told["rank_kept_share"].tolist() == [1, 1]
    assert told["rank_moved_by"].tolist() == ["{}", "{}"]


def test_the_move_that_turns_two_around_is_named_with_the_rank_it_gives():
    """A leads by 76 to 74. With cac at 0.4 of 0.9 it is 73.3 to 76.7, with nps at 0.6 of 1.1 it is 73.6 to 76.4."""
    told = ranked({"A": {"cac": 100, "nps": 52}, "B": {"cac": 50, "nps": 98}}, EVEN)
    assert told["rank_group"].tolist() == [1, 2]
    assert json.loads(told.at["A", "rank_moved_by"]) == {"cac -20 %": 2, "nps +20 %": 2}
    assert json.loads(told.at["B", "rank_moved_by"]) == {"cac -20 %": 1, "nps +20 %": 1}
    assert told["rank_kept_share"].tolist() == [0.5, 0.5]
    assert (told.at["A", "rank_group_best"], told.at["A", "rank_group_worst"]) == (1, 2)
    assert told["is_rank_stable"].tolist() == [False, False]


def test_who_is_far_behind_keeps_the_last_rank_while_those_before_change_theirs():
    scores = {"A": {"cac": 100, "nps": 52}, "B": {"cac": 50, "nps": 98}, "C": {"cac": 10, "nps": 10}}
    told = ranked(scores, EVEN)
    assert told["is_rank_stable"].tolist() == [False, False, True]


def test_nobody_is_ranked_where_the_intervals_touch_and_no_rank_is_called_stable():
    """U19: 76 ± 5 and 74 ± 5 can't be told apart."""
    told = ranked({"A": {"cac": 100, "nps": 52}, "B": {"cac": 50, "nps": 98}}, EVEN, spread=5)
    assert told["rank_group"].tolist() == [1, 1]
    assert told[["rank_group_best", "rank_kept_share", "rank_moved_by", "is_rank_stable"]].isna().all(axis=None)
    assert set(told["rank_reason"]) == {"the intervals touch: nobody is ranked before another"}


def test_the_interval_of_a_score_is_as_wide_as_if_its_parts_were_off_together():
    told = ranked({"A": {"cac": 80, "nps": 40}, "B": {"cac": 10, "nps": 10}}, {"cac": 0.75, "nps": 0.25}, spread=4)
    assert (told.at["A", "lower"], told.at["A", "upper"]) == (66, 74)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=6))
def test_the_upper_end_of_a_score_of_hundreds_is_a_hundred_to_the_last_digit(weights: list[float]):
    parts = [f"part_{number}" for number in range(len(weights))]
    best = pd.DataFrame(100.0, index=["T05", "T06"], columns=parts)
    found = rank_stability(best, best - 1, best, dict(zip(parts, weights, strict=True)), {})
    assert found["upper"].tolist() == [100.0, 100.0]
    assert found["lower"].tolist() == [99.0, 99.0]


def test_who_lacks_a_part_that_others_have_is_not_compared_with_them():
    told = ranked({"A": {"cac": 90, "nps": np.nan}, "B": {"cac": 70, "nps": 60}, "C": {"cac": 10, "nps": 10}}, EVEN)
    assert told["rank_group"].isna().tolist() == [True, False, False]
    assert told.at["A", "rank_reason"] == "has no score for nps, which others have"
    assert pd.isna(told.at["A", "is_rank_stable"]) and told.at["B", "is_rank_stable"]


def test_a_part_nobody_has_is_left_out_for_all():
    told = ranked({"A": {"cac": 90, "nps": np.nan}, "B": {"cac": 70, "nps": np.nan}}, EVEN)
    assert told["rank_group"].tolist() == [1, 2]


def test_without_an_interval_there_is_no_rank():
    table = pd.DataFrame({"cac": [90.0, 70.0]}, index=["A", "B"])
    told = rank_stability(table, table.where(table > 80), table, {"cac": 1.0}, {})
    assert told["rank_group"].isna().tolist() == [False, True]
    assert told.at["B", "rank_reason"] == "no interval for cac"


def test_a_dimension_is_moved_with_all_its_parts():
    """I05: alone neither part of the results turns the two around, together they do."""
    weights = {"cac": 0.25, "aov": 0.25, "nps": 0.5}
    scores = {"A": {"cac": 96, "aov": 96, "nps": 40}, "B": {"cac": 40, "aov": 40, "nps": 90}}
    alone, together = ranked(scores, weights), ranked(scores, weights, groups={"results": ["cac", "aov"]})
    assert json.loads(alone.at["A", "rank_moved_by"]) == {"nps +20 %": 2}
    assert json.loads(together.at["A", "rank_moved_by"]) == {"nps +20 %": 2, "results -20 %": 2}


def test_a_dimension_of_all_parts_moves_nothing():
    result = composite({"a": 100.0, "b": 0.0}, {"a": 0.5, "b": 0.5}, {"all": ["a", "b"]})
    alone = composite({"a": 100.0, "b": 0.0}, {"a": 0.5, "b": 0.5})
    assert (result.low, result.high) == (alone.low, alone.high)


def test_the_sensitivity_of_a_score_counts_dimensions():
    """U06: the main half at 0.4 of 0.9 is less than any of its two parts can take away alone."""
    weights, scores = {"a": 0.25, "b": 0.25, "c": 0.5}, {"a": 100.0, "b": 100.0, "c": 0.0}
    assert composite(scores, weights, {"main": ["a", "b"]}).low == pytest.approx(100 * 0.4 / 0.9)
    assert composite(scores, weights).low == pytest.approx(100 * 0.5 / 1.1)


parts = st.sampled_from(["cac", "aov", "nps", "csat"])
tables = st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 100), min_size=2)


@settings(deadline=None, max_examples=50)
@given(members=tables, level=st.integers(0, 100), weights=st.dictionaries(parts, st.floats(0.05, 1), min_size=2))
def test_no_weight_has_sway_where_all_are_equal_in_all_parts_but_one(members, level, weights):
    """Whatever a weight is, it multiplies the same difference."""
    telling, *others = sorted(weights)
    scores = {name: {telling: float(score)} | dict.fromkeys(others, float(level)) for name, score in members.items()}
    told = ranked(scores, weights, groups={"main": sorted(weights)[:2]})
    assert told["is_rank_stable"].dropna().all()
    by_score = pd.Series(members).rank(method="dense", ascending=False)
    assert told["rank_group"].tolist() == by_score.loc[told.index].tolist()


@settings(deadline=None, max_examples=50)
@given(
    members=st.dictionaries(st.sampled_from("ABCDE"), st.tuples(*[st.integers(0, 100)] * 3), min_size=2),
    spread=st.integers(0, 20),
)
def test_what_is_told_of_ranks_agrees_with_itself_and_with_any_order_of_rows(members, spread):
    names = ["cac", "nps", "csat"]
    weights = dict(zip(names, (0.5, 0.3, 0.2), strict=True))
    scores = {name: dict(zip(names, map(float, values), strict=True)) for name, values in members.items()}
    told = ranked(scores, weights, spread)
    turned = ranked(dict(reversed(scores.items())), weights, spread)
    pd.testing.assert_frame_equal(turned.loc[told.index], told)
    is_told = told["is_rank_stable"].notna()
    assert is_told.all() or not is_told.any()
    for _, row in told.loc[is_told].iterrows():
        assert row["rank_group_best"] <= row["rank_group"] <= row["rank_group_worst"]
        assert row["is_rank_stable"] == (row["rank_kept_share"] == 1) == (row["rank_moved_by"] == "{}")
        moved = len(json.loads(row["rank_moved_by"]))
        assert moved == round((1 - row["rank_kept_share"]) * len(list(weight_moves(weights, {}))))


# --- in the table -----------------------------------------------------------------------------------------------------


def team(name: str, kpi: str, value: float, half: float, target: float, better: str = "higher") -> dict:
    """A team's row of `ads.kpi_values`, with the score that goes from 0 at the floor to 100 at the target."""
    floor = 0.0 if better == "higher" else 3000.0
    score = min(max(100 * (value - floor) / (target - floor), 0), 100)
    keys = {"period_kind": "campaign", "period": "campaign", "dimension": "team", "member": name}
    days = {"period_start": date(2026, 9, 1), "period_end": date(2026, 11, 21)}
    told = {"state": "final", "reason": None, "is_official": True, "better": better}
    figures = {"value": value, "lower": value - half, "upper": value + half, "target": target, "score": score}
    figures |= {"unit": "score", "denominator": 1.0, "floor": floor}
    return {"kpi": kpi} | keys | days | told | figures


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


def test_teams_are_ranked_by_the_scores_of_the_ends_of_their_intervals():
    """CAC of 2,200 ± 100 scores 80, 70 to 90; of 2,700 ± 100 it scores 30, 20 to 40. NPS is 25 ± 5 of 50 for both."""
    rows = [
        team("A", "cac", 2200, 100, 2000, "lower"),
        team("B", "cac", 2700, 100, 2000, "lower"),
        team("A", "nps", 25, 5, 50),
        team("B", "nps", 25, 5, 50),
    ]
    model = Model(label=Label(zh="模型", en="Model"), weights=EVEN)
    told = composite_scores(pd.DataFrame(rows), plan(M1=model)).set_index("member")
    assert told["score"].to_dict() == pytest.approx({"A": 65, "B": 40})
    assert (told.at["A", "lower"], told.at["A", "upper"]) == pytest.approx((55, 75))
    assert (told.at["B", "lower"], told.at["B", "upper"]) == pytest.approx((30, 50))
    assert told["rank_group"].to_dict() == {"A": 1, "B": 2}
    assert told["is_rank_stable"].tolist() == [True, True]


def test_what_lies_behind_floor_and_target_scores_no_more():
    rows = [team("A", "cac", 2050, 100, 2000, "lower"), team("B", "cac", 2950, 100, 2000, "lower")]
    model = Model(label=Label(zh="模型", en="Model"), weights={"cac": 1.0})
    told = composite_scores(pd.DataFrame(rows), plan(M1=model)).set_index("member")
    assert told[["lower", "upper"]].to_dict("index") == {
        "A": pytest.approx({"lower": 85, "upper": 100}),
        "B": pytest.approx({"lower": 0, "upper": 15}),
    }


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        pytest.param({"main": ["cac", "aov"]}, "groups name aov, which the model gives no weight", id="without-weight"),
        pytest.param({"main": ["cac"], "other": ["cac"]}, "groups name cac twice", id="twice"),
        pytest.param({"cac": ["nps"]}, "groups are called cac, as a part is", id="called-as-a-part"),
    ],
)
def test_a_plan_whose_dimensions_do_not_fit_its_weights_is_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        Model(label=Label(zh="模型", en="Model"), weights=EVEN, groups=groups)
