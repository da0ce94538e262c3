"""When customers bought, and where they stand between value and profit: rows small enough to check by eye."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model

from pipeline.plan import Matrix, Segments, Value

CUSTOMER = [{"customer_id": "C1"}]


def history(orders: list[Row], plan: Value | None = None) -> Row:
    """The purchase history of the one customer, on 2026-11-20."""
    segments = Segments(value=plan or Value())
    tables = {"customers": CUSTOMER, "orders": orders}
    [row] = run_model("dws.purchase_history", tables, plan=a_plan(segments=segments))
    return row


def sale(day: str, amount: int = 100, **cells: object) -> Row:
    return {"ordered_at": f"{day} 10:00", "amount": amount} | cells


def refund(day: str, amount: int, **cells: object) -> Row:
    return sale(day, amount, kind="refund") | cells


# --- purchase_history ---


def test_a_history_is_told_in_days_from_the_first_purchase():
    row = history([sale("2026-10-01"), sale("2026-10-15", 70), sale("2026-11-01", 30)])
    assert (row["first_bought_on"], row["last_bought_on"]) == (date(2026, 10, 1), date(2026, 11, 1))
    assert (row["repeats"], row["last_days"], row["known_days"]) == (2, 31, 50)
    assert row["repeat_amount"] == Decimal(100)


def test_orders_of_one_day_are_one_purchase():
    row = history([sale("2026-10-01"), sale("2026-10-01", 50), sale("2026-10-15", 70), sale("2026-10-15", 30)])
    assert (row["repeats"], row["repeat_amount"]) == (1, Decimal(100))


def test_who_never_bought_has_a_row_without_a_history():
    row = history([])
    assert (row["first_bought_on"], row["repeats"], row["known_days"], row["holdout_purchases"]) == (None,) * 4
    assert (row["repeat_amount"], row["was_active"], row["is_active"]) == (Decimal(0), False, False)


@pytest.mark.parametrize(
    ("given_back", "repeat_amount"),
    [
        pytest.param(refund("2026-11-10", 40, refund_of="O2"), 160, id="of-a-repeat-purchase"),
        pytest.param(refund("2026-11-10", 40, refund_of="O1"), 200, id="of-the-first-purchase"),
        pytest.param(refund("2026-11-10", 40), 160, id="of-an-unknown-order-by-the-last-day-before"),
        pytest.param(refund("2026-10-05", 40), 200, id="of-an-unknown-order-after-the-first"),
        pytest.param(refund("2026-09-05", 40), 200, id="of-nothing-bought-before"),
        pytest.param(refund("2026-11-10", 40, refund_of="O9"), 160, id="of-an-order-that-is-not-there"),
    ],
)
def test_a_refund_takes_its_money_from_the_day_of_its_order(given_back: Row, repeat_amount: int):
    row = history([sale("2026-10-01"), sale("2026-10-15", 120), sale("2026-11-01", 80), given_back])
    assert (row["repeats"], row["repeat_amount"]) == (2, Decimal(repeat_amount))


def test_a_day_whose_money_was_given_back_stays_a_purchase():
    row = history([sale("2026-10-01"), sale("2026-10-15"), refund("2026-10-16", 100, refund_of="O2")])
    assert (row["repeats"], row["repeat_amount"]) == (1, Decimal(0))


def test_the_held_out_months_are_told_apart():
    orders = [sale("2026-05-01"), sale("2026-06-01"), sale("2026-08-20"), sale("2026-08-21"), sale("2026-11-01")]
    row = history(orders, Value(holdout_months=3))
    assert (row["calibration_repeats"], row["calibration_last_days"], row["calibration_known_days"]) == (2, 111, 111)
    assert row["holdout_purchases"] == 2


def test_who_first_bought_in_the_held_out_months_is_not_foretold():
    row = history([sale("2026-10-01"), sale("2026-11-01")], Value(holdout_months=3))
    assert (row["calibration_repeats"], row["calibration_known_days"], row["holdout_purchases"]) == (None, None, None)


@pytest.mark.parametrize(
    ("days", "was_active", "is_active"),
    [
        pytest.param(["2025-11-20"], True, False, id="a-year-ago-to-the-day"),
        pytest.param(["2025-05-20"], False, False, id="six-months-before-that-to-the-day"),
        pytest.param(["2025-05-21"], True, False, id="a-day-less"),
        pytest.param(["2025-05-21", "2026-05-21"], True, True, id="and-again"),
        pytest.param(["2026-05-20"], False, False, id="six-months-ago-to-the-day"),
        pytest.param(["2026-05-21"], False, True, id="a-day-less-now"),
    ],
)
def test_who_bought_within_the_months_of_the_plan_is_active(days: list[str], was_active: bool, is_active: bool):
    row = history([sale(day) for day in days])
    assert (row["was_active"], row["is_active"]) == (was_active, is_active)


# --- customer_matrix ---

REASON = {"clv_reason_zh": "毛利率未知", "clv_reason_en": "margin unknown"}


def matrix(*customers: tuple[float | None, float | None], limits: Matrix | None = None) -> list[Row]:
    """Each customer's row by value and profit; a profit that is None is of an order without its cost."""
    names = [f"C{number}" for number in range(1, len(customers) + 1)]
    values = [
        {"customer_id": name, "clv_amount": None if value is None else Decimal(str(value)), "clv_measure": "model"}
        | (REASON if value is None else {})
        for name, (value, _) in zip(names, customers, strict=True)
    ]
    orders = [
        sale("2026-11-01", 10_000, customer_id=name, cost_amount=None if profit is None else 10_000 - profit)
        for name, (_, profit) in zip(names, customers, strict=True)
    ]
    tables = {
        "customers": [{"customer_id": name} for name in names],
        "orders": orders,
        "dws.customer_value": values,
    }
    return run_model("dws.customer_matrix", tables, plan=a_plan(segments=Segments(matrix=limits or Matrix())))


