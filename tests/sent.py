"""Rows as a source sends them, all text: a test names the cells it is about, the rest are good."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipeline.engine import DuckDBEngine, Session
from quality.contract import Column, Contract, contracts
from quality.gate import Gate
from quality.industries import canonical_industries
from quality.regions import canonical_regions
from quality.rules import Day

DAY = Day(
    as_of=date(2026, 11, 20),
    zone=ZoneInfo("Asia/Shanghai"),
    currency="CNY",
    rated={"USD": date(2026, 10, 1)},
    lists={
        "channels": ("x", "search"),
        "products": ("x", "Basic"),
        "regions": canonical_regions(),
        "industries": canonical_industries(),
    },
)

GOOD = {
    "region": "广东省-深圳市",
    "industry": "C 制造业",
    "phone": "13800138000",
    "email": "someone@example.com",
    "credit_code": "91110000600037341L",
    "currency": "CNY",
    "birth_year": "1990",
    "kind": None,
    "score": "5",
    "scale_min": "1",
    "scale_max": "5",
    "amount": "100.00",
    "category": None,
    "recorded_at": "2026-11-01 12:00:00",
    "recorded_on": "2026-11-01",
    "refund_of": "",
}
BY_TYPE = {
    "text": "x",
    "integer": "1",
    "double": "1",
    "decimal": "1.00",
    "date": "2026-11-01",
    "timestamp": "2026-11-01 09:00:00",
    "boolean": "是",
}


def row(table: str, **cells: str) -> dict[str, str]:
    """A good row of a table with some cells as given."""
    contract = contracts()[table]
    return {column.name: _good(column, contract) for column in contract.columns} | cells


def _good(column: Column, contract: Contract) -> str:
    allowed = [rule.arguments["values"][0] for rule in contract.rules if rule.id == f"{column.name}_allowed"]
    if allowed:
        return allowed[0]
    return GOOD.get(column.name) or BY_TYPE[column.type] if GOOD.get(column.name) != "" else ""


def sent(table: str, rows: list[dict[str, str]]) -> pa.Table:
    """The rows as ods holds them; lines count from 2, below a header."""
    names = [column.name for column in contracts()[table].columns]
    columns = {name: pa.array([cells.get(name) for cells in rows], pa.string()) for name in names}
    lines = list(range(2, len(rows) + 2))
    sources = [cells.get("_source", "test") for cells in rows]
    return pa.table(columns | {"_row_id": [f"{table}-{line}" for line in lines], "_source": sources, "_line": lines})


def gate_of(table: str, mapped: set[str] | None = None, day: Day = DAY) -> Gate:
    """The gate of a table; all columns are mapped unless said otherwise."""
    contract = contracts()[table]
    return Gate(contract, day, frozenset(mapped if mapped is not None else contract.by_name))


@contextmanager
def holding(table: str, rows: list[dict[str, str]]) -> Iterator[Session]:
    """A session in which the table was sent these rows."""
    engine = DuckDBEngine(memory_limit="1GB", threads=1)
    values = {f"ods.{table}": sent(table, rows), "secret.keys": pa.table({"hash_key": ["key of the tests"]})}
    with engine.session(zone="Asia/Shanghai", tables={}, values=values) as session:
        yield session
