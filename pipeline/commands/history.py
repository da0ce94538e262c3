"""Dagster's run history, written fast: every process of a run keeps its files open for as long as it lives."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

from pipeline.commands.instance import INSTANCE_FILE

STORAGES = ("storage", "event_log_storage")
"""Where dagster.yaml may say that history is kept elsewhere."""


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log, in the same files, each opened once.

    Dagster's own opens, commits and closes two or three files anew for each of the events of a day, and asks for each
    which tables there are: measured on
    the demo, 10 of 36 seconds of processor time, and several times that on a busy disk.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[tuple[int, str], sa.Engine] = {}
        self._tables: set[str] = set()
        self._asked: tuple[Any, ...] = ()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: dict[str, str]) -> "OpenEventLog":
        """As Dagster makes one from its configuration."""
        return cls(inst_data=inst_data, **config_value)

    def dispose(self) -> None:
        """Close the files."""
        for (process, _), engine in self._engines.items():
            if process == os.getpid():
                engine.dispose()
        super().dispose()

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; what was there once stays there."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store one event."""
        if event.dagster_event_type in (dg.DagsterEventType.STEP_START, dg.DagsterEventType.ASSET_MATERIALIZATION):
            self._asked = ()
        super().store_event(event)

    def fetch_materializations(self, *asked: Any, **named: Any) -> dg.EventRecordsResult:
        """As Dagster's; every check asks anew which materialization it is about, and those of a table follow it."""
        if not self._asked or self._asked[0] != (asked, named):
            self._asked = ((asked, named), super().fetch_materializations(*asked, **named))
        return self._asked[1]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        # an open file of SQLite's must not go with a fork: every process opens its own
        key = (os.getpid(), shard)
        if key not in self._engines:
            # the first time Dagster makes the file and its tables
            with super()._connect(shard):
                self._engines[key] = _engine(self.conn_string_for_shard(shard))
        with self._db_lock, self._engines[key].begin() as connection:
            yield connection


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=1, connect_args={"timeout": 60})
    # safe against a killed process, and with a write-ahead log against a power failure too
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
    return engine


def open_history(home: Path) -> dg.DagsterInstance:
    """The instance in the folder; where its settings name no storage of their own, with an open event log."""
    own = yaml.safe_load((home / INSTANCE_FILE).read_text(encoding="utf-8")) if (home / INSTANCE_FILE).exists() else {}
    if any(storage in (own or {}) for storage in STORAGES):
        return dg.DagsterInstance.from_config(str(home))
    log = {"module": __name__, "class": OpenEventLog.__name__, "config": {"base_dir": str(home / "history" / "runs")}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"event_log_storage": log}))
