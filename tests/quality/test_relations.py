"""What rows name is known, and refunds stay within their order: what is not so is counted and let in."""

from typing import Any

import pyarrow as pa
import pytest

from pipeline.engine import DuckDBEngine
from quality.contract import contracts
from quality.relations import related_tables, relation_results
from quality.rules import message

ALL = list(contracts())
COLUMNS = {table: frozenset(contract.by_name) for table, contract in contracts().items()}
RELATIONS = [rule for contract in contracts().values() for rule in contract.relations]
Rows = list[dict[str, Any]]


def found(delivered: list[str] | None = None, mapped: dict[str, frozenset[str]] | None = None, **tables: Rows) -> dict:
    """(table, rule) -> (rows, rows that break it) for tables that hold these rows."""
    values = {name: _table(name.removeprefix("dwd."), tables) for name in related_tables()}
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="UTC", tables={}, values=values) as session:
        results = relation_results(session, delivered or ALL, mapped or COLUMNS)
    return {(row["table_name"], row["rule_id"]): (row["rows_total"], row["unexpected_rows"]) for row in results}


def _table(name: str, tables: dict[str, Rows]) -> pa.Table:
    names = [*contracts()[name].by_name] if name in contracts() else ["source_customer_id", "customer_id"]
    kinds = {"amount": pa.decimal128(18, 2)}
    rows = tables.get(name, [])
    return pa.table(
        {column: pa.array([row.get(column) for row in rows], kinds.get(column, pa.string())) for column in names}
    )


def order(order_id: str, amount: int = 100, refund_of: str | None = None, **cells: str) -> dict[str, Any]:
    kind = "refund" if refund_of else "sale"
    return {"order_id": order_id, "amount": amount, "kind": kind, "refund_of": refund_of, "currency": "CNY"} | cells


def test_an_order_of_a_customer_nobody_knows_is_counted() -> None:
    links = [{"source_customer_id": "C1", "customer_id": "C9"}]
    orders = [order("O1", customer_id="C1"), order("O2", customer_id="C2"), order("O3")]
    counts = found(orders=orders, customer_links=links)
    assert counts["orders", "customer_id_known"] == (3, 1)


def test_an_id_a_merged_customer_once_had_is_known() -> None:
    links = [{"source_customer_id": "C1", "customer_id": "C9"}, {"source_customer_id": "C9", "customer_id": "C9"}]
    counts = found(leads=[{"lead_id": "L1", "customer_id": "C1"}], customer_links=links)
    assert counts["leads", "customer_id_known"] == (1, 0)


@pytest.mark.parametrize(
    ("refunds", "broken"),
    [
        pytest.param([order("R1", -100, "O1")], 0, id="all-of-it"),
        pytest.param([order("R1", 60, "O1"), order("R2", -40, "O1")], 0, id="in-two-parts-of-either-sign"),
        pytest.param([order("R1", 60, "O1"), order("R2", -41, "O1")], 2, id="more-than-all-of-it"),
        pytest.param([order("R1", 200, "O2")], 0, id="of-an-order-nobody-knows"),
        pytest.param([order("R1", 200, "O1", currency="USD")], 0, id="in-another-currency"),
    ],
)
def test_refunds_add_up_to_no_more_than_their_order(refunds: Rows, broken: int) -> None:
    """I51: what is negative takes back an order, and no more than it came to."""
    counts = found(orders=[order("O1"), *refunds])
    assert counts["orders", "refunds_within_order"] == (len(refunds), broken)


def test_a_refund_of_an_order_nobody_knows_is_counted_until_the_order_comes() -> None:
    refund = order("R1", -100, "O1")
    assert found(orders=[refund])["orders", "refund_of_known"] == (1, 1)
    assert found(orders=[refund, order("O1")])["orders", "refund_of_known"] == (2, 0)


def test_what_nobody_delivers_can_not_be_looked_up() -> None:
    orders = [order("O1", customer_id="C1", lead_id="L1")]
    counts = found(delivered=["orders", "customers"], orders=orders)
    assert counts["orders", "lead_id_known"] == (1, None)
    assert counts["orders", "customer_id_known"] == (1, 1)
    assert {table for table, _ in counts} == {"orders", "customers"}


def test_a_column_the_source_does_not_have_is_not_evaluated() -> None:
    mapped = {**COLUMNS, "orders": COLUMNS["orders"] - {"refund_of"}}
    counts = found(mapped=mapped, orders=[order("O1")])
    assert counts["orders", "refund_of_known"] == counts["orders", "refunds_within_order"] == (1, None)


@pytest.mark.parametrize("rule", RELATIONS, ids=lambda rule: f"{rule.table}.{rule.id}")
def test_every_relation_is_a_warning_between_columns_there_are_and_can_be_told(rule) -> None:
    assert rule.severity == "warning"
    assert set(rule.columns) <= set(contracts()[rule.table].by_name)
    if rule.kind == "known":
        assert rule.arguments["column"] in contracts()[rule.arguments["table"]].key
    chinese, english = message(rule, contracts()[rule.table])
    assert not set("{}") & set(chinese + english)
    assert english.isascii()
    assert not chinese.isascii()
