"""The steps of a publication, in the order they are taken on one connection: lock, stage, swap, tidy."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import tenacity
from psycopg2 import DataError, IntegrityError, sql
from psycopg2.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json

from pipeline.errors import AlreadyRunning, WarehouseError
from pipeline.plan import Retention
from pipeline.warehouse import alerts, relations, restatements, snapshots
from pipeline.warehouse.postgres import explained, say_again, statement, transaction
from pipeline.warehouse.relations import Publication, Standing, Table
from pipeline.warehouse.restatements import Witness
from pipeline.warehouse.views import spoken_of

log = logging.getLogger(__name__)

OLDEST_SERVER = 150000
PUBLISHING_LOCK = int.from_bytes(b"tuoke")
"""Key of the advisory lock: one publication at a time in a database, whatever its day."""
BATCH_ROWS = 65_536
OWN_VIEWS = (alerts.CHINESE, restatements.CHINESE, snapshots.VIEWS)
SESSION = {
    "statement_timeout": "30min",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "5min",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    # the server notices within a minute that this machine is gone, and lets go of the lock
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

DISCREET = {"log_min_messages": "log", "log_error_verbosity": "terse", "log_min_error_statement": "panic"}
"""So that the server's log does not repeat the row an error is about; only who has the right may ask for it."""


@dataclass(frozen=True)
class Patience:
    """How long publishing waits before it gives up, in seconds."""

    run: float = 300
    """For another run that is publishing."""
    readers: float = 360
    """For readers that hold a table; those of the reader's role are ended by the server before that."""
    queue: float = 0.8
    """How long new readers are kept waiting meanwhile, at a time; ten times as long once half of `readers` is over.
    Less than the second after which a server looks for deadlocks: no reader becomes the victim of one."""
    connections: int = 5
    """How often the whole is tried when a connection is lost or can't be had."""
    pause: float = 1
    """Between two attempts; for connections it doubles, up to ten times as much."""


def prepare(connection: Connection, run_id: str) -> None:
    """Set up the session, and the schemas and the reader's role where they are missing."""
    if connection.server_version < OLDEST_SERVER:
        found = connection.server_version // 10_000
        raise WarehouseError(f"the server is PostgreSQL {found}; use {OLDEST_SERVER // 10_000} or newer")
    with transaction(connection) as cursor:
        for name, value in {**SESSION, "application_name": f"tuoke/{run_id}"}.items():
            cursor.execute("select set_config(%s, %s, false)", [name, value])
        for name, value in DISCREET.items():
            cursor.execute(
                "select set_config(%s, %s, false) where has_parameter_privilege(%s, 'set')", [name, value, name]
            )
    set_up(connection)


def set_up(connection: Connection) -> None:
    """Make what is missing of schemas, log and role."""
    with transaction(connection) as cursor:
        cursor.execute(statement("set_up"))


def take_lock(connection: Connection, patience: Patience) -> None:
    """Be the only one that publishes, until the session ends.

    Raises:
        AlreadyRunning: another run was publishing all the time.
    """
    try:
        with transaction(connection) as cursor:
            _limit(cursor, "lock_timeout", patience.run)
            cursor.execute("select pg_advisory_lock(%s)", [PUBLISHING_LOCK])
    except LockNotAvailable:
        raise AlreadyRunning(
            f"{_publisher(connection)} is publishing and did not end in {patience.run:g} seconds; run again after it"
        ) from None


def release_staging(connection: Connection) -> None:
    """End sessions of our own that still hold staging tables: an audit may leave a transaction open."""
    with transaction(connection) as cursor:
        cursor.execute(statement("release_staging"))


def drop_staging(connection: Connection) -> None:
    """Drop the staging tables of this run, or of one that died."""
    release_staging(connection)
    with transaction(connection) as cursor:
        cursor.execute(statement("staging"), [relations.STAGING_MARK])
        left = [sql.SQL(name) for (name,) in cursor]
        if left:
            cursor.execute(sql.SQL("drop table {}").format(sql.SQL(", ").join(left)))


