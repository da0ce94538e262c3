"""RFM scores by ranks and by cuts, and the classes they make: small companies that can be scored by eye."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, run_model

from pipeline.errors import ConfigurationError
from pipeline.plan import Label, Plan, Rfm, RfmScores, ScoreClass, Segments
from pipeline.plan_tables import plan_tables

METHODS = ("ranks", "cuts")
WORDS = Label(zh="词", en="Word")

Bought = tuple[int, int, int]
"""Days since the last order, orders, what they come to."""


def scoring(method: str = "ranks", **changes: Any) -> Plan:
    return a_plan(segments=Segments(rfm=Rfm(scores=RfmScores(method=method), **changes)))


def company(bought: list[Bought]) -> dict[str, list[Row]]:
    """One customer per (days, orders, amount); the orders are all of the same day."""
    orders = [
        {
            "customer_id": f"C{number:03}",
            "order_id": f"C{number:03}-{count}",
            "ordered_at": f"{DAY - timedelta(days=days)} 12:00",
            "amount": amount if count == 0 else 0,
        }
        for number, (days, times, amount) in enumerate(bought)
        for count in range(times)
    ]
    return {"customers": [{"customer_id": f"C{number:03}"} for number, _ in enumerate(bought)], "orders": orders}


def scored(bought: list[Bought], plan: Plan) -> list[Row]:
    return run_model("dws.customer_rfm", company(bought), plan=plan)


def scores(bought: list[Bought], plan: Plan, measure: str) -> list[int]:
    return [row[f"{measure}_score"] for row in scored(bought, plan)]


# --- cuts: 1 + the number of linear quantiles, each plus 1, that a value reaches ---

FREQUENCIES = [(5, times, 10) for times in (1, 2, 3, 4, 5, 6)]


def test_a_cut_is_a_fifth_of_the_way_plus_one():
    """The quantiles of 1 to 6 are 2, 3, 4 and 5, the cuts 3, 4, 5 and 6."""
    assert scores(FREQUENCIES, scoring("cuts"), "f") == [1, 1, 2, 3, 4, 5]
    assert scores(FREQUENCIES, scoring("ranks"), "f") == [1, 2, 3, 4, 5, 5]


def test_cuts_turn_recency_round():
    days = [(days, 1, 10) for days in (10, 20, 30, 40, 50, 60)]
    assert scores(days, scoring("cuts"), "r") == [5, 5, 4, 3, 2, 1]
    assert scores(days, scoring("ranks"), "r") == [5, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(("middle", "score"), [pytest.param(15, 3, id="on-the-cut"), pytest.param(14, 2, id="below")])
def test_a_quantile_between_two_values_is_interpolated(middle: int, score: int):
    """Two fifths of the values 10, 15, 110 are 14, four fifths of the way to the middle: the cut is 15."""
    assert scores([(5, 1, 10), (5, 1, middle), (5, 1, 110)], scoring("cuts"), "m") == [1, score, 5]


@pytest.mark.parametrize("method", METHODS)
def test_who_never_ordered_has_no_scores_and_moves_nobodys(method: str):
    with_others = scored([(5, 1, 10), (400, 0, 0), (9, 2, 50), (300, 0, 0)], scoring(method))
    alone = scored([(5, 1, 10), (9, 2, 50)], scoring(method))
    wanted = ("r_score", "f_score", "m_score", "score_class_id")
    assert [[row[name] for name in wanted] for row in with_others[::2]] == [
        [row[name] for name in wanted] for row in alone
    ]
    assert [with_others[1][name] for name in wanted] == [None, None, None, "no_order"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("recent", [1, 3, 9, 15, 19])
def test_three_day_buyers_never_score_below_those_of_400_days_however_many_tie(method: str, recent: int):
    """A toolkit we know gave the former 2 and the latter 4, because it broke ties the wrong way round."""
    found = scores([(3, 1, 10)] * recent + [(400, 1, 10)] * (20 - recent), scoring(method), "r")
    assert len(set(found[:recent])) == len(set(found[recent:])) == 1
    assert found[0] >= found[-1]
    assert found[0] > found[-1] or min(recent, 20 - recent) < 4


def test_scores_look_at_the_windows_of_their_measures():
    plan = scoring(window_months=12)
    inside, outside = (DAY - date(2025, 11, 21)).days, (DAY - date(2025, 11, 20)).days
    rows = scored([(inside, 3, 90), (outside, 4, 95)], plan)
    assert [(row["frequency"], row["monetary_amount"]) for row in rows] == [(3, 90), (0, 0)]
    assert [(row["r_score"], row["f_score"], row["m_score"]) for row in rows] == [(5, 5, 5), (1, 1, 1)]


# --- classes by scores ---


def test_the_first_class_whose_scores_hold_counts():
    classes = [
        ScoreClass(id="any_recent", label=WORDS, r=[5, 5]),
        ScoreClass(id="rich", label=WORDS, m=[4, 5]),
    ]
    bought = [(1, 1, 90), (200, 1, 95), (300, 1, 5)]
    rows = scored(bought, scoring(score_classes=classes))
    assert [row["score_class_id"] for row in rows] == ["any_recent", "rich", "other"]
    turned = scored(bought, scoring(score_classes=classes[::-1]))
    assert [row["score_class_id"] for row in turned] == ["any_recent", "rich", "other"]


def test_the_order_of_the_classes_decides_where_both_hold():
    one, other = ScoreClass(id="one", label=WORDS, r=[1, 5]), ScoreClass(id="other_one", label=WORDS, m=[1, 5])
    for classes in ([one, other], [other, one]):
        [row] = scored([(1, 1, 90)], scoring(score_classes=classes))
        assert row["score_class_id"] == classes[0].id


def test_both_ends_of_a_range_are_included():
    middle = ScoreClass(id="middle", label=WORDS, f=[2, 4])
    rows = scored(FREQUENCIES, scoring(score_classes=[middle]))
    assert [(row["f_score"], row["score_class_id"]) for row in rows] == [
        (1, "other"),
        (2, "middle"),
        (3, "middle"),
        (4, "middle"),
        (5, "other"),
        (5, "other"),
    ]


def test_the_class_by_scores_has_its_name_in_both_languages():
    rows = scored([(1, 9, 900), (400, 1, 1), (500, 0, 0)], scoring())
    assert [(row["score_label_zh"], row["score_label_en"]) for row in rows] == [
        ("冠军客户", "Champions"),
        ("已流失客户", "Lost"),
        ("未下单客户", "No order yet"),
    ]


def classes_by_score(plan: Plan) -> list[Row]:
    listed = plan_tables(plan, DAY, additive=frozenset())["plan.segment_classes"].to_pylist()
    return [row for row in listed if row["scheme"] == "rfm_score"]


def test_every_class_by_scores_is_told_with_its_limits():
    found = {row["segment"]: (row["definition_zh"], row["definition_en"]) for row in classes_by_score(scoring())}
    assert len(found) == 12
    assert found["score_champions"] == ("R 得分 5，F 得分 5，M 得分 5。", "R score 5, F score 5, M score 5.")
    assert found["score_lost"] == ("R 得分 1。", "R score 1.")
    assert found["score_other"][1] == "Has scores that fit none of the classes above."


@pytest.mark.parametrize("taken", ["other", "no_order"])
def test_a_class_by_scores_may_not_take_a_name_of_ours(taken: str):
    with pytest.raises(ConfigurationError, match=f"score_classes: the ids {taken} are Tuoke's own"):
        classes_by_score(scoring(score_classes=[ScoreClass(id=taken, label=WORDS)]))


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(ValueError, match=r"\[5, 4\] goes from the higher score to the lower"):
        ScoreClass(id="one", label=WORDS, r=[5, 4])


def test_two_classes_by_scores_may_not_share_an_id():
    with pytest.raises(ValueError, match="used twice"):
        Rfm(score_classes=[ScoreClass(id="one", label=WORDS)] * 2)


# --- what must hold of any company ---

COMPANIES = st.lists(
    st.tuples(st.sampled_from([0, 1, 3, 3, 29, 364, 400]), st.integers(0, 5), st.integers(0, 40)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(bought=COMPANIES, method=st.sampled_from(METHODS), data=st.data())
def test_scores_are_total_monotone_and_blind_to_the_order_of_rows(
    bought: list[Bought], method: str, data: st.DataObject
):
    plan = scoring(method)
    rows = scored(bought, plan)
    buyers = [row for row in rows if row["last_ordered_on"] is not None]
    for measure, value, sign in (("r", "recency_days", -1), ("f", "frequency", 1), ("m", "monetary_amount", 1)):
        assert {row[f"{measure}_score"] for row in buyers} <= {1, 2, 3, 4, 5}
        given_scores = sorted((sign * row[value], row[f"{measure}_score"]) for row in buyers)
        assert [score for _, score in given_scores] == sorted(score for _, score in given_scores)
        assert len(set(given_scores)) == len({value for value, _ in given_scores})
    tables = company(bought)
    shuffled = {name: data.draw(st.permutations(found)) for name, found in tables.items()}
    assert run_model("dws.customer_rfm", shuffled, plan=plan) == rows


@settings(max_examples=25, deadline=None)
@given(bought=COMPANIES, method=st.sampled_from(METHODS), ranges=st.lists(st.tuples(*[st.integers(1, 5)] * 6)))
def test_every_customer_has_one_class_by_scores_and_the_shares_add_up_to_one(
    bought: list[Bought], method: str, ranges: list[tuple[int, ...]]
):
    classes = [
        ScoreClass(id=f"class_{number}", label=WORDS, r=sorted(six[:2]), f=sorted(six[2:4]), m=sorted(six[4:]))
        for number, six in enumerate(ranges)
    ]
    plan = scoring(method, score_classes=classes)
    rows = scored(bought, plan)
    counts = Counter(row["score_class_id"] for row in rows)
    listed = [row["class_id"] for row in classes_by_score(plan)]
    assert sum(counts[class_id] for class_id in listed) == len(rows) == len(bought)
    assert sum(counts[class_id] / len(rows) for class_id in listed) == pytest.approx(1)
    for row in rows:
        assert row["score_class_id"] == expected(row, classes)


def expected(row: Row, classes: list[ScoreClass]) -> str:
    """The class by a second reading of the ranges."""
    if row["last_ordered_on"] is None:
        return "no_order"
    for one in classes:
        ranges = {"r": one.r, "f": one.f, "m": one.m}
        if all(least <= row[f"{measure}_score"] <= most for measure, (least, most) in ranges.items()):
            return one.id
    return "other"
