"""The plan as tables: calendar arithmetic, the classes of the segments, periods and what they aim at."""

from datetime import date

import pytest
from models import DAY, Row, a_plan

from pipeline.errors import ConfigurationError
from pipeline.plan import (
    NO_TARGET,
    NOT_MEASURED_BY,
    Abc,
    Campaign,
    Channel,
    Definitions,
    Label,
    Periods,
    Plan,
    Play,
    Range,
    Rfm,
    RfmGrid,
    RfmRule,
    Segments,
    Target,
    ValidLead,
    Window,
)
from pipeline.plan_tables import SCHEMAS, months_before, plan_tables

WORDS = Label(zh="词", en="word")


def table(name: str, plan: Plan | None = None, as_of: date = DAY, additive: frozenset[str] = frozenset()) -> list[Row]:
    return plan_tables(plan or a_plan(), as_of, additive=additive)[f"plan.{name}"].to_pylist()


def rules(*given: RfmRule, window_months: int = 12) -> Segments:
    return Segments(rfm=Rfm(rules=list(given), window_months=window_months))


def rule(rule_id: str, **ranges: Range) -> RfmRule:
    return RfmRule(id=rule_id, label=WORDS, **ranges)


# --- months ---


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        pytest.param(date(2026, 11, 20), 0, date(2026, 11, 20), id="none"),
        pytest.param(date(2026, 11, 20), 3, date(2026, 8, 20), id="same-day"),
        pytest.param(date(2026, 5, 31), 3, date(2026, 2, 28), id="short-month"),
        pytest.param(date(2024, 5, 31), 3, date(2024, 2, 29), id="leap-day"),
        pytest.param(date(2026, 3, 30), 1, date(2026, 2, 28), id="30th-of-march"),
        pytest.param(date(2026, 2, 28), 3, date(2025, 11, 28), id="short-month-stays"),
        pytest.param(date(2026, 1, 15), 1, date(2025, 12, 15), id="over-new-year"),
        pytest.param(date(2026, 12, 31), 12, date(2025, 12, 31), id="a-year"),
        pytest.param(date(2026, 12, 1), -1, date(2027, 1, 1), id="forward"),
    ],
)
def test_calendar_months_back(day: date, months: int, expected: date) -> None:
    """I33."""
    assert months_before(day, months) == expected


# --- settings and segments ---


def test_windows_are_half_open() -> None:
    """I33."""
    [settings] = table("settings")
    assert (settings["campaign_starts_on"], settings["campaign_end"]) == (date(2026, 9, 1), date(2026, 12, 1))
    assert (settings["baseline_starts_on"], settings["baseline_end"]) == (date(2026, 6, 1), date(2026, 9, 1))
    assert settings["rfm_window_start"] == date(2025, 11, 20)


def test_settings_carry_the_definitions() -> None:
    valid = ValidLead(contactable=False, demand_tag=True, minimum_score=60.0)
    plan = a_plan(definitions=Definitions(valid_lead=valid), segments=Segments(abc=Abc(a_until=0.8, b_until=0.95)))
    [settings] = table("settings", plan)
    assert (settings["valid_contactable"], settings["valid_demand_tag"], settings["valid_minimum_score"]) == (
        False,
        True,
        60.0,
    )
    assert (settings["abc_a_until"], settings["abc_b_until"], settings["high_value"]) == (0.8, 0.95, "rfm")


@pytest.mark.parametrize(("currency", "unit"), [("CNY", "元"), ("USD", "USD")])
def test_the_currency_has_a_chinese_unit_where_it_is_the_yuan(currency: str, unit: str) -> None:
    [settings] = table("settings", a_plan(currency=currency))
    assert (settings["currency"], settings["currency_zh"]) == (currency, unit)


def test_recency_in_months_becomes_dates_of_the_last_order() -> None:
    found = {row["rule_id"]: row for row in table("rfm_rules", as_of=date(2026, 5, 31))}
    assert (found["high_value"]["last_order_after"], found["high_value"]["last_order_until"]) == (
        date(2026, 2, 28),
        None,
    )
    assert found["potential"]["last_order_after"] == date(2025, 11, 30)
    assert found["potential"]["last_order_until"] == date(2026, 2, 28)
    assert (found["at_risk"]["last_order_after"], found["at_risk"]["last_order_until"]) == (None, date(2025, 11, 30))


