"""The closing snapshot: the campaign's last word, kept for ever and replaced only where that is asked for (I58)."""

from datetime import date, datetime

from psycopg2.extensions import cursor as Cursor

from pipeline.errors import ConfigurationError
from pipeline.warehouse.postgres import statement
from pipeline.warehouse.relations import Publication
from pipeline.warehouse.restatements import FIGURES
from pipeline.warehouse.views import Views

OPTION = "--replace-closing"
VIEWS = Views(
    "closing_scorecard",
    {
        "ads.closing_scorecard": "结项记分卡 · One row per KPI and member on the closing snapshot of a campaign: the "
        "official figures of the whole campaign, frozen.",
        "ads.closing_scorecard_zh": "结项记分卡 · ads.closing_scorecard in Chinese.",
    },
    of=FIGURES,
)


def frozen_at(cursor: Cursor, as_of: date, run_id: str = "") -> datetime | None:
    """When another run published the closing snapshot of a day; None where none did."""
    cursor.execute("select to_regclass('meta.publications') is not null")
    if not (cursor.fetchone() or [False])[0]:
        return None
    cursor.execute(statement("closing_frozen"), {"as_of": as_of, "run_id": run_id})
    found = cursor.fetchone()
    return found[0] if found else None


def refuse(as_of: date, published_at: datetime) -> None:
    """Say that a closing snapshot stays.

    Raises:
        ConfigurationError: always, with what to do.
    """
    raise ConfigurationError(
        f"{as_of} is the closing snapshot of the campaign, frozen on {published_at:%Y-%m-%d}; its figures stay. "
        f"To replace them all the same, run the day with {OPTION}: what changes is journalled as restatements"
    )


def refuse_frozen(cursor: Cursor, publication: Publication) -> None:
    """Let nobody replace a closing snapshot unasked.

    Raises:
        ConfigurationError: the day is frozen.
    """
    if publication.replaces_closing:
        return
    published_at = frozen_at(cursor, publication.as_of, publication.run_id)
    if published_at is not None:
        refuse(publication.as_of, published_at)
