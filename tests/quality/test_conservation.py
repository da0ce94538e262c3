"""Whatever is wrong with the rows and however it is mixed: nothing is lost, and both judgements agree."""

from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sent import gate_of, holding, row

from pipeline.engine import snippet
from quality.contract import contracts
from quality.ledger import demand_balance, gate_entries, tally

DEFECTS = (
    {},
    {"order_id": ""},
    {"order_id": "Ｏ１"},
    {"order_id": "o1 "},
    {"amount": "待定"},
    {"amount": "NaN"},
    {"amount": "1e999"},
    {"amount": "-5.00"},
    {"amount": "12.5万"},
    {"currency": ""},
    {"currency": "USD"},
    {"ordered_at": "2026-02-30"},
    {"ordered_at": "2026-11-21"},
    {"recorded_at": "2026-11-20"},
    {"product": "Bassic"},
    {"kind": "refund", "refund_of": ""},
    {"customer_id": "\u200b"},
)
SPLIT = snippet(
    "select _outcome as outcome, coalesce(currency, '-') as currency, amount, order_id from gate.settled as settled"
)
CELLS = st.tuples(
    st.sampled_from(DEFECTS), st.sampled_from(DEFECTS), st.integers(1, 4), st.integers(-99_999_999, 99_999_999)
)


def order(one: dict[str, str], other: dict[str, str], key: int, fen: int) -> dict[str, str]:
    """An order of a few, so that keys meet, with up to two defects."""
    return row("orders", **{"order_id": f"O{key}", "amount": f"{Decimal(fen) / 100:.2f}"} | one | other)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CELLS, min_size=1, max_size=25))
def test_rows_and_money_that_came_went_one_way_and_both_judgements_agree(cells: list[tuple]) -> None:
    """I49: what is kept back is still there."""
    gate = gate_of("orders")
    rows = [order(*cell) for cell in cells]
    with holding("orders", rows) as session:
        counted = gate.split(session)
        # a count that differs from the engine's raises
        gate.measure(session, counted)
        sent = tally(session, gate.sent_money())
        settled = session.frame(SPLIT)
    outcomes = {
        outcome: {
            currency: (len(group), sum((value for value in group["amount"] if value is not None), Decimal(0)))
            for currency, group in of_outcome.groupby("currency")
        }
        for outcome, of_outcome in settled.groupby("outcome")
    }
    demand_balance(gate_entries(contracts()["orders"], sent, outcomes))
    assert sum(counted.outcomes.values()) == counted.rows == len(rows)
    accepted = settled[settled["outcome"].isin(["accepted", "late"])]
    assert max(Counter(accepted["order_id"]).values(), default=1) == 1
