"""Personas: groups nobody defined, the same from day to day, and told in words."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import a_plan
from personas import FEATURES, customers, nobody
from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from assets.dws.personas import Before, find
from assets.dws.personas.features import Scale, points
from assets.dws.personas.finding import NONE, Found
from assets.dws.personas.fits import ISSUED, fits
from assets.dws.personas.groups import best_number, group, same_groups, silhouette
from assets.dws.personas.tables import CUSTOMER_PERSONA, PERSONAS, customer_persona, personas
from pipeline.plan import Personas, Plan, Segments

FIRST = Before.nothing()


def plan_with(**changes: object) -> Plan:
    return a_plan(segments=Segments(personas=Personas(**changes)))


def found_in(table: pd.DataFrame, before: Before = FIRST, **changes: object) -> Found:
    ordered = table.sort_values("customer_id", ignore_index=True)
    return find(ordered[ordered["has_ordered"]].reset_index(drop=True), Personas(**changes), before)


def rows(table: pd.DataFrame, before: Before = FIRST, **changes: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables of a run: each customer's persona by customer_id, and the personas by class_id."""
    ordered = table.sort_values("customer_id", ignore_index=True)
    found, plan = found_in(table, before, **changes), plan_with(**changes)
    members = customer_persona(ordered, found, before, plan)
    return members.set_index("customer_id"), personas(ordered, found, before, plan).set_index("class_id")


def as_before(table: pd.DataFrame, **changes: object) -> Before:
    """The run of a table, as the next day sees it."""
    members, found = rows(table, **changes)
    centres = found.drop(NONE).reset_index().astype(dict.fromkeys(FEATURES, float))
    issued = max(int(class_id.split("_")[1]) for class_id in centres["class_id"])
    return Before(centres[["class_id", *FEATURES]], members["class_id"], issued)


# --- groups ---


def test_the_four_kinds_of_customers_are_found():
    table = customers()
    members, found = rows(table)
    by_kind = table.set_index("customer_id")["kind_of_customer"]
    assert len(found) == 4 + 1
    assert members["class_id"].groupby(by_kind).nunique().tolist() == [1, 1, 1, 1]


def test_every_customer_is_in_one_persona_or_told_why_not():
    table = pd.concat([customers(), nobody("C99999")])
    members, found = rows(table)
    assert sorted(members.index) == sorted(table["customer_id"])
    assert members.loc["C99999", ["class_id", "rule_id"]].tolist() == [NONE, "no_order"]
    assert (members.loc["C99999", "sentence_zh"], members.loc["C99999", "sentence_en"]) == (
        "尚未下单，不参与分群。",
        "No order yet, so in no group.",
    )
    assert found["customers"].sum() == len(table)
    assert found["customer_share"].sum() == pytest.approx(1)


def test_the_order_of_the_rows_changes_nothing():
    table = customers()
    one, other = rows(table), rows(table.sample(frac=1, random_state=3))
    for mine, theirs in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(mine.sort_index(), theirs.sort_index(), check_exact=True)


@pytest.mark.parametrize("sample", [pytest.param(20_000, id="all-at-once"), pytest.param(1_000, id="by-a-sample")])
def test_the_number_of_threads_changes_nothing(sample: int):
    table = customers(each=1_500)
    runs = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            runs.append(found_in(table, fit_sample=sample, silhouette_sample=500))
    one, other = runs
    assert one.groups.centres.tobytes() == other.groups.centres.tobytes()
    assert one.groups.members.tobytes() == other.groups.members.tobytes()
    assert (one.groups.inertia, one.silhouettes) == (other.groups.inertia, other.silhouettes)


def test_groups_sought_among_some_are_fitted_to_all():
    table = customers(each=1_500)
    whole, sampled = found_in(table), found_in(table, fit_sample=1_000, silhouette_sample=500)
    assert sampled.groups.inertia == pytest.approx(whole.groups.inertia, rel=1e-9)
    assert len(sampled.groups.members) == len(table)


