"""KPIs of small facts: equal to a plain count, honest where there is nothing to count, scored the right way round."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from facts import (
    CAMPAIGN,
    DAY,
    DECLARED,
    cost,
    csat,
    evaluate,
    first_sale,
    lead,
    nps,
    one,
    sale,
    target,
    won_lead,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import stats

from assets.ads.catalogue import catalogue, read_catalogue
from assets.ads.intervals import mean_interval, nps_interval, wilson_interval
from assets.ads.kpi_query import ALL, TOTAL, UNKNOWN
from assets.ads.kpi_scorecard import kpi_scorecard, kpi_scorecard_spec
from assets.ads.kpi_values import KPI_VALUES, one_to
from assets.ads.wording import reason_zh
from pipeline.plan import Definitions, Market, ValidLead
from quality.scorecard import SourceState

# --- any small data: the compiled query against a plain computation ---

BASELINE = ("baseline", "baseline", date(2026, 6, 1), date(2026, 9, 1))
MONTH = ("month", "2026-10", date(2026, 10, 1), date(2026, 11, 1))
EMPTY_DAY = ("day", "2026-01-01", date(2026, 1, 1), date(2026, 1, 2))
PERIODS = (BASELINE, CAMPAIGN, MONTH, EMPTY_DAY)

days = st.sampled_from(
    [date(2026, 5, 31), *(start for *_, start, _ in PERIODS[:3]), date(2026, 10, 31), date(2026, 11, 30)]
)
members = {
    "channel": st.sampled_from(["search", "expo", None]),
    "team_id": st.sampled_from(["A", "B", None]),
    "region": st.sampled_from(["江苏-南京", None]),
}
flags = st.booleans()
money = st.decimals(min_value=-1000, max_value=100_000, places=2)
hours = st.none() | st.floats(min_value=0, max_value=500).map(lambda value: round(value, 3))


def rows_of(**columns: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.fixed_dictionaries(columns), max_size=6)


@st.composite
def sales(draw: Callable) -> list[dict[str, Any]]:
    """Orders of customers who each have one first order."""
    found = []
    for number in range(draw(st.integers(0, 3))):
        first = draw(days)
        for position in range(draw(st.integers(1, 3))):
            later = first + timedelta(days=draw(st.sampled_from([0, 30])) if position else 0)
            found.append(
                {
                    "customer_id": f"C{number}",
                    "customer_first_ordered_on": first,
                    "ordered_on": later,
                    "is_first_order": position == 0,
                    "is_refund": position > 0 and draw(flags),
                    "net_amount": draw(money),
                    "margin_amount": draw(st.none() | money),
                    "paid_on": draw(st.none() | days),
                    "payment_days": draw(st.none() | st.integers(0, 60)),
                    **{name: draw(values) for name, values in members.items()},
                }
            )
    return found


FACTS = st.fixed_dictionaries(
    {
        "lead_journey": rows_of(
            created_on=days,
            won_on=st.none() | days,
            is_valid=flags,
            is_won=flags,
            is_lost=flags,
            reached_touched=flags,
            reached_met=flags,
            is_audience=st.none() | flags,
            first_touch_hours=hours,
            lead_score=st.none() | st.integers(0, 100).map(float),
            sales_cycle_days=st.none() | st.integers(0, 90),
            development_days=st.none() | st.integers(0, 90),
            **members,
        ),
        "lead_grades": rows_of(created_on=days, grade=st.none() | st.sampled_from("ABCD"), **members),
        "sales": sales(),
        "customer_segments": rows_of(first_ordered_on=st.none() | days, is_high_value=flags, **members),
        "costs": rows_of(
            spent_on=days,
            amount=money,
            is_marketing=flags,
            is_direct=flags,
            channel=members["channel"],
            team_id=members["team_id"],
        ),
        "responses": rows_of(
            answered_on=days,
            kind=st.sampled_from(["csat", "nps", "peer", "likert"]),
            score=st.none() | st.integers(1, 5).map(float),
            scaled_score=st.none() | st.integers(0, 100).map(float),
            respondent_kind=st.sampled_from(["customer", "staff", "expert", None]),
            scale_min=st.sampled_from([0.0, 1.0]),
            scale_max=st.sampled_from([5.0, 10.0]),
            is_topbox=st.none() | flags,
            is_promoter=st.none() | flags,
            is_detractor=st.none() | flags,
            **members,
        ),
        "touches": rows_of(
            occurred_on=days,
            kind=st.sampled_from(["visit", "webinar", "live", "complaint", "service_request"]),
            customer_id=st.sampled_from(["C1", None]),
            lead_id=st.sampled_from(["L1", "L2", None]),
            response_hours=hours,
            needs_answer=flags,
            is_in_time=st.none() | flags,
            is_reached=flags,
            is_attendance=flags,
            is_own_accord=flags,
            is_repeated=st.none() | flags,
            **members,
        ),
        "customer_starts": rows_of(
            created_on=days,
            first_ordered_on=st.none() | days,
            is_referred=flags,
            is_new_market=st.none() | flags,
            is_retained_30=st.none() | flags,
            is_retained_60=st.none() | flags,
            is_retained_90=st.none() | flags,
            clv_amount=st.none() | money,
            target_industry=st.sampled_from(["教育", "制造", None]),
            **members,
        ),
        "target_industries": st.sampled_from([[], [{"industry": "教育"}, {"industry": "制造"}]]),
        "market_sizes": st.sampled_from([[], [{"market_period": "2026-10", "market_size": 1e6}]]),
        "budget_days": rows_of(day=days, amount=money, channel=members["channel"], team_id=members["team_id"]),
        "tasks": rows_of(
            due_on=days,
            is_done=flags,
            is_on_time=flags,
            is_visit=flags,
            departments=st.integers(0, 3),
            reworks=st.none() | st.integers(0, 2),
            team_id=members["team_id"],
        ),
        "people_days": rows_of(
            day=days,
            staff_id=st.sampled_from(["S1", "S2"]),
            team_id=members["team_id"],
            has_contact=flags,
            is_last_day=flags,
        ),
        "exposures": rows_of(
            day=days,
            channel=members["channel"],
            **dict.fromkeys(("impressions", "reach", "clicks", "visits"), st.none() | st.integers(0, 10**6)),
        ),
        "activities": rows_of(
            starts_on=days,
            planned_participants=st.none() | st.integers(0, 90),
            expected_participants=st.none() | st.integers(1, 90),
            channel=members["channel"],
            team_id=members["team_id"],
        ),
    }
)


Row = dict[str, Any]


class Plain:
    """The rows of one period and member, and what a careful reader would count in them."""

    def __init__(self, facts: dict[str, list[Row]], period: tuple, dimension: str, member: str) -> None:
        _, self.label, self.start, self.end = period
        self.before = self.start - (self.end - self.start)
        self.dimension, self.member, self.facts = dimension, member, facts
        self.leads = self.rows("lead_journey", "created_on")
        self.wins = self.rows("lead_journey", "won_on")
        self.graded = self.rows("lead_grades", "created_on")
        self.sales = self.rows("sales", "ordered_on")
        self.customers = self.rows("customer_segments", "first_ordered_on")
        self.costs = self.rows("costs", "spent_on")
        self.all_answers = self.rows("responses", "answered_on")
        self.answers = [row for row in self.all_answers if row["score"] is not None]
        self.touches = self.rows("touches", "occurred_on")
        self.starts = self.rows("customer_starts", "first_ordered_on")
        self.tasks, self.people = self.rows("tasks", "due_on"), self.rows("people_days", "day")
        self.seen = self.rows("exposures", "day")

    def rows_before(self, fact: str, day: str) -> list[Row]:
        return [row for row in self.facts[fact] if self.before <= row[day] < self.start and self.is_member(row)]

    def rows(self, fact: str, day: str) -> list[Row]:
        return [row for row in self.facts[fact] if self.holds(row[day]) and self.is_member(row)]

    def holds(self, day: date | None) -> bool:
        return day is not None and self.start <= day < self.end

    def is_member(self, row: Row) -> bool:
        column = {"team": "team_id"}.get(self.dimension, self.dimension)
        return self.dimension == TOTAL or (row.get(column) or UNKNOWN) == self.member

    def scored(self, kind: str) -> list[float]:
        asked = [row for row in self.answers if row["kind"] == kind]
        return [row["score"] for row in asked if (row["scale_min"], row["scale_max"]) == (1.0, 5.0)]

    def spent(self, *, marketing_only: bool = False) -> float | None:
        kept = [row["amount"] for row in self.costs if row["is_marketing"] or not marketing_only]
        return float(sum(kept)) if kept else None

    def direct(self) -> float | None:
        kept = [row["amount"] for row in self.costs if row["is_direct"]]
        return float(sum(kept)) if kept else None

    def labour(self) -> float | None:
        kept = [row["amount"] for row in self.costs if not row["is_marketing"]]
        return float(sum(kept)) if kept else None


def count(rows: list[Row], *columns: str) -> int:
    """Rows of which every column is true."""
    return sum(all(row[column] is True for column in columns) for row in rows)


def present(rows: list[Row], column: str) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None]


def minus(left: float, right: float | None) -> float | None:
    return None if right is None else left - right


def plain_parts(p: Plain) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """(KPI, variant) -> numerator and denominator, each KPI written out for itself."""
    revenue = float(sum(row["net_amount"] for row in p.sales))
    buyers = len({row["customer_id"] for row in p.sales if row["is_first_order"]})
    orders = [float(row["net_amount"]) for row in p.sales if not row["is_refund"]]
    of_new_customers = [row["net_amount"] for row in p.sales if row["customer_first_ordered_on"] >= p.start]
    touched, cycles = present(p.leads, "first_touch_hours"), present(p.wins, "sales_cycle_days")
    full, marketing = p.spent(), p.spent(marketing_only=True)
    online = [row for row in p.touches if row["kind"] in ("webinar", "live")]
    persons = {row["customer_id"] or row["lead_id"] for row in online} - {None}
    won, decided = count(p.leads, "is_won"), sum(row["is_won"] or row["is_lost"] for row in p.leads)
    valid, reached = count(p.leads, "is_valid"), count(p.leads, "reached_touched")
    net_promoters = count(p.answers, "is_promoter") - count(p.answers, "is_detractor")
    return {
        **more_parts(p, revenue=revenue, buyers=buyers, full=full, marketing=marketing),
        ("leads", "created"): (len(p.leads), None),
        ("valid_leads", "created"): (valid, None),
        ("reached_leads", "persons"): (reached, None),
        ("won_leads", "signed"): (count(p.wins, "is_won"), None),
        ("lead_conversion_rate", "created"): (won, len(p.leads)),
        ("valid_lead_conversion_rate", "created"): (count(p.leads, "is_valid", "is_won"), valid),
        ("contact_conversion_rate", "created"): (count(p.leads, "reached_touched", "is_won"), reached),
        ("win_rate", "created"): (won, decided),
        ("first_touch_hours", "assigned"): (sum(touched), len(touched)),
        ("sales_cycle_days", "signed"): (sum(cycles), len(cycles)),
        ("new_customers", "first_order"): (buyers, None),
        ("high_value_customers", "first_order"): (count(p.customers, "is_high_value"), None),
        ("high_value_share", "first_order"): (count(p.customers, "is_high_value"), len(p.customers)),
        ("revenue", "net"): (revenue, None),
        ("aov", "sale"): (sum(orders), len(orders)),
        ("arpu", "new_customers"): (float(sum(of_new_customers)), buyers),
        ("total_cost", "full"): (full, None),
        ("total_cost", "marketing"): (marketing, None),
        ("total_cost", "labour"): (p.labour(), None),
        ("total_cost", "direct"): (p.direct(), None),
        ("cac", "paying.full"): (full, buyers),
        ("cac", "paying.marketing"): (marketing, buyers),
        ("cac", "paying.direct"): (p.direct(), buyers),
        ("cpl", "valid.full"): (full, valid),
        ("cpl", "valid.marketing"): (marketing, valid),
        ("roi_revenue", "full"): (minus(revenue, full), full),
        ("roi_revenue", "marketing"): (minus(revenue, marketing), marketing),
        ("io_ratio", "full"): (revenue, full),
        ("io_ratio", "marketing"): (revenue, marketing),
        ("csat_mean", "five_point"): (sum(p.scored("csat")), len(p.scored("csat"))),
        ("csat_topbox_rate", "top_two"): (count(p.answers, "is_topbox"), len(present(p.answers, "is_topbox"))),
        ("nps", "standard"): (100 * net_promoters, len(present(p.answers, "is_promoter"))),
        ("visits", "made"): (sum(row["kind"] == "visit" for row in p.touches), None),
        ("online_participants", "persons"): (len(persons), None),
        ("online_participants", "attendances"): (len(online), None),
        ("collaboration_score", "peer"): (sum(p.scored("peer")), len(p.scored("peer"))),
    }


def more_parts(
    p: Plain, *, revenue: float, buyers: int, full: float | None, marketing: float | None
) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """The indicators about what became of customers, people, tasks, complaints and exposures."""
    sold = [row for row in p.sales if not row["is_refund"]]
    again = [row for row in sold if not row["is_first_order"]]
    budget = total(p.rows("budget_days", "day"), "amount")
    payments = p.rows("sales", "paid_on")
    sales_before = p.rows_before("sales", "ordered_on")
    revenue_before = total(sales_before, "net_amount")
    buyers_before = len({row["customer_id"] for row in sales_before if row["is_first_order"]})
    margin = total(p.sales, "margin_amount")
    new_revenue = float(sum(row["net_amount"] for row in p.sales if row["customer_first_ordered_on"] >= p.start))
    valid_wins = count(p.wins, "is_won", "is_valid")
    known_customers = [row for row in p.facts["customer_starts"] if row["first_ordered_on"] and p.is_member(row)]
    complaints = [row for row in p.touches if row["kind"] == "complaint"]
    served = [row for row in p.touches if row["kind"] in ("complaint", "service_request")]
    complaints_before = sum(row["kind"] == "complaint" for row in p.rows_before("touches", "occurred_on"))
    waiting = [row for row in p.touches if row["needs_answer"]]
    attended = [row for row in p.touches if row["is_attendance"]]
    known_reach = [row for row in p.leads if row["reached_touched"] and row["is_audience"] is not None]
    activities = p.rows("activities", "starts_on")
    visits = [row for row in p.touches if row["kind"] == "visit"]
    impressions = total(p.seen, "impressions")
    targets = len(p.facts["target_industries"])
    [*sizes] = [row["market_size"] for row in p.facts["market_sizes"] if row["market_period"] == p.label]
    registered = p.rows("customer_starts", "created_on")
    visit_tasks = [row for row in p.tasks if row["is_visit"]]
    reworks = present([row for row in p.tasks if row["is_done"]], "reworks")
    likert = {
        who: [row for row in p.all_answers if row["kind"] == "likert" and row["respondent_kind"] == who]
        for who in ("staff", "customer", "expert")
    }
    csat = [row for row in p.all_answers if row["kind"] == "csat"]
    return {
        ("lead_score", "created"): mean(p.leads, "lead_score"),
        ("quality_lead_share", "created"): (
            sum(grade in "AB" for grade in present(p.graded, "grade")),
            len(present(p.graded, "grade")),
        ),
        ("meeting_rate", "created"): (count(p.leads, "reached_met"), len(p.leads)),
        ("meeting_win_rate", "created"): (count(p.leads, "reached_met", "is_won"), count(p.leads, "reached_met")),
        ("audience_precision", "reached"): (count(known_reach, "is_audience"), len(known_reach)),
        ("development_days", "signed"): mean(p.wins, "development_days"),
        ("registered_customers", "entered"): (len(registered), None),
        ("active_customers", "buying"): (different(sold, "customer_id"), None),
        ("active_customers", "engaged"): (
            different([row for row in p.touches if row["is_own_accord"]], "customer_id"),
            None,
        ),
        ("customer_growth_rate", "base"): (
            len(p.starts),
            sum(row["first_ordered_on"] < p.start for row in known_customers),
        ),
        ("new_customer_growth_rate", "previous"): (buyers - buyers_before, buyers_before),
        ("revenue_growth_rate", "previous"): (minus(revenue, revenue_before), revenue_before),
        **{("retention_rate", f"days_{days}"): share(p.starts, f"is_retained_{days}") for days in (30, 60, 90)},
        ("repurchase_rate", "customers"): (different(again, "customer_id"), different(sold, "customer_id")),
        ("repurchase_rate", "orders"): (len(again), len(sold)),
        ("referral_rate", "first_order"): (count(p.starts, "is_referred"), len(p.starts)),
        ("new_market_customer_share", "first_order"): share(p.starts, "is_new_market"),
        ("industry_coverage", "target"): (different(p.starts, "target_industry"), targets),
        ("market_share", "sales"): (revenue, sizes[0] if sizes else None),
        ("new_customer_revenue_share", "net"): (new_revenue, revenue),
        ("roi_profit", "full"): (None if margin is None else minus(margin, full), full),
        ("roi_profit", "marketing"): (None if margin is None else minus(margin, marketing), marketing),
        ("revenue_cost_ratio", "full"): (revenue, full),
        ("clv_mean", "first_order"): (total(p.starts, "clv_amount"), len(present(p.starts, "clv_amount"))),
        ("marketing_efficiency", "budget"): (total(p.starts, "clv_amount"), budget),
        ("cac", "paying.planned"): (budget, buyers),
        ("cac", "effective"): (full, valid_wins),
        ("cac", "registered"): (full, len(registered)),
        ("payment_cycle_days", "paid"): mean(payments, "payment_days"),
        ("payment_rate", "sold"): (
            float(sum(row["net_amount"] for row in sold if row["paid_on"])),
            float(sum(row["net_amount"] for row in sold)),
        ),
        ("cost_to_cash_rate", "operating"): (full, total(payments, "net_amount")),
        ("cost_saving_rate", "budget"): (None if budget is None else minus(budget, full), budget),
        ("labour_cost_per_task", "done"): (p.labour(), count(p.tasks, "is_done")),
        ("staff_utilisation_rate", "contacts"): (count(p.people, "has_contact"), len(p.people)),
        ("staff_turnover_rate", "left"): (
            different([row for row in p.people if row["is_last_day"]], "staff_id"),
            different(p.people, "staff_id"),
        ),
        ("headcount", "people"): (different(p.people, "staff_id"), None),
        ("headcount", "person_days"): (len(p.people), None),
        ("acquisition_efficiency", "person"): (buyers, different(p.people, "staff_id")),
        ("acquisition_efficiency", "effective.person_day"): (valid_wins, len(p.people)),
        ("exposure", "impressions"): (impressions, None),
        ("exposure", "daily_reach"): (total(p.seen, "reach"), None),
        ("exposure", "site_visits"): (total(p.seen, "visits"), None),
        ("click_rate", "impressions"): (total(p.seen, "clicks") or 0, impressions),
        ("reached_leads", "events"): (len(visits), None),
        ("event_participants", "persons"): (
            len({row["customer_id"] or row["lead_id"] for row in attended} - {None}),
            None,
        ),
        ("event_participants", "attendances"): (len(attended), None),
        ("participation_rate", "expected"): (
            total(activities, "planned_participants") or 0,
            total(activities, "expected_participants") or 0,
        ),
        ("response_hours", "answered"): mean(waiting, "response_hours"),
        ("service_in_time_rate", "promised"): (count(served, "is_in_time"), len(served)),
        ("repeat_contact_rate", "other_staff"): share(p.touches, "is_repeated"),
        ("visit_completion_rate", "tasks"): (count(visit_tasks, "is_done"), len(visit_tasks)),
        ("visit_completion_rate", "met"): (count(visits, "is_reached"), len(visits)),
        ("task_completion_rate", "done"): (count(p.tasks, "is_done"), len(p.tasks)),
        ("task_completion_rate", "on_time"): (count(p.tasks, "is_on_time"), len(p.tasks)),
        ("first_pass_rate", "done"): (reworks.count(0), len(reworks)),
        ("rework_rate", "done"): (sum(reworks), len(reworks)),
        ("joint_tasks", "due"): (sum(row["departments"] >= 2 for row in p.tasks), None),
        ("complaints", "made"): (len(complaints), None),
        ("complaint_growth_rate", "previous"): (len(complaints) - complaints_before, complaints_before),
        ("complaint_closed_rate", "answered"): (len(present(complaints, "response_hours")), len(complaints)),
        ("recommend_rate", "promoters"): (count(p.answers, "is_promoter"), len(present(p.answers, "is_promoter"))),
        ("csat_mean", "hundred_point"): mean(csat, "scaled_score"),
        ("feedback_score", "staff"): mean(likert["staff"], "scaled_score"),
        ("feedback_score", "customers"): mean(likert["customer"], "scaled_score"),
        ("feedback_score", "experts"): mean(likert["expert"], "scaled_score"),
    }


def total(rows: list[Row], column: str) -> float | None:
    """The sum of what is there; unknown where nothing is."""
    found = present(rows, column)
    return float(sum(found)) if found else None


def mean(rows: list[Row], column: str) -> tuple[float, int]:
    """Sum and number of what is there."""
    found = present(rows, column)
    return float(sum(found)), len(found)


def share(rows: list[Row], column: str) -> tuple[int, int]:
    """How many are true, of how many it is known of."""
    return count(rows, column), len(present(rows, column))


def different(rows: list[Row], column: str) -> int:
    return len(set(present(rows, column)))


def is_near(found: float, expected: float | None) -> bool:
    return pd.isna(found) if expected is None else found == pytest.approx(float(expected), rel=1e-9, abs=1e-3)


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(facts=FACTS)
def test_every_kpi_of_any_data_equals_a_plain_count(facts):
    periods = {period[1]: period for period in PERIODS}
    found = evaluate(facts, periods=PERIODS, definitions=DECLARED)
    found = found.loc[found["dimension"].isin([TOTAL, "channel", "team", "region"])]
    for (period, dimension, member), rows in found.groupby(["period", "dimension", "member"]):
        expected = plain_parts(Plain(facts, periods[period], dimension, member))
        for row in rows.itertuples():
            numerator, denominator = expected[row.kpi, row.variant]
            where = f"{row.kpi} {row.variant} {period} {dimension} {member}"
            assert is_near(row.numerator, numerator), where
            assert is_near(row.denominator, denominator), where


@settings(max_examples=6, deadline=None)
@given(facts=FACTS)
def test_members_of_a_dimension_add_up_to_the_total(facts):
    found = evaluate(facts, periods=PERIODS)
    adding = found.loc[found["adds_up"] == "yes"]
    keys = ["kpi", "variant", "period"]
    totals = adding.loc[adding["dimension"] == TOTAL].set_index(keys)["value"]
    assert not totals.index.has_duplicates
    for (*key, dimension), rows in adding.groupby([*keys, "dimension"]):
        assert rows["value"].sum() == pytest.approx(np.nan_to_num(totals[tuple(key)]), abs=1e-6), dimension
        if key[0] == "total_cost":
            # what the members leave out is what names none of them, and each of them says it (I12)
            unnamed = rows.loc[rows["member"] == UNKNOWN, "value"].fillna(0).sum()
            assert (rows.loc[rows["member"] != UNKNOWN, "left_out_amount"].fillna(0) == unnamed).all()


def test_every_quantity_adds_up_or_says_that_it_counts_different_things():
    """Σ over a dimension equals the total, or the row says why not."""
    found = evaluate({})
    said = found.set_index(["kpi", "variant"])["adds_up"].to_dict()
    for kpi, told in catalogue().kpis.items():
        for name, variant in told.variants.items():
            assert (said[kpi, name] == "quotient") == (variant.denominator is not None)
    assert {key for key, told in said.items() if told == "distinct"} == {
        ("active_customers", "buying"),
        ("active_customers", "engaged"),
        ("event_participants", "persons"),
        ("headcount", "people"),
        ("online_participants", "persons"),
    }
    assert catalogue().additive <= {kpi for (kpi, _), told in said.items() if told == "yes"}


def test_one_person_under_two_channels_counts_once_in_the_total():
    seen = [sale("a", 10, channel="search"), sale("a", 10, channel="expo")]
    values = evaluate({"sales": seen})
    assert [
        one(values, "active_customers", dimension=dimension, member=member)["value"]
        for dimension, member in (("channel", "search"), ("channel", "expo"), ("total", "(all)"))
    ] == [1, 1, 1]
    assert set(values.loc[values["kpi"] == "active_customers", "adds_up"]) == {"distinct"}


FIRST_BUYERS = """
facts:
  sales:
    table: dws.sales
    date: ordered_on
    contracts: [orders]
    dimensions: {channel: channel}
    columns: {customer_id: text, is_first_order: flag}
    measures:
      first_buyers: {value: count(distinct customer_id), where: is_first_order, without_rows: unknown}
