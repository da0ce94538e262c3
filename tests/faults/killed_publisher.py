"""Publishes like any run, and kills its own process when it comes to a given statement.

Arguments: the database URL, a pickle of the tables and the publication, when to die (before, after or within), and
a pattern that the statement matches.
"""

import os
import pickle
import re
import signal
import sys
from pathlib import Path

import sqlalchemy
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from pipeline.plan import Retention
from pipeline.warehouse import Warehouse

URL, WORK, MOMENT, PATTERN = sys.argv[1:5]


def die() -> None:
    """End like a process the kernel killed."""
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal(Cursor):
    """A cursor that dies at its statement."""

    def execute(self, query, parameters=None):
        text = query if isinstance(query, str) else query.as_string(self)
        hit = re.search(PATTERN, text)
        if hit and MOMENT == "before":
            die()
        super().execute(query, parameters)
        if hit and MOMENT == "after":
            die()

    def copy_expert(self, query, file, size=8192):
        super().copy_expert(query, Leaking(file) if MOMENT == "within" else file, size)


class Leaking:
    """A stream of which only the first part arrives."""

    def __init__(self, file) -> None:
        self._file = file
        self._parts = 0

    def read(self, size):
        self._parts += 1
        if self._parts == 2:
            die()
        return self._file.read(size)


class MortalWarehouse(Warehouse):
    """A warehouse whose publication dies."""

    def connect(self) -> Connection:
        connection = super().connect()
        connection.cursor_factory = Mortal
        return connection


def audit(engine: sqlalchemy.Engine, staged: object) -> None:
    """A gate that dies where it is told to."""
    if MOMENT == "audit":
        die()


tables, publication = pickle.loads(Path(WORK).read_bytes())
MortalWarehouse(sqlalchemy.make_url(URL)).publish(tables, publication, audit=audit, retention=Retention())
