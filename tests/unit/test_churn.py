"""The early warning: each indicator on events small enough to count, the score on values a test writes down.

The day is 2026-11-20; late is after 2026-08-20, before is after 2025-11-20.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from churn_rows import measured, scored
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DAY, Row, a_plan, run_model
from pydantic import ValidationError

from pipeline.plan import Label, Plan, Segments
from pipeline.plan.churn import INDICATORS, Churn, Indicator, usual_indicators
from pipeline.plan_tables import plan_tables
from pipeline.plan_tables.churn import indicator_row

BEFORE, LATE = "2026-03-02", "2026-09-01"
ONE_ORDER = [{"order_id": "O1", "ordered_at": f"{LATE} 10:00"}]


def order(day: str, **more: Any) -> Row:
    return {"ordered_at": f"{day} 10:00"} | more


def contact(kind: str, day: str, **more: Any) -> Row:
    return {"customer_id": "C1", "kind": kind, "occurred_at": f"{day} 10:00"} | more


def contacts(kind: str, before: int, late: int) -> list[Row]:
    return [contact(kind, BEFORE)] * before + [contact(kind, LATE)] * late


def answer(kind: str, score: float, day: str, **more: Any) -> Row:
    scale = {"scale_min": 0, "scale_max": 10} if kind == "nps" else {"scale_min": 1, "scale_max": 5}
    asked = {"respondent_kind": "customer", "respondent_id": "C1", "answered_at": f"{day} 09:00"}
    return asked | scale | {"kind": kind, "score": score} | more


def numbered(rows: list[Row], key: str) -> list[Row]:
    return [{key: f"{number:03}"} | row for number, row in enumerate(rows)]


def told(indicator: str, plan: Plan | None = None, **tables: list[Row]) -> float | None:
    """What an indicator says of customer C1, who bought once of late unless the orders say otherwise."""
    tables = {"customers": [{}], "orders": ONE_ORDER} | tables
    tables["orders"] = numbered(tables["orders"], "order_id")
    tables["interactions"] = numbered(tables.get("interactions", []), "interaction_id")
    rows = run_model("dws.churn_indicators", tables, plan=plan)
    values = [row["value"] for row in rows if (row["customer_id"], row["indicator"]) == ("C1", indicator)]
    return values[0] if values else None


def churn_plan(**changes: Any) -> Plan:
    return a_plan(segments=Segments(churn=Churn(**changes)))


EVENTS = {
    "orders": [
        order(day, product="A") for day in ("2026-01-10", "2026-03-01", "2026-04-20", "2026-06-09", "2026-07-29")
    ]
    + [order(LATE, customer_id="C2", product="B")],
    "answers": [answer("nps", 2, BEFORE), answer("csat", 3, BEFORE)],
    "interactions": [contact("complaint", LATE, customer_id="C2")],
}


# --- the twelve indicators ---


@pytest.mark.parametrize(
    ("days", "value"),
    [
        pytest.param(["2026-06-03", "2026-07-23", "2026-09-11"], 70 / 50, id="seventy-days-after-fifty-day-gaps"),
        pytest.param(["2026-11-20"] * 3, None, id="three-orders-of-one-day-make-no-rhythm"),
        pytest.param(["2026-07-23", "2026-09-11"], None, id="two-order-days-make-none"),
        pytest.param(["2026-11-04", "2026-11-05", "2026-11-06"], 1.0, id="fourteen-days-at-least"),
    ],
)
def test_overdue_counts_own_gaps(days: list[str], value: float | None) -> None:
    assert told("overdue", orders=[order(day) for day in days]) == pytest.approx(value)


@pytest.mark.parametrize(
    ("before", "late", "value"),
    [
        pytest.param(6, 2, 0.0, id="as-often-a-month"),
        pytest.param(6, 1, 0.5, id="half-as-often"),
        pytest.param(6, 0, 1.0, id="not-at-all"),
        pytest.param(3, 2, -1.0, id="twice-as-often"),
        pytest.param(2, 0, 1.0, id="two-before-are-enough"),
        pytest.param(1, 0, None, id="one-is-not"),
    ],
)
def test_falls_compare_means_a_month(before: int, late: int, value: float | None) -> None:
    orders = [order(BEFORE)] * before + [order(LATE)] * late
    assert told("order_frequency_fall", orders=orders) == pytest.approx(value)
    for indicator, kind in (("activity_fall", "webinar"), ("login_fall", "login"), ("login_fall", "site_visit")):
        assert told(indicator, interactions=contacts(kind, before, late)) == pytest.approx(value)


@pytest.mark.parametrize("kind", ["call", "visit", "complaint"])
def test_what_we_do_and_what_hurts_is_no_activity_of_the_customer(kind: str) -> None:
    interactions = contacts(kind, 5, 0)
    assert told("activity_fall", interactions=interactions) is told("login_fall", interactions=interactions) is None


@pytest.mark.parametrize(
    ("day", "value"),
    [
        pytest.param("2026-08-20", 1.0, id="before-until-the-day"),
        pytest.param("2026-08-21", 1 - 3 / 2, id="late-from-the-next"),
    ],
)
def test_late_begins_the_day_after_the_same_day_months_ago(day: str, value: float) -> None:
    orders = [order(BEFORE), order(BEFORE), order(day)]
    assert told("order_frequency_fall", orders=orders) == pytest.approx(value)


def test_what_is_older_than_both_windows_is_not_looked_at() -> None:
    orders = [order("2025-11-20"), order("2025-11-20"), order("2025-11-21")]
    assert told("order_frequency_fall", orders=orders) is None
    assert told("breadth", orders=[*orders, order(LATE, customer_id="C2", product="B")]) is None


@pytest.mark.parametrize(
    ("late", "value"),
    [
        pytest.param([120], 0.2, id="a-fifth-less"),
        pytest.param([150, 90], 0.2, id="the-mean-of-two"),
        pytest.param([300], -1.0, id="twice-as-much"),
        pytest.param([], None, id="no-order-has-no-value"),
    ],
)
def test_the_order_value_compares_means(late: list[float], value: float | None) -> None:
    orders = [order(BEFORE, amount=100), order(BEFORE, amount=200), *[order(LATE, amount=amount) for amount in late]]
    assert told("order_value_fall", orders=orders) == pytest.approx(value)


@pytest.mark.parametrize(
    ("before", "late", "value"),
    [
        pytest.param(0, 0, 0.0, id="none"),
        pytest.param(0, 2, 2.0, id="two-out-of-nothing"),
        pytest.param(3, 1, 0.0, id="as-usual"),
        pytest.param(3, 0, -1.0, id="one-less-than-usual"),
    ],
)
def test_complaints_count_beyond_the_usual(before: int, late: int, value: float) -> None:
    others = [contact("complaint", LATE, customer_id="C2")]
    assert told("complaint_rise", interactions=contacts("complaint", before, late) + others) == pytest.approx(value)


def test_where_nobody_records_complaints_their_absence_says_nothing() -> None:
    assert told("complaint_rise", interactions=[contact("call", LATE)]) is None


@pytest.mark.parametrize(
    ("asked", "answered_at", "value"),
    [
        pytest.param("2026-11-01", "2026-11-03 10:00", 0.0, id="at-the-last-minute"),
        pytest.param("2026-11-01", "2026-11-03 10:01", 0.5, id="a-minute-late"),
        pytest.param("2026-11-01", None, 0.5, id="never"),
        pytest.param("2026-11-18", None, 0.5, id="two-days-ago"),
        pytest.param("2026-11-19", None, None, id="there-is-still-time"),
    ],
)
def test_a_request_wants_an_answer_within_the_plans_hours(
    asked: str, answered_at: str | None, value: float | None
) -> None:
    answered = contact("consultation", "2026-10-01", answered_at="2026-10-01 11:00")
    interactions = [answered, contact("service_request", asked, answered_at=answered_at)]
    assert told("unanswered", interactions=interactions) == value


def test_where_answers_are_not_recorded_their_absence_says_nothing() -> None:
    assert told("unanswered", interactions=[contact("complaint", LATE)] * 3) is None


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        pytest.param([answer("nps", 3, LATE), answer("nps", 9, BEFORE)], 3, id="the-last"),
        pytest.param([answer("nps", 3, "2025-11-20")], None, id="too-old"),
        pytest.param([answer("nps", 3, LATE, scale_max=5)], None, id="another-scale"),
    ],
)
def test_recommendation_is_the_last_on_0_to_10(answers: list[Row], value: float | None) -> None:
    assert told("nps_low", answers=answers) == value


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        pytest.param([answer("csat", 2, LATE), answer("csat", 5, BEFORE)], 0.25, id="two-of-one-to-five"),
        pytest.param([answer("csat", 80, LATE, scale_min=0, scale_max=100)], 0.8, id="eighty-of-a-hundred"),
        pytest.param([answer("csat", 4, LATE, scale_min=None)], None, id="no-scale"),
    ],
)
def test_satisfaction_is_a_part_of_its_scale(answers: list[Row], value: float | None) -> None:
    assert told("csat_low", answers=answers) == value


@pytest.mark.parametrize(
    ("late", "value"),
    [
        pytest.param([order("2026-10-01", paid_on="2026-10-31")], 20.0, id="thirty-days-instead-of-ten"),
        pytest.param([order("2026-10-01", paid_on="2026-10-03")], 0.0, id="sooner-is-not-less-than-in-time"),
        pytest.param([order("2026-10-01")], 40.0, id="unpaid-for-fifty-days"),
        pytest.param([order("2026-11-18")], 0.0, id="unpaid-and-not-late-yet"),
        pytest.param([order("2026-10-01", paid_on="2026-10-31"), order("2026-11-18")], 10.0, id="the-mean-of-two"),
        pytest.param([], None, id="nothing-to-pay"),
    ],
)
def test_payments_are_late_against_the_customers_own_habit(late: list[Row], value: float | None) -> None:
    paid = [order(BEFORE, paid_on="2026-03-07"), order(BEFORE, paid_on="2026-03-17"), order(BEFORE)]
    assert told("payment_delay", orders=paid + late) == pytest.approx(value)


def test_a_habit_of_paying_needs_two_payments() -> None:
    assert told("payment_delay", orders=[order(BEFORE, paid_on=BEFORE), order(LATE)]) is None


@pytest.mark.parametrize(
    ("sold", "value"), [pytest.param(100, 0.3, id="part-of-sales"), pytest.param(0, None, id="nothing-sold")]
)
def test_refunds_are_a_part_of_sales(sold: float, value: float | None) -> None:
    orders = [order(BEFORE, amount=sold), order(LATE, kind="refund", amount=30, refund_of="000")]
    assert told("refund_share", orders=orders) == pytest.approx(value)


@pytest.mark.parametrize(
    ("products", "value"),
    [
        pytest.param(["A", "A", "B"], 2, id="two-of-three-orders"),
        pytest.param([None, "A"], 1, id="unnamed-ones-are-not-counted"),
        pytest.param([None], None, id="nothing-named"),
    ],
)
def test_breadth_counts_different_products(products: list[str | None], value: float | None) -> None:
    others = [order(LATE, customer_id="C2", product="Z")]
    assert told("breadth", orders=[order(LATE, product=product) for product in products] + others) == value


def test_a_company_with_one_product_says_nothing_by_its_breadth() -> None:
    assert told("breadth", orders=[order(LATE, product="A")] * 3) is None


def test_a_product_without_a_name_goes_by_its_category() -> None:
    assert told("breadth", orders=[order(LATE, category="X"), order(LATE, product="A")]) == 2


def test_a_customer_without_orders_and_one_the_crm_does_not_know_have_no_values() -> None:
    orders, logins = [order(LATE, customer_id="C7")], numbered(contacts("login", 3, 0), "interaction_id")
    assert run_model("dws.churn_indicators", {"customers": [{}], "orders": orders, "interactions": logins}) == []


def test_customers_of_merged_records_are_one() -> None:
    merged = [{"source_customer_id": "C9", "customer_id": "C1"}]
    orders = [order(BEFORE, customer_id="C9"), order(BEFORE), order(LATE, customer_id="C9")]
    assert told("order_frequency_fall", orders=orders, customer_links=merged) == pytest.approx(1 - 3 / 2)


# --- risk ---

USUAL = usual_indicators()


@pytest.mark.parametrize(
    ("indicator", "value", "score"),
    [
        pytest.param("overdue", 1.0, 0, id="calm"),
        pytest.param("overdue", 0.2, 0, id="calmer-than-calm"),
        pytest.param("overdue", 1.75, 50, id="half-way"),
        pytest.param("overdue", 2.5, 100, id="alarm"),
        pytest.param("overdue", 40.0, 100, id="beyond-alarm"),
        pytest.param("nps_low", 8.0, 0, id="less-is-worse-calm"),
        pytest.param("nps_low", 5.5, 50, id="less-is-worse-half-way"),
        pytest.param("nps_low", 0.0, 100, id="less-is-worse-alarm"),
    ],
)
def test_risk_rises_from_calm_to_alarm(indicator: str, value: float, score: float) -> None:
    plan = churn_plan(least_told_share=0.0)
    assert scored(["C1"], measured({"C1": {indicator: value}}), plan=plan)["C1"]["churn_score"] == score


def test_the_indicators_show_the_risks_and_weights_the_score_is_made_of() -> None:
    tables = {"customers": [{}, {}], **EVENTS}
    tables["orders"] = numbered(EVENTS["orders"], "order_id")
    rows = [row for row in run_model("dws.churn_indicators", tables) if row["customer_id"] == "C1"]
    assert {row["indicator"]: float(row["risk"]) for row in rows} == {
        "overdue": pytest.approx((114 / 50 - 1) / 1.5, abs=1e-6),
        "order_frequency_fall": 1,
        "complaint_rise": 0,
        "nps_low": 1,
        "csat_low": 0.5,
        "refund_share": 0,
        "breadth": 1,
    }
    weighted = sum(row["risk"] * row["weight"] for row in rows)
    assert round(100 * weighted / sum(row["weight"] for row in rows), 1) == Decimal("72.1")


# --- score ---

ALARM = {name: indicator.alarm for name, indicator in USUAL.items()}
CALM = {name: indicator.calm for name, indicator in USUAL.items()}


def score(values: dict[str, float], **changes: Any) -> Row:
    """The score of customer C1."""
    return scored(["C1"], measured({"C1": values}), plan=churn_plan(**changes))["C1"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(CALM, 0, id="all-calm"),
        pytest.param(ALARM, 100, id="all-alarming"),
        pytest.param(CALM | {"overdue": 2.5}, 25, id="one-weighs-a-quarter"),
        pytest.param({"overdue": 2.5, "order_frequency_fall": 0.25}, 62.5, id="untold-ones-weigh-nothing"),
        pytest.param({"overdue": 1.75, "order_frequency_fall": 1.0}, 68.8, id="half-a-risk"),
    ],
)
def test_the_score_is_the_weighted_mean_of_what_can_be_told(values: dict[str, float], expected: float) -> None:
    assert score(values)["churn_score"] == expected


@pytest.mark.parametrize(
    ("overdue", "class_id", "rule_id"),
    [
        pytest.param(1.0, "churn_calm", "watched_from", id="nothing"),
        pytest.param(1.4485, "churn_calm", "watched_from", id="just-below-watching"),
        pytest.param(1.45, "churn_watch", "watched_from", id="thirty"),
        pytest.param(1.7485, "churn_watch", "watched_from", id="just-below-warning"),
        pytest.param(1.75, "churn_warned", "warned_from", id="fifty"),
        pytest.param(9.0, "churn_warned", "warned_from", id="a-hundred"),
    ],
)
def test_the_class_by_the_plans_lines(overdue: float, class_id: str, rule_id: str) -> None:
    found = score({"overdue": overdue}, least_told_share=0.25)
    assert (found["class_id"], found["rule_id"]) == (class_id, rule_id)
    assert found["is_warned"] is (class_id == "churn_warned")


@pytest.mark.parametrize(
    ("least", "class_id"),
    [pytest.param(0.25, "churn_warned", id="exactly-enough"), pytest.param(0.26, "churn_unknown", id="too-little")],
)
def test_too_little_told_gives_no_score_and_says_so(least: float, class_id: str) -> None:
    found = score({"overdue": 2.5}, least_told_share=least)
    assert (found["class_id"], found["indicators_told"], found["told_share"]) == (class_id, 1, 0.25)
    if class_id == "churn_unknown":
        assert (found["churn_score"], found["unscored_reason"], found["reason_1_zh"], found["is_warned"]) == (
            None,
            "too_little_told",
            None,
            False,
        )
        assert found["sentence_zh"] == "有依据的指标只占权重的 25.0%，不足以评分。"
        assert found["sentence_en"] == "What can be told makes up only 25.0% of the weight, too little for a score."


def test_a_customer_of_whom_nothing_is_known_has_no_score() -> None:
    found = scored(["C1", "C2"], measured({"C1": ALARM}))
    assert [found[customer]["class_id"] for customer in ("C1", "C2")] == ["churn_warned", "churn_unknown"]
    assert (found["C2"]["indicators_told"], found["C2"]["told_share"]) == (0, 0)


def test_an_indicator_without_weight_is_left_out() -> None:
    indicators = {"overdue": {"weight": 0}}
    assert score(CALM | {"overdue": 9.0}, indicators=indicators)["churn_score"] == 0
    [limits] = plan_tables(churn_plan(indicators=indicators), DAY, additive=frozenset())["plan.churn"].to_pylist()
    assert limits["recent_start"] == date(2026, 8, 20)


def test_reasons_are_the_three_that_add_most_and_a_tie_goes_to_the_first_of_the_plan() -> None:
    """I39: reasons per customer."""
    found = score(CALM | {"breadth": 1.0, "csat_low": 0.25, "nps_low": 3.0, "payment_delay": 17.5})
    assert [found[f"reason_{place}_id"] for place in (1, 2, 3)] == ["nps_low", "csat_low", "breadth"]


def test_calm_indicators_are_no_reason() -> None:
    found = score(CALM | {"overdue": 2.0})
    assert [found[f"reason_{place}_id"] for place in (1, 2, 3)] == ["overdue", None, None]
    assert found["sentence_en"].startswith("Churn score 16.7, below the watching line of 30: no order for 2 days")


def test_an_indicator_without_words_of_its_own_is_told_by_its_name() -> None:
    label = Label(zh="合同月数", en="Contract months")
    indicators = [indicator_row("contract", 1, label, label, Indicator(weight=1.0, calm=12.0, alarm=1.0))]
    found = scored(["C1"], measured({"C1": {"contract": 1.0}}), indicators=indicators)["C1"]
    assert (found["churn_score"], found["reason_1_zh"], found["reason_1_en"]) == (
        100,
        "合同月数：1.0",
        "Contract months: 1.0",
    )


def full(**tables: list[Row]) -> dict[str, Row]:
    tables = {"customers": [{}, {}]} | tables
    tables["orders"] = numbered(tables.get("orders", []), "order_id")
    tables["interactions"] = numbered(tables.get("interactions", []), "interaction_id")
    return {row["customer_id"]: row for row in run_model("dws.customer_churn", tables)}


def test_the_sentence_tells_the_customers_own_numbers() -> None:
    found = full(**EVENTS)["C1"]
    assert found["churn_score"] == 72.1
    assert found["sentence_zh"] == (
        "流失评分 72.1，达到预警线 50：已 114 天未下单，平时平均每 50.0 天一次；"
        "近 3 个月下单 0 次，此前 9 个月 5 次；最近一次推荐意愿打 2 分（满分 10 分）。"
    )
    assert found["sentence_en"] == (
        "Churn score 72.1, at or above the warning line of 50: no order for 114 days, usually one every 50.0 days; "
        "0 orders in the last 3 months, 5 in the 9 months before; last recommendation 2 of 10."
    )


@pytest.mark.parametrize(
    ("tables", "zh", "en"),
    [
        pytest.param(
            {"orders": [order(BEFORE, amount=2000)] * 2 + [order(LATE, amount=500)]},
            "近 3 个月客单价 500.00 元，此前 9 个月 2,000.00 元",
            "mean order 500.00 CNY in the last 3 months, 2,000.00 CNY in the 9 months before",
            id="order-value",
        ),
        pytest.param(
            {"interactions": contacts("webinar", 9, 1)},
            "近 3 个月主动参与 1 次，此前 9 个月 9 次",
            "active 1 time in the last 3 months, 9 in the 9 months before",
            id="activity",
        ),
        pytest.param(
            {"interactions": contacts("login", 4, 0)},
            "近 3 个月登录和访问官网 0 次，此前 9 个月 4 次",
            "logged in or visited the site 0 times in the last 3 months, 4 in the 9 months before",
            id="logins",
        ),
        pytest.param(
            {"interactions": contacts("complaint", 0, 1)},
            "近 3 个月投诉 1 次，此前 9 个月 0 次",
            "1 complaint in the last 3 months, 0 in the 9 months before",
            id="complaints",
        ),
        pytest.param(
            {"interactions": [*contacts("consultation", 0, 2), contact("visit", LATE, answered_at="2026-09-02 10:00")]},
            "近 12 个月 2 次请求中有 2 次未在 48 小时内答复",
            "2 of 2 requests of the last 12 months not answered within 48 hours",
            id="unanswered",
        ),
        pytest.param(
            {"answers": [answer("csat", 2, LATE)]},
            "最近一次满意度打 2.0 分（满分 5 分）",
            "last satisfaction 2.0 of 5",
            id="satisfaction",
        ),
        pytest.param(
            {"orders": [order(BEFORE, paid_on="2026-03-12")] * 2 + [order("2026-10-01", paid_on="2026-10-31")] * 2},
            "近 3 个月付款平均比平时晚 20.0 天，平时 10.0 天付清",
            "paid 20.0 days later than usual in the last 3 months, usually after 10.0 days",
            id="payment",
        ),
        pytest.param(
            {"orders": [order(LATE, amount=100), order(LATE, kind="refund", amount=25, refund_of="000")]},
            "近 12 个月退款 25.00 元，占销售额的 25.0%",
            "refunds of 25.00 CNY in the last 12 months, 25.0% of sales",
            id="refunds",
        ),
        pytest.param(
            {"orders": [order(LATE, product="A"), order(LATE, customer_id="C2", product="B")]},
            "近 12 个月只买过 1 种产品",
            "bought only 1 product in the last 12 months",
            id="breadth",
        ),
    ],
)
def test_every_indicator_has_words_with_the_numbers_behind_it(tables: dict[str, list[Row]], zh: str, en: str) -> None:
    tables = {"customers": [{}, {}], "orders": ONE_ORDER} | tables
    tables["orders"] = numbered(tables["orders"], "order_id")
    tables["interactions"] = numbered(tables.get("interactions", []), "interaction_id")
    [row, _] = run_model("dws.customer_churn", tables, plan=churn_plan(least_told_share=0.0))
    assert (row["reason_1_zh"], row["reason_1_en"]) == (zh, en)


def test_who_has_churned_is_past_a_warning_and_who_never_ordered_before_one() -> None:
    found = full(orders=[order(day) for day in ("2026-01-10", "2026-02-10", "2026-03-10")])
    assert [(row["class_id"], row["is_warned"]) for row in found.values()] == [
        ("churn_gone", False),
        ("churn_no_order", False),
    ]
    assert found["C1"]["churn_score"] > 50
    assert (found["C1"]["sentence_zh"], found["C1"]["sentence_en"]) == (
        "最近一次下单在 255 天前，已经流失。",
        "Last order 255 days ago: gone already.",
    )
    assert (found["C2"]["unscored_reason"], found["C2"]["told_share"]) == ("no_order", None)
    assert found["C2"]["sentence_en"] == "No order yet, so nothing to leave."


# --- properties ---

VALUES = st.dictionaries(st.sampled_from(INDICATORS), st.floats(-50, 50, allow_nan=False))


@settings(max_examples=25, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=8), least=st.floats(0, 1), data=st.data())
def test_every_customer_has_one_class_and_one_score_within_bounds_whatever_the_order_of_the_rows(
    values: list[dict[str, float]], least: float, data: st.DataObject
) -> None:
    customers = [f"C{number}" for number, _ in enumerate(values)]
    plan, rows = churn_plan(least_told_share=least), measured(dict(zip(customers, values, strict=True)))
    found = scored(customers, rows, plan=plan)
    assert list(found) == customers
    turned = data.draw(st.permutations(range(rows.num_rows)))
    assert scored(customers[::-1], rows.take(pa.array(turned, pa.int64())), plan=plan) == found
    for row in found.values():
        has_score = row["churn_score"] is not None
        assert has_score is (row["unscored_reason"] is None) is (row["class_id"] != "churn_unknown")
        assert not has_score or 0 <= row["churn_score"] <= 100
        assert not row["is_warned"] or row["churn_score"] >= 50
        assert row["label_zh"] and row["sentence_zh"].endswith("。") and row["sentence_en"].endswith(".")


@settings(max_examples=25, deadline=None)
@given(values=VALUES.filter(bool), further=st.floats(0, 100), data=st.data())
def test_a_value_nearer_to_alarm_never_lowers_the_score(
    values: dict[str, float], further: float, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(values)))
    step = further if USUAL[name].alarm > USUAL[name].calm else -further
    worse = values | {name: values[name] + step}
    found = scored(["C1", "C2"], measured({"C1": values, "C2": worse}), plan=churn_plan(least_told_share=0.0))
    assert found["C2"]["churn_score"] >= found["C1"]["churn_score"]


@settings(max_examples=15, deadline=None)
@given(back=st.lists(st.integers(0, 700), max_size=8), turned=st.booleans())
def test_every_customer_of_the_crm_is_told_once_from_the_events_on(back: list[int], turned: bool) -> None:
    days = [(DAY - timedelta(days=days)).isoformat() for days in back]
    orders = [order(day, order_id=f"{number}-{day}") for number, day in enumerate(days)]
    tables = {"customers": [{}, {}], "orders": orders[::-1] if turned else orders}
    rows = run_model("dws.customer_churn", tables)
    assert [row["customer_id"] for row in rows] == ["C1", "C2"]
    assert (rows[0]["class_id"] == "churn_no_order") is (not back)


# --- the plan ---


def test_one_number_of_an_indicator_may_be_given_alone() -> None:
    churn = Churn.model_validate({"indicators": {"overdue": {"weight": 0.5}}})
    assert churn.indicators["overdue"] == Indicator(weight=0.5, calm=1.0, alarm=2.5)
    assert churn.indicators["breadth"] == USUAL["breadth"]
    assert sum(indicator.weight for indicator in USUAL.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"indicators": {"overdu": {"weight": 1}}}, "overdu", id="no-such-indicator"),
        pytest.param({"indicators": {"overdue": {"calm": 2.5}}}, "calm and alarm are both 2.5", id="no-room"),
        pytest.param(
            {"indicators": {name: {"weight": 0} for name in INDICATORS}}, "all indicators weigh 0", id="no-weight"
        ),
        pytest.param({"watched_from": 50}, "watched_from 50 must be less than warned_from 50", id="nothing-to-watch"),
        pytest.param({"indicators": [1]}, "valid dictionary", id="a-list"),
    ],
)
def test_a_warning_that_cannot_be_computed_is_refused(wrong: Row, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Churn.model_validate(wrong)


def test_twelve_indicators_have_weights_and_the_plan_says_from_which_score_on_it_warns() -> None:
    """I39."""
    assert len(USUAL) == 12
    assert all(indicator.weight > 0 for indicator in USUAL.values())
    half = {"overdue": 1.75}
    found = [score(half, warned_from=warned_from, least_told_share=0.25)["class_id"] for warned_from in (50.0, 50.1)]
    assert found == ["churn_warned", "churn_watch"]


def test_every_indicator_is_explained_in_both_languages() -> None:
    rows = plan_tables(a_plan(), DAY, additive=frozenset())["plan.churn_indicators"].to_pylist()
    assert [row["indicator"] for row in rows] == list(INDICATORS)
    assert all(
        row[f"{text}_{language}"] for row in rows for text in ("label", "definition") for language in ("zh", "en")
    )
