"""DuckDB: the embedded engine."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from multiprocessing.util import Finalize
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pyarrow as pa
from sqlglot import exp

from pipeline.engine.base import Relation
from pipeline.errors import TuokeError

if TYPE_CHECKING:
    from splink import DuckDBAPI

DIALECT = "duckdb"
SHARED = "memory"
"""The catalog that a database in memory begins with."""
SMALL = 16 * 2**20
"""Bytes in files and rows that a session of the shared database may begin with."""
SPILL = "tuoke-"
"""What folders for what does not fit into memory are called, among temporary files."""

_sessions = count(1)


class EngineError(TuokeError):
    """The engine lacks the memory or the disk for its work, or does not understand it."""


class DuckDBEngine:
    """A catalog in memory per session, that reads the lake's files where they lie and spills to disk.

    Opening a database takes 20 ms, attaching a catalog one: small sessions share a database. Memory is given back
    only by closing one, so a session with more to read has its own.
    """

    def __init__(self, *, memory_limit: str, threads: int | None = None) -> None:
        self.memory_limit = memory_limit
        self.threads = threads

    @contextmanager
    def session(
        self, *, zone: str, tables: Mapping[str, Relation], values: Mapping[str, pa.Table]
    ) -> Iterator["DuckDBSession"]:
        """A session whose days begin in `zone`, that sees `tables` of the lake and `values` of the plan."""
        with self._catalog(is_small=_size(tables, values) < SMALL) as connection:
            connection.execute("set timezone = $zone", {"zone": zone})
            session = DuckDBSession(connection)
            with self._explained():
                for name, relation in tables.items():
                    session._view(name, relation)
                for name, table in values.items():
                    session.hold(name, table)
                yield session

    @contextmanager
    def _catalog(self, *, is_small: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to a catalog of its own."""
        if not is_small:
            with (
                TemporaryDirectory(prefix=SPILL) as spill,
                self._opened(spill) as connection,
            ):
                yield connection
            return
        name = f"session_{next(_sessions)}"
        database = _shared(os.getpid(), self.memory_limit, self.threads)
        with database.cursor() as connection:
            connection.execute(f"attach ':memory:' as {name}")
            connection.execute(f"use {name}")
            try:
                yield connection
            finally:
                connection.execute(f"use {SHARED}")
                connection.execute(f"detach {name}")

    def _opened(self, spill: str) -> duckdb.DuckDBPyConnection:
        config = {"memory_limit": self.memory_limit, "temp_directory": spill}
        return duckdb.connect(config=config | ({"threads": str(self.threads)} if self.threads else {}))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What the machine lacks, in words a user can act on."""
        try:
            yield
        except duckdb.OutOfMemoryException:
            raise EngineError(
                f"the work does not fit into {self.memory_limit} of memory; raise TUOKE_MEMORY_LIMIT"
            ) from None
        except duckdb.IOException as error:
            raise EngineError(f"a file can't be read or written: {error}") from None
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
            # of SQL alone: what it says of rows stays unsaid
            raise EngineError(f"a query can't be run: {error}") from None


def _size(tables: Mapping[str, Relation], values: Mapping[str, pa.Table]) -> int:
    files = [file for relation in tables.values() for file in relation.files]
    return sum(file.stat().st_size for file in files) + sum(table.nbytes for table in values.values())


@cache
def _shared(process: int, memory_limit: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    """The database of a process's small sessions: one that was opened before a fork has lost its threads."""
    spill = TemporaryDirectory(prefix=SPILL)
    # at the end of the process, a forked one too, and of that process alone
    Finalize(None, spill.cleanup, exitpriority=0)
    return DuckDBEngine(memory_limit=memory_limit, threads=threads)._opened(spill.name)