kpis:
  first_buyers:
    label: {zh: 首购客户, en: First buyers}
    meaning: {zh: 首次购买的客户, en: Customers who bought for the first time}
    formula: {zh: 首购客户数, en: first buyers}
    unit: count
    better: higher
    variants:
      all: {numerator: first_buyers}
"""


def test_a_distinct_count_unknown_without_rows_is_zero_where_no_row_counts(tmp_path):
    file = tmp_path / "kpis.yaml"
    file.write_text(FIRST_BUYERS, encoding="utf-8")
    seen = [sale("a", 10, channel="search", is_first_order=True), sale("b", 10, channel="expo")]
    values = evaluate({"sales": seen}, periods=PERIODS, kpis=read_catalogue(file))
    found = {(row.period, row.member): None if pd.isna(row.numerator) else row.numerator for row in values.itertuples()}
    assert found == {
        ("campaign", ALL): 1,
        ("campaign", "search"): 1,
        ("campaign", "expo"): 0,
        (MONTH[1], ALL): None,
        ("baseline", ALL): None,
        (EMPTY_DAY[1], ALL): None,
    }


@settings(max_examples=6, deadline=None)
@given(facts=FACTS)
def test_a_value_is_its_quotient_or_tells_why_it_is_none(facts):
    found = evaluate(facts, periods=PERIODS)
    quotients = found.loc[found["denominator"].notna() & found["value"].notna()]
    assert np.allclose(quotients["value"] * quotients["denominator"], quotients["numerator"], atol=1e-6)
    assert found.loc[found["value"].isna(), "reason"].notna().all()
    # only what is divided by nothing is known to have none
    assert found.loc[found["value"].isna() & (found["state"] != "withheld"), "denominator"].eq(0).all()
    assert not np.isinf(found[["value", "lower", "upper"]].to_numpy(float)).any()
    bounded = found.loc[found["lower"].notna()]
    assert (bounded["lower"] <= bounded["value"] + 1e-9).all()
    assert (bounded["value"] <= bounded["upper"] + 1e-9).all()
    assert not found.duplicated(list(KPI_VALUES.grain)).any()


# --- periods and members ---


def test_a_period_holds_its_first_day_and_not_the_day_it_ends():
    _, _, start, end = CAMPAIGN
    around = [start - timedelta(days=1), start, end - timedelta(days=1), end]
    values = evaluate({"lead_journey": [lead(created_on=day) for day in around]})
    assert one(values, "leads")["value"] == 2


def test_a_lead_is_won_in_the_month_of_its_signature_and_converted_in_the_month_it_came():
    october = lead(created_on=date(2026, 9, 30), won_on=date(2026, 10, 2), is_won=True)
    september = ("month", "2026-09", date(2026, 9, 1), date(2026, 10, 1))
    values = evaluate({"lead_journey": [october]}, periods=[september, MONTH])
    assert one(values, "won_leads", period="2026-10")["value"] == 1
    assert one(values, "won_leads", period="2026-09")["value"] == 0
    assert one(values, "lead_conversion_rate", period="2026-09")["value"] == 1


def test_what_has_no_member_is_unknown_and_stays_in_the_total():
    values = evaluate({"lead_journey": [lead(team_id="A"), lead(), lead()]})
    assert one(values, "leads", dimension="team", member=UNKNOWN)["value"] == 2
    assert one(values, "leads")["value"] == 3


def test_a_team_known_for_its_leads_has_a_revenue_of_zero():
    values = evaluate({"lead_journey": [lead(team_id="A")], "sales": [sale("a", 10, team_id="B")]})
    assert one(values, "revenue", dimension="team", member="A")["value"] == 0


def test_a_period_without_any_rows_still_has_a_total():
    values = evaluate({})
    assert set(values["kpi"]) == set(catalogue().kpis)
    assert set(values["dimension"]) == {TOTAL}
    assert one(values, "leads")["value"] == 0


def test_a_kpi_has_no_row_for_a_dimension_one_of_its_facts_lacks():
    values = evaluate({"sales": [first_sale("a", 10, region="华东")], "costs": [cost(5)]})
    assert set(values.loc[values["kpi"] == "cac", "dimension"]) == {TOTAL, "channel", "team", "activity"}
    assert "region" in set(values.loc[values["kpi"] == "revenue", "dimension"])


def test_a_customer_with_two_ids_merged_into_one_is_new_once():
    """I27: the daily sum would count the re-created customer again."""
    values = evaluate({"sales": [first_sale("a", 10), sale("a", 20, DAY + timedelta(days=1))]})
    assert one(values, "new_customers")["value"] == 1


def test_an_order_is_not_a_refund_and_revenue_is_after_refunds():
    values = evaluate({"sales": [first_sale("a", 100), sale("a", 50), sale("a", Decimal("-30.00"), is_refund=True)]})
    assert one(values, "revenue")["value"] == 120
    assert one(values, "aov")["value"] == 75


def test_what_old_customers_buy_is_not_revenue_of_new_ones():
    """I25: per customer and per order are two measures."""
    old = sale("b", 999, customer_first_ordered_on=date(2026, 1, 1))
    values = evaluate({"sales": [first_sale("a", 100), sale("a", 50), old]})
    assert one(values, "arpu")["value"] == 150


# --- nothing to divide by ---


@pytest.mark.parametrize(
    "kpi",
    ["lead_conversion_rate", "cac", "cpl", "aov", "arpu", "nps", "csat_mean", "csat_topbox_rate", "first_touch_hours"],
)
def test_without_a_denominator_there_is_no_value_but_a_reason(kpi):
    row = one(evaluate({"costs": [cost(100)]}), kpi)
    assert pd.isna(row["value"])
    assert row["reason"] == "denominator is 0"
    assert row["state"] == "final"


def test_spend_without_a_single_customer_is_not_excellent():
    """U11: dividing by zero and filling in 0 would make this the best cost per customer there is."""
    facts = {"lead_journey": [lead()] * 10, "costs": [cost(50_000)]}
    values = evaluate(facts, targets=[target("cac", 2000, floor=3000), target("roi_revenue", 2.0)])
    cac, roi = one(values, "cac"), one(values, "roi_revenue")
    assert (pd.isna(cac["value"]), pd.isna(cac["score"]), cac["reason"]) == (True, True, "denominator is 0")
    assert (roi["value"], roi["score"]) == (-1.0, 0.0)


def test_a_cost_nobody_booked_is_unknown_and_not_zero():
    values = evaluate({"sales": [first_sale("a", 100, channel="referral")], "costs": [cost(10, channel="expo")]})
    cac = one(values, "cac", dimension="channel", member="referral")
    roi = one(values, "roi_revenue", dimension="channel", member="referral")
    assert pd.isna(cac["value"])
    assert (cac["state"], cac["reason"]) == ("withheld", "numerator is unknown: it has no rows")
    assert (roi["state"], roi["reason"]) == ("withheld", "denominator is unknown: it has no rows")


def test_a_figure_of_which_a_part_is_unknown_is_withheld_and_shows_the_part_that_is_known():
    october = {"market_period": "2026-10", "market_size": 1000.0}
    facts = {"sales": [first_sale("a", 50, date(2026, 10, 5))], "market_sizes": [october]}
    values = evaluate(facts, periods=[CAMPAIGN, MONTH])
    known, unknown = one(values, "market_share", period="2026-10"), one(values, "market_share")
    assert (known["value"], known["state"], known["reason"]) == (0.05, "final", None)
    assert (unknown["state"], unknown["reason"]) == ("withheld", "denominator is unknown: it has no rows")
    assert (unknown["numerator"], pd.isna(unknown["value"]), unknown["n"]) == (50, True, 0)


# --- cost that is for all ---

WAGES = {"is_marketing": False}
CAC_TARGET = target("cac", 100, floor=400)


def search_and_wages(wages: float, **columns: Any) -> dict[str, list[Row]]:
    """Two customers through search, which cost 100 and wages that name no channel."""
    sales = [first_sale(name, 900, channel="search", team_id="A") for name in "ab"]
    return {"sales": sales, "costs": [cost(100, channel="search", team_id="A"), cost(wages, **WAGES, **columns)]}


def test_i12_a_channel_without_the_wages_is_not_held_against_a_target_with_them():
    values = evaluate(search_and_wages(300, team_id="A"), targets=[CAC_TARGET])
    whole, search = one(values, "cac"), one(values, "cac", dimension="channel", member="search")
    assert (whole["value"], whole["attainment_rate"], whole["is_comparable"]) == (200, 2.0, True)
    assert (search["value"], search["is_comparable"], search["left_out_amount"]) == (50, False, 300)
    assert search[["target", "attainment_rate", "score"]].isna().all()
    assert search["left_out_zh"] == "不含未注明渠道的成本 300 元（占全部成本的 75.0%）"
    assert search["left_out_en"] == "without the CNY 300 of cost that names no channel (75.0% of all cost)"
    assert search["reason"] == f"not held against the target for the whole: {search['left_out_en']}"
    # a scorecard knows the English words alone
    assert search["reason_zh"] == reason_zh(search["reason"]) == f"不与整体目标相比：{search['left_out_zh']}"


def test_i12_where_all_cost_names_the_member_it_is_held_against_the_target():
    team = one(evaluate(search_and_wages(300, team_id="A"), targets=[CAC_TARGET]), "cac", dimension="team", member="A")
    assert (team["value"], team["target"], team["is_comparable"]) == (200, 100, True)
    assert pd.isna(team["left_out_en"]) and team["reason"] is None


def test_i12_a_variant_without_wages_leaves_none_out():
    chosen = Definitions(official={"cac": "paying.marketing"})
    values = evaluate(search_and_wages(300), targets=[CAC_TARGET], definitions=chosen)
    search = one(values, "cac", dimension="channel", member="search")
    assert (search["value"], search["score"], search["is_comparable"]) == (50, 100, True)


@pytest.mark.parametrize(
    ("wages", "is_comparable"),
    [
        pytest.param(5, True, id="under-five-percent"),
        pytest.param("5.26", True, id="just-under-five-percent"),
        pytest.param("5.27", False, id="just-over-five-percent"),
    ],
)
def test_i12_little_that_names_no_channel_is_told_and_borne(wages: Any, is_comparable: bool):
    values = evaluate(search_and_wages(wages), targets=[CAC_TARGET])
    search = one(values, "cac", dimension="channel", member="search")
    assert search["is_comparable"] == is_comparable
    assert (search["score"] == 100) == is_comparable
    assert search["left_out_amount"] == float(wages)


def test_i12_what_names_no_channel_is_no_channel_and_has_no_target_either():
    facts = search_and_wages(300)
    facts["sales"].append(first_sale("c", 900))
    nobody = one(evaluate(facts, targets=[CAC_TARGET]), "cac", dimension="channel", member=UNKNOWN)
    assert (nobody["value"], pd.isna(nobody["score"]), pd.isna(nobody["left_out_zh"])) == (300, True, True)
    assert nobody["reason"] == "not held against the target for the whole: what names no member is for all of them"
    assert nobody["reason_zh"] == reason_zh(nobody["reason"]) == "不与整体目标相比：未注明成员的数额归全体共有"


def test_i12_budget_that_names_no_channel_is_left_out_too():
    facts = search_and_wages(0) | {
        "budget_days": [{"day": DAY, "amount": 300}, {"day": DAY, "amount": 100, "channel": "search"}]
    }
    search = one(evaluate(facts), "cac", "paying.planned", dimension="channel", member="search")
    assert search["left_out_en"] == "without the CNY 300 of budget that names no channel (75.0% of all budget)"
    saving = one(evaluate(facts), "cost_saving_rate", dimension="channel", member="search")
    assert (saving["value"], saving["is_comparable"]) == (0, False)


# --- states ---


def test_a_withheld_source_withholds_what_is_made_of_it_and_nothing_else():
    facts = {"sales": [first_sale("a", 100)], "costs": [cost(10)]}
    values = evaluate(facts, states={"expenses": SourceState("withheld", "absent in sources.yaml")})
    cac = one(values, "cac")
    assert pd.isna(cac[["value", "numerator", "denominator", "n"]]).all()
    assert (cac["state"], cac["reason"]) == ("withheld", "expenses: absent in sources.yaml")
    assert (one(values, "new_customers")["state"], one(values, "new_customers")["value"]) == ("final", 1)


def test_a_kpi_is_as_provisional_as_its_worst_source():
    facts = {"sales": [first_sale("a", 100)], "costs": [cost(10)]}
    values = evaluate(facts, states={"customers": SourceState("provisional", "duplicates 2.0 %")})
    assert (one(values, "cac")["state"], one(values, "cac")["value"]) == ("provisional", 10)
    assert one(values, "cac")["reason"] == "customers: duplicates 2.0 %"
    assert one(values, "revenue")["state"] == "final"


def test_new_customers_need_the_customers_too():
    values = evaluate({}, states={"customers": SourceState("withheld", "no rows")})
    assert one(values, "new_customers")["state"] == "withheld"
    assert one(values, "revenue")["state"] == "final"


def test_a_column_nobody_has_withholds_what_needs_it():
    values = evaluate({"lead_journey": [lead()]}, unmapped=frozenset({"leads.first_touch_at"}))
    row = one(values, "first_touch_hours")
    assert (row["state"], row["reason"]) == ("withheld", "leads.first_touch_at is not mapped")
    assert one(values, "leads")["state"] == "final"


def test_either_way_to_contact_a_lead_makes_it_contactable():
    every = {"leads.phone", "leads.email", "customers.phone", "customers.email"}
    facts = {"lead_journey": [lead()]}
    assert one(evaluate(facts, unmapped=frozenset(every)), "valid_leads")["state"] == "withheld"
    assert one(evaluate(facts, unmapped=frozenset(every - {"leads.email"})), "valid_leads")["state"] == "final"
    careless = Definitions(valid_lead=ValidLead(contactable=False))
    assert one(evaluate(facts, unmapped=frozenset(every), definitions=careless), "valid_leads")["state"] == "final"


@pytest.mark.parametrize(
    ("missing", "state"),
    [
        ({"staff_id"}, "withheld"),
        ({"customer_id", "lead_id"}, "withheld"),
        ({"customer_id"}, "final"),
        ({"lead_id"}, "final"),
    ],
    ids=["who-made-it", "with-whom", "with-which-customer", "with-which-lead"],
)
def test_repeated_contacts_are_told_where_the_source_says_who_spoke_with_whom(missing, state):
    """F124."""
    contact = {"interaction_id": "I1", "occurred_on": DAY, "kind": "call", "is_repeated": False}
    told = evaluate({"touches": [contact]}, unmapped=frozenset(f"interactions.{column}" for column in missing))
    assert one(told, "repeat_contact_rate")["state"] == state


def done_task(**cells: Any) -> Row:
    return {"task_id": "T1", "due_on": DAY, "is_done": True} | cells


@pytest.mark.parametrize(
    ("kpi", "told", "bounds"),
    [
        pytest.param("first_pass_rate", (2, 4, 0.5), (0.150, 0.850), id="share-of-tasks"),
        pytest.param("rework_rate", (3, 4, 0.75), (0.155, 2.192), id="times-per-task"),
    ],
)
def test_work_sent_back_is_counted_among_what_was_done_and_told(kpi, told, bounds):
    """F123: a task of which nobody says is not one that was never sent back, and one not done yet may still be."""
    tasks = [done_task(reworks=reworks) for reworks in (0, 0, 1, 2, None)]
    row = one(evaluate({"tasks": [*tasks, done_task(is_done=False, reworks=4)]}), kpi)
    assert (row["numerator"], row["denominator"], row["value"]) == told
    assert (row["lower"], row["upper"]) == pytest.approx(bounds, abs=0.001)


@pytest.mark.parametrize("kpi", ["first_pass_rate", "rework_rate"])
def test_without_the_column_nobody_can_say_what_was_sent_back(kpi):
    """F123."""
    row = one(evaluate({"tasks": [done_task()]}, unmapped=frozenset({"tasks.reworks"})), kpi)
    assert (row["state"], row["reason"]) == ("withheld", "tasks.reworks is not mapped")
    assert pd.isna(row["value"])


def test_what_a_task_costs_is_the_labour_for_the_tasks_done():
    """F102: what was spent on media is no part of it, and neither is a task not done yet."""
    costs = [cost("90.00", cost_id="E1", is_marketing=False), cost("500.00", cost_id="E2")]
    tasks = [done_task(), done_task(task_id="T2"), done_task(task_id="T3", is_done=False)]
    row = one(evaluate({"costs": costs, "tasks": tasks}), "labour_cost_per_task")
    assert (row["numerator"], row["denominator"], row["value"]) == (90.0, 2, 45.0)
    assert (row["lower"], row["upper"]) == pytest.approx((12.46, 371.57), abs=0.01)


def test_people_are_as_busy_as_their_days_with_a_contact():
    """F102: a count of all their days, so no sample and no interval."""
    days = [{"staff_id": "S1", "day": DAY - timedelta(days=age), "has_contact": age < 3} for age in range(4)]
    row = one(evaluate({"people_days": days}), "staff_utilisation_rate")
    assert (row["numerator"], row["denominator"], row["value"]) == (3, 4, 0.75)
    assert pd.isna(row["lower"])


def test_who_left_is_a_part_of_those_who_were_there():
    """F177: three days of each of four people, of whom one has left."""
    days = [
        {"staff_id": name, "day": DAY - timedelta(days=age), "is_last_day": (name, age) == ("d", 0)}
        for name in "abcd"
        for age in range(3)
    ]
    row = one(evaluate({"people_days": days}), "staff_turnover_rate")
    assert (row["numerator"], row["denominator"], row["value"]) == (1, 4, 0.25)
    assert (row["lower"], row["upper"]) == pytest.approx((0.0456, 0.6994), abs=0.0001)


def test_a_withheld_row_always_has_a_reason():
    values = evaluate({}, states={"orders": SourceState("withheld")})
    assert one(values, "revenue")["reason"] == "orders: withheld"


# --- targets and scores ---


@pytest.mark.parametrize(
    ("customers", "score"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(4, 40, id="on-the-way"),
        pytest.param(10, 100, id="exactly-the-target"),
        pytest.param(15, 120, id="over-achieved-and-capped"),
    ],
)
def test_more_is_better_from_the_floor_to_the_target(customers, score):
    """I08: a scorecard looks at floor and target, not at the mean and the spread of all."""
    facts = {"sales": [first_sale(str(number), 1) for number in range(customers)]}
    row = one(evaluate(facts, targets=[target("new_customers", 10)], score_cap=120), "new_customers")
    assert row["score"] == pytest.approx(score)
    assert row["attainment_rate"] == pytest.approx(customers / 10)


@pytest.mark.parametrize(
    ("spent", "score"),
    [
        pytest.param(4000, 0, id="worse-than-the-floor"),
        pytest.param(3000, 0, id="exactly-the-floor"),
        pytest.param(2500, 50, id="half-way"),
        pytest.param(2000, 100, id="exactly-the-target"),
        pytest.param(1000, 100, id="better-than-the-target"),
    ],
)
def test_less_is_better_from_the_floor_down_to_the_target(spent, score):
    facts = {"sales": [first_sale("a", 1)], "costs": [cost(spent)]}
    assert one(evaluate(facts, targets=[target("cac", 2000, floor=3000)]), "cac")["score"] == pytest.approx(score)


@pytest.mark.parametrize(
    "floor", [pytest.param(None, id="no-floor"), pytest.param(1500, id="floor-on-the-better-side")]
)
def test_less_is_better_can_not_be_scored_without_a_worse_end(floor):
    facts = {"sales": [first_sale("a", 1)], "costs": [cost(1000)]}
    row = one(evaluate(facts, targets=[target("cac", 2000, floor=floor)]), "cac")
    assert pd.isna(row["score"])
    assert row["reason"] == "not scored: the target has no floor on its worse side"
    assert row["attainment_rate"] == 0.5


def test_a_target_for_the_whole_is_none_for_a_team_but_a_rate_is_a_rate_everywhere():
    facts = {"lead_journey": [won_lead(team_id="A"), lead(team_id="A")], "sales": [first_sale("a", 1, team_id="A")]}
    values = evaluate(facts, targets=[target("new_customers", 10), target("lead_conversion_rate", 0.5)])
    assert pd.isna(one(values, "new_customers", dimension="team", member="A")["target"])
    assert one(values, "lead_conversion_rate", dimension="team", member="A")["score"] == pytest.approx(100)


def test_f056_a_member_with_a_target_of_its_own_is_held_against_that():
    facts = {"lead_journey": [won_lead(team_id=team) for team in "AB"], "sales": [first_sale("a", 1, team_id="A")]}
    targets = [target("new_customers", 10), target("lead_conversion_rate", 0.5)]
    targets += [target("new_customers", 4, of=("team", "A")), target("lead_conversion_rate", 2.0, of=("team", "A"))]
    values = evaluate(facts, targets=targets)
    found = {member: one(values, "new_customers", dimension="team", member=member) for member in "AB"}
    assert (found["A"]["target"], found["A"]["attainment_rate"], found["A"]["score"]) == (4, 0.25, 25)
    assert pd.isna(found["B"]["target"])
    assert one(values, "new_customers")["target"] == 10
    rates = [one(values, "lead_conversion_rate", dimension="team", member=member)["target"] for member in "AB"]
    assert rates == [2.0, 0.5]


def test_a_target_of_its_own_holds_for_a_member_whose_figure_leaves_the_shared_cost_out():
    """It was set for what the figure is; the target of the whole, wages included, was not."""
    targets = [CAC_TARGET, target("cac", 500, floor=900, of=("channel", "search"))]
    row = one(evaluate(search_and_wages(300), targets=targets), "cac", dimension="channel", member="search")
    assert (row["target"], row["floor"], row["is_comparable"]) == (500, 900, False)
    assert row["reason"] is None


def test_a_member_with_a_target_and_without_a_single_row_has_reached_nothing_of_it():
    """A new team, or a name nobody has: either way the target is not lost."""
    targets = [target("new_customers", 4, of=("team", "T99")), target("leads", 9, of=("activity", "A99"))]
    values = evaluate({"sales": [first_sale("a", 1, team_id="A")]}, targets=targets)
    row = one(values, "new_customers", dimension="team", member="T99")
    assert (row["value"], row["target"], row["attainment_rate"], row["score"]) == (0, 4, 0, 0)
    assert one(values, "leads", dimension="activity", member="A99")["attainment_rate"] == 0
    assert one(values, "cac", dimension="team", member="T99")["state"] == "withheld"
    assert values.loc[values["member"] == "A99", "kpi"].tolist() == ["leads"], "of a KPI it aims at, and no other"


@pytest.mark.parametrize("kind", ["day", "week"])
def test_a_target_adds_no_row_for_a_day_or_week_without_anything(kind: str):
    period = (kind, "p", DAY, DAY + timedelta(days=1))
    targets = [target("lead_conversion_rate", 0.5, period=period, of=("channel", "expo"))]
    values = evaluate({"lead_journey": [lead(channel="search")]}, periods=[period], targets=targets)
    assert "expo" not in set(values["member"])


def test_the_floor_is_told_where_there_is_a_target():
    values = evaluate({"sales": [first_sale("a", 1)]}, targets=[target("new_customers", 10), CAC_TARGET])
    assert one(values, "new_customers")["floor"] == 0
    assert one(values, "cac")["floor"] == CAC_TARGET["floor"]
    assert pd.isna(one(values, "leads")["floor"])


@pytest.mark.parametrize(
    ("kpi", "is_judged"),
    [pytest.param("cac", False, id="made-of-costs"), pytest.param("lead_conversion_rate", True, id="of-leads-alone")],
)
@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_a_day_or_week_is_not_judged_by_costs_that_are_booked_by_the_month(kind: str, kpi: str, is_judged: bool):
    """Wages booked on a Friday would make it the dearest day of the week, and the others cost next to nothing."""
    period = (kind, "p", DAY, DAY + timedelta(days=1))
    facts = {"lead_journey": [won_lead()], "sales": [first_sale("a", 1)], "costs": [cost(2500)]}
    targets = [target("cac", 2000, floor=3000, period=period), target("lead_conversion_rate", 0.5, period=period)]
    row = one(evaluate(facts, periods=[period], targets=targets), kpi, period="p")
    if is_judged or kind == "month":
        assert row["score"] == (100 if is_judged else 50)
        assert row["reason"] is None
    else:
        assert row[["target", "floor", "attainment_rate", "score"]].isna().all()
        assert row["value"] == 2500
        assert row["reason"] == "not held against a target: too short for what is booked by the month"
        assert row["reason_zh"] == "不与目标相比：费用按月入账，周期过短"


def test_f094_an_activity_has_the_leads_customers_and_cost_that_name_it():
    facts = {
        "lead_journey": [won_lead(campaign_id="expo"), lead(campaign_id="expo"), lead()],
        "sales": [first_sale("a", 900, campaign_id="expo"), first_sale("b", 100)],
        "costs": [cost(300, campaign_id="expo"), cost(700)],
    }
    values = evaluate(facts, targets=[target("io_ratio", 4.0), target("lead_conversion_rate", 0.5)])
    expo = {kpi: one(values, kpi, dimension="activity", member="expo") for kpi in ("io_ratio", "lead_conversion_rate")}
    assert (expo["lead_conversion_rate"]["value"], expo["lead_conversion_rate"]["score"]) == (0.5, 100)
    assert (expo["io_ratio"]["value"], expo["io_ratio"]["left_out_amount"]) == (3.0, 700)
    assert "names no activity" in expo["io_ratio"]["reason"]


def test_only_the_official_variant_has_a_target():
    facts = {"sales": [first_sale("a", 1)], "costs": [cost(1000), cost(500, is_marketing=False)]}
    targets = [target("cac", 2000, floor=3000)]
    values = evaluate(facts, targets=targets)
    assert (one(values, "cac")["variant"], one(values, "cac")["value"]) == ("paying.full", 1500)
    assert pd.isna(one(values, "cac", "paying.marketing")["target"])
    chosen = evaluate(facts, targets=targets, definitions=Definitions(official={"cac": "paying.marketing"}))
    assert (one(chosen, "cac")["variant"], one(chosen, "cac")["target"]) == ("paying.marketing", 2000)


def test_a_target_is_that_of_its_period():
    values = evaluate({}, periods=[CAMPAIGN, MONTH], targets=[target("leads", 18, period=MONTH)])
    assert one(values, "leads", period="2026-10")["target"] == 18
    assert pd.isna(one(values, "leads")["target"])


# --- what others reach ---


def said(metric: str, period: str, value: float) -> dict[str, Any]:
    return {"metric": metric, "period": period, "value": value, "source": "trade association"}


def test_f062_a_figure_of_the_whole_stands_beside_the_newest_year_that_others_tell_of():
    year, to_come = said("lead_conversion_rate", "2025", 0.11), said("lead_conversion_rate", "2027", 0.15)
    facts = {"lead_journey": [won_lead(channel="search"), lead()]}
    values = evaluate(facts, benchmarks=[said("lead_conversion_rate", "2024", 0.10), year, to_come])
    row = one(values, "lead_conversion_rate")
    assert (row["benchmark"], row["benchmark_period"], row["benchmark_source"]) == (0.11, "2025", "trade association")
    assert values.loc[values["dimension"] != TOTAL, "benchmark"].isna().all()
    assert values.loc[values["kpi"] != "lead_conversion_rate", "benchmark"].isna().all()


def test_i65_what_is_said_of_the_period_itself_comes_before_the_year_and_of_a_sum_it_is_all():
    benchmarks = [said(kpi, *told) for kpi in ("cac", "revenue") for told in (("2026", 9.0), ("2026-10", 2.0))]
    values = evaluate({}, periods=[CAMPAIGN, MONTH], benchmarks=benchmarks)
    assert one(values, "cac", period="campaign")["benchmark"] == 9.0
    assert one(values, "cac", period="2026-10")["benchmark"] == 2.0
    assert pd.isna(one(values, "revenue", period="campaign")["benchmark"])
    assert one(values, "revenue", period="2026-10")["benchmark"] == 2.0


def test_only_the_official_variant_of_long_periods_is_held_against_others():
    week = ("week", "2026-W41", date(2026, 10, 5), date(2026, 10, 12))
    values = evaluate({}, periods=[CAMPAIGN, week], benchmarks=[said("cac", "2026", 9.0)])
    told = values.loc[values["benchmark"].notna(), ["kpi", "variant", "period"]]
    assert told.to_numpy().tolist() == [["cac", "paying.full", "campaign"]]


# --- terms the documents use in several senses ---


def test_each_meaning_of_conversion_has_a_name_of_its_own():
    """I11: of 10 leads 8 are valid, 5 reached, 4 met, 3 decided and 2 won; actual against planned is attainment."""
    leads = [won_lead(reached_met=True)] * 2 + [lead(is_lost=True, reached_met=True)]
    leads += [lead(reached_met=True), lead(), *[lead(reached_touched=False)] * 3]
    leads += [lead(is_valid=False, reached_touched=False)] * 2
    values = evaluate({"lead_journey": leads}, targets=[target("lead_conversion_rate", 0.25)])
    found = {
        "lead_conversion_rate": 0.2,
        "valid_lead_conversion_rate": 0.25,
        "contact_conversion_rate": 0.4,
        "meeting_win_rate": 0.5,
        "win_rate": 2 / 3,
    }
    assert {kpi: one(values, kpi)["value"] for kpi in found} == pytest.approx(found)
    assert one(values, "lead_conversion_rate")["attainment_rate"] == pytest.approx(0.8)


def test_each_meaning_of_return_has_a_name_of_its_own():
    """I13: 300 sold at a margin of 150 before the campaign's 100; the cost is taken off the margin once."""
    values = evaluate({"sales": [first_sale("a", 300, margin_amount=150)], "costs": [cost(100)]})
    found = {"revenue_cost_ratio": 3.0, "roi_revenue": 2.0, "roi_profit": 0.5, "io_ratio": 3.0}
    assert {kpi: one(values, kpi)["value"] for kpi in found} == found


