"""Restatements: published figures that come out otherwise, journalled by the publication that tells them otherwise."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Protocol

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.errors import ConfigurationError
from pipeline.plan import NOT_MEASURED_BY
from pipeline.warehouse.postgres import statement, transaction
from pipeline.warehouse.relations import Publication
from pipeline.warehouse.views import Views

FIGURES = "ads.kpi_values"
LEDGER = "dq.ledger"
CHINESE = Views("restatement_views", {"ads.restatements_zh": "数据重述 · ads.restatements in Chinese."}, of=FIGURES)


class Sign(NamedTuple):
    """Something that differs between two publications, and can have changed the figures of that day."""

    table_name: str | None
    """The source table; None where it concerns all."""
    cause: str
    days: tuple[date, ...] = ()
    """The days that each of the rows concerns; none where what differs has no day."""
    rows_moved: int | None = None


@dataclass(frozen=True)
class Earlier:
    """The publication that is compared with."""

    as_of: date
    run_id: str
    plan_hash: str
    plan: Mapping[str, Any] | None
    """What it said; None where it was not kept."""
    code_version: str
    inputs: Mapping[str, str]


class Witness(Protocol):
    """Who can tell what differs between the sources of two publications; asked only where figures differ."""

    def made_of(self) -> list[dict[str, Any]]:
        """kpi, variant, table_name, looks_on of every source table of a figure."""
        ...

    def tables(self) -> list[dict[str, str]]:
        """table_name, table_zh, table_en of every source table."""
        ...

    def same_day(self, before: Mapping[str, str], now: Mapping[str, str]) -> list[Sign]:
        """What differs between the inputs of a day and those it is run again with."""
        ...

    def since(self, earlier: date, tables: Collection[str]) -> list[Sign]:
        """What differs in these source tables from how they stood on an earlier day."""
        ...


def journal(cursor: Cursor, names: Collection[str], publication: Publication, witness: Witness | None) -> int:
    """Journal the figures that the staged publication tells otherwise than the one before it; returns how many.

    Must come before the staged figures take their place. A figure whose cause nobody can tell is journalled all the
    same, as unknown.
    """
    if FIGURES not in names:
        return 0
    earlier = _earlier(cursor, publication.as_of)
    if not _are_there(cursor):
        cursor.execute(statement("restatement_tables"))
    if earlier is None:
        return 0
    days = {"earlier": earlier.as_of, "as_of": publication.as_of}
    # two days of figures side by side: with the usual memory they are sorted on disk
    cursor.execute("set local work_mem = '64MB'")
    cursor.execute(statement("restatements_found"), days)
    if not cursor.rowcount:
        return 0
    made_of = witness.made_of() if witness else []
    signs = _signs(cursor, names, publication, earlier, witness) if witness else []
    sections = _changed_sections(earlier.plan, publication.plan)
    values = {
        **days,
        "old_run_id": earlier.run_id,
        "run_id": publication.run_id,
        "is_plan_changed": earlier.plan_hash != publication.plan_hash and (sections is None or bool(sections)),
        "plan_told_zh": f"（{'、'.join(sections)}）" if sections else "",
        "plan_told_en": f" ({', '.join(sections)})" if sections else "",
        "is_code_changed": earlier.code_version != publication.code_version,
        "signs": json.dumps([sign._asdict() for sign in signs], default=date.isoformat),
        "made_of": json.dumps(made_of),
        "tables": json.dumps(witness.tables() if witness else []),
    }
    cursor.execute(statement("restatements_told"), values)
    return cursor.rowcount


def read(connection: Connection, *, everything: bool = False) -> list[dict[str, Any]]:
    """What was restated and nobody has signed, by KPI and period, the latest first; everything: also what is signed."""
    with transaction(connection) as cursor:
        if not _are_there(cursor):
            return []
        cursor.execute(statement("restatements"), {"everything": everything})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def sign(
    connection: Connection, ids: Sequence[int], day: date | None, *, signed_by: str, note: str | None
) -> list[int]:
    """Somebody takes note of restatements, all or none; returns their numbers.

    Raises:
        ConfigurationError: one of them is not there, or is signed already.
    """
    wanted = sorted(set(ids))
    with transaction(connection) as cursor:
        found: list[int] = []
        if _are_there(cursor):
            values = {"ids": wanted, "day": day, "signed_by": signed_by, "note": note}
            cursor.execute(statement("restatements_signed"), values)
            found = [number for (number,) in cursor]
        if missing := sorted(set(wanted) - set(found)):
            # raised within the transaction, so that nothing is signed
            raise ConfigurationError(
                f"no restatement {', '.join(map(str, missing))} waits to be signed; "
                "`tuoke restatements list` shows those that do"
            )
    return found


def _changed_sections(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str] | None:
    """Sections that differ and have a say in how figures are measured; None where nobody knows what the plan said."""
    if not before or not now:
        return None
    return sorted(name for name in {*before, *now} - NOT_MEASURED_BY if before.get(name) != now.get(name))


def _earlier(cursor: Cursor, as_of: date) -> Earlier | None:
    cursor.execute(statement("restatements_earlier"), {"table": FIGURES, "as_of": as_of})
    found = cursor.fetchone()
    return Earlier(*found) if found else None


def _signs(
    cursor: Cursor, names: Collection[str], publication: Publication, earlier: Earlier, witness: Witness
) -> list[Sign]:
    if earlier.as_of == publication.as_of:
        return _same_day(cursor, names, publication, earlier, witness)
    cursor.execute("select distinct kpi from restated")
    kpis = {kpi for (kpi,) in cursor}
    return witness.since(earlier.as_of, {row["table_name"] for row in witness.made_of() if row["kpi"] in kpis})


def _same_day(
    cursor: Cursor, names: Collection[str], publication: Publication, earlier: Earlier, witness: Witness
) -> list[Sign]:
    """What differs between two runs of a day: an input that came and was kept back altogether changed no figure."""
    signs = witness.same_day(earlier.inputs, publication.inputs)
    cursor.execute("select to_regclass(%s) is not null", [LEDGER])
    [is_there] = cursor.fetchone() or [False]
    if LEDGER not in names or not is_there:
        return signs
    corrected = [sign.table_name for sign in signs if sign.cause == "corrected_rows" and sign.table_name is not None]
    cursor.execute(statement("restatements_ledger"), {"as_of": publication.as_of, "corrected": corrected})
    moved = cursor.fetchall()
    kept_back = {table for table, is_let_in, _, _ in moved if not is_let_in}
    counted = [Sign(table, cause, rows_moved=int(rows)) for table, _, cause, rows in moved if cause is not None]
    return [sign for sign in signs if sign.cause != "late_data" or sign.table_name not in kept_back] + counted


def _are_there(cursor: Cursor) -> bool:
    """Whether figures were ever published."""
    cursor.execute("select to_regclass('ads.restatements') is not null")
    return bool((cursor.fetchone() or [False])[0])
