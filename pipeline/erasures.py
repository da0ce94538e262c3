"""Whose personal data is not to be kept: written down once, heeded on every day that is evaluated from then on.

The file `erasures.csv` of the project holds ids, and nothing else of a person: without it a source that delivers the
person again would bring back what was erased.
"""

import csv
import hashlib
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import date
from functools import cached_property
from itertools import combinations
from pathlib import Path

from pipeline.errors import ConfigurationError

ERASURES_FILE = "erasures.csv"


@dataclass(frozen=True, order=True)
class Erasure:
    """One id that is erased: the customer it was when that was asked for, and why, as the reference of a request."""

    customer_id: str
    person_id: str
    erased_on: str
    reason: str


COLUMNS = tuple(field.name for field in fields(Erasure))


@dataclass(frozen=True)
class Erasures:
    """The erasures of a project, by id."""

    file: Path
    entries: tuple[Erasure, ...] = ()

    @classmethod
    def read(cls, root: Path) -> "Erasures":
        """Those of a project folder; none where there is no file.

        Raises:
            ConfigurationError: a column is missing, or a line names no id.
        """
        file = root / ERASURES_FILE
        if not file.is_file():
            return cls(file)
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigurationError(f"{file.name} has no column {', '.join(missing)}; it has {', '.join(COLUMNS)}")
            entries = [_entry(file, reader.line_num, row) for row in reader]
        return cls(file, tuple(sorted(entries)))

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every id that is erased."""
        return frozenset(entry.customer_id for entry in self.entries)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Ids that are one person: what told so is erased."""
        people: dict[str, set[str]] = {}
        for entry in self.entries:
            people.setdefault(entry.person_id, set()).add(entry.customer_id)
        return sorted(pair for ids in people.values() for pair in combinations(sorted(ids), 2))

    @property
    def sha256(self) -> str | None:
        """Hash of the file; None where there is none."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest() if self.entries else None

    def same_person(self, customer_id: str) -> frozenset[str]:
        """The ids that were erased with this one."""
        people = {entry.person_id for entry in self.entries if entry.customer_id == customer_id}
        return frozenset(entry.customer_id for entry in self.entries if entry.person_id in people)

    def add(self, person_id: str, ids: Iterable[str], on: date, reason: str) -> "Erasures":
        """Write down more ids; those that are there stay as they are. The file appears whole."""
        known = {entry.customer_id: entry for entry in self.entries}
        asked = {name: Erasure(name, person_id, on.isoformat(), reason) for name in ids}
        entries = tuple(sorted((asked | known).values()))
        beside = self.file.with_name(f".{self.file.name}.new")
        try:
            with beside.open("w", encoding="utf-8", newline="") as lines:
                writer = csv.writer(lines, lineterminator="\n")
                writer.writerows([COLUMNS, *map(astuple, entries)])
            os.replace(beside, self.file)
        finally:
            beside.unlink(missing_ok=True)
        return Erasures(self.file, entries)


def _entry(file: Path, line: int, row: dict[str, str | None]) -> Erasure:
    cells = {name: (row[name] or "").strip() for name in COLUMNS}
    if not cells["customer_id"] or not cells["person_id"]:
        raise ConfigurationError(
            f"{file.name} line {line} names no customer_id or no person_id; fill it in, or drop it"
        )
    return Erasure(**cells)