def fit(connection: Connection, tables: Sequence[Table]) -> list[Table]:
    """The tables as they can take the place of the published ones: with the columns only those still have.

    Raises:
        WarehouseError: a column changed its type, or the grain changed.
    """
    with transaction(connection) as cursor:
        standing = {table.name: _standing(cursor, table.name) for table in tables}
    faults = [relations.misfit(table, standing[table.name]) for table in tables]
    if any(faults):
        raise WarehouseError("\n".join(fault for fault in faults if fault))
    return [relations.fitted(table, standing[table.name]) for table in tables]


def check_closing(connection: Connection, publication: Publication) -> None:
    """Refuse a day that is a closing snapshot, unless it is to be replaced.

    Raises:
        ConfigurationError: it is frozen.
    """
    with transaction(connection) as cursor:
        snapshots.refuse_frozen(cursor, publication)


def stage(connection: Connection, table: Table, publication: Publication) -> int:
    """Copy a table's files into its staging table; returns the rows.

    Raises:
        WarehouseError: a column is missing, a value does not fit, or the grain is not unique.
    """
    with explained(f"staging {table.name}", (DataError, IntegrityError)), transaction(connection) as cursor:
        cursor.execute(relations.create_staged(table, publication))
        rows = sum(_copy(cursor, table, file) for file in table.files)
        cursor.execute(relations.seal_staged(table, publication.as_of))
    return rows


def swap(
    connection: Connection,
    tables: Sequence[Table],
    publication: Publication,
    row_counts: Mapping[str, int],
    patience: Patience,
    witness: Witness | None = None,
) -> None:
    """Put all staged tables in their places in one transaction, and journal the figures it tells otherwise.

    Raises:
        WarehouseError: readers held a table all the time; the message names them.
    """
    with transaction(connection) as cursor:
        restatements.journal(cursor, row_counts, publication, witness)
        standing = {table.name: _standing(cursor, table.name) for table in tables}
        wider = [table for table in tables if relations.is_wider(table, standing[table.name])]
        relabelled = [table for table in tables if _is_relabelled(cursor, table)]
        large = [table for table in tables if table.by_day_partition and standing[table.name].exists]
        seen = [table for table in tables if table in wider or table in relabelled or table in large]
        own = spoken_of(OWN_VIEWS, tables)
        remade = [name for views, table in own for name in views.outdated(cursor, table)]
        for table in tables:
            if table not in seen:
                _place(cursor, table, publication.as_of)
        # from here on readers wait: what hinders them comes last, right before the commit
        if seen or remade:
            _lock_out_readers(cursor, relations.lock_out_readers(remade, relabelled, wider, seen), seen, patience)
        for table in seen:
            _place(cursor, table, publication.as_of)
        if any(table.name == alerts.SIGNALS for table in tables):
            alerts.merge(cursor, publication.as_of)
        for views, table in own:
            views.keep_current(cursor, table)
        _record(cursor, publication, row_counts)


def forget(connection: Connection, tables: Iterable[Table], as_of: date, retention: Retention, wait: float) -> None:
    """Drop the days that are past keeping. A reader that holds one puts it off to the next publication."""
    with transaction(connection) as cursor:
        cursor.execute("select as_of, bool_or(is_closing) from meta.publications group by as_of")
        is_closing = dict(cursor.fetchall())
        kept = {day for day, stays in is_closing.items() if stays} | {as_of}
        gone = sorted(expired(is_closing, retention) - kept)
    for table in tables:
        try:
            with transaction(connection) as cursor:
                _limit(cursor, "lock_timeout", wait)
                _forget_days(cursor, table, gone)
        except LockNotAvailable:
            log.warning("a reader holds %s: days past keeping are dropped with the next publication", table.name)


def tidy(connection: Connection, tables: Iterable[Table]) -> None:
    """Clear what deletes left in the small tables and renew their statistics; tables in use are passed over."""
    small = [relations.name_of(table.name) for table in tables if not table.by_day_partition]
    if small:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("vacuum (analyze, skip_locked) {}").format(sql.SQL(", ").join(small)))
        connection.autocommit = False


