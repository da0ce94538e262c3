"""Corrections: rows of the quarantine as their owners mended them. They are inputs, kept beside the project's files.

One file a replay: `corrections/<table>/as_of=2026-11-20/0001-<hash of what was replayed>.parquet`. A day sees the
corrections up to it and no later ones, so that an older day that is run again stays what it was.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PREFIX = "as_of="
REPAIRED, DISMISSED = "repaired", "dismissed"

ABOUT = pa.schema(
    {
        "_row_id": pa.string(),
        "_source": pa.string(),
        "_line": pa.int64(),
        "_delivered_on": pa.date32(),
        "_is_line": pa.bool_(),
        "_sent_hash": pa.string(),
        "_occurrence": pa.int64(),
        "_rule_id": pa.string(),
        "_rule_ids": pa.string(),
        "_row_as_sent": pa.string(),
        "_verdict": pa.string(),
    }
)
"""What a correction says of the row it is about; the row's own columns follow, all text.

A row is known by what it said and, of several that said the same, by which of them it is: `_sent_hash` and
`_occurrence`. A snapshot that holds the same row again the next day needs no second correction.
"""
WHEN = pa.schema({"_corrected_on": pa.date32(), "_sequence": pa.int64(), "_correction": pa.string()})
"""What is known from the place of the file: the day, the file's number on it, and its name."""


@dataclass(frozen=True)
class CorrectionFile:
    """One file of corrections: the day it was replayed for, its number on that day, the hash of what was replayed."""

    path: Path
    as_of: date
    sequence: int
    replayed: str

    @property
    def name(self) -> str:
        """orders/as_of=2026-11-20/0001-0123456789ab.parquet"""
        return "/".join(self.path.parts[-3:])

    @property
    def sha256(self) -> str:
        """Hash of the file itself."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class Corrections:
    """The corrections below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self, table: str, as_of: date) -> list[CorrectionFile]:
        """The files of a table up to the day, in the order they were replayed."""
        found = (_file(path) for path in (self.root / table).glob(f"{PREFIX}*/*.parquet"))
        return sorted((file for file in found if file.as_of <= as_of), key=lambda file: (file.as_of, file.sequence))

    def rows(self, table: str, as_of: date, columns: Sequence[str]) -> pa.Table:
        """Every correction up to the day with these columns of the table, in the order they were replayed."""
        schema = pa.schema([*ABOUT, *WHEN, *((name, pa.string()) for name in columns)])
        parts = [_fitted(file, schema) for file in self.files(table, as_of)]
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def write(self, table: str, as_of: date, rows: pa.Table, replayed: str) -> CorrectionFile:
        """Keep the corrections of one replay; only this account may read them. They appear whole or not at all."""
        folder = self.root / table / f"{PREFIX}{as_of.isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        for private in (self.root, self.root / table, folder):
            private.chmod(0o700)
        sequence = 1 + max((file.sequence for file in self.files(table, as_of) if file.as_of == as_of), default=0)
        target = folder / f"{sequence:04}-{replayed[:12]}.parquet"
        put(rows, target)
        return _file(target)

    def tables(self) -> Iterator[str]:
        """The tables that have any."""
        return (path.name for path in sorted(self.root.glob("*")) if path.is_dir())


def put(rows: pa.Table, target: Path) -> None:
    """Write a file of corrections, or put another in its place, for this account's eyes only."""
    beside = target.with_suffix(".new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            pq.write_table(rows, file, compression="zstd")
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _file(path: Path) -> CorrectionFile:
    sequence, _, replayed = path.stem.partition("-")
    return CorrectionFile(path, date.fromisoformat(path.parent.name.removeprefix(PREFIX)), int(sequence), replayed)


def _fitted(file: CorrectionFile, schema: pa.Schema) -> pa.Table:
    """The rows of a file in the columns asked for; one that the table has got since is empty."""
    with pq.ParquetFile(file.path) as parquet:
        held = parquet.read()
    where = {"_corrected_on": file.as_of, "_sequence": file.sequence, "_correction": file.name}
    columns = []
    for field in schema:
        if field.name in where:
            columns.append(pa.array([where[field.name]] * held.num_rows, field.type))
        elif field.name in held.column_names:
            columns.append(held[field.name].cast(field.type))
        else:
            columns.append(pa.nulls(held.num_rows, field.type))
    return pa.table(columns, schema=schema)
