"""The ledger: a row or an amount that goes missing anywhere is noticed."""

from decimal import Decimal

import pytest

from pipeline.errors import LedgerError
from quality.contract import contracts
from quality.ledger import demand_balance, gate_entries, landing_entry

ORDERS = contracts()["orders"]


def side(rows: int, amount: str = "0") -> dict[str, tuple[int, Decimal]]:
    return {"CNY": (rows, Decimal(amount))}


def test_rows_and_money_that_all_went_somewhere_balance() -> None:
    entries = gate_entries(
        ORDERS,
        side(6, "60"),
        {"accepted": side(3, "30"), "late": side(1, "10"), "quarantined": side(1, "15"), "merged": side(1, "5")},
    )
    demand_balance(entries)
    assert entries[0]["is_balanced"]


@pytest.mark.parametrize(
    "accepted",
    [side(4, "50"), side(6, "60"), side(5, "49.99")],
    ids=["a-row-dropped", "a-row-doubled", "a-fen-dropped"],
)
def test_what_goes_missing_or_appears_stops_the_run(accepted: dict) -> None:
    entries = gate_entries(ORDERS, side(5, "50"), {"accepted": accepted})
    with pytest.raises(LedgerError, match="orders"):
        demand_balance(entries)


def test_currencies_are_balanced_apart() -> None:
    sent = {"CNY": (1, Decimal(10)), "USD": (1, Decimal(10))}
    entries = gate_entries(ORDERS, sent, {"accepted": {"CNY": (2, Decimal(20))}})
    assert [(entry["currency"], entry["is_balanced"]) for entry in entries] == [("CNY", False), ("USD", False)]


def test_what_corrections_changed_is_part_of_what_came() -> None:
    entries = gate_entries(ORDERS, side(5, "50"), {"accepted": side(6, "75")}, side(1, "25"))
    demand_balance(entries)
    with pytest.raises(LedgerError, match="6 rows and 75 came, 5 rows and 50 went on"):
        demand_balance(gate_entries(ORDERS, side(5, "50"), {"accepted": side(5, "50")}, side(1, "25")))


def test_a_line_that_was_repaired_goes_on_to_the_gate() -> None:
    entry = landing_entry(ORDERS, read=10, landed=7, unreadable=1, out_of_scope=1, repaired=1)
    assert entry["is_balanced"]
    assert (entry["rows_quarantined"], entry["rows_repaired"]) == (1, 1)


def test_rows_left_out_by_the_mapping_are_told() -> None:
    entry = landing_entry(ORDERS, read=10, landed=7, unreadable=1, out_of_scope=2)
    assert entry["is_balanced"]
    assert (entry["rows_in"], entry["rows_out_of_scope"]) == (10, 2)


def test_rows_the_reader_forgot_are_noticed() -> None:
    with pytest.raises(LedgerError):
        demand_balance([landing_entry(ORDERS, read=10, landed=7, unreadable=1, out_of_scope=0)])