def test_rules_keep_their_order_and_open_ends() -> None:
    found = table("rfm_rules")
    assert [(row["priority"], row["rule_id"]) for row in found] == [
        (1, "high_value"),
        (2, "potential"),
        (3, "new"),
        (4, "at_risk"),
    ]
    assert (found[0]["frequency_least"], found[0]["frequency_below"]) == (5.0, None)
    assert (found[2]["amount_least"], found[2]["amount_below"]) == (None, 50_000.0)


def test_the_grid_starts_where_the_plan_says() -> None:
    plan = a_plan(segments=Segments(rfm=Rfm(grid=RfmGrid(recency_months=2, frequency=4, amount=9_000.0))))
    assert table("rfm_grid", plan) == [{"last_order_after": date(2026, 9, 20), "frequency": 4, "amount": 9_000.0}]


def test_the_eight_cells_are_all_different() -> None:
    cells = {(row["is_recent"], row["is_frequent"], row["is_large"]) for row in table("rfm_cells")}
    assert len(cells) == len(table("rfm_cells")) == 8


def test_every_class_is_listed_once_rules_first() -> None:
    found = table("segment_classes")
    rfm = [row["class_id"] for row in found if row["scheme"] == "rfm"]
    assert rfm[:4] == ["high_value", "potential", "new", "at_risk"]
    assert rfm[4:] == [*[row["grid_id"] for row in table("rfm_cells")], "no_order"]
    assert [row["class_id"] for row in found if row["scheme"] == "abc"] == ["A", "B", "C"]
    assert [row["segment"] for row in found if row["scheme"] == "abc"] == ["abc_a", "abc_b", "abc_c"]


def test_a_class_is_defined_in_words_with_its_thresholds() -> None:
    found = {
        row["class_id"]: (row["definition_zh"], row["definition_en"])
        for row in table("segment_classes")
        if row["scheme"] == "rfm"
    }
    assert found["potential"] == (
        "最近一次下单满 3 个月、不满 6 个月，近 12 个月下单至少 3 次、少于 5 次，"
        "近 12 个月净消费至少 50,000.00 元、低于 100,000.00 元。",
        "Last order at least 3 months ago and less than 6 months ago; orders in the last 12 months: at least 3 and "
        "fewer than 5; net spend in the last 12 months: at least 50,000.00 CNY and less than 100,000.00 CNY.",
    )
    assert found["new"][1].startswith("Last order less than 1 month ago; orders in the last 12 months: at least 1 and ")
    assert found["important_lapsed"][0] == (
        "最近一次下单满 3 个月，近 12 个月下单少于 3 次，近 12 个月净消费至少 50,000.00 元。"
    )


def test_a_rule_without_conditions_says_so() -> None:
    plan = a_plan(segments=rules(rule("high_value")))
    assert (table("segment_classes", plan)[0]["definition_zh"], table("segment_classes", plan)[0]["definition_en"]) == (
        "不设条件。",
        "No condition.",
    )


def test_abc_definitions_show_the_plans_shares() -> None:
    plan = a_plan(segments=Segments(abc=Abc(a_until=0.725, b_until=0.9)))
    found = {row["class_id"]: row for row in table("segment_classes", plan) if row["scheme"] == "abc"}
    assert "72.5%" in found["A"]["definition_zh"]
    assert (
        found["B"]["definition_en"]
        == "Of net spend in the last 12 months, those who spent more made 72.5% to less than 90%."
    )


@pytest.mark.parametrize("months", [pytest.param(1.5, id="half-a-month"), pytest.param(-1.0, id="negative")])
def test_recency_that_is_not_whole_months_is_refused(months: float) -> None:
    plan = a_plan(segments=rules(rule("high_value", recency_months=Range(below=months))))
    with pytest.raises(
        ConfigurationError, match=rf"high_value has recency_months {months:g}; months are counted whole"
    ):
        table("rfm_rules", plan)


@pytest.mark.parametrize("taken", ["no_order", "grid", "general_active"])
def test_a_rule_may_not_take_a_name_of_ours(taken: str) -> None:
    plan = a_plan(segments=rules(rule("high_value"), rule(taken)))
    with pytest.raises(ConfigurationError, match=f"the ids {taken} are Tuoke's own; rename the rules"):
        table("rfm_rules", plan)


def test_two_schemes_may_not_share_the_name_of_a_class() -> None:
    plan = a_plan(segments=rules(rule("high_value"), rule("abc_a")))
    with pytest.raises(ConfigurationError, match="abc_a name a class of two schemes"):
        plan_tables(plan, DAY, additive=frozenset())


def test_high_value_by_rfm_needs_a_rule_of_that_name() -> None:
    plan = a_plan(segments=rules(rule("gold")))
    with pytest.raises(ConfigurationError, match="no rule has the id high_value; found gold"):
        table("settings", plan)