def test_satisfaction_on_another_scale_is_rescaled_only_where_that_is_asked_for():
    """I15: 4 of 5 is 75 between 1 and 5, and 90 of 100 is no answer on five points."""
    of_100 = csat(90, scale_min=0.0, scale_max=100.0, scaled_score=90.0, is_topbox=False)
    values = evaluate({"responses": [csat(4, scaled_score=75.0), of_100]})
    assert (one(values, "csat_mean")["value"], one(values, "csat_mean")["n"]) == (4.0, 1)
    assert one(values, "csat_mean", "hundred_point")["value"] == 82.5
    assert one(values, "csat_topbox_rate")["value"] == 0.5


def test_the_value_of_a_customer_is_divided_by_the_budget_once():
    """I16: E = n x LTV / budget, 2 x 400 / 200; order value times LTV would be money squared."""
    starts = [
        {"customer_id": name, "first_ordered_on": DAY, "clv_amount": worth} for name, worth in (("a", 300), ("b", 500))
    ]
    values = evaluate({"customer_starts": starts, "budget_days": [{"day": DAY, "amount": 200}]})
    assert (one(values, "clv_mean")["value"], one(values, "clv_mean")["n"]) == (400, 2)
    assert one(values, "marketing_efficiency")["value"] == 4.0


