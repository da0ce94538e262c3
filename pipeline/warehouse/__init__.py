"""Postgres, where readers find the answer: the embedded server or the user's own, and how a day is published there."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import date
from types import TracebackType
from typing import Any

import psycopg2
import sqlalchemy
import tenacity
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from pipeline.errors import ConfigurationError
from pipeline.plan import Retention
from pipeline.project import Project
from pipeline.urls import normalise_url
from pipeline.warehouse import alerts as alerting
from pipeline.warehouse import erasing, publishing, restatements
from pipeline.warehouse.embedded import LOOPBACK, EmbeddedServer
from pipeline.warehouse.erasing import Left, Texts
from pipeline.warehouse.postgres import READER, explained, is_transient, say_again, transaction
from pipeline.warehouse.publishing import Patience
from pipeline.warehouse.relations import Column, Publication, Table, check_distinct
from pipeline.warehouse.restatements import FIGURES, Sign, Witness
from pipeline.warehouse.snapshots import frozen_at, refuse

__all__ = ["FIGURES", "Column", "Patience", "Publication", "Sign", "Table", "Warehouse", "Witness", "normalise_url"]

Audit = Callable[[sqlalchemy.Engine, Mapping[str, str]], None]
"""Gate 2: given where each table is staged, raises GateClosed to stop the publication."""


class Warehouse:
    """A Postgres database that is published to. Nothing is opened before it is needed."""

    def __init__(
        self, url: sqlalchemy.URL, embedded: EmbeddedServer | None = None, patience: Patience | None = None
    ) -> None:
        self.url = url
        self.patience = patience or Patience()
        self._embedded = embedded
        self._engine: sqlalchemy.Engine | None = None

    @classmethod
    def of(cls, project: Project) -> "Warehouse":
        """The database that TUOKE_DATABASE_URL names, or the project's embedded server.

        Raises:
            ConfigurationError: the URL is not one of PostgreSQL.
        """
        secret = project.settings.database_url
        if secret is None:
            embedded = EmbeddedServer(project.postgres)
            return cls(embedded.url(), embedded)
        url = normalise_url(secret.get_secret_value())
        if url.get_backend_name() != "postgresql":
            raise ConfigurationError(
                f"TUOKE_DATABASE_URL names a {url.get_backend_name()} database; tables are published to PostgreSQL"
            )
        return cls(url.set(drivername="postgresql+psycopg2"))

    def __repr__(self) -> str:
        return f"Warehouse({self.url!r})"

    def __enter__(self) -> "Warehouse":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the embedded server, or join those that use it; nothing to do for the user's own server."""
        if self._embedded is not None:
            self._embedded.start()

    def stop(self) -> None:
        """Close connections, and leave the embedded server."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._embedded is not None:
            self._embedded.stop()

    def engine(self) -> sqlalchemy.Engine:
        """An engine whose errors don't repeat the values of a statement."""
        self.start()
        if self._engine is None:
            self._engine = sqlalchemy.create_engine(
                self.url,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={
                    "application_name": "tuoke",
                    "connect_timeout": 10,
                    "keepalives_idle": 30,
                    "keepalives_interval": 10,
                    "keepalives_count": 3,
                },
            )
        return self._engine

    def publish(
        self,
        tables: Sequence[Table],
        publication: Publication,
        *,
        audit: Audit,
        retention: Retention,
        witness: Witness | None = None,
    ) -> dict[str, int]:
        """Publish the tables of a day together or not at all; returns the rows of each.

        Figures that were published otherwise before are journalled; `witness` tells what may have changed them.
        Whatever passes by itself (a lost connection, a server that restarts) is tried again from the start.

        Raises:
            AlreadyRunning: another run is publishing.
            ConfigurationError: the day is a closing snapshot, and nobody asked to replace it.
            WarehouseError: the server refused, or readers held a table too long.
            GateClosed: raised by `audit`; nothing is published.
        """
        check_distinct(tables)
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            stop=tenacity.stop_after_attempt(self.patience.connections),
            wait=tenacity.wait_random_exponential(self.patience.pause, max=10 * self.patience.pause),
            before_sleep=say_again,
            reraise=True,
        )
        ordered = sorted(tables, key=lambda table: table.name)
        with explained(f"publishing {publication.as_of}"):
            return attempts(self._publish_once, ordered, publication, audit, retention, witness)

    def erase(self, shown: Mapping[str, Sequence[str]], ids: Sequence[str], texts: Texts, left: Left) -> dict[str, int]:
        """Take personal data out of all published days together or not at all; returns the rows changed by table.

        Raises:
            AlreadyRunning: a run is publishing.
            WarehouseError: the server refused.
        """
        with explained("erasing"), closing(self.connect()) as connection:
            publishing.prepare(connection, "erase")
            publishing.take_lock(connection, self.patience)
            changed = erasing.erase(connection, shown, ids, texts, left)
            erasing.clear(connection, sorted(changed))
        return changed

    def alerts(self, *, everything: bool = False) -> list[dict[str, Any]]:
        """The alerts that are not over, the gravest first; everything: also those that are.

        Raises:
            WarehouseError: the server refused.
        """
        with explained("reading the alerts"), closing(self.connect()) as connection:
            return alerting.read(connection, everything=everything)

    def change_alert(
        self,
        alert_id: int,
        event: alerting.Change,
        *,
        done_by: str | None = None,
        note: str | None = None,
        until: date | None = None,
    ) -> Mapping[str, str]:
        """Acknowledge, pause or reset an alert; returns what it is about, in both languages.

        Raises:
            ConfigurationError: there is no such alert, or it is over.
            WarehouseError: the server refused.
        """
        with explained("changing an alert"), closing(self.connect()) as connection:
            return alerting.change(connection, alert_id, event, done_by=done_by, note=note, until=until)

    def check_closing(self, as_of: date) -> None:
        """Refuse to evaluate a day whose closing snapshot stands: nothing of it is to be computed anew.

        Raises:
            ConfigurationError: it is frozen.
            WarehouseError: the server refused.
        """
        looking = explained("looking for a closing snapshot")
        with looking, closing(self.connect()) as connection, transaction(connection) as cursor:
            published_at = frozen_at(cursor, as_of)
        if published_at is not None:
            refuse(as_of, published_at)

    def restatements(self, *, everything: bool = False) -> list[dict[str, Any]]:
        """What was restated and nobody has signed, by KPI and period; everything: also what is signed.

        Raises:
            WarehouseError: the server refused.
        """
        with explained("reading the restatements"), closing(self.connect()) as connection:
            return restatements.read(connection, everything=everything)

    def sign_restatements(
        self, ids: Sequence[int], day: date | None = None, *, signed_by: str, note: str | None = None
    ) -> list[int]:
        """Sign restatements by their numbers, and all that a day published; returns the numbers.

        Raises:
            ConfigurationError: one of them is not there, or is signed already.
            WarehouseError: the server refused.
        """
        with explained("signing restatements"), closing(self.connect()) as connection:
            return restatements.sign(connection, ids, day, signed_by=signed_by, note=note)

    def serve(self, port: int | None = None) -> sqlalchemy.URL:
        """Open the embedded server to readers on this machine; returns the reader's URL, password included.

        Raises:
            ConfigurationError: the project has its own server, or the port can't be used.
        """
        if self._embedded is None:
            raise ConfigurationError(
                f"readers connect to the server TUOKE_DATABASE_URL names ({self.url.host}), as {READER}; "
                "there is no embedded server to open"
            )
        served = self._embedded.serve(port)
        password = self._embedded.reader_password
        with explained("opening the server to readers"), closing(self.connect()) as connection:
            publishing.set_up(connection)
            with transaction(connection) as cursor:
                # only the verifier travels, so that no log can hold the password
                verifier = encrypt_password(password, READER, connection, "scram-sha-256")
                cursor.execute(sql.SQL("alter role {} password %s").format(sql.Identifier(READER)), [verifier])
        return sqlalchemy.URL.create(
            "postgresql", username=READER, password=password, host=LOOPBACK, port=served, database=self.url.database
        )

    def connect(self) -> Connection:
        """A connection of its own, outside the engine's pool."""
        pooled = self.engine().raw_connection()
        connection = pooled.driver_connection
        pooled.detach()
        return connection

    def _publish_once(
        self,
        tables: Sequence[Table],
        publication: Publication,
        audit: Audit,
        retention: Retention,
        witness: Witness | None,
    ) -> dict[str, int]:
        with closing(self.connect()) as connection:
            publishing.prepare(connection, publication.run_id)
            publishing.take_lock(connection, self.patience)
            publishing.check_closing(connection, publication)
            publishing.drop_staging(connection)
            try:
                tables = publishing.fit(connection, tables)
                rows = {table.name: publishing.stage(connection, table, publication) for table in tables}
                audit(self.engine(), {table.name: table.staged_name for table in tables})
                publishing.release_staging(connection)
                publishing.swap(connection, tables, publication, rows, self.patience, witness)
            finally:
                # where even this fails the connection is gone, and the next run does it
                with suppress(psycopg2.Error):
                    publishing.drop_staging(connection)
            publishing.forget(connection, tables, publication.as_of, retention, self.patience.queue)
            publishing.tidy(connection, tables)
        return rows