def test_high_value_by_grade_needs_none() -> None:
    definitions = Definitions(high_value="grade", high_value_grades=["A", "S"])
    plan = a_plan(segments=rules(rule("gold")), definitions=definitions)
    assert table("settings", plan)[0]["high_value"] == "grade"
    assert table("high_value_grades", plan) == [{"grade": "A"}, {"grade": "S"}]


def test_a_play_for_a_segment_that_does_not_exist_is_refused() -> None:
    plan = a_plan(playbook={"high_valu": Play(strategy=WORDS, resource=WORDS, owner="sales")})
    with pytest.raises(ConfigurationError, match="playbook: no segment high_valu; segments are high_value, potential"):
        table("playbook", plan)


def test_without_a_playbook_every_class_of_rfm_has_a_play() -> None:
    plays = {row["segment"] for row in table("playbook")}
    classes = {row["segment"] for row in table("segment_classes") if row["scheme"] == "rfm"}
    assert plays == classes


def test_the_usual_playbook_says_nothing_of_classes_the_plan_does_not_have() -> None:
    plays = {row["segment"] for row in table("playbook", a_plan(segments=rules(rule("high_value"))))}
    assert "high_value" in plays
    assert "at_risk" not in plays


def test_a_playbook_of_the_plan_is_all_there_is() -> None:
    play = Play(strategy=WORDS, resource=WORDS, owner="sales")
    assert [row["segment"] for row in table("playbook", a_plan(playbook={"new": play}))] == ["new"]


def test_plays_are_told_in_both_languages() -> None:
    play = Play(
        strategy=Label(zh="专属经理", en="Own manager"), resource=Label(zh="折扣", en="Discount"), owner="sales"
    )
    assert table("playbook", a_plan(playbook={"abc_a": play})) == [
        {
            "segment": "abc_a",
            "strategy_zh": "专属经理",
            "strategy_en": "Own manager",
            "resource_zh": "折扣",
            "resource_en": "Discount",
            "owner": "sales",
        }
    ]


def test_a_channel_without_a_weight_has_none_rather_than_zero() -> None:
    channels = [Channel(id="search", label=WORDS, weight=0.2), Channel(id="referral", label=WORDS)]
    assert [row["weight"] for row in table("channels", a_plan(channels=channels))] == [0.2, None]


def test_an_empty_table_keeps_its_types() -> None:
    tables = plan_tables(a_plan(), DAY, additive=frozenset())
    assert {name: found.schema for name, found in tables.items()} == SCHEMAS
    assert tables["plan.targets"].num_rows == 0


# --- periods ---


def before(as_of: str, **back: int) -> dict[str, tuple[str | None, str | None]]:
    plan = a_plan(periods=Periods(**{"days": 1, "weeks": 1, "months": 1} | back))
    found = table("periods", plan, date.fromisoformat(as_of))
    return {
        row["period"]: tuple(day and day.isoformat() for day in (row["previous_start"], row["previous_end"]))
        for row in found
    }


def test_a_running_period_grew_from_as_many_days_of_the_one_before() -> None:
    """I26: +20 % has a base, and the base is as long."""
    assert before("2026-11-20", months=2) == {
        "2026-11-20": ("2026-11-19", "2026-11-20"),
        "2026-W47": ("2026-11-09", "2026-11-14"),
        "2026-11": ("2026-10-01", "2026-10-21"),
        "2026-10": ("2026-09-01", "2026-10-01"),
        "2026-Q4": ("2026-07-01", "2026-08-21"),
        "campaign": ("2026-06-01", "2026-08-21"),
        "baseline": (None, None),
    }


@pytest.mark.parametrize(
    ("as_of", "quarters"),
    [
        ("2026-11-20", {"2026-Q4": ("2026-10-01", "2026-11-21"), "2026-Q3": ("2026-07-01", "2026-10-01")}),
        ("2026-12-31", {"2026-Q4": ("2026-10-01", "2027-01-01"), "2026-Q3": ("2026-07-01", "2026-10-01")}),
        ("2027-01-01", {"2027-Q1": ("2027-01-01", "2027-01-02"), "2026-Q4": ("2026-10-01", "2027-01-01")}),
    ],
)
def test_quarters_are_those_of_the_calendar(as_of: str, quarters: dict[str, tuple[str, str]]) -> None:
    found = periods(as_of, quarters=2)
    assert {label: bounds for label, bounds in found.items() if "-Q" in label} == quarters


