"""Workbooks of Excel and its kin: one sheet, all text, each row with the number Excel shows beside it."""

import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from pipeline.errors import SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import ROWS_PER_CHUNK, Chunk, distinct, text_batch, unnamed
from pipeline.sources.uncomputed import Cells, uncomputed_cells

UNPACKED_LIMIT = 1 << 30
"""Bytes a workbook may unpack to; it is held in memory as a whole."""

Row = tuple[int, list[Any]]


def read_spreadsheet(path: Path, name: str, feed: Feed) -> Iterator[Chunk]:
    """The rows of a sheet; at least one chunk, so that its columns are known.

    Raises:
        SourceError: it is no workbook, is encrypted or too big, or has no such sheet or no usable header.
    """
    _refuse_bombs(path, name)
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = _sheet(workbook, name, feed.sheet)
    except PasswordError as error:
        raise SourceError(f"{name} is encrypted; have it delivered without a password") from error
    except CalamineError as error:
        raise SourceError(
            f"{name} is not a workbook ({error}); set format: csv if it is text, else have it delivered again"
        ) from error
    yield from _chunks(sheet, name, feed.header_row, uncomputed_cells(path, sheet.name))


def _refuse_bombs(path: Path, name: str) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > UNPACKED_LIMIT:
        raise SourceError(
            f"{name} unpacks to {size / 2**30:.1f} GB, more than the {UNPACKED_LIMIT >> 30} GB a workbook may have; "
            "have it delivered as CSV"
        )


def _sheet(workbook: CalamineWorkbook, name: str, wanted: str | None) -> CalamineSheet:
    """The sheet that is named, else the first one that is shown."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    names = [sheet.name for sheet in sheets]
    if wanted is not None and wanted not in names:
        raise SourceError(
            f"{name} has no sheet {wanted!r}; sheets found: {', '.join(names)}. Correct sheet in sources.yaml"
        )
    if wanted is None and not shown:
        raise SourceError(f"{name} has no sheet that is shown; name one of {', '.join(names)} as sheet in sources.yaml")
    return workbook.get_sheet_by_name(wanted if wanted is not None else shown[0])


def _chunks(sheet: CalamineSheet, name: str, header_row: int, uncomputed: Cells) -> Iterator[Chunk]:
    first = sheet.start[1] + 1 if sheet.start else 1
    told = _told(sheet, uncomputed, first)
    rows = ((number, row) for number, row in told if any(cell != "" for cell in row))
    above: dict[int, list[Any]] = {}
    number, header = next(((number, row) for number, row in _kept(rows, above) if number >= header_row), (0, None))
    if header is None:
        raise SourceError(
            f"{name}, sheet {sheet.name!r}, is empty from row {header_row} on; correct header_row or sheet"
        )
    header = _unmerged(header, number, above, sheet, name, first)
    width = max(place for place, cell in enumerate(header, start=1) if cell != "")
    columns = distinct(unnamed([str(cell) for cell in header[:width]]), name)
    yield _chunk(columns, list(islice(rows, ROWS_PER_CHUNK)))
    while taken := list(islice(rows, ROWS_PER_CHUNK)):
        yield _chunk(columns, taken)


def _told(sheet: CalamineSheet, uncomputed: Cells, first: int) -> Iterator[Row]:
    """Every row, cells without a value saying why they have none; `first` is the column its first cell stands in."""
    for number, row in enumerate(sheet.iter_rows(), start=1):
        for column, text in uncomputed.get(number, {}).items():
            place = column - first
            row += [""] * (place + 1 - len(row))
            if place >= 0:
                row[place] = text
        yield number, row


def _kept(rows: Iterator[Row], above: dict[int, list[Any]]) -> Iterator[Row]:
    for number, row in rows:
        above[number] = row
        yield number, row


def _unmerged(
    header: list[Any], number: int, above: dict[int, list[Any]], sheet: CalamineSheet, name: str, first: int
) -> list[Any]:
    """The header with the names of cells that reach down into it from the rows above.

    Raises:
        SourceError: one cell of it spans several columns, which can't all have its name.
    """
    header = list(header)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if not top < number <= bottom + 1:
            continue
        place = left + 1 - first
        text = above.get(top + 1, [""] * (place + 1))[place]
        if left != right and text != "":
            raise SourceError(
                f"{name}, sheet {sheet.name!r}: {str(text)!r} in row {top + 1} spans columns {left + 1} to "
                f"{right + 1}; have each column named by itself, or set header_row to the row below if that names them"
            )
        if place < len(header):
            header[place] = text
    return header


def _chunk(columns: list[str], rows: list[Row]) -> Chunk:
    cells = [row[: len(columns)] for _, row in rows]
    return Chunk(text_batch(columns, cells), pa.array([number for number, _ in rows], pa.int64()))