@settings(max_examples=10, deadline=None)
@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_a_little_noise_moves_hardly_anybody(seed: int):
    table = customers(seed=11)
    chance = np.random.default_rng(seed)
    noisy = table.assign(**{name: table[name] * chance.normal(1, 0.01, len(table)) for name in FEATURES})
    before = as_before(table)
    members, _ = rows(noisy, before)
    assert (members["class_id"] == before.members).mean() >= 0.95
    assert members["has_moved"].mean() <= 0.05


@settings(max_examples=25, deadline=None)
@given(st.integers(min_value=0, max_value=2**32 - 1), st.integers(min_value=2, max_value=5))
def test_nobody_is_nearer_to_another_group(seed: int, number: int):
    cloud = np.random.default_rng(seed).normal(size=(60, 3))
    found = group(cloud, number, starts=3, seed=1)
    apart = ((cloud[:, None, :] - found.centres[None, :, :]) ** 2).sum(axis=2)
    assert (apart[np.arange(60), found.members] <= apart.min(axis=1) + 1e-9).all()
    assert found.inertia == pytest.approx(apart.min(axis=1).sum())
    assert -1 <= silhouette(cloud, found.members) <= 1


def test_one_group_is_no_division():
    cloud = np.random.default_rng(1).normal(size=(20, 2))
    assert silhouette(cloud, np.zeros(20)) == -1
    assert silhouette(cloud, np.arange(20)) == -1


@pytest.mark.parametrize(
    ("silhouettes", "before", "chosen"),
    [
        pytest.param({3: 0.30, 4: 0.40, 5: 0.35}, None, 4, id="the-highest"),
        pytest.param({3: 0.40, 4: 0.40}, None, 3, id="of-equal-ones-the-smallest"),
        pytest.param({3: 0.40, 4: 0.41}, 3, 3, id="the-number-of-before-stays"),
        pytest.param({3: 0.40, 4: 0.42}, 3, 3, id="exactly-five-percent-is-not-better"),
        pytest.param({3: 0.40, 4: 0.43}, 3, 4, id="unless-another-is-clearly-better"),
        pytest.param({3: 0.40, 4: 0.41}, 7, 4, id="a-number-out-of-bounds-is-forgotten"),
        pytest.param({3: -0.20, 4: -0.195}, 3, 3, id="below-zero-too"),
    ],
)
def test_the_silhouette_chooses_how_many(silhouettes: dict[int, float], before: int | None, chosen: int):
    assert best_number(silhouettes, before, 0.05) == chosen


# --- the same groups again ---


def test_a_first_run_numbers_the_personas_by_size():
    table = pd.concat(
        [customers(90, ["lapsed"]), customers(70, ["newcomers"]), customers(40, ["regulars"])], ignore_index=True
    ).assign(customer_id=[f"C{number:03}" for number in range(200)])
    _, found = rows(table)
    assert found["customers"].to_dict() == {"persona_1": 90, "persona_2": 70, "persona_3": 40, NONE: 0}
    assert found["position"].to_dict() == {"persona_1": 1, "persona_2": 2, "persona_3": 3, NONE: 4}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_groups_found_in_another_order_keep_their_ids(order: tuple[int, ...]):
    centres = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    matches = same_groups(centres[list(order)] + 0.1, centres, within=1.0)
    assert {match.group: match.before for match in matches} == dict(enumerate(order))
    assert [match.distance for match in matches] == pytest.approx([0.1, 0.1, 0.1])


def test_the_pairs_whose_distances_add_up_to_least_are_taken():
    matches = same_groups(np.array([[0.0], [0.8]]), np.array([[0.5], [1.4]]), within=1.0)
    assert [(match.group, match.before) for match in matches] == [(0, 0), (1, 1)]


