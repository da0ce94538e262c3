"""What must hold of a table as a whole: references, size, age; what breaks touches what is made of it, and no more."""

from datetime import date

import pandas as pd
import pytest

from assets.ads.catalogue import catalogue
from assets.ads.kpi_values import variant_state
from pipeline.plan import Definitions, Freshness, Threshold
from quality.contract import contracts
from quality.scorecard import SourceState, states
from quality.tables import freshness_score, reference_scores, usual_rows, volume_score

ORDERS, STAFF = contracts()["orders"], contracts()["staff"]
DAY = date(2026, 11, 20)
LIMIT = Threshold(threshold=0.75, floor=0.5)
REFERENCES = [rule for rule in ORDERS.relations if rule.kind == "known"]


def scored(rows: int, orphans: int | None) -> list[dict]:
    """Orders, so many of which are of nobody; None where that can't be told."""
    judged = {"table_name": "orders", "layer": "relations", "is_evaluated": orphans is not None}
    results = pd.DataFrame(
        [judged | {"rule_id": rule.id, "rows_total": rows, "unexpected_rows": orphans} for rule in REFERENCES]
    )
    return reference_scores(results, [ORDERS], LIMIT)


def state_of(*scores: dict) -> SourceState:
    [state] = states(pd.DataFrame(scores), []).values()
    return state


class TestReferences:
    @pytest.mark.parametrize(
        ("rows", "orphans", "state"),
        [
            pytest.param(4, 1, "final", id="exactly-at-the-threshold"),
            pytest.param(3, 1, "provisional", id="below-it"),
            pytest.param(2, 1, "provisional", id="exactly-at-the-floor"),
            pytest.param(3, 2, "withheld", id="below-the-floor"),
        ],
    )
    def test_too_many_orphans_make_a_table_less_trusted(self, rows: int, orphans: int, state: str):
        assert state_of(*scored(rows, orphans)).state == state

    def test_without_the_other_table_nothing_is_assessed_and_nothing_counts_as_good(self):
        assert {(score["rate"], score["status"]) for score in scored(3, None)} == {(None, "not_assessed")}

    def test_each_reference_of_a_table_is_told(self):
        assert "reference_customer_id" in {score["dimension"] for score in scored(3, 0)}


class TestVolume:
    @pytest.mark.parametrize(
        ("rows", "state"),
        [(100, "final"), (50, "final"), (49, "provisional"), (200, "final"), (201, "provisional")],
        ids=["as-usual", "exactly-half", "less-than-half", "exactly-double", "more-than-double"],
    )
    def test_much_less_or_more_than_usual_is_provisional(self, rows: int, state: str):
        score = volume_score(STAFF, rows, 100, 0.5)
        assert score is not None
        assert state_of(score).state == state

    def test_the_reason_says_both_sizes(self):
        score = volume_score(STAFF, 30, 100, 0.5)
        assert score is not None
        assert state_of(score).reason == "volume: 30 rows, 100 are usual"

    def test_a_few_days_make_no_usual_size(self):
        assert usual_rows([100, 100]) is None
        assert usual_rows([3, 100, 101]) == 100
        assert usual_rows([1, 100, 110, 400]) == 105


class TestFreshness:
    @pytest.mark.parametrize(
        ("newest", "state"),
        [
            pytest.param(date(2026, 11, 20), "final", id="of-the-day"),
            pytest.param(date(2026, 11, 18), "final", id="exactly-as-old-as-is-borne"),
            pytest.param(date(2026, 11, 17), "provisional", id="a-day-older"),
            pytest.param(date(2026, 11, 13), "provisional", id="exactly-at-the-floor"),
            pytest.param(date(2026, 11, 12), "withheld", id="beyond-the-floor"),
        ],
    )
    def test_old_rows_make_a_table_less_trusted(self, newest: date, state: str):
        score = freshness_score(ORDERS, newest, DAY, Freshness(days=2, floor_days=7))
        assert state_of(score).state == state

    def test_no_rows_have_no_age(self):
        assert freshness_score(ORDERS, None, DAY, Freshness(days=2, floor_days=7))["status"] == "not_assessed"


class TestWhatIsMadeOfIt:
    """Every KPI is as good as the tables it is made of, and no other table touches it."""

    def state(self, kpi: str, **of: str) -> str:
        sources = {table: SourceState(of.get(table, "final")) for table in contracts()}
        variant = next(iter(catalogue().kpis[kpi].variants.values()))
        return variant_state(catalogue(), variant, sources, frozenset(), Definitions()).state

    @pytest.mark.parametrize(
        ("failing", "touched", "untouched"), [("orders", "revenue", "nps"), ("answers", "nps", "revenue")]
    )
    def test_a_table_that_fails_withholds_what_is_made_of_it_alone(self, failing: str, touched: str, untouched: str):
        assert self.state(touched, **{failing: "withheld"}) == "withheld"
        assert self.state(untouched, **{failing: "withheld"}) == "final"

    def test_what_was_not_assessed_is_no_full_mark(self):
        assert {(score["rate"], score["status"]) for score in scored(0, 0)} == {(None, "not_assessed")}