FIXED = Matrix(value_from=1000, profit_from=500)


@pytest.mark.parametrize(
    ("value", "profit", "class_id"),
    [
        pytest.param(1000, 500, "strategic", id="both-at-the-limit"),
        pytest.param(1000, 499.99, "high_potential", id="profit-a-cent-below"),
        pytest.param(999.99, 500, "basic", id="value-a-cent-below"),
        pytest.param(999.99, 499.99, "inefficient", id="both-a-cent-below"),
        pytest.param(-5, -5, "inefficient", id="below-zero"),
        pytest.param(None, 500, "unknown", id="value-unknown"),
        pytest.param(1000, None, "unknown", id="profit-unknown"),
    ],
)
def test_value_and_profit_make_four_classes_and_one_of_who_is_unknown(
    value: float | None, profit: float | None, class_id: str
):
    """I35: two axes, value and profit."""
    [row] = matrix((value, profit), limits=FIXED)
    assert row["class_id"] == class_id


def test_high_begins_at_the_median_of_who_is_known_unless_the_plan_declares_it():
    rows = matrix((100, 10), (300, 30), (200, 20), (None, 4000), (9000, None))
    assert {row["clv_high_amount"] for row in rows} == {Decimal(200)}
    assert {row["profit_high_amount"] for row in rows} == {Decimal(20)}
    assert [row["class_id"] for row in rows] == ["inefficient", "strategic", "strategic", "unknown", "unknown"]
    assert [row["rule_id"] for row in rows] == ["median", "median", "median", "value_unknown", "profit_unknown"]


def test_of_an_even_number_the_median_lies_in_the_middle_of_two():
    rows = matrix((100, 10), (300, 30), (200, 20), (400, 40))
    assert (rows[0]["clv_high_amount"], rows[0]["profit_high_amount"]) == (Decimal(250), Decimal(25))


@pytest.mark.parametrize(
    ("limits", "rule_id"),
    [(Matrix(), "median"), (Matrix(value_from=1), "plan_and_median"), (FIXED, "plan")],
)
def test_the_rule_tells_where_the_limits_are_from(limits: Matrix, rule_id: str):
    assert matrix((100, 10), limits=limits)[0]["rule_id"] == rule_id