def test_a_group_far_from_all_is_new_and_spoils_no_near_pair():
    matches = same_groups(np.array([[9.0], [0.1]]), np.array([[0.0], [5.0]]), within=1.0)
    assert [(match.group, match.before) for match in matches] == [(1, 0)]


def test_personas_keep_their_ids_when_sizes_change():
    before = as_before(customers(60))
    tomorrow = pd.concat([customers(60), customers(50, ["lapsed"], seed=9)], ignore_index=True)
    tomorrow["customer_id"] = [f"C{number:05d}" for number in range(1, len(tomorrow) + 1)]
    members, found = rows(tomorrow, before)
    assert set(found.index) == {"persona_1", "persona_2", "persona_3", "persona_4", NONE}
    assert members["has_moved"].dropna().mean() == 0
    assert not found["is_new"].drop(NONE).any()
    assert (found["previous_distance"].drop(NONE) < 0.5).all()


def test_who_comes_new_has_not_moved():
    table = customers(60)
    before = as_before(table[table["customer_id"] != "C00001"])
    members, _ = rows(table, before)
    assert members.loc["C00001", ["previous_class_id", "has_moved"]].isna().all()
    assert members["has_moved"].notna().sum() == len(table) - 1


def test_a_group_that_was_not_there_gets_a_number_nobody_had():
    three = ["regulars", "newcomers", "lapsed"]
    before = as_before(customers(60, three))
    _, found = rows(customers(60, [*three, "rare_and_large"]), before)
    assert set(found.index) == {"persona_1", "persona_2", "persona_3", "persona_4", NONE}
    assert found.loc["persona_4", ["is_new", "high_value_share"]].tolist() == [True, 0.0]


def test_the_number_of_a_persona_that_is_gone_is_not_given_again():
    four, three = customers(60), customers(60, ["regulars", "newcomers", "rare_and_large"])
    yesterday = as_before(four)
    found = found_in(three, yesterday)
    gone = set(yesterday.centres["class_id"]) - set(found.class_ids)
    assert (len(gone), found.issued) == (1, 4)
    _, today = rows(three, yesterday)
    centres = today.drop(NONE).reset_index().astype(dict.fromkeys(FEATURES, float))
    again = found_in(four, Before(centres[["class_id", *FEATURES]], pd.Series(dtype=str), found.issued))
    assert set(again.class_ids) == {*found.class_ids, "persona_5"}


def test_other_features_keep_ids_by_those_both_runs_have():
    table = customers(60).assign(visits_12m=lambda rows: rows["frequency"] * 3)
    before = as_before(table)
    found = found_in(table, before, features=[*FEATURES, "visits_12m"])
    assert sorted(found.class_ids) == sorted(before.centres["class_id"])


def test_the_share_of_who_moved_is_told():
    table = customers(60)
    before = as_before(table)
    elsewhere = before.members.copy()
    elsewhere.iloc[:24] = "persona_9"
    before = Before(before.centres, elsewhere, before.issued)
    found = found_in(table, before)
    told = {row["parameter"]: row for row in fits(found, customer_persona(table, found, before, a_plan()), 240)}
    assert told["moved_share"]["value"] == 0.1
    assert (told["groups"]["value"], told["groups_kept"]["value"], told[ISSUED]["value"]) == (4, 4, 4)
    assert told["silhouette"]["value"] == told["silhouette_04"]["value"] > 0.5
    assert {name for name in told if name.startswith("silhouette_")} == {f"silhouette_0{n}" for n in range(3, 9)}


def test_a_first_run_can_not_tell_who_moved():
    table = customers(60)
    found = found_in(table)
    told = {row["parameter"]: row for row in fits(found, customer_persona(table, found, FIRST, a_plan()), 240)}
    assert told["moved_share"]["value"] is None
    assert told["moved_share"]["reason"] == "no customer was in a group in a run before"
    assert told["moved_share"]["reason_zh"] == "此前没有客户被分过群"


# --- features ---


