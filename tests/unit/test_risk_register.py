"""The register of risks: the seed's table, both rules, deadlines and what an indicator says."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import DAY, a_plan

from assets.ads.risk_register import BANDS, RISK_REGISTER, level_of, risk_register, seed_table_band, strict_band
from pipeline.plan import Bands, Deadlines, Indicator, Label, Measure, Risk, Risks

WORDS = Label(zh="词", en="word")

SEED = [
    ("market", 4, 3, "high"),
    ("market", 3, 4, "high"),
    ("execution", 4, 4, "extreme"),
    ("execution", 3, 3, "medium"),
    ("operation", 3, 4, "high"),
    ("operation", 2, 3, "low"),
    ("external", 3, 4, "high"),
    ("external", 2, 5, "high"),
]
"""The table of S0 §7(2): class, likelihood, impact and label of eight risks."""


def risk(name: str = "r", likelihood: int | None = 3, impact: int | None = 4, **fields: Any) -> Risk:
    return Risk(id=name, kind=fields.pop("kind", "market"), label=WORDS, likelihood=likelihood, impact=impact, **fields)


def of_seed() -> list[Risk]:
    return [
        risk(f"r{place}", likelihood, impact, kind=kind, declared_band=band)
        for place, (kind, likelihood, impact, band) in enumerate(SEED, start=1)
    ]


def value(kpi: str, figure: float | None, better: str = "higher", **fields: Any) -> dict[str, Any]:
    """An official value of the total over the campaign."""
    usual = {"kpi": kpi, "is_official": True, "dimension": "total", "period_kind": "campaign", "period": "campaign"}
    usual |= {"period_start": date(2026, 9, 1), "value": figure, "better": better, "state": "final", "reason": None}
    usual |= {"unit": "rate", "label_zh": "赢单率", "label_en": "Win rate"}
    return usual | fields


def register(
    items: Iterable[Risk], values: Iterable[dict[str, Any]] = (), as_of: date = DAY, **how: Any
) -> pd.DataFrame:
    """The register by risk."""
    frame = pd.DataFrame(list(values), columns=list(value("x", 1.0)))
    return risk_register(a_plan(risks=Risks(items=list(items), **how)), frame, as_of).set_index("risk_id")


def test_g3_the_scores_of_the_seeds_table():
    found = register(of_seed())
    assert [found["risk_score"][f"r{place}"] for place in range(1, 9)] == [12, 12, 16, 9, 12, 6, 12, 10]


def test_i40_i41_the_strict_rule_contradicts_two_labels_of_the_seeds_table():
    found = register(of_seed())
    wrong = found[found["is_mismatch"].astype(bool)]
    assert {row.Index: (row.declared_band, row.rule_band) for row in wrong.itertuples()} == {
        "r6": ("low", "medium"),
        "r8": ("high", "medium"),
    }
    assert "申报等级为高，与规则不一致" in found["sentence_zh"]["r8"]
    assert "declared high, which the rule contradicts" in found["sentence_en"]["r8"]


def test_u13_the_seeds_profile_reproduces_all_eight_labels():
    found = register(of_seed(), profile="seed_table")
    assert not found["is_mismatch"].any()
    assert (found["rule_band"] == found["declared_band"]).all()
    assert (found["strict_band"] != found["seed_table_band"]).sum() == 2


@pytest.mark.parametrize(
    ("score", "band"),
    [(25, "extreme"), (16, "extreme"), (15, "high"), (12, "high"), (10, "medium"), (6, "medium"), (5, "low")],
)
def test_i42_bands_begin_where_the_plan_says(score: int, band: str):
    assert strict_band(score, Bands()) == band


def test_i42_fifteen_can_be_extreme_too():
    assert strict_band(15, Bands(extreme=15)) == "extreme"


@given(st.integers(1, 5), st.integers(1, 5))
def test_more_likely_or_worse_never_lowers_a_band(likelihood: int, impact: int):
    for worse in ((min(likelihood + 1, 5), impact), (likelihood, min(impact + 1, 5))):
        before, after = likelihood * impact, worse[0] * worse[1]
        assert BANDS.index(strict_band(after, Bands())) <= BANDS.index(strict_band(before, Bands()))
        promoted = seed_table_band(after, worse[1], Bands())
        assert BANDS.index(promoted) <= BANDS.index(seed_table_band(before, impact, Bands()))


def test_i43_percentages_are_turned_into_levels_and_bands_into_warning_levels():
    """S4: a probability of 1 to 20 % is low, a loss of more than 30 % of the revenue extreme."""
    assert [level_of(percent, [5, 10, 20, 30]) for percent in (0, 5, 30, 30.5)] == [1, 1, 4, 5]
    found = register(
        [
            risk("likely", None, None, likelihood_percent=75.0, impact_percent=35.0),
            risk("rare", None, None, likelihood_percent=10.0, impact_percent=35.0),
            risk("medium", 2, 4),
        ]
    )
    assert found[["likelihood", "impact", "alert_level"]].fillna("none").values.tolist() == [
        [4, 5, "red"],
        [2, 4, "blue"],
        [1, 5, "none"],
    ]


def test_a_level_is_told_once():
    with pytest.raises(ValueError, match="needs likelihood, from 1 to 5, or likelihood_percent, and not both"):
        risk(likelihood_percent=10.0)


def test_two_risks_have_two_ids():
    with pytest.raises(ValueError, match="risks with the same id: r"):
        Risks(items=[risk(), risk()])


@pytest.mark.parametrize(
    ("horizon", "due"), [("short", date(2026, 10, 1)), ("medium", date(2026, 11, 30)), ("long", date(2027, 9, 1))]
)
def test_f174_a_measure_is_due_thirty_or_ninety_days_or_a_year_after_the_risk_was_found(horizon: Any, due: date):
    found = register([risk(found_on=date(2026, 9, 1), measure=Measure(label=WORDS, horizon=horizon))])
    assert found["due_on"]["r"] == due


@pytest.mark.parametrize(
    ("as_of", "done_on", "overdue"),
    [
        pytest.param(date(2026, 10, 1), None, False, id="on-the-day"),
        pytest.param(date(2026, 10, 2), None, True, id="the-day-after"),
        pytest.param(date(2026, 10, 2), date(2026, 9, 20), False, id="done-before"),
        pytest.param(date(2026, 10, 2), date(2026, 10, 5), True, id="done-later-than-the-day-evaluated"),
    ],
)
def test_a_measure_is_overdue_from_the_day_after_its_deadline(as_of: date, done_on: date | None, overdue: bool):
    measure = Measure(label=WORDS, horizon="short", done_on=done_on)
    assert register([risk(found_on=date(2026, 9, 1), measure=measure)], as_of=as_of)["is_overdue"]["r"] == overdue


def test_the_plan_can_set_other_deadlines():
    found = register(
        [risk(found_on=date(2026, 9, 1), measure=Measure(label=WORDS, horizon="short"))], deadlines=Deadlines(short=7)
    )
    assert found["due_on"]["r"] == date(2026, 9, 8)


def test_without_a_day_to_start_from_there_is_no_deadline_and_why_is_told():
    found = register([risk("a", measure=Measure(label=WORDS)), risk("b")])
    assert found["due_on"].isna().all() and found["is_overdue"].isna().all()
    assert found["reason"].to_dict() == {"a": "no day it was found, so no deadline", "b": "no measure is declared"}


@pytest.mark.parametrize(
    ("better", "figure", "holds"),
    [("higher", 0.2, True), ("higher", 0.19, False), ("lower", 0.2, True), ("lower", 0.21, False)],
)
def test_an_indicator_holds_on_the_better_side_of_its_limit(better: str, figure: float, holds: bool):
    found = register([risk(indicator=Indicator(kpi="win_rate", limit=0.2))], [value("win_rate", figure, better)])
    assert (found["indicator_value"]["r"], found["is_holding"]["r"], found["state"]["r"]) == (figure, holds, "final")


@pytest.mark.parametrize(
    ("better", "figure", "zh", "en"),
    [
        (
            "higher",
            0.25,
            "赢单率（活动期）为 25.0%，未低于下限 20.0%。",
            "Win rate (campaign) is 25.0%, not below the lower",
        ),
        (
            "higher",
            0.1,
            "赢单率（活动期）为 10.0%，已低于下限 20.0%。",
            "Win rate (campaign) is 10.0%, below the lower limit",
        ),
        (
            "lower",
            0.2,
            "赢单率（活动期）为 20.0%，未超过上限 20.0%。",
            "Win rate (campaign) is 20.0%, not above the upper",
        ),
        ("lower", 0.2001, "赢单率（活动期）为 0.2001，已超过上限 0.2。", "is 0.2001, above the upper limit of 0.2."),
    ],
)
def test_a_sentence_names_the_indicator_and_on_which_side_of_which_limit_it_is(better: str, figure: float, zh: str, en):
    indicator = risk(indicator=Indicator(kpi="win_rate", limit=0.2))
    found = register([indicator], [value("win_rate", figure, better)]).loc["r"]
    assert zh in found["sentence_zh"] and en in found["sentence_en"]
    assert "win_rate" not in found["sentence_zh"] + found["sentence_en"]


def test_an_indicator_that_is_withheld_tells_nothing_but_why():
    rows = [value("win_rate", None, state="withheld", reason="leads: no source is declared")]
    found = register([risk(indicator=Indicator(kpi="win_rate", limit=0.2), measure=None)], rows).loc["r"]
    assert found["is_holding"] is None and found["state"] == "withheld"
    assert found["reason"] == "no measure is declared; win_rate: leads: no source is declared"
    assert found["reason_zh"] == "未申报应对措施；赢单率：线索：未配置来源"


def test_of_several_months_the_running_one_is_looked_at():
    rows = [
        value("win_rate", figure, period_kind="month", period=f"2026-{month}", period_start=date(2026, month, 1))
        for month, figure in ((11, 0.1), (10, 0.9))
    ]
    found = register([risk(indicator=Indicator(kpi="win_rate", limit=0.2, period="month"))], rows).loc["r"]
    assert (found["indicator_period"], found["indicator_value"], found["is_holding"]) == ("2026-11", 0.1, False)


def test_the_worst_come_first_and_a_plan_without_risks_has_an_empty_register():
    assert register([risk("a", 1, 1), risk("c", 4, 3), risk("b", 3, 4)]).index.to_list() == ["b", "c", "a"]
    empty = risk_register(a_plan(), pd.DataFrame(columns=list(value("x", 1.0))), DAY)
    assert (len(empty), list(empty.columns)) == (0, list(RISK_REGISTER.columns))