def test_industries_are_covered_by_industry_and_not_by_customer():
    """I19: three new customers in one target industry cover one of two."""
    starts = [{"customer_id": name, "first_ordered_on": DAY, "target_industry": "教育"} for name in "abc"]
    starts.append({"customer_id": "d", "first_ordered_on": DAY})
    targets = [{"industry": "教育"}, {"industry": "制造业"}]
    definitions = Definitions(audience=Market(industries=["教育", "制造业"]))
    values = evaluate({"customer_starts": starts, "target_industries": targets}, definitions=definitions)
    assert one(values, "industry_coverage")["value"] == 0.5


# --- intervals ---


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (1, 1), (3, 7), (120, 1000), (1000, 1000)])
def test_a_share_has_the_interval_of_wilson(successes, n):
    known = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    lower, upper = wilson_interval(np.array([successes]), np.array([n]), np.array([np.nan]))
    assert (lower[0], upper[0]) == pytest.approx((known.low, known.high), abs=1e-12)


def test_a_mean_has_the_interval_of_student():
    scores = np.array([4.0, 5.0, 3.0, 5.0, 4.0])
    known = stats.t.interval(0.95, len(scores) - 1, loc=scores.mean(), scale=stats.sem(scores))
    lower, upper = mean_interval(np.array([scores.sum()]), np.array([5.0]), np.array([(scores**2).sum()]))
    assert (lower[0], upper[0]) == pytest.approx(known)


