"""What a customer is worth: factors small enough to check by eye, and a company large enough to fit."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from assets.dws.customer_value import CUSTOMER_VALUE, customer_value
from assets.model_fits import FITTED, MODELS, Fit
from pipeline.plan import Value

DAY = date(2026, 11, 20)
ORDINARY: dict[str, Any] = {
    "currency": "CNY",
    "orders": 1,
    "net_amount": 100.0,
    "net_amount_12m": 100.0,
    "margin_amount_12m": 40.0,
    "repeats": 0,
    "repeat_cents": 0,
    "last_days": 0,
    "known_days": 10,
    "calibration_repeats": None,
    "calibration_last_days": None,
    "calibration_known_days": None,
    "holdout_purchases": None,
    "was_active": False,
    "is_active": True,
}
NEVER: dict[str, Any] = dict.fromkeys(("repeats", "last_days", "known_days"), None) | {
    "orders": 0,
    "net_amount": 0.0,
    "net_amount_12m": 0.0,
    "margin_amount_12m": None,
    "is_active": False,
}
FOUR_YEARS = Value(lifetime_years=4)


def rows(*customers: dict[str, Any]) -> pd.DataFrame:
    """What is known of customers, ordinary but for what is told."""
    told = [{"customer_id": f"C{number}"} | ORDINARY | row for number, row in enumerate(customers, start=1)]
    numbers = [name for name in ORDINARY if name not in ("currency", "was_active", "is_active")]
    return pd.DataFrame(told).astype(dict.fromkeys(numbers, float))


def valued(*customers: dict[str, Any], plan: Value = FOUR_YEARS) -> list[dict[str, Any]]:
    table, _ = customer_value(rows(*customers), plan, DAY)
    return table.astype(object).where(table.notna(), None).to_dict("records")


@pytest.fixture(scope="module")
def company() -> pd.DataFrame:
    """Five hundred customers who buy and leave as the models say, and one who never bought."""
    random = np.random.default_rng(11)
    days, cut = 700, 608
    told = []
    for _ in range(500):
        rate, leaves, first = random.gamma(1, 1 / 50), random.beta(1, 3), int(random.integers(0, days))
        bought, at = [first], float(first)
        while random.random() >= leaves or len(bought) == 1:
            at += random.exponential(1 / rate)
            if at >= days:
                break
            bought += [int(at)] if int(at) > bought[-1] else []
        x, before = len(bought) - 1, [day for day in bought if day <= cut]
        cents = int(random.gamma(6 * max(x, 1)) / random.gamma(4) * 10_000) if x else 0
        told.append(
            {
                "orders": x + 1,
                "net_amount": cents / 100 + 50,
                "net_amount_12m": cents / 200 + 50,
                "margin_amount_12m": cents / 500 + 20,
                "repeats": x,
                "repeat_cents": cents,
                "last_days": bought[-1] - first,
                "known_days": days - first,
                "was_active": bool(random.random() < 0.6),
                "is_active": bool(random.random() < 0.5),
            }
            | (
                {
                    "calibration_repeats": len(before) - 1,
                    "calibration_last_days": before[-1] - first,
                    "calibration_known_days": cut - first,
                    "holdout_purchases": len(bought) - len(before),
                }
                if before
                else {}
            )
        )
    return rows(*told, NEVER)


@pytest.fixture(scope="module")
def answer(company: pd.DataFrame) -> tuple[pd.DataFrame, list[Fit]]:
    return customer_value(company, Value(), DAY)


def numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].astype(float).to_numpy()


# --- four factors ---


def test_simple_value_is_margin_times_order_value_times_orders_a_year_times_years():
    """I16: 0.25 × 300 × 3 × 4."""
    [row] = valued(
        {"orders": 6, "net_amount": 1800, "net_amount_12m": 600, "margin_amount_12m": 150, "known_days": 730.5}
    )
    assert (row["margin_rate"], row["margin_source"]) == (0.25, "customer")
    assert (row["order_amount"], row["yearly_frequency"]) == (Decimal("300.00"), 3.0)
    assert (row["lifetime_years"], row["lifetime_source"]) == (4.0, "plan")
    assert row["ltv_simple_amount"] == Decimal("900.00")
    assert row["ltv_simple_reason_en"] is None


def test_orders_of_less_than_a_year_are_not_scaled_up_to_one():
    [row] = valued({"orders": 2, "known_days": 30})
    assert row["yearly_frequency"] == 2.0


@pytest.mark.parametrize(
    ("plan", "rate", "source"),
    [
        pytest.param(Value(), 0.4, "company", id="of-the-company"),
        pytest.param(Value(margin_rate=0.2), 0.2, "plan", id="of-the-plan"),
        pytest.param(Value(margin_coverage=0.9), None, None, id="of-nobody"),
    ],
)
def test_a_margin_that_is_not_the_customers_own_is_the_plans_or_else_the_companys(
    plan: Value, rate: float | None, source: str | None
):
    own, other = valued({}, {"margin_amount_12m": None}, plan=plan)
    assert (own["margin_rate"], own["margin_source"]) == (0.4, "customer")
    assert (other["margin_rate"], other["margin_source"]) == (rate, source)


@pytest.mark.parametrize("spend", [0.0, -10.0])
def test_without_net_spend_in_the_year_there_is_no_margin_of_ones_own(spend: float):
    row = valued({"net_amount_12m": spend, "margin_amount_12m": spend})[0]
    assert (row["margin_rate"], row["ltv_simple_amount"]) == (None, None)
    assert row["ltv_simple_reason_en"] == "margin unknown: orders have no cost and the plan declares none"


def test_who_never_ordered_has_a_row_with_the_reason():
    [row] = valued(NEVER)
    assert row["yearly_frequency"] == 0
    for name in ("order_amount", "ltv_simple_amount", "repeat_purchases", "expected_purchases_12m", "clv_amount"):
        assert row[name] is None
    for name in ("ltv_simple", "model", "clv"):
        assert (row[f"{name}_reason_zh"], row[f"{name}_reason_en"]) == ("尚未下单", "no order yet")


def leavers(left: int, stayed: int, plan: Value | None = None) -> tuple[dict[str, Any], dict[str, Fit]]:
    """The value of a customer, and what is said of lifetimes, where so many left within a year."""
    gone = [{"was_active": True, "is_active": False}] * left
    here = [{"was_active": True, "is_active": True}] * stayed
    table, fits = customer_value(rows({}, *gone, *here), plan or Value(), DAY)
    return table.iloc[0].to_dict(), {fit["parameter"]: fit for fit in fits if fit["model"] == "lifetime"}


def test_lifetime_is_one_over_the_share_who_left_within_a_year():
    row, fits = leavers(40, 60)
    assert (row["lifetime_years"], row["lifetime_source"]) == (2.5, "churn")
    assert (fits["yearly_churn_rate"]["value"], fits["yearly_churn_rate"]["observations"]) == (0.4, 100)
    assert (fits["lifetime_years"]["lower"], fits["lifetime_years"]["upper"]) == pytest.approx(
        (1 / 0.498, 1 / 0.3094), abs=0.001
    )


@pytest.mark.parametrize("left", [0, 5])
def test_a_derived_lifetime_is_cut_at_the_years_of_the_plan(left: int):
    row, fits = leavers(left, 100, Value(longest_lifetime_years=8))
    assert row["lifetime_years"] == 8
    assert fits["lifetime_years"]["reason"] == "cut at the plan's 8 years"


def test_of_too_few_customers_no_lifetime_is_derived():
    row, fits = leavers(40, 59)
    assert pd.isna(row["lifetime_years"]) and pd.isna(row["ltv_simple_amount"])
    assert row["ltv_simple_reason_en"].startswith("customers active a year ago are 99, fewer than 100")
    assert (fits["lifetime_years"]["state"], fits["lifetime_years"]["value"]) == ("refused", None)


# --- models ---


def test_every_customer_has_one_row_of_the_columns_told(company: pd.DataFrame, answer: tuple, tmp_path: Path):
    table, _ = answer
    assert list(table["customer_id"]) == sorted(company["customer_id"])
    assert CUSTOMER_VALUE.write(table, tmp_path / "table") == 501
    assert pq.read_schema(tmp_path / "table").equals(CUSTOMER_VALUE.schema)


def test_the_order_of_rows_changes_nothing(company: pd.DataFrame, answer: tuple):
    table, fits = customer_value(company.sample(frac=1, random_state=4), Value(), DAY)
    pd.testing.assert_frame_equal(table, answer[0], check_exact=True)
    pd.testing.assert_frame_equal(pd.DataFrame(fits), pd.DataFrame(answer[1]), check_exact=True)


def test_every_figure_lies_in_its_interval_and_grows_with_the_months(answer: tuple):
    table = answer[0].loc[answer[0]["repeat_purchases"].notna()]
    for name, kind in (("expected_purchases", ""), ("expected_spend", "_amount")):
        before = 0.0
        for months in (3, 6, 12):
            low, found, high = (numbers(table, f"{name}_{months}m{bound}{kind}") for bound in ("_lower", "", "_upper"))
            assert ((low >= 0) & (low <= found) & (found <= high)).all()
            assert (found >= before).all()
            before = found
    for months in (3, 6, 12):
        fewest, most = (numbers(table, f"{name}_purchases_{months}m") for name in ("fewest", "most"))
        assert ((fewest >= 0) & (fewest <= most)).all()


def test_of_who_bought_once_nobody_can_tell_whether_he_left(answer: tuple):
    table, _ = answer
    once, again = (
        table.loc[is_so.fillna(False).astype(bool)]
        for is_so in (table["repeat_purchases"] == 0, table["repeat_purchases"] > 0)
    )
    assert len(once) and once["alive_probability"].isna().all()
    assert set(once["model_reason_en"]) == {"bought on one day only: the model can't tell who has left"}
    assert once["expected_spend_12m_amount"].notna().all()
    assert again["alive_probability"].between(0, 1).all() and again["model_reason_en"].isna().all()
    assert (again["alive_probability_lower"] <= again["alive_probability"]).all()
    assert (again["alive_probability"] <= again["alive_probability_upper"]).all()


def test_customer_value_is_the_margin_of_what_is_to_be_spent_in_a_year(answer: tuple):
    table = answer[0].loc[answer[0]["clv_amount"].notna()]
    assert set(answer[0]["clv_measure"]) == {"model"} and len(table) == 500
    expected = numbers(table, "margin_rate") * numbers(table, "expected_spend_12m_amount")
    assert numbers(table, "clv_amount") == pytest.approx(expected, abs=0.01)


def test_a_loss_has_its_interval_the_right_way_round(company: pd.DataFrame):
    table, _ = customer_value(company.assign(margin_amount_12m=-10.0), Value(), DAY)
    table = table[table["clv_amount"].notna()]
    low, found, high = (numbers(table, f"clv{bound}_amount") for bound in ("_lower", "", "_upper"))
    assert ((low <= found) & (found <= high) & (found <= 0)).all()
    assert (low < high).any()


def test_a_discount_takes_from_money_and_not_from_purchases(company: pd.DataFrame, answer: tuple):
    table, _ = customer_value(company, Value(discount_rate=0.1), DAY)
    plain, cheaper = (numbers(found, "expected_spend_12m_amount") for found in (answer[0], table))
    is_more = plain > 100
    # a year's money comes half a year from now on average, a little earlier where customers leave
    assert (cheaper[is_more] / plain[is_more]) == pytest.approx(1.1**-0.5, abs=0.015)
    assert table["expected_purchases_12m"].equals(answer[0]["expected_purchases_12m"])


def test_who_was_given_all_back_has_purchases_to_expect_but_no_money(company: pd.DataFrame):
    changed = company.copy()
    index = changed.index[changed["repeats"] > 0][0]
    changed.loc[index, "repeat_cents"] = 0
    row = customer_value(changed, Value(), DAY)[0].set_index("customer_id").loc[changed.loc[index, "customer_id"]]
    assert row["expected_purchases_12m"] > 0
    assert pd.isna(row["expected_spend_12m_amount"]) and pd.isna(row["clv_amount"])
    assert row["model_reason_en"] == row["clv_reason_en"] == "all repeat purchases were refunded: no amount to expect"


def test_too_little_data_is_refused_with_the_reason_and_the_simple_value_counts():
    plan = Value(lifetime_years=4)
    [row] = valued({}, plan=plan)
    assert (row["expected_purchases_12m"], row["alive_probability"]) == (None, None)
    assert row["model_reason_zh"] == "下过单的客户为 1，不足 100"
    assert (row["clv_measure"], row["clv_amount"]) == ("simple", row["ltv_simple_amount"])


def test_a_plan_that_wants_the_model_gets_no_other_value():
    [row] = valued({}, plan=Value(measure="model", lifetime_years=4))
    assert (row["clv_measure"], row["clv_amount"]) == ("model", None)
    assert row["clv_reason_en"] == "customers who bought are 1, fewer than 100"


def test_a_plan_that_wants_the_simple_value_gets_it_where_the_model_fits(company: pd.DataFrame):
    table, _ = customer_value(company, Value(measure="simple", lifetime_years=4), DAY)
    assert set(table["clv_measure"]) == {"simple"}
    assert table["clv_amount"].equals(table["ltv_simple_amount"].rename("clv_amount"))


# --- what the models say of themselves ---


def test_each_model_tells_its_parameters_once_with_their_errors(answer: tuple):
    fits = pd.DataFrame(answer[1]).set_index(["model", "parameter"])
    assert fits.index.is_unique
    assert set(fits.index.get_level_values("model")) == set(FITTED["dws.customer_value"])
    assert set(fits.columns) | {"model", "parameter"} == set(MODELS.columns)
    for model, parameters in (("bg_nbd", ["r", "alpha", "a", "b"]), ("gamma_gamma", ["p", "q", "gamma"])):
        told = fits.loc[model].loc[parameters].astype({"value": float, "lower": float, "upper": float})
        assert (told["standard_error"].astype(float) > 0).all()
        assert ((told["lower"] < told["value"]) & (told["value"] < told["upper"])).all()
    assert set(fits["state"]) == {"fitted"}


def test_the_held_out_months_are_told_beside_the_plain_rate(answer: tuple):
    fits = {fit["parameter"]: fit for fit in answer[1] if fit["model"] == "bg_nbd"}
    assert fits["holdout_mae"]["value"] < fits["holdout_naive_mae"]["value"]
    assert fits["holdout_rmse"]["value"] < fits["holdout_naive_rmse"]["value"]
    assert abs(fits["holdout_bias"]["value"]) < 0.3 * fits["holdout_mean"]["value"]
    assert fits["holdout_mae"]["observations"] < fits["r"]["observations"] == 500


def test_amounts_that_hang_on_frequency_are_told(company: pd.DataFrame):
    linked = company.assign(repeat_cents=company["repeats"] * company["repeat_cents"])
    [told] = [fit for fit in customer_value(linked, Value(), DAY)[1] if fit["parameter"] == "correlation"]
    assert told["value"] > 0.3
    assert told["reason"] == "beyond 0.3: expected spend is less sure than it says"


def test_what_was_refused_has_no_value_but_a_reason():
    _, fits = customer_value(rows({}, NEVER), Value(), DAY)
    refused = [fit for fit in fits if fit["state"] == "refused"]
    assert {fit["model"] for fit in refused} == set(FITTED["dws.customer_value"])
    assert all(fit["value"] is None and fit["reason"] for fit in refused)
    assert all(re.match("[一-龥]", fit["reason_zh"]) for fit in refused)


def test_a_company_without_customers_is_no_error():
    table, fits = customer_value(rows({}).iloc[:0], Value(), DAY)
    assert len(table) == 0
    assert {fit["state"] for fit in fits} == {"refused"}
