"""Tiers: the score and its parts, what a re-rating decides, what stays frozen, and the history of it."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, holding, model, run_model

from assets.dws.tier_decisions import CLASSES, RULES, Standing, decide, parts, tier_decisions
from pipeline.plan import CutOffs, Plan, Segments, Strategic, Tiers, TierWeights
from pipeline.plan_tables import plan_tables
from pipeline.plan_tables.tiers import classes, rating_days

TIER, HISTORY = "dws.customer_tier", "dws.customer_tier_history"


def tiered(**changes: Any) -> Plan:
    return a_plan(segments=Segments(tiers=Tiers(**changes)))


def bought(customer: str, on: str, amount: float, recorded: str | None = None, **cells: Any) -> Row:
    at = {} if recorded is None else {"recorded_at": f"{recorded} 09:00"}
    return {"customer_id": customer, "ordered_at": f"{on} 10:00", "amount": amount, **at, **cells}


def tiers_of(orders: list[Row], customers: int = 1, **given_: Any) -> list[Row]:
    return run_model(TIER, {"customers": [{}] * customers, "orders": orders}, **given_)


def history(orders: list[Row], customers: int = 1, **given_: Any) -> list[Row]:
    return run_model(HISTORY, {"customers": [{}] * customers, "orders": orders}, **given_)


# --- the days of re-rating ---


@pytest.mark.parametrize(
    ("since", "until", "months", "days"),
    [
        pytest.param("2026-02-10", "2026-11-20", 3, ["2026-04-01", "2026-07-01", "2026-10-01"], id="quarters"),
        pytest.param("2026-10-01", "2026-10-01", 3, ["2026-10-01"], id="the-day-itself"),
        pytest.param("2026-10-02", "2026-12-31", 3, [], id="inside-one-quarter"),
        pytest.param("2025-12-31", "2026-07-01", 6, ["2026-01-01", "2026-07-01"], id="halves"),
        pytest.param("2024-06-01", "2026-06-30", 12, ["2025-01-01", "2026-01-01"], id="years"),
    ],
)
def test_re_ratings_fall_on_the_first_days_of_the_years_parts(since: str, until: str, months: int, days: list[str]):
    found = rating_days(date.fromisoformat(since), date.fromisoformat(until), months)
    assert [day.isoformat() for day in found] == days


# --- the score ---


def spend(*customers: tuple[int, int, int, int, bool]) -> pd.DataFrame:
    """Customers by their spend of the year, the year before, the later half, the earlier one, and if they are new."""
    columns = ["annual", "previous", "recent", "earlier", "is_new"]
    return pd.DataFrame(customers, columns=columns).assign(code=range(len(customers)))


def scored(frame: pd.DataFrame, column: str, listed: pd.DataFrame | None = None, **changes: Any) -> list[float]:
    return parts(frame, listed, Tiers(**changes), 0.7)[column].tolist()


def test_contribution_is_the_share_of_buyers_who_spent_as_much_or_less():
    frame = spend(*[(amount, 0, 0, 0, False) for amount in (10, 20, 20, 40, 0, -5)])
    assert scored(frame, "contribution_score") == [25, 75, 75, 100, 0, 0]


@pytest.mark.parametrize(
    ("recent", "earlier", "is_new", "score"),
    [
        pytest.param(50, 50, False, 50, id="as-much-as-before"),
        pytest.param(75, 25, False, 75, id="more"),
        pytest.param(0, 80, False, 0, id="stopped"),
        pytest.param(80, 0, False, 100, id="came-back"),
        pytest.param(-10, 80, False, 0, id="gave-back-more-than-bought"),
        pytest.param(80, 0, True, None, id="too-new-to-have-grown"),
        pytest.param(0, 0, False, None, id="spent-in-neither-half"),
    ],
)
def test_growth_is_the_later_halfs_share(recent: int, earlier: int, is_new: bool, score: float | None):
    [found] = scored(spend((100, 0, recent, earlier, is_new)), "growth_score")
    assert found == score if score is not None else np.isnan(found)


def test_class_a_is_strategic_and_the_customer_who_crosses_the_line_belongs_to_it():
    frame = spend(*[(amount, 0, 0, 0, False) for amount in (69, 21, 10, 0)])
    assert scored(frame, "strategic_score") == [100, 100, 0, 0]


def test_what_the_plan_declares_strategic_counts_beside_class_a_and_unknown_is_not_no():
    frame = spend(*[(amount, 0, 0, 0, False) for amount in (90, 5, 3, 2)])
    listed = pd.DataFrame({"code": [0, 1, 2], "is_listed": [False, True, False], "is_known": [True, True, True]})
    found = scored(frame, "strategic_score", listed, strategic=Strategic(grades=["S"]))
    assert found[:3] == [100, 100, 0]
    assert np.isnan(found[3])


def test_a_part_that_cannot_be_told_is_left_out_and_the_rest_brought_to_the_whole():
    frame = spend((100, 0, 60, 40, False), (100, 0, 100, 0, True))
    weights = TierWeights(contribution=0.5, strategic=0.25, growth=0.25)
    assert scored(frame, "score", weights=weights) == [0.5 * 100 + 0.25 * 100 + 0.25 * 60, 100]
    alone = scored(frame, "score", weights=TierWeights(contribution=0.0, strategic=0.0, growth=1.0))
    assert alone[0] == 60 and np.isnan(alone[1])


# --- what a re-rating decides ---

UNRATED_, BASE_, POTENTIAL_, VIP_ = range(4)


@pytest.mark.parametrize(
    ("rank", "score", "annual", "previous", "warnings", "decided"),
    [
        pytest.param(UNRATED_, 80, 100, 0, 0, ("entry", "vip"), id="first-at-the-vip-cut-off"),
        pytest.param(UNRATED_, 79.99, 100, 0, 0, ("entry", "potential"), id="first-below-it"),
        pytest.param(UNRATED_, 49.99, 100, 400, 0, ("entry", "base"), id="first-needs-no-rise"),
        pytest.param(UNRATED_, np.nan, 0, 0, 0, ("entry", "base"), id="first-without-a-score"),
        pytest.param(BASE_, 80, 130, 100, 0, ("upgrade", "vip"), id="score-met-and-risen-by-30-percent"),
        pytest.param(BASE_, 50, 130, 100, 0, ("upgrade", "potential"), id="to-the-tier-of-the-score"),
        pytest.param(BASE_, 99, 129, 100, 0, ("kept_no_rise", "base"), id="risen-by-29-percent"),
        pytest.param(BASE_, 49.99, 900, 100, 0, ("kept", "base"), id="risen-but-the-score-is-not-met"),
        pytest.param(BASE_, 80, 10, 0, 0, ("upgrade", "vip"), id="nothing-before-to-rise-from"),
        pytest.param(BASE_, 80, 0, 0, 0, ("kept_no_rise", "base"), id="nothing-at-all"),
        pytest.param(VIP_, 75, 10, 100, 0, ("kept_in_margin", "vip"), id="at-the-end-of-the-margin"),
        pytest.param(VIP_, 74.99, 71, 100, 0, ("kept_no_fall", "vip"), id="fallen-by-29-percent"),
        pytest.param(VIP_, 74.99, 70, 100, 0, ("warned", "vip"), id="fallen-by-30-percent-is-warned-first"),
        pytest.param(VIP_, 74.99, 70, 100, 1, ("downgrade", "potential"), id="warned-before"),
        pytest.param(VIP_, 10, 0, 0, 1, ("downgrade", "base"), id="spends-nothing-any-more"),
        pytest.param(VIP_, 10, 5, 0, 1, ("kept_no_fall", "vip"), id="no-year-before-to-fall-from"),
        pytest.param(VIP_, np.nan, 0, 0, 1, ("kept_in_margin", "vip"), id="nobody-falls-without-a-score"),
        pytest.param(POTENTIAL_, 44.99, 0, 100, 1, ("downgrade", "base"), id="from-potential"),
        pytest.param(BASE_, 0, 0, 100, 1, ("kept", "base"), id="nothing-below-base"),
    ],
)
def test_the_decision(rank: int, score: float, annual: int, previous: int, warnings: int, decided: tuple[str, str]):
    """I38: up from +30 %; down from -30 %, which is our assumption."""
    frame = spend((annual, previous, 0, 0, False)).assign(
        score=[float(score)], contribution_score=0.0, strategic_score=0.0, growth_score=0.0
    )
    standing = Standing(np.array([rank], dtype=np.int8), np.array([warnings]))
    [row] = decide(frame, standing, Tiers()).to_dict("records")
    assert (RULES[row["rule_id"]], CLASSES[row["class_id"]]) == decided
    assert row["warnings"] == (warnings + 1 if decided[0] == "warned" else 0)


@settings(max_examples=200, deadline=None)
@given(
    rank=st.integers(0, 3),
    scores=st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted),
    amounts=st.tuples(st.integers(-5, 200), st.integers(-5, 200)),
    warnings=st.integers(0, 2),
)
def test_a_higher_score_never_gives_a_lower_tier(rank: int, scores: list[int], amounts: tuple[int, int], warnings: int):
    frame = spend((*amounts, 0, 0, False), (*amounts, 0, 0, False)).assign(
        score=np.array(scores, dtype=float), contribution_score=0.0, strategic_score=0.0, growth_score=0.0
    )
    standing = Standing(np.array([rank] * 2, dtype=np.int8), np.array([warnings] * 2))
    lower, higher = decide(frame, standing, Tiers())["class_id"]
    assert 1 <= lower <= higher <= 3


@pytest.mark.parametrize(("downgrade", "rule"), [(-0.30, "warned"), (-0.50, "kept_no_fall")])
def test_how_far_spend_must_fall_is_for_the_plan_to_say(downgrade: float, rule: str):
    """I38: the documents say how far it must rise, and not how far it must fall."""
    frame = spend((70, 100, 0, 0, False)).assign(
        score=[10.0], contribution_score=0.0, strategic_score=0.0, growth_score=0.0
    )
    standing = Standing(np.array([VIP_], dtype=np.int8), np.array([0]))
    [row] = decide(frame, standing, Tiers(downgrade=downgrade)).to_dict("records")
    assert RULES[row["rule_id"]] == rule


@pytest.mark.parametrize(
    ("tiers", "told"),
    [
        pytest.param(Tiers(), "fell by at least 30% (assumed, the plan does not say).", id="assumed"),
        pytest.param(Tiers(downgrade=-0.30), "fell by at least 30%.", id="declared"),
        pytest.param(Tiers(downgrade=-0.45), "fell by at least 45%.", id="declared-otherwise"),
    ],
)
def test_i38_a_fall_that_is_assumed_is_told_to_be(tiers: Tiers, told: str):
    vip = next(row for row in classes(a_plan(segments=Segments(tiers=tiers))) if row["class_id"] == "vip")
    assert vip["definition_en"].endswith(told)
    assert ("系假设" in vip["definition_zh"]) == (tiers.downgrade is None)


# --- official and provisional ---

GROWN = [bought("C1", "2025-02-01", 100), bought("C1", "2025-08-01", 50), bought("C1", "2026-09-01", 500)]
PEERS = [bought(f"C{number}", day, 200) for number in (2, 3, 4) for day in ("2025-02-02", "2025-09-02", "2026-03-02")]


def test_the_tier_is_frozen_between_re_ratings_and_the_trial_follows_the_day():
    """I37: official by the quarter, provisional by the day."""
    orders = [*PEERS, bought("C1", "2026-01-01", 10), bought("C1", "2026-10-20", 900)]
    found = [tiers_of(orders[: len(orders) - (day < "2026-10-20")], 4, as_of=day)[0] for day in QUARTER]
    official = [[row[name] for name in ("class_id", "rule_id", "score", "rated_on", "sentence_en")] for row in found]
    assert official[1:] == official[:1] * 3
    assert len({row["provisional_score"] for row in found}) > 1


QUARTER = ("2026-10-01", "2026-10-19", "2026-10-20", "2026-12-31")


def test_a_re_rating_counts_what_was_ordered_before_its_day():
    orders = [bought("C1", "2025-09-30", 40), bought("C1", "2026-09-30", 60), bought("C1", "2026-10-01", 500)]
    [row] = tiers_of(orders, as_of="2026-10-01")
    assert "net spend in 12 months 60.00 CNY, up 50.0% from 40.00 CNY" in row["sentence_en"]
    assert (row["annual_amount"], row["previous_annual_amount"]) == (560, 40)


LATE = bought("C1", "2026-09-20", 9_000, recorded="2026-10-05")


@pytest.mark.parametrize(
    ("recorded", "score"),
    [
        pytest.param("2026-09-30", 100.0, id="entered-on-the-eve"),
        pytest.param("2026-10-01", 35.71, id="entered-on-the-day"),
        pytest.param(None, 100.0, id="not-said-so-on-the-day-of-the-order"),
    ],
)
def test_an_order_counts_where_the_source_had_it_by_then(recorded: str | None, score: float):
    orders = [
        bought("C1", "2026-09-01", 5),
        bought("C1", "2026-09-20", 995, recorded=recorded),
        bought("C2", "2026-09-01", 100),
    ]
    assert tiers_of(orders, 2)[0]["score"] == score


def test_a_late_order_moves_no_tier_that_was_frozen_but_counts_for_the_next():
    orders = [*PEERS, bought("C1", "2026-01-01", 10)]
    official = ("class_id", "valid_from", "score", "sentence_zh")
    before, after = (tiers_of(found, 4)[0] for found in (orders, [*orders, LATE]))
    assert [before[name] for name in official] == [after[name] for name in official]
    assert (before["provisional_class_id"], after["provisional_class_id"]) == ("base", "vip")
    assert tiers_of([*orders, LATE], 4, as_of="2027-01-01")[0]["class_id"] == "vip"


def test_another_customers_late_order_moves_nobody_either():
    before, after = (history(orders, 4) for orders in ([*PEERS, *GROWN], [*PEERS, *GROWN, LATE]))
    assert before == after


STOPPED = [
    bought("C1", "2024-08-01", 400),
    bought("C1", "2025-08-01", 500),
    *[
        bought(f"C{number}", f"{year}-{month}-02", 100)
        for number in (2, 3, 4)
        for year in (2025, 2026)
        for month in ("02", "05", "08", "11")
        if (year, month) != (2026, "11")
    ],
]


def test_who_falls_is_warned_a_quarter_before_the_tier_is_lost():
    days = ["2026-06-30", "2026-08-20", "2026-10-01", "2026-12-31", "2027-01-01"]
    found = [tiers_of(STOPPED, 4, as_of=day)[0] for day in days]
    assert [row["class_id"] for row in found] == ["vip", "vip", "vip", "vip", "base"]
    assert [row["is_downgrade_warned"] for row in found] == [False, True, True, True, False]
    assert found[2]["rule_id"] == "warned" and "应启动挽留方案" in found[2]["sentence_zh"]
    assert found[3]["provisional_rule_id"] == "downgrade"


def test_without_warnings_the_tier_is_lost_at_once():
    found = tiers_of(STOPPED, 4, as_of="2026-10-01", plan=tiered(warnings=0))
    assert (found[0]["class_id"], found[0]["rule_id"]) == ("base", "downgrade")


def test_the_plan_may_re_rate_at_other_times_and_from_a_later_day():
    halves = history(STOPPED, 4, plan=tiered(months=6))
    assert {row["valid_from"].month for row in halves} <= {1, 7}
    late = history(STOPPED, 4, plan=tiered(rated_since=date(2026, 1, 2)))
    assert min(row["valid_from"] for row in late) == date(2026, 4, 1)


def test_who_never_ordered_or_only_since_the_last_re_rating_has_no_tier_yet():
    rows = tiers_of([bought("C1", "2026-10-02", 10)], 2)
    assert [row["class_id"] for row in rows] == ["unrated", "unrated"]
    assert [row["rule_id"] for row in rows] == ["not_rated", "no_order"]
    assert (rows[0]["provisional_rule_id"], rows[1]["provisional_class_id"]) == ("entry", "unrated")
    assert rows[0]["sentence_zh"] == "上一个定级日还没有订单记录，将于 2027-01-01 首次定级。"
    assert (rows[1]["sentence_en"], rows[1]["provisional_score"]) == ("No order yet, so not rated.", None)


def test_what_is_missing_of_the_score_is_told():
    [row] = tiers_of([bought("C1", "2026-09-02", 10)])
    assert (row["missing_parts"], row["growth_score"]) == ("growth", None)
    assert "成长潜力无法判断，按其余部分计分" in row["provisional_sentence_zh"]
    assert "growth can't be told and is left out" in row["provisional_sentence_en"]


def test_the_reason_tells_the_customers_own_numbers_in_both_languages():
    moved = history([*PEERS, *GROWN], 4)[1]
    assert moved["sentence_zh"] == (
        "得分 100.00，近 12 个月净消费 500.00 元，比此前 12 个月的 150.00 元增长 233.3%，由“基础客户”升为“VIP 客户”。"
    )
    assert moved["sentence_en"] == (
        "Rated with score 100.00, net spend in 12 months 500.00 CNY, up 233.3% from 150.00 CNY: "
        'moved up from "Base" to "VIP".'
    )


def test_customers_who_did_the_same_have_the_same_tier():
    rows = tiers_of([*PEERS, *GROWN], 4)
    told = ("class_id", "score", "provisional_score", "sentence_zh", "provisional_sentence_en")
    assert len({tuple(row[name] for name in told) for row in rows[1:]}) == 1


def test_orders_of_merged_customers_count_together():
    orders = [bought("C1", "2026-08-01", 10), bought("C9", "2026-08-02", 30), bought("C2", "2026-08-03", 20)]
    links = [{"source_customer_id": "C9", "customer_id": "C1"}]
    rows = run_model(TIER, {"customers": [{}, {}], "orders": orders, "customer_links": links})
    assert [row["annual_amount"] for row in rows] == [40, 20]
    assert [row["contribution_score"] for row in rows] == [100, 50]


# --- declared grades ---


def test_a_declared_grade_counts_as_it_stood_when_the_tier_was_given():
    """The grade was given in November: the re-rating of October did not know it, the trial of the day does."""
    plan = tiered(strategic=Strategic(grades=["S"], class_a=False), weights=TierWeights(contribution=0.0, growth=0.0))
    orders = [bought("C1", "2026-08-01", 10)]
    tables = {"customers": [{"grade": "S"}], "orders": orders}
    kept = {date(2026, 9, 30): "kept.september", DAY: "dwd.customers"}
    with holding(["dws.sales", "dws.tier_decisions"], tables, plan, DAY) as session:
        session.keep("dws.sales", model("dws.sales").bound(as_of=DAY))
        session.hold("kept.september", customers_graded("B"))
        found = tier_decisions(session, plan, DAY, kept)
    scores = {row["is_official"]: (row["class_id"], row["strategic_score"]) for row in found.to_dict("records")}
    assert scores == {True: ("base", 0), False: ("vip", 100)}


def customers_graded(grade: str) -> pa.Table:
    return pa.table({"customer_id": ["C1"], "grade": [grade], "company_size": ["大型"], "industry": ["制造业"]})


# --- the plan ---


def test_the_tiers_are_told_with_their_limits():
    listed = plan_tables(a_plan(), DAY, additive=frozenset())["plan.segment_classes"].to_pylist()
    found = {row["segment"]: row["definition_en"] for row in listed if row["scheme"] == "tier"}
    assert list(found) == ["tier_vip", "tier_potential", "tier_base", "tier_unrated"]
    assert found["tier_vip"].startswith(
        "Rated at a score of 80 or more. Moves up only where net spend rose by at least 30%"
    )


def test_cut_offs_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="potential 80 must be less than vip 80"):
        CutOffs(potential=80.0)


def test_a_score_of_nothing_is_refused():
    with pytest.raises(ValueError, match="all weights are 0"):
        TierWeights(contribution=0.0, strategic=0.0, growth=0.0)


# --- what must hold of any company ---

ORDERS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(0, 900),
        st.integers(0, 60),
        st.integers(0, 40),
        st.sampled_from(["sale"] * 4 + ["refund"]),
    ),
    min_size=1,
    max_size=25,
)


def as_orders(events: list[tuple[int, int, int, int, str]]) -> list[Row]:
    return [
        bought(
            f"C{customer}",
            str(DAY - timedelta(days=back)),
            amount,
            recorded=str(DAY - timedelta(days=back - lag)),
            order_id=f"O{number:02}",
            kind=kind,
            refund_of="O00" if kind == "refund" else None,
        )
        for number, (customer, back, lag, amount, kind) in enumerate(events)
    ]


@settings(max_examples=12, deadline=None)
@given(events=ORDERS, data=st.data())
def test_history_has_no_gaps_and_no_overlaps_and_ends_with_the_tier_of_the_day(events: list[Any], data: st.DataObject):
    """I37: validity from day to day."""
    orders = as_orders(events)
    rows, now = history(orders, 4), tiers_of(orders, 4)
    for tier in now:
        own = [row for row in rows if row["customer_id"] == tier["customer_id"]]
        assert [row["valid_until"] for row in own[:-1]] == [row["valid_from"] for row in own[1:]]
        assert all(row["class_id"] != before["class_id"] for before, row in pairwise(own))
        if own:
            assert own[-1]["valid_until"] is None
            assert (own[-1]["class_id"], own[-1]["valid_from"]) == (tier["class_id"], tier["valid_from"])
        assert bool(own) == (tier["class_id"] != "unrated")
    shuffled = data.draw(st.permutations(orders))
    assert history(shuffled, 4) == rows and tiers_of(shuffled, 4) == now


@settings(max_examples=12, deadline=None)
@given(events=ORDERS, back=st.integers(1, 500))
def test_what_a_day_told_of_official_tiers_a_later_day_tells_too(events: list[Any], back: int):
    """The later day knows more orders, also late ones of days before; what was frozen stays as it was."""
    orders, earlier = as_orders(events), DAY - timedelta(days=back)
    known = [order for order in orders if order["recorded_at"] <= f"{earlier} 99"]
    then = history(known, 4, as_of=earlier)
    later = [
        row | {"valid_until": row["valid_until"] if row["valid_until"] and row["valid_until"] <= earlier else None}
        for row in history(orders, 4)
        if row["valid_from"] <= earlier
    ]
    assert later == then