def test_a_single_answer_has_a_mean_but_no_interval():
    row = one(evaluate({"responses": [csat(4)]}), "csat_mean")
    assert (row["value"], row["n"]) == (4.0, 1)
    assert pd.isna(row["lower"]) and pd.isna(row["upper"])


def test_a_net_promoter_score_comes_with_its_number_of_answers_and_its_interval():
    """I14: 50 promoters, 30 passive, 20 detractors; three answers added, 3/4 of them to either end."""
    answers = [nps(9)] * 50 + [nps(7)] * 30 + [nps(6)] * 20
    row = one(evaluate({"responses": answers}), "nps")
    promoters, detractors = 50.75 / 103, 20.75 / 103
    half = 1.959964 * np.sqrt((promoters + detractors - (promoters - detractors) ** 2) / 103)
    assert (row["value"], row["n"]) == (30.0, 100)
    assert row["lower"] == pytest.approx(100 * (promoters - detractors - half), abs=1e-4)
    assert row["upper"] == pytest.approx(100 * (promoters - detractors + half), abs=1e-4)


@given(promoters=st.integers(0, 50), passive=st.integers(0, 50), detractors=st.integers(0, 50))
def test_the_interval_of_a_net_promoter_score_holds_it_and_stays_on_the_scale(promoters, passive, detractors):
    n = promoters + passive + detractors or 1
    points = np.array([100.0 * (promoters - detractors)])
    [lower], [upper] = nps_interval(points, np.array([float(n)]), np.array([float(promoters + detractors)]))
    assert -100 <= lower <= points[0] / n <= upper <= 100
    assert upper > lower


