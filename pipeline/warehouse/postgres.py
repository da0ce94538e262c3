"""What every part that talks to Postgres needs: the statements kept in files, and what its errors mean."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg2
import tenacity
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.exc import DBAPIError

from pipeline import ROOT
from pipeline.errors import WarehouseError

log = logging.getLogger(__name__)

READER = "tuoke_reader"
"""The role BI tools connect as."""
STEWARD = "tuoke_steward"
"""The role of those who answer for the data: a reader who also sees the restricted columns."""
TRANSIENT_CODES = ("08", "40001", "40P01", "53300", "55P03", "57P01", "57P02", "57P03")
"""SQLSTATEs, or their first letters, of what passes by itself: lost connections, deadlocks, locks, restarts."""
TRANSIENT_REFUSALS = ("starting up", "shutting down", "recovery", "too many clients", "connection slots")
"""How a server says while connecting that it is only for now; psycopg2 gives no SQLSTATE there."""
REMEDIES = {
    "22": "a value does not fit its column; mend the model that computes it",
    "23": "the table's grain does not hold; mend the model that computes it",
    "28": "check user and password in TUOKE_DATABASE_URL",
    "3D": "create the database, or name another in TUOKE_DATABASE_URL",
    "42501": "grant the right, or let an administrator run what sql/postgres holds",
    "53100": "free space on the server's disk",
    "55P03": "end the session that holds the table, or run again later",
    "57014": "the statement took too long; run again when the server is less busy",
}


@cache
def statement(name: str) -> str:
    """The text of sql/postgres/<name>.sql."""
    return (ROOT / "sql" / "postgres" / f"{name}.sql").read_text(encoding="utf-8")


def driver_error(error: BaseException) -> psycopg2.Error | None:
    """What psycopg2 raised, also where SQLAlchemy has wrapped it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause if isinstance(cause, psycopg2.Error) else None


def is_transient(error: BaseException) -> bool:
    """Whether the same thing may succeed in a moment: never for wrong data, SQL, passwords or rights."""
    cause = driver_error(error)
    if cause is None:
        return False
    if cause.pgcode is not None:
        return cause.pgcode.startswith(TRANSIENT_CODES)
    if not isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    refused = "FATAL" in str(cause)
    return not refused or any(words in str(cause) for words in TRANSIENT_REFUSALS)


def reason(error: BaseException) -> str:
    """What went wrong and what to do, without the detail, which holds the values of a row."""
    cause = driver_error(error)
    if cause is None:
        return type(error).__name__
    message = cause.diag.message_primary or " ".join(str(cause).split()) or type(cause).__name__
    if cause.pgcode is None:
        return f"{message}; check TUOKE_DATABASE_URL and that the server runs"
    if cause.pgcode.startswith("22"):
        # behind the colons stands the value: invalid input syntax for type date: "…"; COPY t, line 1, column d: "…"
        said = [text.split(":")[0] for text in (message, cause.diag.context) if text]
        message = " in ".join(said)
    remedy = next((text for code, text in REMEDIES.items() if cause.pgcode.startswith(code)), None)
    return f"{message} [{cause.pgcode}]" + (f"; {remedy}" if remedy else "")


def say_again(state: tenacity.RetryCallState) -> None:
    """Log why something is tried again: not the error itself, which may repeat a row."""
    error = state.outcome.exception() if state.outcome else None
    log.warning("attempt %d failed, trying again: %s", state.attempt_number, reason(error) if error else "no result")


@contextmanager
def transaction(connection: Connection) -> Iterator[Cursor]:
    """A cursor whose work is committed at the end of the block, or rolled back by what leaves it early."""
    try:
        with connection.cursor() as cursor:
            yield cursor
    except BaseException:
        # psycopg2's own block would try this on a lost connection too, and hide how it was lost
        if not connection.closed:
            connection.rollback()
        raise
    connection.commit()


@contextmanager
def explained(doing: str, kinds: tuple[type[Exception], ...] = (psycopg2.Error, DBAPIError)) -> Iterator[None]:
    """Turn what the driver raises into a WarehouseError that repeats neither rows nor secrets.

    The driver's own error is dropped: its detail holds the values of the row it is about.
    """
    try:
        yield
    except kinds as error:
        raise WarehouseError(f"{doing}: {reason(error)}") from None