def test_who_never_ordered_has_no_place():
    tables = {"customers": CUSTOMER, "dws.customer_value": [{"customer_id": "C1"}]}
    [row] = run_model("dws.customer_matrix", tables)
    assert (row["class_id"], row["rule_id"], row["profit_amount"]) == ("unknown", "no_order", None)
    assert row["sentence_zh"] == "尚未下单，无法判断价值与利润。"


def test_profit_goes_by_the_margin_rate_where_a_cost_is_unknown():
    tables = {
        "customers": CUSTOMER,
        "orders": [sale("2026-11-01", 1000)],
        "dws.customer_value": [{"customer_id": "C1", "clv_amount": Decimal(1), "margin_rate": 0.335}],
    }
    [row] = run_model("dws.customer_matrix", tables)
    assert row["profit_amount"] == Decimal(335)


@pytest.mark.parametrize(
    ("orders", "growth_rate", "growth_id"),
    [
        pytest.param([("2026-03-01", 200), ("2026-11-01", 300)], 0.5, "growing", id="up"),
        pytest.param([("2026-03-01", 200), ("2026-11-01", 150)], -0.25, "shrinking", id="down"),
        pytest.param([("2026-03-01", 200), ("2026-11-01", 200)], 0.0, "steady", id="level"),
        pytest.param([("2026-03-01", 200)], -1.0, "shrinking", id="stopped"),
        pytest.param([("2026-11-01", 200)], None, "started", id="nothing-before"),
        pytest.param([("2024-11-01", 200)], None, "none", id="nothing-in-a-year"),
    ],
)
def test_growth_is_the_last_six_months_against_the_six_before(
    orders: list[tuple[str, int]], growth_rate: float | None, growth_id: str
):
    """I35: growth is a column beside the two axes."""
    tables = {
        "customers": CUSTOMER,
        "orders": [sale(day, amount, cost_amount=10) for day, amount in orders],
        "dws.customer_value": [{"customer_id": "C1", "clv_amount": Decimal(1)}],
    }
    [row] = run_model("dws.customer_matrix", tables)
    assert (row["growth_rate"], row["growth_id"]) == (growth_rate, growth_id)


def test_the_sentences_tell_the_customers_own_numbers():
    [row] = matrix((1234.5, 250), limits=FIXED)
    assert row["sentence_zh"] == (
        "预计未来 12 个月价值 1,234.50 元，达到分界线 1,000.00；近 12 个月利润 250.00 元，低于分界线 500.00；"
        "近 6 个月有净消费，前 6 个月没有，划为高潜力型客户。"
    )
    assert row["sentence_en"] == (
        "Value to come in 12 months 1,234.50 CNY, at or above 1,000.00; profit of the last 12 months 250.00 CNY, "
        'below 500.00; net spend in the last 6 months, none in the 6 before: placed as "High potential".'
    )


def test_the_sentences_tell_why_something_is_unknown():
    without_value, without_profit = matrix((None, 5), (5, None))
    assert without_value["sentence_en"] == "Value to come can't be told (margin unknown)."
    assert without_value["sentence_zh"] == "客户价值无法得知（毛利率未知）。"
    assert without_profit["sentence_zh"] == "近 12 个月利润无法得知：部分订单没有成本，方案也没有给定毛利率。"


amounts = st.none() | st.integers(-500, 5000)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=12))
def test_every_customer_has_exactly_one_class(customers: list[tuple[int | None, int | None]]):
    rows = matrix(*customers)
    assert [row["customer_id"] for row in rows] == sorted(f"C{number}" for number in range(1, len(customers) + 1))
    for row in rows:
        is_known = row["clv_amount"] is not None and row["profit_amount"] is not None
        assert (row["class_id"] != "unknown") == is_known
        assert row["sentence_zh"] and row["sentence_en"]
    known = [row for row in rows if row["class_id"] != "unknown"]
    assert sum(row["class_id"] in ("strategic", "high_potential") for row in known) * 2 >= len(known)
