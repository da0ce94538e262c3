"""What tests of several folders share: a real PostgreSQL, a fresh database in it for every test, tables to publish."""

import gc
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from databases import a_database

from pipeline.warehouse.embedded import EmbeddedServer
from pipeline.warehouse.relations import Column, Publication, Table


def pytest_collection_finish() -> None:
    """What is loaded by now stays, and a day makes many objects: to look for garbage took a tenth of all time."""
    gc.set_threshold(10_000, 10, 10)
    gc.collect()
    gc.freeze()


OF_THE_DEMO = frozenset({"test_demo_truth.py", "test_determinism.py", "test_explain.py"})
"""Modules that look at the same evaluated company: one worker takes them all, and evaluates it once."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of `--dist loadfile`: a module is one worker's, and those of the demo are one worker's together."""
    from xdist.scheduler import LoadFileScheduling

    class ByCompany(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "the demo" if Path(file).name in OF_THE_DEMO else file

    return ByCompany(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """The folder of a server that was created once and stopped; to copy it is faster than to create another."""
    # not tmp_path: pytest takes away the right to pass through it, which the server's account needs
    with tempfile.TemporaryDirectory(prefix="tuoke-test-", dir=_memory()) as parent:
        embedded = EmbeddedServer(Path(parent) / "postgres")
        embedded.start()
        # what tests write need not survive this machine
        engine = sqlalchemy.create_engine(embedded.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("alter system set fsync = off"))
        engine.dispose()
        embedded.stop()
        yield embedded.folder


@pytest.fixture(scope="session")
def cluster(prepared: Path) -> Iterator[EmbeddedServer]:
    """One embedded server for the whole session."""
    with tempfile.TemporaryDirectory(prefix="tuoke-test-", dir=_memory()) as parent:
        yield from _running_copy(prepared, Path(parent) / "postgres")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where an embedded server may be put; its name wants quoting everywhere."""
    with tempfile.TemporaryDirectory(prefix="tuoke-test-", dir=_memory()) as parent:
        yield Path(parent) / 'it\'s "我" $(id)'


@pytest.fixture
def embedded_server(prepared: Path, folder: Path) -> Iterator[EmbeddedServer]:
    """An embedded server of its own, for tests that stop or break it."""
    yield from _running_copy(prepared, folder)


@pytest.fixture
def server(cluster: EmbeddedServer) -> Iterator[sqlalchemy.URL]:
    """The URL of an empty database, dropped after the test."""
    with a_database(cluster) as url:
        yield url


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets that are kept beside the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        complain = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        complain(f"the real data sets are not at {folder}")
    return folder


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


def _memory() -> Path | None:
    """A folder in memory if there is room for a server's files: tests wait for the disk most of all."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 2**30 else None


def _running_copy(prepared: Path, folder: Path) -> Iterator[EmbeddedServer]:
    subprocess.run(["cp", "-a", prepared, folder], check=True)
    embedded = EmbeddedServer(folder)
    embedded.start()
    yield embedded
    embedded.stop()


def _table(folder: Path, name: str, key: str, version: int, rows: int, **options: bool) -> Table:
    path = folder / f"{name}-{version}-{rows}.parquet"
    ids = pa.array([f"{key}-{number:06d}" for number in range(rows)], pa.string())
    pq.write_table(pa.table({key: ids, "version": pa.array([version] * rows, pa.int64())}), path)
    columns = (Column(key, "text", "What it is about."), Column("version", "bigint", "Which run computed it."))
    return Table(name, f"Made for a test: {name}.", columns, (key,), (path,), **options)
