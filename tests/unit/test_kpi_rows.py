"""U03: any figure can be proved from the rows it is made of, and from nothing else."""

from datetime import date

import pandas as pd
import pytest
from facts import CAMPAIGN, DAY, DECLARED, cost, csat, evaluate, facts_session, first_sale, lead, nps, sale, won_lead

from assets.ads.catalogue import catalogue
from assets.ads.kpi_query import TOTAL
from assets.ads.kpi_rows import counted_measures, measure_rows, recomputed

BEFORE = date(2026, 7, 1)
COMPANY = {
    "lead_journey": [
        lead(lead_id="L1", channel="search", team_id="A", first_touch_hours=3.5, lead_score=70.0, is_audience=True),
        lead(lead_id="L2", channel="expo", reached_met=True, is_audience=False, reached_touched=True),
        won_lead(lead_id="L3", channel="search", reached_met=True, sales_cycle_days=9, development_days=12),
        lead(lead_id="L4", is_lost=True, is_valid=False),
    ],
    "sales": [
        first_sale("a", "100.10", order_id="O1", channel="search", team_id="A", paid_on=DAY, payment_days=0),
        sale("a", "50.00", order_id="O2", channel="expo", margin_amount="20.00"),
        sale("a", "-20.00", order_id="O3", channel="search", is_refund=True, margin_amount="-8.00"),
        first_sale("b", "70.00", BEFORE, order_id="O4", channel="search", team_id="A"),
    ],
    "customer_segments": [{"customer_id": "a", "first_ordered_on": DAY, "is_high_value": True, "channel": "search"}],
    "customer_starts": [
        {
            "customer_id": "a",
            "first_ordered_on": DAY,
            "created_on": DAY,
            "is_retained_30": True,
            "clv_amount": "900.00",
        },
        {"customer_id": "b", "first_ordered_on": BEFORE, "created_on": BEFORE, "is_new_market": False},
        {"customer_id": "c", "first_ordered_on": DAY, "is_new_market": True, "target_industry": "教育"},
    ],
    "target_industries": [{"industry": "教育"}],
    "costs": [cost("30.00", cost_id="E1", channel="search"), cost("12.50", cost_id="E2", is_marketing=False)],
    "budget_days": [{"budget_id": "B1", "day": DAY, "amount": "60.00", "channel": "search"}],
    "responses": [{**csat(4), "answer_id": "A1", "scaled_score": 75.0}, {**nps(9), "answer_id": "A2"}],
    "touches": [
        {"interaction_id": "I1", "occurred_on": DAY, "kind": "complaint", "response_hours": 3.0, "needs_answer": True},
        {"interaction_id": "I2", "occurred_on": BEFORE, "kind": "complaint"},
        {"interaction_id": "I3", "occurred_on": DAY, "kind": "visit", "is_reached": True, "customer_id": "a"},
        {"interaction_id": "I4", "occurred_on": DAY, "kind": "webinar", "is_attendance": True, "lead_id": "L1"},
        {"interaction_id": "I5", "occurred_on": DAY, "kind": "webinar", "is_attendance": True, "lead_id": "L1"},
    ],
    "tasks": [{"task_id": "T1", "due_on": DAY, "is_done": True, "is_visit": True, "departments": 2}],
    "people_days": [
        {"staff_id": "S1", "day": DAY, "has_contact": True, "is_last_day": True},
        {"staff_id": "S1", "day": date(2026, 9, 11)},
    ],
    "exposures": [{"exposure_id": "X1", "day": DAY, "channel": "search", "impressions": 900, "clicks": 9}],
    "activities": [{"campaign_id": "K1", "starts_on": DAY, "planned_participants": 8, "expected_participants": 10}],
}
KEYS = {"period_kind": "campaign", "period": "campaign"}
VARIANTS = [(kpi, name) for kpi, told in catalogue().kpis.items() for name in told.variants]


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    return evaluate(COMPANY, definitions=DECLARED)


@pytest.fixture(scope="module")
def session():
    with facts_session(COMPANY, [CAMPAIGN]) as session:
        yield session


@pytest.mark.parametrize(("kpi", "name"), VARIANTS)
def test_every_variant_is_recomputed_from_the_listed_rows_alone(published, session, kpi, name):
    variant = catalogue().kpis[kpi].variants[name]
    rows = published.loc[(published["kpi"] == kpi) & (published["variant"] == name)]
    rows = rows.loc[rows["dimension"].isin([TOTAL, "channel"])]
    assert len(rows)
    for row in rows.itertuples():
        listed = measure_rows(session, catalogue(), variant, period=KEYS, dimension=row.dimension, member=row.member)
        found = recomputed(catalogue(), variant, listed)
        for part in ("numerator", "denominator", "value"):
            known = getattr(row, part)
            expected = None if pd.isna(known) else pytest.approx(known, rel=1e-9, abs=1e-6)
            assert found[part] == expected, f"{part} of {row.dimension} {row.member}"


@pytest.mark.parametrize(("kpi", "name"), VARIANTS)
def test_every_listed_row_has_the_key_it_was_delivered_under(session, kpi, name):
    variant = catalogue().kpis[kpi].variants[name]
    listed = measure_rows(session, catalogue(), variant, period=KEYS, dimension=TOTAL, member="(all)")
    told = [measure for measure in counted_measures(variant) if catalogue().facts[catalogue().fact_of[measure]].rows]
    assert listed.loc[listed["measure"].isin(told), "row_key"].notna().all()


def test_growth_lists_the_rows_of_the_period_before_too(session):
    variant = catalogue().kpis["complaint_growth_rate"].variants["previous"]
    listed = measure_rows(session, catalogue(), variant, period=KEYS, dimension=TOTAL, member="(all)")
    assert listed.groupby("measure")["row_key"].agg(list).to_dict() == {
        "complaints": ["I1"],
        "complaints_before": ["I2"],
    }
