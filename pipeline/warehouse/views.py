"""Views of our own SQL beside the published tables: made where they are missing, remade where they changed.

Their codes are told in the words of the published table they speak of, which are those of the plan of the day.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from pipeline.warehouse.postgres import statement
from pipeline.warehouse.relations import Table, in_words


@dataclass(frozen=True)
class Views:
    """What `sql/postgres/<file>.sql` makes, schema.view -> what it holds; of which published table it speaks."""

    file: str
    told: Mapping[str, str]
    of: str

    def outdated(self, cursor: Cursor, table: Table) -> tuple[str, ...]:
        """The views that stand and are to be remade: to remake one shuts readers out for a moment."""
        return () if self._is_current(cursor, _version(self._text(cursor, table))) else self._standing(cursor)

    def keep_current(self, cursor: Cursor, table: Table) -> None:
        """Make the views as the file has them now, unless they are there; their comments say of which version."""
        text = self._text(cursor, table)
        version = _version(text)
        if self._is_current(cursor, version):
            return
        cursor.execute(text)
        for view, told in self.told.items():
            cursor.execute(
                sql.SQL("comment on view {} is {}").format(
                    sql.Identifier(*view.split(".")), sql.Literal(f"{told} {version}")
                )
            )

    def _text(self, cursor: Cursor, table: Table) -> str:
        spoken = {column.name: in_words(column.name, column) for column in table.columns}
        return sql.SQL(statement(self.file)).format(**spoken).as_string(cursor)

    def _is_current(self, cursor: Cursor, version: str) -> bool:
        cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", [next(iter(self.told))])
        [comment] = cursor.fetchone() or [None]
        return comment is not None and comment.endswith(version)

    def _standing(self, cursor: Cursor) -> tuple[str, ...]:
        cursor.execute("select name from unnest(%s) as n (name) where to_regclass(name) is not null", [list(self.told)])
        return tuple(name for (name,) in cursor)


def _version(text: str) -> str:
    return f"Version {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def spoken_of(views: Iterable[Views], tables: Iterable[Table]) -> list[tuple[Views, Table]]:
    """The views that speak of one of the tables, each with it."""
    known = {table.name: table for table in tables}
    return [(one, known[one.of]) for one in views if one.of in known]