def test_a_feature_most_lack_is_left_out_and_told():
    table = customers(60)
    table.loc[table.index[:121], "margin_rate"] = np.nan
    table.loc[table.index[121:], "margin_rate"] = np.linspace(0.1, 0.5, 119)
    known = points(table, ["frequency", "margin_rate", "visits_12m"], missing_limit=0.5)
    assert known.names == ["frequency"]
    assert [(left.name, left.reason.en) for left in known.left_out] == [
        ("margin_rate", "50.4% of the customers lack it"),
        ("visits_12m", "100.0% of the customers lack it"),
    ]


def test_a_feature_exactly_at_the_limit_is_kept_and_who_lacks_it_counts_as_average():
    table = customers(60)
    table["margin_rate"] = [None] * 120 + list(np.linspace(0.1, 0.5, 120))
    known = points(table, ["frequency", "margin_rate"], missing_limit=0.5)
    assert known.names == ["frequency", "margin_rate"]
    assert (known.scores[:120, 1] == 0).all()
    members, _ = rows(table, features=["frequency", "margin_rate"])
    assert members["filled_features"].fillna("none").tolist() == ["margin_rate"] * 120 + ["none"] * 120


def test_a_feature_that_is_the_same_for_all_is_left_out():
    [left] = points(customers(5, touches_12m=0), ["touches_12m"], 0.5).left_out
    assert (left.missing, left.reason.en) == (0.0, "it is the same for all")


def test_features_count_in_standard_deviations_from_the_mean():
    """I08: here, and not in scorecards, a value is told by its distance from the mean of all."""
    scale = Scale.of("recency_days", np.array([0.0, 10.0, 20.0, np.nan]))
    assert (scale.mean, scale.deviation) == (10.0, pytest.approx(8.16497, abs=1e-5))
    assert scale.scores(np.array([10.0, np.nan])).tolist() == [0.0, 0.0]


@given(
    st.sampled_from(["recency_days", "monetary_amount", "frequency", "margin_rate"]),
    st.lists(st.floats(-1e9, 1e9), min_size=2, unique=True),
)
def test_what_is_scored_can_be_brought_back(name: str, values: list[float]):
    scale = Scale.of(name, np.array(values))
    if scale.deviation > 1e-9:
        back = scale.values(scale.scores(np.array(values)))
        assert back == pytest.approx(np.array(values), rel=1e-6, abs=1e-6 * max(map(abs, values)))


def test_the_currency_makes_no_difference():
    yuan = customers(60)
    cents = yuan.assign(monetary_amount=yuan["monetary_amount"] * 100, order_amount=yuan["order_amount"] * 100)
    assert (found_in(yuan).groups.members == found_in(cents).groups.members).all()


# --- no groups ---


@pytest.mark.parametrize(
    ("each", "changes", "refused"),
    [
        pytest.param(12, {}, True, id="48-of-50"),
        pytest.param(13, {}, False, id="52-of-50"),
        pytest.param(12, {"customers_least": 48}, False, id="exactly-as-many"),
    ],
)
def test_too_few_customers_are_not_grouped(each: int, changes: dict[str, int], refused: bool):
    table = customers(each)
    members, found = rows(table, **changes)
    assert (set(members["rule_id"]) == {"refused"}) is refused
    assert (list(found.index) == [NONE]) is refused
    if refused:
        assert members["sentence_zh"].unique() == ["未分群：有订单的客户只有 48 位，少于分群所需的 50 位。"]
        assert found.loc[NONE, "sentence_en"].startswith("48 in no group: only 48 customers have ordered, and 50 are ")


def test_customers_all_alike_are_not_grouped():
    alike = customers(60).assign(**dict.fromkeys(FEATURES, 3.0))
    members, _ = rows(alike)
    assert members["sentence_en"].unique() == [
        "In no group: by their features there are only 1 different customers, too few for 3 groups."
    ]


