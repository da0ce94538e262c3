"""Runs a SQL model on rows a test writes down: a row names the cells it is about, the rest are ordinary.

Tables between the rows and the model are computed on the way, so a test of `dws.customer_rfm` gives orders.
A table that Python computes is given like those of dwd, under its whole name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from assets.dws import tier_decisions
from assets.dws.customer_value import CUSTOMER_VALUE
from assets.dws.personas import CUSTOMER_PERSONA, PERSONAS
from assets.published import Published
from pipeline.engine import SQL_FOLDER, DuckDBEngine, Model, Session, read_model, standard_macros
from pipeline.engine.duckdb import DIALECT
from pipeline.plan import Campaign, Label, Owners, Plan, Window
from pipeline.plan_tables import plan_tables
from pipeline.tables import TableSpec
from pipeline.warehouse import Column
from quality.contract import contracts
from quality.scorecard import SOURCE_STATES

Row = dict[str, Any]
Tables = Mapping[str, list[Row]]

DAY = date(2026, 11, 20)
HASH_KEY = "key of the tests"
LINKS = "customer_links"
LINK_COLUMNS = ("source_customer_id", "customer_id", "rule_id", "_row_id")
COMPUTED = {spec.name: spec for spec in (CUSTOMER_VALUE, CUSTOMER_PERSONA, PERSONAS, SOURCE_STATES)}
"""Tables of Python that models read."""

ORDINARY: dict[str, Row] = {
    "benchmarks": {"metric": "csat_mean", "period": "2026", "value": 4.2, "source": "trade association"},
    "budgets": {"starts_on": "2026-09-01", "ends_on": "2026-11-30", "amount": 1000, "currency": "CNY"},
    "exposures": {"day": "2026-11-01", "channel": "search"},
    "rates": {"day": "2026-11-01", "currency": "USD", "rate": 7.1},
    "tasks": {"name": "Call back", "due_on": "2026-11-01"},
    "answers": {"survey_id": "V1", "kind": "csat", "item": "overall", "answered_at": "2026-11-01 09:00"},
    "campaigns": {"name": "Autumn expo", "starts_on": "2026-09-01"},
    "customers": {
        "name": "东方机械",
        "kind": "company",
        "phone": "13800138000",
        "demand_tag": "设备",
        "source_channel": "search",
        "created_at": "2025-01-06 09:00",
    },
    "expenses": {"spent_on": "2026-11-01", "amount": 100, "currency": "CNY", "category": "media"},
    "interactions": {"kind": "call", "occurred_at": "2026-11-01 09:00"},
    "leads": {"phone": "13900139000", "demand_tag": "设备", "channel": "search", "created_at": "2026-10-01 09:00"},
    "orders": {"customer_id": "C1", "ordered_at": "2026-11-01 10:00", "amount": 100, "currency": "CNY", "kind": "sale"},
    "staff": {"team_id": "T1", "region": "华东", "joined_on": "2025-01-01"},
}

ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "decimal": pa.decimal128(18, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class PythonTable:
    """A table that Python computes between models: what it reads, and its rows on a day."""

    spec: TableSpec
    inputs: tuple[str, ...]
    build: Callable[[Session, Plan, date], pd.DataFrame]

    def rows(self, session: Session, plan: Plan, as_of: date) -> pa.Table:
        """The table as the lake would hold it."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "rows.parquet"
            self.spec.write(self.build(session, plan, as_of), file)
            return pq.read_table(file)


PYTHON_TABLES = {
    table.spec.name: table
    for table in (PythonTable(tier_decisions.TIER_DECISIONS, tier_decisions.INPUTS, tier_decisions.tier_decisions),)
}


def a_plan(**changes: Any) -> Plan:
    """A campaign from September to November 2026 after a summer to compare it with; changes replace whole fields."""
    usual = {
        "campaign": Campaign(
            starts_on=date(2026, 9, 1), ends_on=date(2026, 11, 30), id="autumn", name=Label(zh="秋季拓客", en="Autumn")
        ),
        "baseline": Window(starts_on=date(2026, 6, 1), ends_on=date(2026, 8, 31)),
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "owners": Owners(data="data-office", campaign="acquisition"),
        "targets": {},
    }
    return Plan(**usual | changes)


def spoken_columns(spec: TableSpec, plan: Plan | None = None) -> tuple[Column, ...]:
    """The columns of a published table as the warehouse takes them, their codes in the words of the plan."""
    table = Published.of(spec)
    return tuple(table.column(field, plan or a_plan()) for field in spec.schema)


def run_model(name: str, tables: Tables, *, plan: Plan | None = None, as_of: date | str = DAY) -> list[Row]:
    """The rows of a model, in the order of its grain, computed from rows of dwd."""
    plan, as_of = plan or a_plan(), date.fromisoformat(str(as_of))
    _refuse_unknown(tables, [*contracts(), LINKS, *COMPUTED])
    with holding([*_upstream(name), name], tables, plan, as_of) as session:
        for needed in _upstream(name):
            if needed in PYTHON_TABLES:
                session.hold(needed, PYTHON_TABLES[needed].rows(session, plan, as_of))
            else:
                session.keep(needed, _bound(needed, as_of))
        rows = [dict(zip(model(name).columns, values, strict=True)) for values in session.rows(_bound(name, as_of))]
    return sorted(rows, key=lambda row: [str(row[column]) for column in model(name).grain])