def expired(days: Iterable[date], retention: Retention) -> set[date]:
    """Published days past keeping: older than `retention.days` before the latest, the last of a month excepted.

    >>> days = [date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 15), date(2026, 11, 20)]
    >>> sorted(expired(days, Retention(days=35)))
    [datetime.date(2026, 9, 29), datetime.date(2026, 10, 15)]
    """
    ordered = sorted(days)
    if not ordered:
        return set()
    last_of_month = {(day.year, day.month): day for day in ordered}
    kept = set(last_of_month.values()) if retention.month_ends else set()
    oldest = ordered[-1] - timedelta(days=retention.days - 1)
    return {day for day in ordered if day < oldest and day not in kept}


def _place(cursor: Cursor, table: Table, as_of: date) -> None:
    _ensure(cursor, table)
    place = relations.attach_day if table.by_day_partition else relations.replace_day
    cursor.execute(place(table, as_of))


def _record(cursor: Cursor, publication: Publication, row_counts: Mapping[str, int]) -> None:
    values = {
        "run_id": publication.run_id,
        "as_of": publication.as_of,
        "plan_hash": publication.plan_hash,
        "plan": Json(dict(publication.plan)),
        "code_version": publication.code_version,
        "inputs": Json(dict(publication.inputs)),
        "row_counts": Json(dict(row_counts)),
        "is_closing": publication.is_closing,
    }
    cursor.execute(statement("record"), values)


