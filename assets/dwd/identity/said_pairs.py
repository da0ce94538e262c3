"""Pairs of customer ids a person has decided on, from a CSV file of the project folder."""

import csv
from pathlib import Path

from pipeline.errors import ConfigurationError

COLUMNS = ("customer_id", "other_customer_id")


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """The pairs of a file, each with its lesser id first, sorted and without repetitions.

    Raises:
        ConfigurationError: the file is missing, not UTF-8 or lacks a column, or a line does not name two ids.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file} is missing, but plan.yaml names it under identity; write it or take it out")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                found = ", ".join(reader.fieldnames or ()) or "none"
                raise ConfigurationError(f"{file.name} has no column {', '.join(missing)}; columns found: {found}")
            return sorted({_pair(file, reader.line_num, row) for row in reader})
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 ({error}); save it as UTF-8") from error


def _pair(file: Path, line: int, row: dict[str, str | None]) -> tuple[str, str]:
    ids = sorted({(row[name] or "").strip() for name in COLUMNS} - {""})
    if len(ids) != 2:
        raise ConfigurationError(
            f"{file.name} line {line}: a pair names two customers, found {', '.join(ids) or 'none'}"
        )
    return ids[0], ids[1]


def contradictions(must: list[tuple[str, str]], cannot: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs that are said to be one customer and two."""
    return sorted(set(must) & set(cannot))