@contextmanager
def holding(names: Sequence[str], tables: Tables, plan: Plan, as_of: date) -> Iterator[Session]:
    """A session that sees the rows as tables of dwd, and the plan: as much of both as these models read."""
    inputs = {needed for name in names for needed in _inputs(name) if needed.startswith("dwd.")}
    plan_inputs = {needed for name in names if name not in PYTHON_TABLES for needed in model(name).plan_inputs}
    values = {name: _table(name.removeprefix("dwd."), tables, plan) for name in sorted(inputs)}
    values |= {
        name: rows for name, rows in plan_tables(plan, as_of, additive=frozenset()).items() if name in plan_inputs
    }
    values |= {name: _computed(name, tables) for name in COMPUTED}
    values["dws.none"] = pa.table({"x": [0]})
    values["secret.keys"] = pa.table({"hash_key": [HASH_KEY]})
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone=plan.timezone, tables={}, values=values) as session:
        yield session


def _table(table: str, tables: Tables, plan: Plan) -> pa.Table:
    return _links(tables) if table == LINKS else _typed(table, tables.get(table, []), plan)


@cache
def model(name: str) -> Model:
    """A model of the project."""
    return read_model(SQL_FOLDER / f"{name.replace('.', '/')}.sql", standard_macros())


def _inputs(name: str) -> tuple[str, ...]:
    return PYTHON_TABLES[name].inputs if name in PYTHON_TABLES else model(name).inputs


@cache
def _bound(name: str, as_of: date) -> exp.Expr:
    """The query as written out for the engine: to write it takes longer than to run it on a few rows."""
    return exp.var(model(name).bound(as_of=as_of).sql(DIALECT, comments=False))


@cache
def _upstream(name: str) -> tuple[str, ...]:
    """The models a model is computed from, each after its own inputs."""
    found: list[str] = []
    for needed in _inputs(name):
        if not needed.startswith("dwd.") and needed not in COMPUTED:
            found += [*_upstream(needed), needed]
    return tuple(dict.fromkeys(found))


def _computed(name: str, tables: Tables) -> pa.Table:
    """Rows as they are given; of customers of whom none are, a row each in which nothing could be told."""
    every = [{"customer_id": customer} for customer in _own_ids(tables)]
    rows = tables.get(name, every if COMPUTED[name].grain == ("customer_id",) else [])
    for row in rows:
        _refuse_unknown(row, COMPUTED[name].columns)
    return pa.Table.from_pylist(rows, schema=COMPUTED[name].schema)


def _typed(table: str, rows: list[Row], plan: Plan) -> pa.Table:
    contract = contracts()[table]
    kinds = {column.name: column.type for column in contract.columns}
    complete = [_complete(table, row, number) for number, row in enumerate(rows, start=1)]
    columns = {
        name: pa.array([_value(row.get(name), kind, plan) for row in complete], ARROW[kind])
        for name, kind in kinds.items()
    }
    if contract.event_day and contract.event_day not in columns:
        moments = [_value(row[contract.event], "timestamp", plan) for row in complete]
        columns[contract.event_day] = pa.array([moment.date() for moment in moments], pa.date32())
    columns["_row_id"] = pa.array([f"{table}-{number}" for number, _ in enumerate(rows, start=1)], pa.string())
    return pa.table(columns)


def _complete(table: str, row: Row, number: int) -> Row:
    key = contracts()[table].key
    _refuse_unknown(row, contracts()[table].by_name)
    own = {key[0]: f"{table[0].upper()}{number}"} if len(key) == 1 else {}
    return own | ORDINARY[table] | row


def _links(tables: Tables) -> pa.Table:
    rows = [
        {"source_customer_id": customer, "customer_id": customer, "rule_id": "own"} for customer in _own_ids(tables)
    ]
    rows += [{"rule_id": "identity_unique"} | row for row in tables.get(LINKS, [])]
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in LINK_COLUMNS})


def _own_ids(tables: Tables) -> list[str]:
    return [row.get("customer_id", f"C{number}") for number, row in enumerate(tables.get("customers", []), start=1)]


def _value(value: Any, kind: str, plan: Plan) -> Any:
    if value is None:
        return None
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "timestamp":
        return datetime.fromisoformat(value).replace(tzinfo=plan.zone)
    if kind == "decimal":
        return Decimal(str(value)).quantize(Decimal("0.01"))
    return float(value) if kind == "double" else value


def _refuse_unknown(names: Mapping[str, Any], known: Any) -> None:
    strange = sorted(set(names) - set(known))
    if strange:
        raise KeyError(f"no {', '.join(strange)}; known are {', '.join(known)}")
