"""A CD shop's customers, whose purchases everybody's models were tried on: the published figures from the raw log."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import Row, a_plan, run_model

from assets.dws.value import bg_nbd, gamma_gamma
from assets.dws.value.forecast import Known, expected_purchases, fit_amounts, fit_purchases, holdout
from assets.dws.value.likelihood import Estimate
from pipeline.plan import Campaign, Label, Plan, Segments, Value, Window

pytestmark = pytest.mark.shared

CALIBRATED = date(1997, 9, 30)
END = date(1998, 6, 30)


def plan() -> Plan:
    """A plan of that time that holds out what came after 1997-09-30."""
    return a_plan(
        campaign=Campaign(
            id="spring", name=Label(zh="春季", en="Spring"), starts_on=date(1998, 4, 1), ends_on=date(1998, 6, 30)
        ),
        baseline=Window(starts_on=date(1998, 1, 1), ends_on=date(1998, 3, 31)),
        currency="USD",
        segments=Segments(value=Value(holdout_months=9)),
    )


@pytest.fixture(scope="module")
def log(shared: Path) -> list[Row]:
    """The raw log as orders: the second number is the customer of the sample."""
    columns = ["master", "customer", "day", "discs", "dollars"]
    rows = pd.read_csv(shared / "cdnow" / "CDNOW_sample.txt", sep=r"\s+", header=None, names=columns, dtype=str)
    return [
        {
            "customer_id": row.customer,
            "ordered_at": f"{row.day[:4]}-{row.day[4:6]}-{row.day[6:]} 10:00",
            "amount": row.dollars,
            "currency": "USD",
        }
        for row in rows.itertuples()
    ]


def history(log: list[Row], as_of: date) -> pd.DataFrame:
    """The purchase history of every customer as the pipeline makes it."""
    customers = [{"customer_id": customer} for customer in sorted({row["customer_id"] for row in log})]
    upto = [row for row in log if row["ordered_at"][:10] <= as_of.isoformat()]
    rows = run_model("dws.purchase_history", {"customers": customers, "orders": upto}, plan=plan(), as_of=as_of)
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def calibrated(log: list[Row]) -> pd.DataFrame:
    return history(log, CALIBRATED)


@pytest.fixture(scope="module")
def purchases(calibrated: pd.DataFrame) -> Estimate:
    return fit_purchases(*times(calibrated), Value())


@pytest.fixture(scope="module")
def paid(calibrated: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Repeat purchases and what they came to, of those who bought again."""
    again = calibrated[calibrated["repeats"] > 0]
    return again["repeats"].to_numpy(), (again["repeat_amount"] * 100).astype(int).to_numpy()


@pytest.fixture(scope="module")
def spend(paid: tuple[np.ndarray, np.ndarray]) -> Estimate:
    return fit_amounts(*paid, Value())


def times(rows: pd.DataFrame) -> list[np.ndarray]:
    return [rows[name].to_numpy(np.int64) for name in ("repeats", "last_days", "known_days")]


def test_the_log_becomes_the_published_summary(calibrated: pd.DataFrame, shared: Path):
    published = pd.read_csv(shared / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    found = pd.DataFrame(
        {
            "ID": calibrated["customer_id"].astype(int),
            "x": calibrated["repeats"],
            "t_x": (calibrated["last_days"] / 7).round(2),
            "T": (calibrated["known_days"] / 7).round(2),
        }
    )
    assert len(found) == 2357
    pd.testing.assert_frame_equal(found, published[list(found.columns)], check_exact=True)
    mean = calibrated["repeat_amount"].astype(float) / calibrated["repeats"].clip(lower=1)
    assert np.abs(mean - published["zbar"]).max() <= 0.005 + 1e-9


def test_the_parameters_of_the_purchases_are_the_published_ones(purchases: Estimate):
    assert purchases.values == pytest.approx([0.2426, 4.4137, 0.7930, 2.4262], abs=0.001)
    assert purchases.log_likelihood == pytest.approx(-9582.43, abs=0.005)
    assert purchases.observations == 2357


def test_the_worked_customer_is_foretold_what_the_paper_foretells(purchases: Estimate):
    worked = Known.of(*(np.array([number]) for number in (2, 213, 272)))
    assert (worked.t_x[0], worked.T[0]) == pytest.approx((30.43, 38.86), abs=0.005)
    assert expected_purchases(purchases, worked, 39)[0] == pytest.approx(1.226, abs=0.0005)


def test_the_parameters_of_the_amounts_are_the_published_ones(spend: Estimate, paid: tuple[np.ndarray, np.ndarray]):
    assert spend.observations == len(paid[0]) == 946
    assert spend.values == pytest.approx([6.25, 3.74, 15.44], abs=0.005)
    nobody = np.zeros(1)
    assert gamma_gamma.expected_amount(spend.values, nobody, nobody)[0] == pytest.approx(35.17, abs=0.005)


def test_frequency_and_amounts_hang_together_as_little_as_published(paid: tuple[np.ndarray, np.ndarray]):
    x, cents = paid
    found, lower, upper = gamma_gamma.correlation(x, cents / x, 0.95)
    assert found == pytest.approx(0.11, abs=0.005)
    assert 0 < lower < found < upper < Value().correlation_limit


def test_the_held_out_weeks_are_foretold_better_than_by_the_plain_rate(log: list[Row], purchases: Estimate):
    rows = history(log, END)
    before = pd.DataFrame(
        {
            "x": rows["calibration_repeats"],
            "last_days": rows["calibration_last_days"],
            "known_days": rows["calibration_known_days"],
            "actual": rows["holdout_purchases"],
        }
    )
    found = holdout(before, (END - CALIBRATED).days / 7, Value())
    assert found.customers == 2357
    assert found.model.rmse < found.naive.rmse
    assert found.model.mae < found.naive.mae
    assert abs(found.model.bias) < 0.15 * found.mean_actual


def test_histories_told_once_are_as_likely_as_told_one_by_one(calibrated: pd.DataFrame, purchases: Estimate):
    x, last, known = times(calibrated)
    one_by_one = bg_nbd.Histories(x, last, known, np.ones(len(x), dtype=np.int64))
    together = bg_nbd.histories(x, last, known)
    assert len(together.x) < len(x) / 2
    assert bg_nbd.log_likelihood(purchases.values, one_by_one) == pytest.approx(
        bg_nbd.log_likelihood(purchases.values, together), rel=1e-13
    )
    assert bg_nbd.fit(one_by_one).values == pytest.approx(purchases.values, rel=1e-7)