def test_no_customers_are_no_personas():
    members, found = rows(customers(1)[:0])
    assert len(members) == 0
    assert found.loc[NONE, ["customers", "customer_share"]].tolist() == [0, None]


def test_a_run_without_groups_forgets_no_number():
    before = as_before(customers(60))
    found = found_in(customers(5), before)
    [issued, groups] = fits(found, customers(5), 20)
    assert (issued["parameter"], issued["value"]) == (ISSUED, 4)
    assert (groups["state"], groups["value"]) == ("refused", None)
    assert groups["reason"] == "only 20 customers have ordered, and 50 are needed to look for groups"


# --- words ---


def test_a_persona_is_called_and_told_by_what_marks_it_against_all():
    _, found = rows(customers(60))
    regulars = found[found["high_value_share"] == 1].iloc[0]
    assert (regulars["label_zh"], regulars["label_en"]) == ("下单频繁、联系多", "Frequent orders, many contacts")
    assert regulars["sentence_zh"].startswith(
        "共 60 位客户，占参与分群客户的 25.0%；通常近 12 个月下单 19.7 次（全体 2.4），近 12 个月联系 "
    )
    assert regulars["sentence_en"].startswith(
        "60 customers, 25.0% of those grouped; typically 19.7 orders in 12 months (all: 2.4), "
    )
    assert found.loc[found.index != NONE, "label_zh"].is_unique


def test_a_customer_is_told_why_with_its_own_numbers():
    table = customers(60)
    table.loc[0, ["frequency", "touches_12m", "monetary_amount"]] = [19, 38, 181_234.5]
    members, _ = rows(table)
    said = members.loc["C00001"]
    assert said["sentence_zh"] == (
        "近 12 个月下单 19 次，近 12 个月联系 38 次，近 12 个月净消费 181,234.50 元；"
        "综合 6 项特征，与“下单频繁、联系多”一组最接近。"
    )
    assert said["sentence_en"] == (
        "19 orders in 12 months, 38 contacts in the last 12 months, net spend of 181,234.50 CNY in 12 months; "
        "by 6 features closest to the group “Frequent orders, many contacts”."
    )


def test_what_marks_nobody_is_not_told():
    _, found = rows(customers(60), marked_from=50.0)
    labels = found["label_zh"].drop(NONE)
    assert labels.tolist() == [f"各方面接近平均（{number}）" for number in range(1, 5)]


def test_a_persona_tells_who_belongs_to_it():
    table = customers(60)
    regular = table["kind_of_customer"] == "regulars"
    table.loc[regular, "kind"] = ["company"] * 45 + ["person"] * 15
    table.loc[regular, "industry"] = ["E 建筑业"] * 30 + ["P 教育"] * 20 + [None] * 10
    table.loc[regular, "last_nps_score"] = [8.0] * 30 + [np.nan] * 30
    _, found = rows(table)
    told = found[found["high_value_share"] == 1].iloc[0]
    assert (told["company_share"], told["mean_nps_score"]) == (0.75, 8.0)
    assert (told["main_industry"], told["main_industry_share"]) == ("E 建筑业", 0.6)


def test_the_tables_have_the_columns_they_are_declared_with():
    members, found = rows(pd.concat([customers(60), nobody("C99999")]))
    assert set(members.reset_index().columns) == set(CUSTOMER_PERSONA.columns)
    assert list(found.reset_index()[list(PERSONAS.columns)].columns) == list(PERSONAS.columns)


# --- the plan ---


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"least": 5, "most": 4}, "most 4 is less than least 5", id="bounds"),
        pytest.param({"features": ["frequency", "frequency"]}, "features names frequency twice", id="twice"),
        pytest.param({"features": []}, "at least 1 item", id="none"),
        pytest.param({"features": ["shoe_size"]}, "Input should be", id="unknown"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changes: dict[str, object], said: str):
    with pytest.raises(ValidationError, match=said):
        Personas(**changes)
