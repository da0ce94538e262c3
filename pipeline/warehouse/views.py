"""Views beside the published tables: made where they are missing, remade where a version of Tuoke has others."""

import hashlib
from collections.abc import Mapping

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from pipeline.warehouse.postgres import statement


def keep_current(cursor: Cursor, name: str, views: Mapping[str, str]) -> None:
    """Run `sql/postgres/<name>.sql` unless its views, schema.view -> what it holds, are there as the file has them now.

    Their comments say of which version they are: to remake a view shuts readers out for a moment.
    """
    text = statement(name)
    version = f"Version {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", [next(iter(views))])
    [comment] = cursor.fetchone() or [None]
    if comment is not None and comment.endswith(version):
        return
    cursor.execute(text)
    for view, told in views.items():
        cursor.execute(
            sql.SQL("comment on view {} is {}").format(
                sql.Identifier(*view.split(".")), sql.Literal(f"{told} {version}")
            )
        )
