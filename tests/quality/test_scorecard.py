"""The four rates of S0 §4.3 and the state they put a source in."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sent import gate_of, holding, row

from pipeline.plan import Quality, Threshold
from quality.contract import contracts
from quality.scorecard import not_delivered, rates, states


def scores(
    table: str, rows: list[dict[str, str]], *, unreadable: int = 0, mapped: set[str] | None = None
) -> dict[str, dict]:
    """Dimension -> its row of the scorecard, as sent."""
    gate = gate_of(table, mapped)
    with holding(table, rows) as session:
        counted = gate.split(session)
    found = rates(gate, counted, unreadable, {}, Quality())
    return {score["dimension"]: score for score in found if score["layer"] == "ods"}


def orders(number: int, **cells: str) -> list[dict[str, str]]:
    return [row("orders", order_id=f"{cells} {n}", **cells) for n in range(number)]


def test_what_one_of_several_sources_does_not_have_is_told_and_makes_figures_provisional() -> None:
    gate = replace(gate_of("orders"), lacking={"customer_id": ("till:a.csv",)})
    with holding("orders", orders(3, customer_id="", _source="till:a.csv")) as session:
        found = rates(gate, gate.split(session), 0, {}, Quality())
    state = states(pd.DataFrame(found), [])["orders"]
    assert (state.state, state.reason) == ("provisional", "not in the source: customer_id (till:a.csv)")


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        pytest.param(5, "met", id="exactly-95-percent"),
        pytest.param(6, "below_threshold", id="just-below"),
        pytest.param(21, "below_floor", id="below-the-floor"),
    ],
)
def test_completeness_is_the_share_of_rows_with_every_required_field(bad: int, status: str) -> None:
    found = scores("orders", orders(100 - bad) + orders(bad, customer_id=""))["completeness"]
    assert (found["rows_good"], found["rate"], found["status"]) == (100 - bad, (100 - bad) / 100, status)


def test_a_row_is_complete_whatever_its_values_are_and_cells_are_counted_beside() -> None:
    """I44, of completeness: of two bad rows only the one that lacks a field is incomplete, by one cell."""
    found = scores("orders", orders(18) + orders(1, customer_id="") + orders(1, amount="-5"))
    assert found["completeness"]["rate"] == 0.95
    cells, before = found["cell_completeness"], scores("orders", orders(20))["cell_completeness"]
    assert (before["rows_total"], before["rows_good"]) == (cells["rows_total"], cells["rows_good"] + 1)


def test_duplicates_are_counted_before_they_are_merged_and_again_after(tmp_path: Path) -> None:
    """I46."""
    gate, file = gate_of("orders"), tmp_path / "part.parquet"
    with holding("orders", orders(98) + orders(1) * 2) as session:
        counted = gate.split(session)
        session.write(gate.accepted(), file, order_by=["order_id"])
        found = rates(gate, counted, 0, gate.measure_accepted(file, session), Quality())
    told = {score["layer"]: score for score in found if score["dimension"] == "duplicates"}
    assert {layer: (score["rows_good"], score["rows_total"]) for layer, score in told.items()} == {
        "ods": (2, 100),
        "dwd": (0, 98),
    }
    assert {layer: score["status"] for layer, score in told.items()} == {"ods": "below_threshold", "dwd": "met"}


@pytest.mark.parametrize(
    ("repeats", "status"),
    [pytest.param(1, "met", id="exactly-1-percent"), pytest.param(2, "below_threshold", id="two-percent")],
)
def test_fewer_duplicates_are_better(repeats: int, status: str) -> None:
    """I47: at most 1 % is good, more than that is the alarm."""
    found = scores("orders", orders(100 - repeats) + orders(1) * repeats)["duplicates"]
    assert (found["rows_good"], found["better"], found["status"]) == (repeats, "lower", status)


def test_lines_that_are_no_rows_count_as_wrong() -> None:
    found = scores("orders", orders(9), unreadable=1)
    assert found["accuracy"]["rate"] == found["completeness"]["rate"] == 0.9


def test_timeliness_is_not_assessed_where_the_source_does_not_say_when_rows_were_entered() -> None:
    mapped = set(contracts()["orders"].by_name) - {"recorded_at"}
    found = scores("orders", [cells | {"recorded_at": None} for cells in orders(3)], mapped=mapped)["timeliness"]
    assert (found["rate"], found["status"]) == (None, "not_assessed")
    assert "does not say" in found["reason"]


def test_timeliness_counts_rows_entered_within_the_contracts_days() -> None:
    late = orders(1, ordered_at="2026-11-01", recorded_at="2026-11-10")
    assert scores("orders", orders(3) + late)["timeliness"]["rate"] == 0.75


def test_a_plan_may_ask_for_more_than_the_contract_promises() -> None:
    gate = gate_of("orders")
    strict = Quality(completeness=Threshold(threshold=1.0, floor=0.9))
    with holding("orders", orders(98) + orders(2, customer_id="")) as session:
        counted = gate.split(session)
    by_plan = {
        name: rates(gate, counted, 0, {}, quality)[0]["status"]
        for name, quality in (("own", Quality()), ("strict", strict))
    }
    assert by_plan == {"own": "met", "strict": "below_threshold"}


def state_of(rows: list[dict]) -> dict[str, str]:
    return {table: state.state for table, state in states(pd.DataFrame(rows), []).items()}


def test_a_source_is_as_good_as_its_worst_rate() -> None:
    gate = gate_of("orders")
    for bad, state in ((0, "final"), (10, "provisional"), (30, "withheld")):
        with holding("orders", orders(100 - bad) + orders(bad, amount="")) as session:
            counted = gate.split(session)
        assert state_of(rates(gate, counted, 0, {}, Quality())) == {"orders": state}


def test_one_bad_source_does_not_touch_another() -> None:
    found = []
    for table, bad in (("orders", 30), ("answers", 0)):
        gate = gate_of(table)
        rows = [row(table, **{contracts()[table].key[0]: f"{n}"}) for n in range(100)]
        rows = [cells | ({"customer_id": ""} if n < bad else {}) for n, cells in enumerate(rows)]
        with holding(table, rows) as session:
            found += rates(gate, gate.split(session), 0, {}, Quality())
    assert state_of(found) == {"orders": "withheld", "answers": "final"}


def test_a_required_column_that_is_absent_makes_a_source_provisional_and_says_which() -> None:
    mapped = set(contracts()["customers"].by_name) - {"phone", "demand_tag"}
    gate = gate_of("customers", mapped)
    with holding("customers", [row("customers") | {"phone": None, "demand_tag": None}]) as session:
        found = rates(gate, gate.split(session), 0, {}, Quality())
    state = states(pd.DataFrame(found), [])["customers"]
    assert (state.state, state.reason) == ("provisional", "not in the source: phone, demand_tag")


def test_an_absent_source_is_withheld_and_nothing_of_it_counts_as_good() -> None:
    found = not_delivered(contracts()["expenses"], Quality(), "no source is declared")
    assert {score["rate"] for score in found} == {None}
    assert states(pd.DataFrame(found), ["expenses"])["expenses"].state == "withheld"
