"""Rows handed to people, as a workbook or CSV, and read back as they were mended. No cell ever runs as a formula."""

import csv
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO

import xlsxwriter

from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import sift
from pipeline.sources.files import FileInput

FORMATS = {".csv": "csv", ".xlsx": "xlsx"}
PRIVATE = 0o600
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
QUOTE = "'"
NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)*")
CELL_LIMIT = 32_767
"""Characters Excel keeps of a cell."""

Row = Mapping[str, str | None]


def write_handout(path: Path, columns: Sequence[str], rows: Sequence[Row], numbers: Collection[str] = ()) -> None:
    """Write the rows by the ending of the file's name, for this account's eyes only. `numbers` are number columns.

    Raises:
        ConfigurationError: the ending is neither .csv nor .xlsx, the folder is not there, or a cell is too long.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ConfigurationError(
            f"{path.name}: rows are handed out as {' or '.join(FORMATS)}; choose one of these names"
        )
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path.parent} is not a folder; make it, or choose another place for {path.name}")
    if path.is_symlink():
        raise ConfigurationError(f"{path} is a link; name the file itself")
    beside = path.with_name(f".{path.name}.new")
    try:
        # private from the first byte on
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
            (_write_csv if kind == "csv" else _write_workbook)(file, columns, rows, numbers)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read_handout(path: Path) -> list[dict[str, str | None]]:
    """The rows of a handout that came back, all text, each under the header's names.

    Raises:
        ConfigurationError: there is no such file, or its ending is another.
        SourceError: it can't be read as what its ending says.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None or not path.is_file():
        raise ConfigurationError(f"{path} is not a .csv or .xlsx file that is there; name the file `export` wrote")
    feed = Feed(source="handout", file=path.name, format="csv" if kind == "csv" else "excel", encoding=_encoding(path))
    rows: list[dict[str, str | None]] = []
    for chunk in map(sift, FileInput(path.name, path, feed).chunks()):
        for refused in chunk.refused:
            raise SourceError(f"{path.name} line {refused.line}: {refused.message}; mend it, or export the rows again")
        rows += chunk.rows.to_pylist()
    return [{name: unquoted(cell) for name, cell in row.items()} for row in rows] if kind == "csv" else rows


def quoted(cell: str | None, *, is_number: bool = False) -> str | None:
    """A cell of CSV that no spreadsheet takes for a formula; `unquoted` undoes it.

    >>> quoted("=1+1"), quoted("'=1"), quoted("-5.00", is_number=True), quoted("O'Neill")
    ("'=1+1", "''=1", '-5.00', "O'Neill")
    """
    if cell is None or (is_number and NUMBER.fullmatch(cell)):
        return cell
    return QUOTE + cell if cell.startswith((*STARTS_FORMULA, QUOTE)) else cell


def unquoted(cell: str | None) -> str | None:
    """
    >>> unquoted("'=1+1"), unquoted("''=1"), unquoted("-5.00")
    ('=1+1', "'=1", '-5.00')
    """
    is_quoted = cell is not None and cell.startswith(QUOTE) and cell[1:].startswith((*STARTS_FORMULA, QUOTE))
    return cell[1:] if cell is not None and is_quoted else cell


def _write_csv(file: IO[bytes], columns: Sequence[str], rows: Sequence[Row], numbers: Collection[str]) -> None:
    """With the mark by which Excel knows UTF-8."""
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    file.write(b"\xef\xbb\xbf")
    for row in (dict(zip(columns, columns, strict=True)), *rows):
        writer.writerow([quoted(row.get(name), is_number=name in numbers) for name in columns])
        file.write(lines.line.encode())


class _Lines:
    """What csv writes to: the line last written."""

    line = ""

    def write(self, line: str) -> None:
        self.line = line


def _write_workbook(file: IO[bytes], columns: Sequence[str], rows: Sequence[Row], numbers: Collection[str]) -> None:
    """Every cell as text, so that 007 stays 007 when it is edited."""
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(file, plain) as workbook:
        sheet = workbook.add_worksheet("quarantine")
        text, head = workbook.add_format({"num_format": "@"}), workbook.add_format({"num_format": "@", "bold": True})
        sheet.set_column(0, len(columns) - 1, 18, text)
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(columns):
            sheet.write_string(0, place, name, head)
        for line, row in enumerate(rows, start=1):
            for place, name in enumerate(columns):
                cell = row.get(name)
                if cell is not None and len(cell) > CELL_LIMIT:
                    raise ConfigurationError(
                        f"a cell of {name} has {len(cell):,} characters, a workbook keeps {CELL_LIMIT:,}; export .csv"
                    )
                if cell:
                    sheet.write_string(line, place, cell, text)


def _encoding(path: Path) -> str:
    """UTF-8, or what Excel saves CSV as on a Chinese desktop."""
    if path.suffix.lower() != ".csv":
        return "utf-8"
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
