"""Waits and stages of life: every limit on histories small enough to count by hand. The day is 2026-11-20."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, run_model
from pydantic import ValidationError

from pipeline.plan import Plan, Segments
from pipeline.plan.lifecycle import Lifecycle, Rhythm
from pipeline.plan_tables import months_before, plan_tables


def sales(*days: str, customer: str = "C1", amount: float = 100) -> list[Row]:
    return [
        {"order_id": f"{customer}-{day}", "customer_id": customer, "ordered_at": f"{day} 10:00", "amount": amount}
        for day in days
    ]


def waits(*days: str, plan: Plan | None = None, as_of: date | str = DAY) -> list[Row]:
    return run_model("dws.customer_waits", {"customers": [{}], "orders": sales(*days)}, plan=plan, as_of=as_of)


def life(orders: list[Row], plan: Plan | None = None, as_of: date | str = DAY) -> Row:
    [row] = run_model("dws.customer_lifecycle", {"customers": [{}], "orders": orders}, plan=plan, as_of=as_of)
    return row


def limits(**changes: object) -> Plan:
    return a_plan(segments=Segments(lifecycle=Lifecycle(**changes)))


# --- customer_waits ---

EVERY_60_DAYS = ("2026-06-01", "2026-07-31", "2026-09-29")


def test_the_rhythm_is_the_mean_gap_between_order_days() -> None:
    [wait] = waits(*EVERY_60_DAYS)
    assert (wait["ordered_on"], wait["order_days"], wait["usual_gap_days"]) == (date(2026, 9, 29), 3, 60)
    assert (wait["at_risk_on"], wait["silent_on"], wait["churned_on"]) == (
        date(2026, 9, 29) + timedelta(days=90),
        date(2026, 9, 29) + timedelta(days=120),
        date(2027, 3, 29),
    )
    assert (wait["too_long_on"], wait["ended_on"]) == (wait["at_risk_on"], None)


def test_with_too_few_order_days_only_the_calendar_tells() -> None:
    [wait] = waits("2026-07-31", "2026-09-29")
    assert (wait["usual_gap_days"], wait["at_risk_on"]) == (None, None)
    assert (wait["silent_on"], wait["too_long_on"]) == (date(2026, 12, 29), date(2026, 12, 29))


def test_several_orders_on_one_day_are_one_order_day() -> None:
    orders = [*sales("2026-07-31", "2026-09-29"), {"order_id": "again", "ordered_at": "2026-09-29 18:00"}]
    [wait] = run_model("dws.customer_waits", {"customers": [{}], "orders": orders})
    assert (wait["order_days"], wait["usual_gap_days"]) == (2, None)


def test_a_refund_ends_no_wait_and_a_stranger_has_none() -> None:
    orders = [*sales("2026-09-29"), {"ordered_at": "2026-11-01 10:00", "kind": "refund", "refund_of": "C1-2026-09-29"}]
    orders += sales("2026-10-01", customer="C7")
    [wait] = run_model("dws.customer_waits", {"customers": [{}], "orders": orders})
    assert (wait["customer_id"], wait["ordered_on"], wait["ended_on"]) == ("C1", date(2026, 9, 29), None)


def test_who_buys_every_day_is_not_at_risk_after_two() -> None:
    [wait] = waits("2026-11-01", "2026-11-02", "2026-11-03")
    assert (wait["usual_gap_days"], wait["counted_gap_days"]) == (1, 14)
    assert (wait["at_risk_on"], wait["silent_on"]) == (date(2026, 11, 24), date(2026, 12, 1))


@pytest.mark.parametrize(
    ("next_order", "ended"),
    [
        pytest.param("2026-10-19", [], id="a-day-before-it-is-too-long"),
        pytest.param("2026-10-20", [], id="on-the-day"),
        pytest.param("2026-10-21", [date(2026, 10, 21)], id="a-day-after"),
    ],
)
def test_a_wait_that_outlasted_its_limit_is_remembered(next_order: str, ended: list[date]) -> None:
    found = waits("2026-07-20", next_order)
    assert [wait["ended_on"] for wait in found] == [*ended, None]


def test_a_past_wait_is_judged_by_the_rhythm_of_its_time() -> None:
    found = waits("2026-06-01", "2026-06-21", "2026-07-11", "2026-11-01")
    assert [(wait["ordered_on"], wait["usual_gap_days"]) for wait in found] == [
        (date(2026, 7, 11), 20),
        (date(2026, 11, 1), 51),
    ]


def test_waits_of_long_ago_are_let_go() -> None:
    assert [wait["ordered_on"] for wait in waits("2024-01-01", "2025-10-01", "2026-11-01")] == [
        date(2025, 10, 1),
        date(2026, 11, 1),
    ]


def test_without_rhythms_nobody_is_at_risk_by_waiting() -> None:
    [wait] = waits(*EVERY_60_DAYS, plan=limits(rhythm=Rhythm(is_used=False)))
    assert (wait["usual_gap_days"], wait["at_risk_on"], wait["silent_on"]) == (None, None, date(2026, 12, 29))


def test_a_slow_rhythm_may_hold_churn_back() -> None:
    yearly = ("2023-12-01", "2024-12-01", "2025-12-01")
    [plain] = waits(*yearly)
    [held] = waits(*yearly, plan=limits(rhythm=Rhythm(holds_churn_back=True)))
    assert (plain["churned_on"], plain["is_held_back"]) == (date(2026, 6, 1), False)
    assert (held["churned_on"], held["is_held_back"]) == (date(2025, 12, 1) + timedelta(days=1097), True)


@settings(max_examples=40, deadline=None)
@given(ordered_on=st.dates(date(2024, 1, 1), date(2026, 11, 1)), months=st.integers(2, 24))
def test_churn_begins_on_the_first_day_that_is_months_after_the_order(ordered_on: date, months: int) -> None:
    plan = limits(churned_months=months, silent_months=1)
    churned_on = waits(ordered_on.isoformat(), plan=plan)[-1]["churned_on"]
    assert months_before(churned_on, months) >= ordered_on
    assert months_before(churned_on - timedelta(days=1), months) < ordered_on


# --- customer_lifecycle ---


def steady(*days: str, late: float = 100, before: float = 100) -> list[Row]:
    """Orders of a customer with a rhythm; what was bought in the last six months, and in the six before, is said."""
    first, *rest = days
    return sales(first, amount=before) + sales(rest[0], amount=0) + sales(rest[1], amount=late)


OFTEN = ("2026-03-01", "2026-06-25", "2026-10-20")


@pytest.mark.parametrize(
    ("orders", "stage", "rule"),
    [
        pytest.param([], "prospect", "no_order", id="never-ordered"),
        pytest.param(sales("2026-11-20"), "new", "first_order", id="today"),
        pytest.param(sales("2026-08-21"), "new", "first_order", id="not-yet-three-months"),
        pytest.param(sales("2026-08-20"), "silent", "silent_by_calendar", id="three-months-without-a-rhythm"),
        pytest.param(sales("2026-08-20", "2026-11-01"), "growing", "spend_rose", id="new-no-longer"),
        pytest.param(sales("2026-05-21"), "silent", "silent_by_calendar", id="not-yet-six-months"),
        pytest.param(sales("2026-05-20"), "churned", "churned_by_calendar", id="six-months"),
        pytest.param(sales(*EVERY_60_DAYS), "growing", "spend_rose", id="in-rhythm"),
        pytest.param(sales("2026-06-05", "2026-07-25", "2026-09-06"), "at_risk", "at_risk_by_rhythm", id="overdue"),
        pytest.param(sales("2026-07-01", "2026-08-01", "2026-09-01"), "silent", "silent_by_rhythm", id="long-overdue"),
        pytest.param(sales("2026-01-01", "2026-03-01", "2026-05-20"), "churned", "churned_by_calendar", id="gone"),
        pytest.param(steady(*OFTEN), "mature", "steady", id="spends-as-before"),
        pytest.param(steady(*OFTEN, late=119.99), "mature", "steady", id="a-cent-short-of-growing"),
        pytest.param(steady(*OFTEN, late=120), "growing", "spend_rose", id="a-fifth-more"),
        pytest.param(steady(*OFTEN, late=50.01), "mature", "steady", id="a-cent-above-half"),
        pytest.param(steady(*OFTEN, late=50), "at_risk", "spend_fell", id="half"),
        pytest.param(steady(*OFTEN, late=0, before=0), "mature", "steady", id="nothing-spent-at-all"),
        pytest.param(
            sales("2026-03-01", amount=100) + sales("2026-10-20", amount=10),
            "mature",
            "steady",
            id="two-orders-show-no-fall",
        ),
    ],
)
def test_the_stage_by_its_limits(orders: list[Row], stage: str, rule: str) -> None:
    found = life(orders)
    assert (found["class_id"], found["rule_id"]) == (f"lifecycle_{stage}", rule)


@pytest.mark.parametrize(
    ("as_of", "stage"),
    [
        pytest.param("2026-12-27", "growing", id="eve-of-the-risk"),
        pytest.param("2026-12-28", "at_risk", id="one-and-a-half-gaps"),
        pytest.param("2027-01-26", "at_risk", id="eve-of-silence"),
        pytest.param("2027-01-27", "silent", id="two-gaps"),
        pytest.param("2027-03-28", "silent", id="eve-of-churn"),
        pytest.param("2027-03-29", "churned", id="six-months"),
    ],
)
def test_the_same_history_ages_day_by_day(as_of: str, stage: str) -> None:
    assert life(sales(*EVERY_60_DAYS), as_of=as_of)["class_id"] == f"lifecycle_{stage}"


def test_churn_held_back_leaves_a_yearly_buyer_in_peace() -> None:
    yearly = sales("2023-11-25", "2024-11-25", "2025-11-25")
    assert life(yearly)["class_id"] == "lifecycle_churned"
    assert life(yearly, limits(rhythm=Rhythm(holds_churn_back=True)))["class_id"] == "lifecycle_mature"


@pytest.mark.parametrize(
    ("orders", "zh", "en"),
    [
        pytest.param([], "尚未下单，处于获客阶段。", "No order yet: still to be won.", id="prospect"),
        pytest.param(
            sales("2026-11-19"),
            "首次下单在 1 天前，不满 3 个月。",
            "First order 1 day ago, less than 3 months back.",
            id="new",
        ),
        pytest.param(
            sales("2026-05-20"),
            "最近一次下单在 184 天前，已满 6 个月未下单。",
            "Last order 184 days ago, none for 6 months or longer.",
            id="churned",
        ),
        pytest.param(
            sales("2026-08-20"),
            "最近一次下单在 92 天前，已满 3 个月未下单。",
            "Last order 92 days ago, none for 3 months or longer.",
            id="silent",
        ),
        pytest.param(
            sales("2026-07-01", "2026-08-01", "2026-09-01"),
            "最近一次下单在 80 天前，平时平均每 31.0 天下单一次，已达到自身间隔的 2 倍。",
            "Last order 80 days ago, usually one every 31.0 days: 2 of their own gaps have passed.",
            id="silent-by-rhythm",
        ),
        pytest.param(
            steady(*OFTEN, late=25),
            "近 6 个月净消费 25.00 元，比此前 6 个月的 100.00 元下降 75.0%。",
            "Net spend of the last 6 months is 25.00 CNY, 75.0% less than the 100.00 CNY of the 6 months before.",
            id="fell",
        ),
        pytest.param(
            steady(*OFTEN, late=150),
            "近 6 个月净消费 150.00 元，比此前 6 个月的 100.00 元增长 50.0%。",
            "Net spend of the last 6 months is 150.00 CNY, 50.0% more than the 100.00 CNY of the 6 months before.",
            id="rose",
        ),
        pytest.param(
            sales("2026-08-20", "2026-11-01"),
            "近 6 个月净消费 200.00 元，此前 6 个月没有净消费。",
            "Net spend of the last 6 months is 200.00 CNY, with none in the 6 months before.",
            id="rose-from-nothing",
        ),
        pytest.param(
            steady(*OFTEN),
            "最近一次下单在 31 天前，近 6 个月净消费 100.00 元，此前 6 个月 100.00 元，没有明显升降。",
            "Last order 31 days ago; net spend of the last 6 months is 100.00 CNY, of the 6 months before 100.00 CNY: "
            "no marked rise or fall.",
            id="steady",
        ),
    ],
)
def test_the_sentence_tells_the_customers_own_numbers(orders: list[Row], zh: str, en: str) -> None:
    found = life(orders)
    assert (found["sentence_zh"], found["sentence_en"]) == (zh, en)


HISTORIES = st.lists(
    st.lists(st.tuples(st.integers(0, 800), st.integers(-5, 12)), max_size=6, unique_by=lambda order: order[0]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(
    histories=HISTORIES,
    as_of=st.dates(date(2025, 1, 1), date(2027, 12, 31)),
    is_used=st.booleans(),
    holds_churn_back=st.booleans(),
)
def test_every_customer_is_in_exactly_one_stage_whatever_the_order_of_the_rows(
    histories: list[list[tuple[int, int]]], as_of: date, is_used: bool, holds_churn_back: bool
) -> None:
    plan = limits(rhythm=Rhythm(is_used=is_used, holds_churn_back=holds_churn_back))
    customers = [{"customer_id": f"C{number}"} for number, _ in enumerate(histories)]
    orders = [
        {"order_id": f"{number}-{back}", "customer_id": f"C{number}", "amount": abs(amount)}
        | {"ordered_at": f"{as_of - timedelta(days=back)} 12:00", "kind": "refund" if amount < 0 else "sale"}
        | ({"refund_of": "O0"} if amount < 0 else {})
        for number, history in enumerate(histories)
        for back, amount in history
    ]
    rows = run_model("dws.customer_lifecycle", {"customers": customers, "orders": orders}, plan=plan, as_of=as_of)
    turned = {"customers": customers[::-1], "orders": orders[::-1]}
    assert run_model("dws.customer_lifecycle", turned, plan=plan, as_of=as_of) == rows
    assert [row["customer_id"] for row in rows] == [customer["customer_id"] for customer in customers]
    for row, history in zip(rows, histories, strict=True):
        assert row["class_id"] == f"lifecycle_{expected_stage(history, plan.segments.lifecycle, as_of)}"
        assert row["label_zh"] and row["sentence_zh"].endswith("。") and row["sentence_en"].endswith(".")


def expected_stage(history: list[tuple[int, int]], lifecycle: Lifecycle, as_of: date) -> str:
    """The stage by a second reading of the rules."""
    days = sorted(as_of - timedelta(days=back) for back, amount in history if amount >= 0)
    if not days:
        return "prospect"
    rhythm, waited = lifecycle.rhythm, (as_of - days[-1]).days
    has_rhythm = rhythm.is_used and len(days) >= rhythm.order_days
    gap = max((days[-1] - days[0]).days / (len(days) - 1), rhythm.least_gap_days) if has_rhythm else 0.0

    def is_past(months: int) -> bool:
        return days[-1] <= months_before(as_of, months)

    is_held_back = has_rhythm and rhythm.holds_churn_back and waited < gap * rhythm.churned_gaps
    if is_past(lifecycle.churned_months) and not is_held_back:
        return "churned"
    if waited >= gap * rhythm.silent_gaps if has_rhythm else is_past(lifecycle.silent_months):
        return "silent"
    if has_rhythm and waited >= gap * rhythm.at_risk_gaps:
        return "at_risk"
    if days[0] > months_before(as_of, lifecycle.new_months):
        return "new"
    starts = [months_before(as_of, months) for months in (lifecycle.trend_months, 2 * lifecycle.trend_months)]
    spent = [(as_of - timedelta(days=back), amount) for back, amount in history]
    late = sum(amount for day, amount in spent if day > starts[0])
    before = sum(amount for day, amount in spent if starts[1] < day <= starts[0])
    recent_orders = sum(day > starts[1] for day in days)
    if recent_orders >= rhythm.order_days and before > 0 and late <= before * (1 - lifecycle.at_risk_fall):
        return "at_risk"
    return "growing" if late > 0 and late >= before * (1 + lifecycle.growing_from) else "mature"


# --- the plan ---


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(
            {"silent_months": 6}, "silent_months 6 must be less than churned_months 6", id="silence-after-churn"
        ),
        pytest.param({"rhythm": {"at_risk_gaps": 2}}, "must rise", id="risk-is-silence"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(wrong: Row, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Lifecycle.model_validate(wrong)


def test_the_stages_are_defined_in_words_with_the_plans_limits() -> None:
    plan = limits(churned_months=9, rhythm=Rhythm(holds_churn_back=True))
    classes = plan_tables(plan, DAY, additive=frozenset())["plan.segment_classes"].to_pylist()
    found = {row["class_id"]: (row["definition_zh"], row["definition_en"]) for row in classes}
    assert found["lifecycle_churned"] == (
        "满 9 个月未下单，且达到自身平均下单间隔的 3 倍未下单。",
        "No order for 9 months, and, of customers with a rhythm, no order for 3 of their own mean gaps.",
    )
    assert found["lifecycle_new"] == ("首次下单不满 3 个月。", "First order less than 3 months ago.")
