"""4,906 orders of 995 customers, and the scores and segments the R package `rfm` publishes for them."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import Row, a_plan, run_model

from pipeline.plan import Rfm, RfmScores, Segments

pytestmark = pytest.mark.shared

AS_OF = date(2006, 12, 31)
NAMES = {
    "Champions": "champions",
    "Potential Loyalist": "potential_loyalist",
    "Loyal Customers": "loyal",
    "Promising": "promising",
    "New Customers": "new",
    "Can't Lose Them": "cant_lose",
    "At Risk": "at_risk",
    "Need Attention": "need_attention",
    "About To Sleep": "about_to_sleep",
    "Lost": "lost",
}
MEASURES = {"r": "recency_days", "f": "frequency", "m": "monetary_amount"}
SCORES = ["r_score", "f_score", "m_score"]


@pytest.fixture(scope="module")
def published(shared: Path) -> pd.DataFrame:
    """What the package publishes, in our words; its names carry titles, so customers are known by their numbers."""
    columns = {
        "recency_days": "recency_days",
        "transaction_count": "frequency",
        "amount": "monetary_amount",
        "recency_score": "r_score",
        "frequency_score": "f_score",
        "monetary_score": "m_score",
    }
    found = pd.read_csv(shared / "rfm_orders" / "published_scores.csv")
    return found.rename(columns=columns)[list(columns.values())].assign(segment=found["segment"].map(NAMES))


@pytest.fixture(scope="module")
def tables(shared: Path) -> dict[str, list[Row]]:
    orders = pd.read_csv(shared / "rfm_orders" / "rfm_data_orders.csv", dtype=str)
    return {
        "customers": [{"customer_id": customer} for customer in sorted(set(orders["customer_id"]))],
        "orders": [
            {"customer_id": order.customer_id, "ordered_at": f"{order.order_date} 12:00", "amount": order.revenue}
            for order in orders.itertuples()
        ],
    }


def scored(tables: dict[str, list[Row]], method: str) -> pd.DataFrame:
    """One row per customer; ten years hold every order."""
    plan = a_plan(segments=Segments(rfm=Rfm(window_months=120, scores=RfmScores(method=method))))
    found = pd.DataFrame(run_model("dws.customer_rfm", tables, plan=plan, as_of=AS_OF))
    return found.assign(monetary_amount=found["monetary_amount"].astype(int), segment=found["score_class_id"])


@pytest.fixture(scope="module")
def by_cuts(tables: dict[str, list[Row]]) -> pd.DataFrame:
    return scored(tables, "cuts")


@pytest.fixture(scope="module")
def by_ranks(tables: dict[str, list[Row]]) -> pd.DataFrame:
    return scored(tables, "ranks")


def test_with_cuts_all_scores_and_segments_are_the_published_ones(published: pd.DataFrame, by_cuts: pd.DataFrame):
    columns = [*MEASURES.values(), *SCORES, "segment"]
    ours, theirs = (frame[columns].sort_values(columns, ignore_index=True) for frame in (by_cuts, published))
    assert len(theirs) == 995
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_with_ranks_every_difference_is_a_tie_or_the_one_added_to_a_cut(by_cuts: pd.DataFrame, by_ranks: pd.DataFrame):
    """At no cut but these do the two rules part: elsewhere the place among the sorted values decides for both."""
    causes = {(measure, cause): 0 for measure in MEASURES for cause in ("tie", "added one")}
    for measure, column in MEASURES.items():
        values, score = by_cuts[column].to_numpy(), f"{measure}_score"
        for at in np.flatnonzero(by_cuts[score].to_numpy() != by_ranks[score].to_numpy()):
            low, high = sorted((int(by_cuts[score].iloc[at]), int(by_ranks[score].iloc[at])))
            for level in range(low, high):
                cause = why(values, values[at], level if measure != "r" else 5 - level, is_turned=measure == "r")
                causes[measure, cause] += 1
    assert (by_cuts[SCORES] != by_ranks[SCORES]).to_numpy().sum() == sum(causes.values()) > 0
    assert causes["r", "tie"] > 0 and causes["m", "added one"] > 0


def why(values: np.ndarray, value: int, fifth: int, *, is_turned: bool) -> str:
    """Why the rules disagree whether a value lies above the given fifth of the values.

    They may where the value lies above the quantile by less than the 1 that makes it a cut, or where equal values
    stand on both sides of its place.
    """
    place, quantile = fifth / 5 * (len(values) - 1), np.quantile(values, fifth / 5)
    before, until = (values < value).sum(), (values <= value).sum() - 1
    if quantile < value < quantile + 1 or (not is_turned and value == quantile and before >= place):
        return "added one"
    assert value == quantile and before <= place < until, f"{value} is no tie at {quantile}"
    return "tie"


def test_customers_with_equal_scores_are_in_equal_segments_whichever_rule_gave_them(
    by_cuts: pd.DataFrame, by_ranks: pd.DataFrame
):
    same = (by_cuts[SCORES] == by_ranks[SCORES]).all(axis=1)
    assert 0 < same.sum() < len(by_cuts)
    assert (by_cuts["segment"] == by_ranks["segment"])[same].all()