class DuckDBSession:
    """One connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._schemas: set[str] = set()

    def write(self, query: exp.Query, file: Path, *, order_by: Sequence[str]) -> int:
        """Write the query's rows to one Parquet file in a total order, so that equal rows are equal bytes."""
        result = exp.select("*").from_(query.subquery("result", copy=False), copy=False)
        ordered = result.order_by(*[exp.column(c, quoted=True) for c in order_by], copy=False)
        copy = exp.Copy(
            this=ordered.subquery(copy=False),
            kind=False,
            files=[exp.Literal.string(str(file))],
            params=[
                exp.CopyParameter(this=exp.var("format"), expression=exp.var("parquet")),
                exp.CopyParameter(this=exp.var("compression"), expression=exp.var("zstd")),
            ],
        )
        [(rows,)] = self.rows(copy)
        return rows

    def keep(self, name: str, query: exp.Query) -> None:
        """Hold the query's rows as a table of this session."""
        self._schema_of(name)
        self._run(exp.Create(this=_address(name), kind="TABLE", expression=query))

    def hold(self, name: str, table: pa.Table) -> None:
        """Hold rows of our own as a table of this session."""
        registered = f"held_{name.replace('.', '_')}"
        self._connection.register(registered, table)
        self.keep(name, exp.select("*").from_(registered))
        self._connection.unregister(registered)

    def frame(self, query: exp.Query) -> pd.DataFrame:
        """The query's rows as a pandas frame on Arrow-backed memory where pandas has it."""
        arrow = self._connection.sql(query.sql(DIALECT, comments=False)).to_arrow_table()
        return arrow.to_pandas(date_as_object=False)

    def rows(self, query: exp.Query) -> list[tuple]:
        """The query's rows, for small answers."""
        return self._run(query).fetchall()

    @contextmanager
    def in_one_thread(self) -> Iterator[None]:
        """Work in a fixed order: sums of doubles depend on it to the last digit."""
        [(threads,)] = self._connection.execute("select current_setting('threads')").fetchall()
        self._connection.execute("set threads = 1")
        try:
            yield
        finally:
            self._connection.execute(f"set threads = {int(threads)}")

    def linkage(self) -> "DuckDBAPI":
        """Splink at work on the tables of this session."""
        from splink import DuckDBAPI

        return DuckDBAPI(self._connection)

    def _run(self, query: exp.Expr) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(query.sql(DIALECT, comments=False))

    def _view(self, name: str, relation: Relation) -> None:
        self._schema_of(name)
        query = _latest(relation) if relation.key and len(relation.files) > 1 else _all(relation)
        self._run(exp.Create(this=_address(name), kind="VIEW", expression=query))

    def _schema_of(self, name: str) -> None:
        schema = name.split(".")[0]
        if schema not in self._schemas:
            self._run(exp.Create(this=exp.table_(schema), kind="SCHEMA", exists=True))
            self._schemas.add(schema)


def _address(name: str) -> exp.Table:
    schema, table = name.split(".")
    return exp.table_(table, db=schema)


def _scan(relation: Relation) -> exp.Expr:
    files = exp.Array(expressions=[exp.Literal.string(str(file)) for file in relation.files])
    hive = exp.EQ(this=exp.column("hive_partitioning"), expression=exp.convert(bool(relation.key)))
    by_name = exp.EQ(this=exp.column("union_by_name"), expression=exp.convert(bool(relation.key)))
    return exp.func("read_parquet", files, hive, by_name)


def _all(relation: Relation) -> exp.Select:
    columns = exp.Star(except_=[exp.to_identifier("as_of")]) if relation.key else exp.Star()
    return exp.select(columns).from_(exp.Table(this=_scan(relation)))


def _latest(relation: Relation) -> exp.Select:
    """Of each key the row of the latest partition."""
    newest_first = exp.Window(
        this=exp.RowNumber(),
        partition_by=[exp.column(column) for column in relation.key],
        order=exp.Order(expressions=[exp.Ordered(this=exp.column("as_of"), desc=True, nulls_first=False)]),
    )
    return _all(relation).qualify(exp.EQ(this=newest_first, expression=exp.Literal.number(1)))
