"""Customers of a telephone company, of whom it is known who left: the scoring of churn on what the file tells of them.

The file knows no orders, so the twelve indicators can't be measured on it. What it does know that bears on leaving is
given as indicators of its own, by limits written down from the meaning of each column, each with the same weight, and
scored by the very model that scores the twelve. Two of the six turn out to tell nothing; they stay in.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from churn_rows import MEASURED, scored
from scipy.stats import rankdata

from pipeline.plan import Label
from pipeline.plan.churn import Indicator
from pipeline.plan_tables.churn import indicator_row

pytestmark = pytest.mark.shared

INDICATORS = {
    "contract_months": Indicator(weight=1.0, calm=12.0, alarm=1.0),
    "tenure_months": Indicator(weight=1.0, calm=24.0, alarm=0.0),
    "pays_by_hand": Indicator(weight=1.0, calm=0.0, alarm=1.0),
    "lacks_support": Indicator(weight=1.0, calm=0.0, alarm=1.0),
    "order_value_fall": Indicator(weight=1.0, calm=0.1, alarm=0.6),
    "breadth": Indicator(weight=1.0, calm=3.0, alarm=1.0),
}
MONTHS = {"Month-to-month": 1, "One year": 12, "Two year": 24}
EXTRAS = [
    "multiple_lines",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
]


@pytest.fixture(scope="module")
def people(shared: Path) -> pd.DataFrame:
    """One row per customer."""
    people = pd.read_csv(shared / "telco_churn" / "wa_churn.csv")
    return people.assign(customer_id=people["rownames"].astype(str).str.zfill(5), left=people["churn"] == "Yes")


def test_who_left_scores_higher_than_who_stayed(people: pd.DataFrame):
    found = scores(people)
    assert (len(people), people["left"].sum(), found.notna().sum()) == (7_043, 1_869, 7_043)
    assert area_under_curve(found, people["left"]) == pytest.approx(0.766, abs=0.001)


def test_the_tenth_with_the_highest_scores_leaves_far_more_often_than_the_lowest(people: pd.DataFrame):
    place = scores(people).rank(pct=True, method="first")
    assert people["left"][place > 0.9].mean() > 2 * people["left"].mean()
    assert people["left"][place <= 0.1].mean() < people["left"].mean() / 4


def scores(people: pd.DataFrame) -> pd.Series:
    """The churn score of each customer."""
    indicators = [
        indicator_row(name, position, Label(zh=name, en=name), Label(zh=name, en=name), indicator)
        for position, (name, indicator) in enumerate(INDICATORS.items(), start=1)
    ]
    found = scored(list(people["customer_id"]), told(people), indicators=indicators)
    return people["customer_id"].map({customer: row["churn_score"] for customer, row in found.items()}).astype(float)


def told(people: pd.DataFrame) -> pa.Table:
    """What the file tells, as rows of `dws.churn_indicators`; a first bill tells of no fall."""
    has_internet = people["internet_service"] != "No"
    values = pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "contract_months": people["contract"].map(MONTHS),
            "tenure_months": people["tenure"],
            "pays_by_hand": people["payment_method"].str.contains("check"),
            "lacks_support": has_internet & (people["tech_support"] != "Yes"),
            "order_value_fall": 1 - people["monthly_charges"] / (people["total_charges"] / people["tenure"]),
            "breadth": people["phone_service"] + has_internet + (people[EXTRAS] == "Yes").sum(axis=1),
        }
    )
    rows = values.melt("customer_id", var_name="indicator").dropna(subset="value").astype({"value": float})
    return pa.Table.from_pandas(
        rows.assign(observed=rows["value"], compared_with=None), schema=pa.schema(MEASURED), preserve_index=False
    )


def area_under_curve(scores: pd.Series, left: pd.Series) -> float:
    """The chance that one who left scores higher than one who stayed, ties by half (Mann and Whitney 1947)."""
    ranks = rankdata(scores)
    gone, stayed = left.sum(), (~left).sum()
    return (ranks[left].sum() - gone * (gone + 1) / 2) / (gone * stayed)
