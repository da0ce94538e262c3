"""Personal data taken out of published days: columns emptied, texts replaced, all in one transaction."""

from collections.abc import Callable, Mapping, Sequence

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from pipeline.warehouse.postgres import transaction
from pipeline.warehouse.relations import name_of

KEY = "customer_id"

Texts = Mapping[str, tuple[tuple[str, str], str]]
"""Table -> the two columns that name a row, and the column with its text."""
Left = Callable[[Sequence[tuple[str, str, str]]], Sequence[str | None]]
"""What is left of texts, each behind what names its row."""


def erase(
    connection: Connection, shown: Mapping[str, Sequence[str]], ids: Sequence[str], texts: Texts, left: Left
) -> dict[str, int]:
    """Empty the columns of these customers, and replace texts by what is left of them; rows changed by table."""
    changed = {}
    with transaction(connection) as cursor:
        for table, columns in shown.items():
            if there := _columns(cursor, table, columns):
                changed[table] = _empty(cursor, table, there, ids)
        for table, (key, text) in texts.items():
            if _columns(cursor, table, [text]):
                changed[table] = _replace(cursor, table, key, text, left)
    return {table: rows for table, rows in changed.items() if rows}


def clear(connection: Connection, tables: Sequence[str]) -> None:
    """Clear away the rows as they were, and the samples of them that statistics hold."""
    if not tables:
        return
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("vacuum (full, analyze, skip_locked) {}").format(sql.SQL(", ").join(map(name_of, tables)))
        )
    connection.autocommit = False


def _columns(cursor: Cursor, table: str, columns: Sequence[str]) -> list[str]:
    """Those of the columns that the table has; none where there is no table."""
    cursor.execute(
        "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped", [table]
    )
    there = {name for (name,) in cursor}
    return [column for column in columns if column in there]


def _empty(cursor: Cursor, table: str, columns: Sequence[str], ids: Sequence[str]) -> int:
    names = [sql.Identifier(column) for column in columns]
    cursor.execute(
        sql.SQL("update {} set {} where {} = any(%s) and ({})").format(
            name_of(table),
            sql.SQL(", ").join(sql.SQL("{} = null").format(name) for name in names),
            sql.Identifier(KEY),
            sql.SQL(" or ").join(sql.SQL("{} is not null").format(name) for name in names),
        ),
        [list(ids)],
    )
    return cursor.rowcount


def _replace(cursor: Cursor, table: str, key: tuple[str, str], text: str, left: Left) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, (*key, text)))
    cursor.execute(
        sql.SQL("select distinct {} from {} where {} is not null").format(columns, name_of(table), sql.Identifier(text))
    )
    rows = cursor.fetchall()
    changed = [(*row[:2], row[2], now) for row, now in zip(rows, left(rows), strict=True) if now != row[2]]
    update = sql.SQL(
        "update {table} as t set {text} = v.now from (values %s) as v (one, two, was, now) "
        "where t.{one} = v.one and t.{two} = v.two and t.{text} = v.was"
    ).format(table=name_of(table), text=sql.Identifier(text), one=sql.Identifier(key[0]), two=sql.Identifier(key[1]))
    total = 0
    for row in changed:
        execute_values(cursor, update, [row])
        total += cursor.rowcount
    return total
