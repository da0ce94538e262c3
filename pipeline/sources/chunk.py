"""What every reader hands on: some rows of one input, all text, under the names the source gives its columns."""

import csv
import datetime as dt
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SourceError

NUL = "\0"
BAD_BYTE = "\0\ufdd0"
"""Put behind the spelt-out bytes that are no text; U+FDD0 is never a character, and one search finds both marks."""

BLANKS = " \t\r\n\u3000\ufeff"
"""What may stand around the name of a column."""

LIKE_DATA = re.compile(r"[0-9]{4}|@")
"""What names of columns hardly ever have, and rows about people nearly always: a date, a number, an address."""

ROWS_PER_CHUNK = 20_000
REFUSED_LIMIT = 100_000
"""Rows that may be unreadable before their input is."""
RAW_LIMIT = 10_000
"""Characters kept of a row that can't be read; the file has the rest."""


@dataclass(frozen=True)
class Refused:
    """A row that can't be read; `line` is where it starts."""

    line: int
    rule_id: str
    raw: str
    message: str


@dataclass(frozen=True)
class Chunk:
    """Rows as string columns, the line each starts on, and the rows between them that can't be read."""

    rows: pa.RecordBatch
    lines: pa.Int64Array
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class InputFile:
    """A file or query that was read; `name` is as in sources.yaml, with `{as_of}` filled in."""

    name: str
    sha256: str
    size: int


class Input(Protocol):
    """One file, or one query."""

    has_header: bool
    """Whether all columns are known with the first chunk."""

    @property
    def name(self) -> str:
        """What it is called in reports."""

    def chunks(self) -> Iterator[Chunk]:
        """Its rows from the start; at least one chunk, so that the columns are known."""

    def fingerprint(self) -> InputFile:
        """What was read, once it was read."""


def unnamed(names: Sequence[str]) -> list[str]:
    """The names of a header without blanks around them; a column without a name gets its place for one."""
    bare = [name.strip(BLANKS) for name in names]
    return [name or f"(column {place})" for place, name in enumerate(bare, start=1)]


def may_be_a_row(names: Sequence[str]) -> bool:
    """Whether what was taken for a header may be a row, which no message may repeat: the file has no header then.

    >>> may_be_a_row(["客户编号", "姓名", "电话"]), may_be_a_row(["C1", "王小明", "13812345678"])
    (False, True)
    """
    return any(LIKE_DATA.search(name) for name in names)


def distinct(columns: list[str], name: str) -> list[str]:
    """The columns, none of them twice.

    Raises:
        SourceError: one stands twice.
    """
    places: dict[str, list[int]] = {}
    for place, column in enumerate(columns, start=1):
        places.setdefault(column, []).append(place)
    is_row = may_be_a_row(columns)
    twice = [
        f"{'one' if is_row else column} (columns {', '.join(map(str, at))})"
        for column, at in places.items()
        if len(at) > 1
    ]
    if twice:
        raise SourceError(f"{name} has columns of the same name: {'; '.join(twice)}; have them renamed or left out")
    return columns


def text_of(value: Any) -> str | None:
    """A typed value as text: numbers in full and without exponents, times as ISO 8601 with a blank before the hour.

    >>> [text_of(value) for value in (12.0, 0.1, Decimal("1E+2"), True, dt.datetime(2026, 11, 20, 8, 30))]
    ['12', '0.1', '100', 'true', '2026-11-20 08:30:00']
    """
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case float():
            return _number(value)
        case Decimal():
            return format(value, "f")
        case dt.datetime():
            return value.isoformat(sep=" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=text_of)
    return str(value)


def _number(value: float) -> str:
    return format(Decimal(repr(value)), "f").removesuffix(".0") if math.isfinite(value) else str(value)


def text_array(values: Sequence[Any]) -> pa.StringArray:
    """Typed values as text."""
    kinds = set(map(type, values)) - {NoneType}
    return pa.array(values if kinds <= {str} else [text_of(value) for value in values], pa.string())


def text_batch(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Typed rows as a batch of text."""
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.RecordBatch.from_arrays([text_array(column) for column in columns], names=list(names))


def numbered(first: int, count: int) -> pa.Int64Array:
    """Line numbers of rows that take one line each."""
    return pa.array(range(first, first + count), pa.int64())


def sift(chunk: Chunk) -> Chunk:
    """Refuse the rows that hold what no database column can: a NUL character, or bytes that were no text."""
    spoilt = pa.repeat(pa.scalar(False), chunk.rows.num_rows)
    for column in chunk.rows.columns:
        spoilt = pc.or_(spoilt, pc.fill_null(pc.match_substring(column, NUL), False))
    if not pc.any(spoilt).as_py():
        return chunk
    refused = map(_spoilt, chunk.rows.filter(spoilt).to_pylist(), chunk.lines.filter(spoilt).to_pylist())
    clean = pc.invert(spoilt)
    return Chunk(chunk.rows.filter(clean), chunk.lines.filter(clean), (*chunk.refused, *refused))


def _spoilt(row: dict[str, str | None], line: int) -> Refused:
    columns = [name for name, value in row.items() if value and NUL in value]
    raw = io.StringIO()
    csv.writer(raw, lineterminator="").writerow(row.values())
    if BAD_BYTE in raw.getvalue():
        return Refused(line, "invalid_byte", legible(raw.getvalue()), f"bytes that are no text in {', '.join(columns)}")
    return Refused(line, "nul_byte", legible(raw.getvalue()), f"a NUL character in {', '.join(columns)}")


def legible(raw: str) -> str:
    """Raw text that can be stored and printed, cut where it gets too long."""
    shown = raw.replace(BAD_BYTE, "").replace(NUL, r"\x00")
    return shown if len(shown) <= RAW_LIMIT else f"{shown[:RAW_LIMIT]}… ({len(shown) - RAW_LIMIT} more characters)"


def too_many_refused(name: str, first: Refused) -> SourceError:
    """The error for an input that is mostly not what it is declared to be."""
    return SourceError(
        f"{name}: more than {REFUSED_LIMIT:,} rows can't be read, the first near line {first.line}: {first.message}; "
        "correct its delimiter, encoding or header_row in sources.yaml, or have it delivered again"
    )
