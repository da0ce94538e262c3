"""Files in the landing folder: found, read by their format, and known again by their hash."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import (
    BAD_BYTE,
    ROWS_PER_CHUNK,
    Chunk,
    InputFile,
    Refused,
    distinct,
    legible,
    numbered,
    text_array,
    text_batch,
    text_of,
)
from pipeline.sources.delimited import read_delimited
from pipeline.sources.spreadsheet import read_spreadsheet
from pipeline.sources.text import read_text

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
UNDER_WAY = (".part", ".partial", ".filepart", ".crdownload", ".tmp")
"""Endings by which programs that copy files mark one that is not whole yet."""
LINE_LIMIT = 4 << 20
"""Characters of the longest line of JSON."""

AS_WRITTEN = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False)
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
CAST_BY_ARROW = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_date,
    pa.types.is_null,
)

Reader = Callable[[Path, str, Feed], Iterator[Chunk]]


@dataclass(frozen=True)
class FileInput:
    """One file of a feed."""

    name: str
    path: Path
    feed: Feed

    @property
    def has_header(self) -> bool:
        """Lines of JSON name their columns each for itself."""
        return format_of(self.feed) != "jsonl"

    def chunks(self) -> Iterator[Chunk]:
        """The file's rows.

        Raises:
            SourceError: it is empty, can't be read as declared, or changed meanwhile.
        """
        try:
            before = self.path.stat()
            if before.st_size == 0:
                raise SourceError(f"{self.name} is empty (0 bytes); have it delivered again")
            yield from READERS[format_of(self.feed)](self.path, self.name, self.feed)
            after = self.path.stat()
        except OSError as error:
            raise SourceError(
                f"{self.name} can't be read ({error.strerror or error}); give this account the right to, or try again",
                transient=True,
            ) from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise SourceError(f"{self.name} changed while it was read; wait until it is delivered", transient=True)

    def fingerprint(self) -> InputFile:
        """Name, hash and size of the file."""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return InputFile(self.name, digest, self.path.stat().st_size)


def find_files(feed: Feed, landing: Path, as_of: date) -> list[FileInput]:
    """The files of a feed on a day, in the order of their names.

    Raises:
        SourceError: there is none (worth another try), or one lies outside the landing folder.
    """
    assert feed.file is not None
    format_of(feed)
    wanted = feed.file.replace("{as_of}", as_of.isoformat())
    paths = _matches(landing, wanted) if re.search(r"[*?]", wanted) else [landing / wanted]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise SourceError(f"{wanted} is not in {landing}; deliver it, or correct file in sources.yaml", transient=True)
    for path in found:
        if not path.resolve().is_relative_to(landing.resolve()):
            raise SourceError(f"{path.name} is a link that leaves {landing}; deliver the file itself, or move landing")
    return [FileInput(path.relative_to(landing).as_posix(), path, feed) for path in found]


def _matches(landing: Path, pattern: str) -> list[Path]:
    # hidden files are deliveries under way, and Excel keeps "~$" beside an open workbook
    paths = landing.glob(pattern.replace("[", "[[]"))
    whole = (path for path in paths if not path.name.startswith((".", "~$")))
    return sorted(path for path in whole if path.suffix.lower() not in UNDER_WAY)


def format_of(feed: Feed) -> str:
    """How the feed's files are written: as declared, else by the ending of their name.

    Raises:
        ConfigurationError: the ending says nothing, or the format can't be compressed.
    """
    file = Path(feed.file or "")
    is_compressed = file.suffix == ".gz"
    ending = Path(file.stem).suffix if is_compressed else file.suffix
    found = feed.format or FORMATS.get(ending.lower())
    if found is None:
        raise ConfigurationError(
            f"{feed.file}: the ending {ending!r} says no format; set format to csv, excel, parquet or jsonl"
        )
    if is_compressed and found not in ("csv", "jsonl"):
        raise ConfigurationError(f"{feed.file}: {found} is compressed by itself; deliver it without .gz")
    return found


def read_parquet(path: Path, name: str, feed: Feed) -> Iterator[Chunk]:
    """The rows of a Parquet file, numbered from 1."""
    try:
        with pq.ParquetFile(path) as file:
            columns = distinct(list(file.schema_arrow.names), name)
            line = 1
            yield Chunk(text_batch(columns, []), numbered(1, 0))
            for batch in file.iter_batches(ROWS_PER_CHUNK):
                texts = [_column_text(column) for column in batch.columns]
                yield Chunk(pa.RecordBatch.from_arrays(texts, names=columns), numbered(line, batch.num_rows))
                line += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise SourceError(f"{name} is damaged or no Parquet file ({error}); have it delivered again") from error


def _column_text(column: pa.Array) -> pa.Array:
    """A column as `text_of` would write its values, by Arrow where Arrow writes the same."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_timestamp(kind):
        moments = pc.cast(column, pa.timestamp(kind.unit, "UTC")) if kind.tz else column
        return pc.replace_substring_regex(pc.cast(moments, pa.string()), r"\.0+(Z?)$", r"\1")
    if any(is_kind(kind) for is_kind in CAST_BY_ARROW):
        text = pc.cast(column, pa.string())
        text.validate(full=True)
        return text
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        # writing a number out takes long, and numbers repeat
        codes = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
        return pc.take(text_array(codes.dictionary.to_pylist()), codes.indices)
    return text_array(column.to_pylist())


