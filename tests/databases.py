"""Databases of the tests' own server."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import sqlalchemy

from pipeline.warehouse.embedded import EmbeddedServer


@contextmanager
def a_database(cluster: EmbeddedServer, like: sqlalchemy.URL | None = None) -> Iterator[sqlalchemy.URL]:
    """An empty database, or a copy of another that nobody uses at the moment; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _command(cluster, f"create database {name} template {like.database if like else 'template1'}")
    yield cluster.url(name)
    _command(cluster, f"drop database {name} with (force)")


def _command(cluster: EmbeddedServer, statement: str) -> None:
    """A command outside any transaction, in a session of its own: the server may have been restarted meanwhile."""
    admin = sqlalchemy.create_engine(
        cluster.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool
    )
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(statement))


def query(database: sqlalchemy.URL, statement: str, user: str = "tuoke_reader") -> list[tuple]:
    """The rows a reader gets, or whoever is named."""
    server = {"host": database.query["host"], "port": database.port, "dbname": database.database}
    connection = psycopg2.connect(**server, user=user)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()