def _lock_out_readers(cursor: Cursor, lock: sql.Composed, tables: Sequence[Table], patience: Patience) -> None:
    """Wait until nobody reads the tables, and hold them until the commit.

    Attaching a new day would not need it, were there not readers who plan their query before the commit and take
    their snapshot after it: they would find the day published and its partition missing from their plan.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((QueryCanceled, DeadlockDetected)),
        stop=tenacity.stop_after_delay(patience.readers),
        wait=tenacity.wait_random(patience.pause / 2, patience.pause),
        before_sleep=say_again,
        reraise=True,
    )
    try:
        for attempt in attempts:
            with attempt:
                late = (attempt.retry_state.seconds_since_start or 0) > patience.readers / 2
                _lock_once(cursor, lock, patience.queue * (10 if late else 1))
    except (QueryCanceled, DeadlockDetected):
        holders = _holders(cursor, tables)
        raise WarehouseError(
            f"{holders} held a table to be replaced for {patience.readers:g} seconds; nothing was published. "
            "End that session, or run again after it"
        ) from None


def _lock_once(cursor: Cursor, lock: sql.Composed, seconds: float) -> None:
    cursor.execute("savepoint unlocked")
    # not lock_timeout, which would allow the time to each of the tables
    _limit(cursor, "statement_timeout", seconds)
    try:
        cursor.execute(lock)
    except (QueryCanceled, DeadlockDetected):
        cursor.execute("rollback to savepoint unlocked")
        raise
    cursor.execute("select set_config('statement_timeout', %s, true)", [SESSION["statement_timeout"]])


def _ensure(cursor: Cursor, table: Table) -> None:
    """Make the published table and its view, or add what is new to them."""
    standing = _standing(cursor, table.name)
    added = [name for name in table.types if name not in standing.types]
    if not standing.exists:
        cursor.execute(relations.create_published(table))
    elif added:
        cursor.execute(relations.add_columns(table, added))
    columns = [*standing.types, *added]
    if list(_standing(cursor, table.current_name).types) != columns:
        cursor.execute(relations.create_current(table, columns))
    said = [
        *relations.describe_table(table, _standing(cursor, table.name)),
        *relations.describe_current(table, _standing(cursor, table.current_name)),
    ]
    if table.chinese:
        if not _standing(cursor, table.chinese_name).exists or _is_relabelled(cursor, table):
            cursor.execute(relations.create_chinese(table))
        said += relations.describe_chinese(table, _standing(cursor, table.chinese_name))
    for words in said:
        cursor.execute(words)
    for name in table.beside:
        cursor.execute(statement(name))


def _is_relabelled(cursor: Cursor, table: Table) -> bool:
    return relations.is_relabelled(table, _standing(cursor, table.chinese_name))


def _standing(cursor: Cursor, name: str) -> Standing:
    cursor.execute(statement("relations"), [name])
    found = cursor.fetchall()
    if not found:
        return Standing()
    key = sorted((row[2], row[0]) for row in found if row[2] is not None)
    return Standing(
        types={row[0]: row[1] for row in found},
        key=tuple(column for _, column in key),
        comments={row[0]: row[3] for row in found},
        comment=found[0][4],
        open_columns=frozenset(row[0] for row in found if row[5]),
        open_to_stewards=None if found[0][6] is None else frozenset(row[0] for row in found if row[6]),
        query=found[0][7] or "",
    )


def _forget_days(cursor: Cursor, table: Table, days: Sequence[date]) -> None:
    if not table.by_day_partition:
        cursor.execute(
            sql.SQL("delete from {} where as_of = any(%s)").format(relations.name_of(table.name)), [list(days)]
        )
        return
    cursor.execute(statement("partitions"), [table.name])
    there = {name for (name,) in cursor}
    for name in sorted(there & {table.day_name(day) for day in days}):
        cursor.execute(sql.SQL("drop table {}").format(relations.name_of(name)))


def _copy(cursor: Cursor, table: Table, path: Path) -> int:
    with pa.parquet.ParquetFile(path) as file:
        names = list(table.computed)
        missing = sorted(set(names) - set(file.schema_arrow.names))
        if missing:
            raise WarehouseError(f"{path} has no column {', '.join(missing)} of {table.name}; run the day again")
        batches = (batch.select(names) for batch in file.iter_batches(BATCH_ROWS, columns=names))
        with _CsvStream.of(batches) as stream:
            cursor.copy_expert(relations.copy_staged(table), stream)
        if cursor.rowcount != file.metadata.num_rows:
            raise WarehouseError(
                f"{path} has {file.metadata.num_rows} rows, {cursor.rowcount} arrived in {table.staged_name}"
            )
        return cursor.rowcount


class _CsvStream:
    """Batches as CSV text, one a read; the next is written while the server takes the last."""

    def __init__(self, batches: Iterator[pa.RecordBatch], writer: ThreadPoolExecutor) -> None:
        self._batches = batches
        self._writer = writer
        self._next = writer.submit(self._write)

    @classmethod
    @contextmanager
    def of(cls, batches: Iterator[pa.RecordBatch]) -> Iterator["_CsvStream"]:
        """A stream whose writer ends with the block."""
        with ThreadPoolExecutor(max_workers=1) as writer:
            yield cls(batches, writer)

    def read(self, size: int = -1) -> bytes:
        """The next batch; nothing after the last."""
        text = self._next.result()
        if text:
            self._next = self._writer.submit(self._write)
        return text

    def _write(self) -> bytes:
        for batch in self._batches:
            if batch.num_rows:
                buffer = pa.BufferOutputStream()
                pa.csv.write_csv(batch, buffer, pa.csv.WriteOptions(include_header=False))
                return buffer.getvalue().to_pybytes()
        return b""


def _limit(cursor: Cursor, setting: str, seconds: float) -> None:
    cursor.execute("select set_config(%s, %s, true)", [setting, f"{seconds * 1000:.0f}ms"])


def _publisher(connection: Connection) -> str:
    with transaction(connection) as cursor:
        cursor.execute(statement("publisher"), [PUBLISHING_LOCK])
        found = cursor.fetchone()
    return f"{found[0]} (since {found[1]:%Y-%m-%d %H:%M})" if found else "another run"


def _holders(cursor: Cursor, tables: Sequence[Table]) -> str:
    cursor.execute(statement("holders"), [[table.name for table in tables]])
    found = [f"{name} (process {pid}, since {since:%H:%M:%S})" for pid, name, since in cursor]
    return ", ".join(found) or "a session that has ended since"