def read_json_lines(path: Path, name: str, feed: Feed) -> Iterator[Chunk]:
    """One object a line, numbers as they are written; a key that a line does not have is NULL there."""
    lines = enumerate(_lines(read_text(path, name, feed.encoding), name), start=1)
    filled = ((number, line) for number, line in lines if line.strip())
    yield _objects(list(islice(filled, ROWS_PER_CHUNK)), name)
    while taken := list(islice(filled, ROWS_PER_CHUNK)):
        yield _objects(taken, name)


def _lines(pieces: Iterator[str], name: str) -> Iterator[str]:
    """The lines of a text, each with its end."""
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield from (f"{line}\n" for line in lines)
        if len(rest) > LINE_LIMIT:
            raise SourceError(
                f"{name} has a line of more than {LINE_LIMIT >> 20} MB, the limit of a row; is it JSON lines?"
            )
    yield rest


def _objects(lines: list[tuple[int, str]], name: str) -> Chunk:
    """The objects of some lines as one chunk."""
    rows: list[tuple[int, dict[str, Any]]] = []
    refused: list[Refused] = []
    for number, line in lines:
        try:
            rows.append((number, _object(line)))
        except (ValueError, RecursionError) as error:
            if not line.endswith("\n"):
                raise SourceError(f"{name} ends in the middle of line {number}; have it delivered again") from error
            refused.append(Refused(number, "ragged_row", legible(line.strip()), f"not a JSON object: {error}"))
    columns = list(dict.fromkeys(chain.from_iterable(row for _, row in rows)))
    texts = text_batch(columns, [[row.get(column) for column in columns] for _, row in rows])
    return Chunk(texts, pa.array([number for number, _ in rows], pa.int64()), tuple(refused))


def _object(line: str) -> dict[str, Any]:
    found = AS_WRITTEN.decode(line)
    if not isinstance(found, dict) or not found:
        raise ValueError("nothing in it has a name")
    return {_whole(key): _whole(value) for key, value in found.items()} if HALF_CHARACTER.search(line) else found


def _whole(value: Any) -> Any:
    """Text in which halves of characters, which no encoding can write, are spelt out and marked."""
    text = text_of(value)
    return text and re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}{BAD_BYTE}", text)


READERS: dict[str, Reader] = {
    "csv": read_delimited,
    "excel": read_spreadsheet,
    "parquet": read_parquet,
    "jsonl": read_json_lines,
}