def test_workdays_are_monday_to_friday() -> None:
    days = table("days", a_plan(), date(2026, 11, 20))
    assert days[-1] == {"day": date(2026, 11, 20), "is_workday": True}
    assert {row["day"].isoweekday() for row in days if row["is_workday"]} == {1, 2, 3, 4, 5}


def periods(as_of: str, **back: int) -> dict[str, tuple[str, str]]:
    plan = a_plan(periods=Periods(**{"days": 1, "weeks": 1, "months": 1, "quarters": 0} | back))
    found = table("periods", plan, date.fromisoformat(as_of))
    return {row["period"]: (str(row["period_start"]), str(row["period_end"])) for row in found}


def test_periods_count_back_from_the_running_one() -> None:
    assert periods("2026-11-20", days=2, weeks=2, months=2) == {
        "2026-11-20": ("2026-11-20", "2026-11-21"),
        "2026-11-19": ("2026-11-19", "2026-11-20"),
        "2026-W47": ("2026-11-16", "2026-11-21"),
        "2026-W46": ("2026-11-09", "2026-11-16"),
        "2026-11": ("2026-11-01", "2026-11-21"),
        "2026-10": ("2026-10-01", "2026-11-01"),
        "campaign": ("2026-09-01", "2026-11-21"),
        "baseline": ("2026-06-01", "2026-09-01"),
    }


@pytest.mark.parametrize(
    ("as_of", "week", "bounds"),
    [
        pytest.param("2026-11-22", "2026-W47", ("2026-11-16", "2026-11-23"), id="sunday-closes-the-week"),
        pytest.param("2026-11-23", "2026-W48", ("2026-11-23", "2026-11-24"), id="monday-opens-one"),
        pytest.param("2027-01-01", "2026-W53", ("2026-12-28", "2027-01-02"), id="iso-year-of-its-thursday"),
    ],
)
def test_weeks_are_iso_weeks(as_of: str, week: str, bounds: tuple[str, str]) -> None:
    assert periods(as_of)[week] == bounds


def test_the_last_day_of_a_month_closes_it() -> None:
    assert periods("2026-10-31")["2026-10"] == ("2026-10-01", "2026-11-01")


@pytest.mark.parametrize(
    ("as_of", "campaign", "baseline"),
    [
        pytest.param("2026-05-31", None, None, id="before-both"),
        pytest.param("2026-06-01", None, ("2026-06-01", "2026-06-02"), id="baseline-begins"),
        pytest.param("2026-08-31", None, ("2026-06-01", "2026-09-01"), id="eve-of-the-campaign"),
        pytest.param("2026-09-01", ("2026-09-01", "2026-09-02"), ("2026-06-01", "2026-09-01"), id="campaign-begins"),
        pytest.param("2026-11-30", ("2026-09-01", "2026-12-01"), ("2026-06-01", "2026-09-01"), id="its-last-day"),
        pytest.param("2027-02-10", ("2026-09-01", "2026-12-01"), ("2026-06-01", "2026-09-01"), id="long-over"),
    ],
)
def test_windows_are_reported_from_their_first_day_on(
    as_of: str, campaign: tuple[str, str] | None, baseline: tuple[str, str] | None
) -> None:
    found = periods(as_of)
    assert (found.get("campaign"), found.get("baseline")) == (campaign, baseline)


def test_what_no_figure_is_measured_by_are_sections_of_the_plan() -> None:
    assert set(Plan.model_fields) > NOT_MEASURED_BY


# --- targets ---

FIFTY = Target(value=50.0, milestones={"2026-09": 15.0, "2026-10": 18.0, "2026-11": 17.0})


def aims(kpi: str, target: Target | str, as_of: str, additive: frozenset[str] = frozenset()) -> dict[str, Row]:
    plan = a_plan(targets={kpi: target}, periods=Periods(days=1, weeks=1, months=2))
    return {row["period"]: row for row in table("targets", plan, date.fromisoformat(as_of), additive)}


def test_an_additive_target_holds_for_the_campaign_and_its_milestones_for_their_months() -> None:
    found = aims("new_customers", FIFTY, "2026-11-20", frozenset({"new_customers"}))
    assert {period: row["target"] for period, row in found.items()} == {
        "campaign": 50.0,
        "2026-11": 17.0,
        "2026-10": 18.0,
    }
    assert found["2026-11"]["milestone_target"] is None


