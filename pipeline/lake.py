"""Where a table's day lives. A partition appears whole: written beside, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

from pipeline.engine.base import Relation
from pipeline.errors import TuokeError

PART = "part-0.parquet"
PREFIX = "as_of="


class MissingPartition(TuokeError):
    """A table is read for a day it was not built for."""


class Lake:
    """Parquet files below `root`, `<layer>/<table>/as_of=YYYY-MM-DD/part-0.parquet`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, table: str, as_of: date) -> Path:
        """Where a table's day is, or would be."""
        return self.root / table.replace(".", "/") / f"{PREFIX}{as_of.isoformat()}" / PART

    def days(self, table: str) -> list[date]:
        """The days a table has, in order."""
        folder = self.root / table.replace(".", "/")
        return sorted(
            date.fromisoformat(path.parent.name.removeprefix(PREFIX)) for path in folder.glob(f"{PREFIX}*/{PART}")
        )

    def snapshot(self, table: str, as_of: date) -> Relation:
        """The table on that very day.

        Raises:
            MissingPartition: it was not built for the day.
        """
        file = self.file(table, as_of)
        if not file.is_file():
            raise MissingPartition(f"{table} has no day {as_of}; build it first: `tuoke run --date {as_of}`")
        return Relation(files=(file,))

    def increments(self, table: str, as_of: date, key: tuple[str, ...]) -> Relation:
        """Of each key the latest version in the partitions up to the day, which itself must be there."""
        self.snapshot(table, as_of)
        return Relation(files=tuple(self.file(table, day) for day in self.days(table) if day <= as_of), key=key)

    @contextmanager
    def write(self, table: str, as_of: date) -> Iterator[Path]:
        """A file to write the day to; it takes the day's place when the block ends well, and vanishes when not."""
        target = self.file(table, as_of)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{PART}.{uuid4().hex}")
        try:
            yield beside
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
