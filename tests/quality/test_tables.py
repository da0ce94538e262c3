"""What must hold of a table as a whole: references, size, age; what breaks touches what is made of it, and no more."""

from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from assets.ads.catalogue import catalogue
from assets.ads.kpi_values import variant_state
from pipeline.engine import DuckDBEngine
from pipeline.plan import Definitions, Freshness, Threshold
from quality.contract import Reference, contracts
from quality.scorecard import SourceState, states
from quality.tables import KNOWN_CUSTOMERS, freshness_score, known_as, reference_score, usual_rows, volume_score

ORDERS, LEADS, STAFF = (contracts()[table] for table in ("orders", "leads", "staff"))
DAY = date(2026, 11, 20)
HALF = Reference("customer_id", "customers", Threshold(threshold=0.75, floor=0.5))


def scored(customers: list[str | None], reference: Reference = HALF, *, is_delivered: bool = True) -> dict:
    """Orders of these customers, where the CRM knows C1 and C2."""
    table, key = KNOWN_CUSTOMERS
    values = {
        "dwd.orders": pa.table({"customer_id": pa.array(customers, pa.string())}),
        table: pa.table({key: ["C1", "C2", "C2"]}),
    }
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="UTC", tables={}, values=values) as session:
        return reference_score(session, ORDERS, reference, KNOWN_CUSTOMERS if is_delivered else None)


def state_of(*scores: dict) -> SourceState:
    [state] = states(pd.DataFrame(scores), []).values()
    return state


class TestReferences:
    @pytest.mark.parametrize(
        ("customers", "state"),
        [
            pytest.param(["C1", "C2", "C2", "C9"], "final", id="exactly-at-the-threshold"),
            pytest.param(["C1", "C2", "C9"], "provisional", id="below-it"),
            pytest.param(["C1", "C9"], "provisional", id="exactly-at-the-floor"),
            pytest.param(["C1", "C8", "C9"], "withheld", id="below-the-floor"),
        ],
    )
    def test_too_many_orphans_make_a_table_less_trusted(self, customers: list[str], state: str):
        assert state_of(scored(customers)).state == state

    def test_a_reference_that_is_not_filled_in_is_none(self):
        score = scored(["C1", None])
        assert (score["rows_total"], score["rows_good"], score["rate"]) == (1, 1, 1.0)

    def test_without_the_other_table_nothing_is_assessed_and_nothing_counts_as_good(self):
        score = scored(["C1"], is_delivered=False)
        assert (score["rate"], score["status"], score["reason"]) == (None, "not_assessed", "customers is not delivered")

    @pytest.mark.parametrize(
        "reference",
        [reference for contract in contracts().values() for reference in contract.references],
        ids=lambda reference: f"{reference.column}-{reference.table}",
    )
    def test_every_declared_reference_names_what_is_there(self, reference: Reference):
        table, key = known_as(reference, contracts())
        assert table == KNOWN_CUSTOMERS[0] or key in contracts()[reference.table].by_name

    def test_every_reference_is_of_a_column_of_its_table(self):
        named = [(contract, reference.column) for contract in contracts().values() for reference in contract.references]
        assert named
        assert all(column in contract.by_name for contract, column in named)


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
        score = scored([None])
        assert (score["rows_total"], score["rate"], score["status"]) == (0, None, "not_assessed")