@pytest.mark.parametrize(
    ("as_of", "due"),
    [
        pytest.param("2026-09-10", 5.0, id="a-third-of-the-first-month"),
        pytest.param("2026-09-30", 15.0, id="last-day-of-the-first-month"),
        pytest.param("2026-11-15", 41.5, id="half-of-the-third"),
        pytest.param("2026-10-31", 33.0, id="two-months-over"),
        pytest.param("2026-11-30", 50.0, id="all-over"),
    ],
)
def test_what_is_due_so_far_are_the_milestones_and_of_the_running_month_the_even_part(
    as_of: str, due: float | None
) -> None:
    assert aims("new_customers", FIFTY, as_of, frozenset({"new_customers"}))["campaign"]["milestone_target"] == due


def test_f055_a_quarter_of_the_campaign_aims_at_the_milestones_of_its_months() -> None:
    """The third quarter lies in the campaign; of the fourth a month does not, and is not aimed at."""
    campaign = a_plan().campaign.model_copy(update={"starts_on": date(2026, 7, 1)})
    milestones = {"2026-07": 5.0, "2026-08": 5.0, "2026-09": 10.0, "2026-10": 15.0, "2026-11": 15.0}
    target = Target(value=50.0, floor=25.0, milestones=milestones)
    spring = Window(starts_on=date(2026, 4, 1), ends_on=date(2026, 6, 30))
    targets, back = {"new_customers": target}, Periods(quarters=2)
    plan = a_plan(campaign=campaign, baseline=spring, targets=targets, periods=back)
    rows = table("targets", plan, date(2026, 11, 20), frozenset({"new_customers"}))
    found = {row["period"]: (row["target"], row["floor"]) for row in rows if row["period_kind"] == "quarter"}
    assert found == {"2026-Q3": (20.0, 10.0)}


def test_an_additive_target_without_milestones_says_nothing_of_shorter_periods() -> None:
    assert set(aims("revenue", Target(value=1000.0), "2026-11-20", frozenset({"revenue"}))) == {"campaign"}


def test_a_level_is_the_target_of_every_period() -> None:
    found = aims("cac", Target(value=1600.0, floor=3000.0), "2026-11-20")
    assert set(found) == {"2026-11-20", "2026-W47", "2026-11", "2026-10", "2026-Q4", "campaign", "baseline"}
    assert {(row["target"], row["floor"], row["milestone_target"]) for row in found.values()} == {
        (1600.0, 3000.0, None)
    }


def test_the_floor_of_a_month_is_its_part_of_the_whole() -> None:
    target = FIFTY.model_copy(update={"floor": 10.0})
    found = aims("new_customers", target, "2026-11-20", frozenset({"new_customers"}))
    assert (found["campaign"]["floor"], found["2026-10"]["floor"]) == (10.0, 3.6)


def test_f055_a_part_of_the_whole_has_the_milestones_and_the_floor_that_go_with_it() -> None:
    target = FIFTY.model_copy(update={"floor": 10.0, "by": {"team": {"T01": 20.0}}})
    plan = a_plan(targets={"new_customers": target}, periods=Periods(days=1, weeks=1, months=2))
    rows = table("targets", plan, date(2026, 11, 15), frozenset({"new_customers"}))
    found = {(row["dimension"], row["member"], row["period"]): row for row in rows}
    assert {key[:2] for key in found} == {("total", "(all)"), ("team", "T01")}
    mine = {period: found["team", "T01", period] for period in ("campaign", "2026-11", "2026-10")}
    assert {period: row["target"] for period, row in mine.items()} == {
        "campaign": 20.0,
        "2026-11": pytest.approx(6.8),
        "2026-10": pytest.approx(7.2),
    }
    assert (mine["campaign"]["floor"], mine["campaign"]["milestone_target"]) == (4.0, pytest.approx(16.6))


def test_a_level_of_a_members_own_keeps_the_floor_of_all() -> None:
    target = Target(value=1600.0, floor=3000.0, by={"channel": {"social": 1200.0}})
    rows = table("targets", a_plan(targets={"cac": target}), date(2026, 11, 20))
    own = {(row["target"], row["floor"]) for row in rows if row["member"] == "social"}
    assert own == {(1200.0, 3000.0)}


def test_no_target_has_no_row() -> None:
    assert aims("csat_mean", NO_TARGET, "2026-11-20") == {}


def test_before_the_campaign_there_is_no_whole_to_aim_at() -> None:
    plan = a_plan(
        campaign=Campaign(id="c", name=WORDS, starts_on=date(2027, 1, 1), ends_on=date(2027, 3, 31)),
        targets={"revenue": Target(value=1.0)},
    )
    assert table("targets", plan, additive=frozenset({"revenue"})) == []
