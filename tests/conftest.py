"""What tests of several folders share: a real PostgreSQL, a fresh database in it for every test, tables to publish."""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from pipeline.embedded import EmbeddedServer
from pipeline.relations import Column, Publication, Table


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedServer]:
    """One embedded server for the whole session."""
    # not tmp_path: pytest takes away the right to pass through it, which the server's account needs
    with tempfile.TemporaryDirectory(prefix="tuoke-test-") as folder:
        embedded = EmbeddedServer(Path(folder))
        embedded.start()
        # its data need not outlive the session
        engine = sqlalchemy.create_engine(embedded.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("alter system set fsync = off"))
            connection.execute(sqlalchemy.text("select pg_reload_conf()"))
        engine.dispose()
        yield embedded
        embedded.stop()


@pytest.fixture
def server(cluster: EmbeddedServer) -> Iterator[sqlalchemy.URL]:
    """The URL of an empty database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = sqlalchemy.create_engine(cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"create database {name}"))
    yield cluster.url(name)
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., list[Table]]:
    """Writes a small answer to publish: `customers` segments and half as many scores, each row with its version."""

    def write(version: int, customers: int = 10) -> list[Table]:
        return [
            _table(tmp_path, "dws.customer_segments", "customer_id", version, customers, by_day_partition=True),
            _table(tmp_path, "ads.kpi_scorecard", "kpi_id", version, customers // 2),
        ]

    return write


@pytest.fixture
def run() -> Callable[..., Publication]:
    """A run of a day, with an id of its own."""

    def make(as_of: date = date(2026, 11, 20), run_id: str | None = None) -> Publication:
        return Publication(run_id or uuid.uuid4().hex, as_of, "0123456789abcdef", "0.1.0", {"crm.csv": "ab12"})

    return make


def _table(folder: Path, name: str, key: str, version: int, rows: int, **options: bool) -> Table:
    path = folder / f"{name}-{version}-{rows}.parquet"
    ids = pa.array([f"{key}-{number:06d}" for number in range(rows)], pa.string())
    pq.write_table(pa.table({key: ids, "version": pa.array([version] * rows, pa.int64())}), path)
    columns = (Column(key, "text", "What it is about."), Column("version", "bigint", "Which run computed it."))
    return Table(name, f"Made for a test: {name}.", columns, (key,), (path,), **options)