def test_answers_that_all_agree_still_leave_doubt():
    row = one(evaluate({"responses": [nps(10)] * 3}), "nps")
    assert (row["value"], row["upper"]) == (100, 100)
    assert row["lower"] < 50


def test_hours_have_no_lower_end_below_zero():
    values = evaluate({"lead_journey": [lead(first_touch_hours=0.5), lead(first_touch_hours=20.0)]})
    row = one(values, "first_touch_hours")
    assert (row["value"], row["lower"]) == (10.25, 0)
    assert row["upper"] > 100


def test_a_question_of_recommendation_on_another_scale_is_not_counted():
    other = nps(5, scale_max=5.0, is_promoter=None, is_detractor=None)
    assert one(evaluate({"responses": [nps(9), other]}), "nps")["n"] == 1


# --- form ---


def test_the_order_of_the_rows_changes_nothing():
    hours_ = [0.1, 0.2, 0.3, 1e6 + 0.1, 7.123456]
    leads = [lead(first_touch_hours=value, team_id=team) for value in hours_ for team in ("A", "B", None)]
    pd.testing.assert_frame_equal(
        evaluate({"lead_journey": leads}), evaluate({"lead_journey": leads[::-1]}), check_exact=True
    )


def test_columns_and_order_are_those_the_table_declares():
    values = evaluate({"lead_journey": [lead(team_id="B"), lead(team_id="A")]})
    assert list(values.columns) == list(KPI_VALUES.columns)
    assert values.sort_values(list(KPI_VALUES.grain), ignore_index=True).equals(values)


