"""Alerts: what a day's signals do to them, and what people do. Their state is kept from day to day."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.errors import ConfigurationError
from pipeline.warehouse.postgres import statement, transaction
from pipeline.warehouse.views import Views

SIGNALS = "ads.alert_signals"
MERGE = ("alerts_seen", "alerts_over", "alerts_new")
"""In this order: what became graver is told before what is over, and only then is room for what is new."""

CHINESE = Views(
    "alert_views",
    {
        "ads.alerts_zh": "预警状态 · One row per alert and episode, in Chinese.",
        "ads.alert_events_zh": "预警记录 · Whatever happened to an alert, in Chinese.",
    },
    of=SIGNALS,
)

Change = Literal["acknowledged", "paused", "reset"]


def merge(cursor: Cursor, as_of: date) -> None:
    """Bring the alerts to what the day's signals say; an older day that is run again says nothing about them.

    A day that was merged before changes nothing: alerts are raised once, not on every run.
    """
    cursor.execute(
        "select max(as_of) from meta.publications where jsonb_exists(row_counts, %(table)s)", {"table": SIGNALS}
    )
    [newest] = cursor.fetchone() or [None]
    if newest is not None and as_of < newest:
        return
    if not _are_there(cursor):
        cursor.execute(statement("alert_tables"))
    for name in MERGE:
        cursor.execute(statement(name), {"as_of": as_of})


def read(connection: Connection, *, everything: bool = False) -> list[dict[str, Any]]:
    """The alerts that are not over, the gravest first; those that are over as well where everything is asked for."""
    with transaction(connection) as cursor:
        if not _are_there(cursor):
            return []
        cursor.execute(statement("alerts"), {"everything": everything})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def change(
    connection: Connection,
    alert_id: int,
    event: Change,
    *,
    done_by: str | None = None,
    note: str | None = None,
    until: date | None = None,
) -> Mapping[str, str]:
    """What somebody does to an alert; returns what it is about, in both languages.

    Raises:
        ConfigurationError: there is no such alert, or it is over.
    """
    values = {"alert_id": alert_id, "event": event, "done_by": done_by, "note": note, "until": until}
    with transaction(connection) as cursor:
        found = None
        if _are_there(cursor):
            cursor.execute(statement("alert_changed"), values)
            found = cursor.fetchone()
    if found is None:
        raise ConfigurationError(
            f"no alert {alert_id} is open or acknowledged; `tuoke alerts list` shows those that are"
        )
    return {"zh": found[0], "en": found[1]}


def _are_there(cursor: Cursor) -> bool:
    """Whether signals were ever published."""
    cursor.execute("select to_regclass('ads.alerts') is not null")
    return bool((cursor.fetchone() or [False])[0])
