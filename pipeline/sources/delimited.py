"""Delimited text: quoted values may hold line breaks, every row knows the line of the file it starts on."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import (
    BAD_BYTE,
    BLANKS,
    REFUSED_LIMIT,
    Chunk,
    Refused,
    distinct,
    legible,
    too_many_refused,
    unnamed,
)
from pipeline.sources.text import PIECE, read_text

BLOCK = 4 << 20
"""Bytes parsed at once; no row may be longer."""
END = "\ufdd1"
"""First value of a row put behind the last: a quote that never closes swallows it. Never a character of a text."""


@dataclass(frozen=True)
class Header:
    """The columns, and where the rows below begin: the line, and the place in the text read so far."""

    columns: list[str]
    line: int
    offset: int


def read_delimited(path: Path, name: str, feed: Feed) -> Iterator[Chunk]:
    """The rows of a delimited file; at least one chunk, so that its columns are known.

    Raises:
        SourceError: it is empty, has no usable header, ends in the middle of a row, or holds a row beyond the limit.
    """
    if not feed.delimiter.isascii():
        raise ConfigurationError(f"{name}: delimiter {feed.delimiter!r} is not an ASCII character; use one that is")
    pieces = read_text(path, name, feed.encoding)
    start = _beginning(pieces, feed)
    header = read_header(start, feed, name)
    rows = _Rows(name, feed.delimiter, header)
    yield from rows.chunks(chain([start[header.offset :]], pieces))


def _beginning(pieces: Iterator[str], feed: Feed) -> str:
    """Enough of the text to hold the header."""
    start = ""
    for piece in pieces:
        start += piece
        if line_breaks(start) > feed.header_row or len(start) > BLOCK:
            break
    return start


def line_breaks(text: str) -> int:
    r"""How many lines end in the text, by \n, \r\n or \r.

    >>> line_breaks("a\r\nb\rc\n")
    3
    """
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def read_header(start: str, feed: Feed, name: str) -> Header:
    """The first row that is not blank, from the header row on.

    Raises:
        SourceError: there is none, it holds bytes that are no text, or a column stands twice.
    """
    if not start:
        raise SourceError(f"{name} is empty, it has not even a header; have it delivered again")
    taken: list[str] = []
    lines = _remembered(io.StringIO(start, newline=""), taken)
    deque(islice(lines, feed.header_row - 1), maxlen=0)
    try:
        rows = csv.reader(lines, delimiter=feed.delimiter, strict=True)
        cells = next((cells for cells in rows if any(cell.strip(BLANKS) for cell in cells)), None)
    except csv.Error as error:
        raise SourceError(
            f"{name} line {len(taken)}: the header can't be read ({error}); correct header_row"
        ) from error
    if cells is None:
        raise SourceError(f"{name} has only blank lines from line {feed.header_row} on; correct header_row")
    if any(BAD_BYTE in cell for cell in cells):
        raise SourceError(
            f"{name} line {len(taken)}: the header is not in {feed.encoding}; set the encoding it was written in"
        )
    return Header(distinct(unnamed(cells), name), line=len(taken) + 1, offset=sum(map(len, taken)))


def _remembered(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file; Arrow reads it ahead, in a thread of its own."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        size = min(len(target), len(self._left))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


@dataclass(frozen=True)
class _Misfit:
    """A row with the wrong number of fields; rows are numbered from 1 at the first one below the header."""

    number: int
    breaks: int
    is_short: bool
    raw: str
    message: str

    @classmethod
    def of(cls, row: arrow_csv.InvalidRow) -> "_Misfit":
        fields = f"{row.actual_columns} field{'s' if row.actual_columns != 1 else ''}"
        return cls(
            number=row.number,
            breaks=line_breaks(row.text),
            is_short=bool(row.text.strip()) and row.actual_columns < row.expected_columns,
            raw=legible(row.text),
            message=f"{fields} where the header has {row.expected_columns}",
        )

    def at(self, line: int) -> Refused:
        return Refused(line, "ragged_row", self.raw, self.message)


class _Rows:
    """The rows below a header, on their way through Arrow's parser."""

    def __init__(self, name: str, delimiter: str, header: Header) -> None:
        self._name, self._delimiter, self._columns = name, delimiter, header.columns
        # of the next row to be given its line
        self._line, self._number = header.line, 1
        self._latest = header.line
        # read ahead, not yet given their lines
        self._misfits: list[_Misfit] = []
        self._lone_returns = False
        self._breaks_off = False
        self._cut_off: int | None = None

    def chunks(self, texts: Iterator[str]) -> Iterator[Chunk]:
        """The rows in chunks, each row with its line."""
        is_whole = False
        try:
            with self._parser(texts) as parser:
                for batch in parser:
                    chunk = self._place(batch)
                    is_whole = is_whole or (batch.num_rows > 0 and batch.column(0)[-1].as_py() == END)
                    yield without_blanks(chunk)
        except pa.ArrowInvalid as error:
            # the parser's own words repeat the row
            raise self._unparsable(error) from None
        if not is_whole:
            raise SourceError(
                f"{self._name}: a quote that opens near line {self._swallowed_from()} never closes and swallows the "
                "rest of the file; have it exported again, quotes inside values doubled"
            )
        if self._breaks_off and self._cut_off is not None:
            raise SourceError(f"{self._name} ends in the middle of line {self._cut_off}; have it delivered again")

    def _parser(self, texts: Iterator[str]) -> arrow_csv.CSVStreamingReader:
        return arrow_csv.open_csv(
            pa.PythonFile(io.BufferedReader(_Pieces(self._encoded(texts)), PIECE), mode="r"),
            # in one thread: with more, Arrow does not number the rows it refuses
            arrow_csv.ReadOptions(block_size=BLOCK, column_names=self._columns, use_threads=False),
            arrow_csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=self._refuse,
            ),
            arrow_csv.ConvertOptions(
                check_utf8=False, default_column_type=pa.string(), null_values=[], strings_can_be_null=False
            ),
        )

    def _encoded(self, texts: Iterator[str]) -> Iterator[bytes]:
        tail = "\n"
        for text in filter(None, texts):
            self._lone_returns = self._lone_returns or text.count("\r") != text.count("\r\n")
            tail = text[-1]
            yield text.encode()
        self._breaks_off = tail not in "\r\n"
        last = END + self._delimiter * (len(self._columns) - 1) + "\n"
        yield f"\n{last}".encode() if self._breaks_off else last.encode()

    def _refuse(self, row: arrow_csv.InvalidRow) -> str:
        self._misfits.append(_Misfit.of(row))
        return "skip" if len(self._misfits) <= REFUSED_LIMIT else "error"

    def _place(self, batch: pa.RecordBatch) -> Chunk:
        """Give each row its line. The refused ones among them have taken their numbers already."""
        taken, after = 0, self._number + batch.num_rows
        while taken < len(self._misfits) and self._misfits[taken].number < after:
            taken, after = taken + 1, after + 1
        misfits = self._misfits[:taken]
        del self._misfits[:taken]
        at = np.array([misfit.number - self._number for misfit in misfits], dtype=np.int64)
        fits = np.ones(after - self._number, dtype=bool)
        fits[at] = False
        spans = np.ones(len(fits), dtype=np.int64)
        spans[fits] += self._breaks(batch)
        spans[at] = [1 + misfit.breaks for misfit in misfits]
        starts = self._line + np.cumsum(spans) - spans
        self._number, self._line = after, self._line + int(spans.sum())
        self._note_end(fits, starts, misfits)
        placed = zip(misfits, starts[at].tolist(), strict=True)
        refused = tuple(misfit.at(line) for misfit, line in placed if misfit.raw.strip())
        return Chunk(batch, pa.array(starts[fits]), refused)

    def _breaks(self, batch: pa.RecordBatch) -> np.ndarray:
        """How many line breaks the values of each row hold."""
        breaks = np.zeros(batch.num_rows, dtype=np.int64)
        for column in batch.columns:
            breaks += pc.count_substring(column, "\n").to_numpy()
            if self._lone_returns:
                breaks += pc.count_substring(column, "\r").to_numpy() - pc.count_substring(column, "\r\n").to_numpy()
        return breaks

    def _note_end(self, fits: np.ndarray, starts: np.ndarray, misfits: list[_Misfit]) -> None:
        """Remember where the last row starts, and whether the one before it, the file's own last, is too short."""
        if len(starts):
            self._latest = int(starts[-1])
        is_short = len(fits) > 1 and not fits[-2] and misfits[-1].is_short
        self._cut_off = int(starts[-2]) if is_short else None

    def _swallowed_from(self) -> int:
        return self._line + sum(1 + misfit.breaks for misfit in self._misfits[:-1]) if self._misfits else self._latest

    def _unparsable(self, error: pa.ArrowInvalid) -> SourceError:
        if len(self._misfits) > REFUSED_LIMIT:
            first = self._misfits[0]
            return too_many_refused(self._name, first.at(self._line + first.number - self._number))
        if "straddling" in str(error):
            return SourceError(
                f"{self._name}: a row from line {self._line} on is longer than {BLOCK >> 20} MB, the limit of a row; "
                "does a quote never close?"
            )
        return SourceError(
            f"{self._name} can't be read from line {self._line} on: no rows of delimited text; have it exported again"
        )


def without_blanks(chunk: Chunk) -> Chunk:
    """The chunk without blank lines, which come as rows of empty values, and without the row behind the last."""
    blank = pc.is_in(chunk.rows.column(0), pa.array(["", END]))
    if not pc.any(blank).as_py():
        return chunk
    for column in chunk.rows.columns[1:]:
        blank = pc.and_(blank, pc.equal(column, ""))
    filled = pc.invert(blank)
    return Chunk(chunk.rows.filter(filled), chunk.lines.filter(filled), chunk.refused)