def test_what_is_written_and_read_again_gives_the_same_scorecard(tmp_path):
    values = evaluate({"sales": [first_sale("a", 100)]}, states={"answers": SourceState("withheld", "absent")})
    assert KPI_VALUES.write(values, tmp_path / "values.parquet") == len(values)
    read = pq.read_table(tmp_path / "values.parquet").to_pandas(date_as_object=False)
    scorecard = kpi_scorecard(values, catalogue())
    pd.testing.assert_frame_equal(kpi_scorecard(read, catalogue()), scorecard, check_dtype=False)
    assert kpi_scorecard_spec().write(scorecard, tmp_path / "scorecard.parquet") == len(scorecard)


def test_the_scorecard_has_the_official_kpis_side_by_side():
    facts = {"sales": [first_sale("a", 100, region="华东")], "costs": [cost(40), cost(10, is_marketing=False)]}
    values = evaluate(facts, states={"answers": SourceState("withheld", "absent")})
    scorecard = kpi_scorecard(values, catalogue())
    total = scorecard.loc[scorecard["dimension"] == TOTAL].iloc[0]
    assert (total["member"], total["cac"], total["cac_state"]) == (ALL, 50, "final")
    assert pd.isna(total["nps"]) and total["nps_state"] == "withheld"
    region = scorecard.loc[(scorecard["dimension"] == "region") & (scorecard["member"] == "华东")].iloc[0]
    assert region["revenue"] == 100
    assert pd.isna(region["cac"]) and pd.isna(region["cac_state"])
    assert not scorecard.duplicated(list(kpi_scorecard_spec().grain)).any()


@pytest.mark.parametrize(("ratio", "printed"), [(7.678, "1:7.7"), (3.5, "1:3.5"), (0.04, "1:0.0"), (12.0, "1:12.0")])
def test_input_to_output_is_printed_as_one_to_x(ratio, printed):
    assert one_to(ratio) == printed
