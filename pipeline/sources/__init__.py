"""Sources: what the user's systems sent, read row by row as text under its canonical names."""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SourceError
from pipeline.project import Feed
from pipeline.sources.chunk import REFUSED_LIMIT, Chunk, Input, InputFile, Refused, sift, too_many_refused
from pipeline.sources.database import QueryInput, database_input, query_name
from pipeline.sources.files import find_files
from pipeline.sources.mapping import FeedMapping
from pipeline.sources.values import MULTIPLIED

__all__ = ["FeedReader", "FeedReport", "InputFile", "Probe", "UnreadableRow", "probe", "query_name"]


@dataclass(frozen=True)
class UnreadableRow:
    """A row that can't be landed: `ragged_row`, `nul_byte` or `invalid_byte`. `raw` is what stands in its place."""

    line: int
    row_id: str
    source: str
    rule_id: str
    raw: str
    message: str


@dataclass
class FeedReport:
    """What a feed brought: `rows_read` are those landed, added up, filtered out, and unreadable."""

    inputs: list[InputFile] = field(default_factory=list)
    rows_read: int = 0
    rows_landed: int = 0
    rows_added_up: int = 0
    """Lines that went into the row of another line."""
    rows_filtered: int = 0
    unreadable: list[UnreadableRow] = field(default_factory=list)
    columns_found: list[str] = field(default_factory=list)
    columns_filled: list[str] = field(default_factory=list)
    """Canonical columns the feed fills, in the table's order."""
    columns_unused: list[str] = field(default_factory=list)
    made_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Canonical column -> the source's columns it is made of."""
    cursor: str | None = None
    """How far a query with a cursor got."""


@dataclass(frozen=True)
class Probe:
    """What a first look at a feed found. `complaint` says which columns are missing, and what to do."""

    inputs: list[str]
    columns_found: list[str]
    mapped: dict[str, str]
    """Canonical column -> source column."""
    unmapped: list[str]
    """Canonical columns that nothing fills."""
    columns_unused: list[str]
    missing: list[str]
    """Source columns that are asked for and not there."""
    complaint: str | None
    rows_read: int
    rows_unreadable: int
    sample: pa.Table
    """The first rows under canonical names, all text; to be counted, not to be shown."""


class FeedReader:
    """Reads one feed of a canonical table on one day."""

    def __init__(
        self,
        feed: Feed,
        *,
        table: str,
        columns: Sequence[str],
        required: Sequence[str],
        landing: Path,
        as_of: date,
        environment: Mapping[str, str],
        kinds: Mapping[str, str] | None = None,
        cursor: str | None = None,
    ) -> None:
        """`kinds` names the type of each column that is not text; `cursor` is that of the report of a day before.

        Raises:
            ConfigurationError: the mapping names a column the table does not have, or says of one what can't be.
        """
        self._feed, self._table = feed, table
        self._landing, self._as_of, self._environment = landing, as_of, environment
        self._cursor = cursor
        self._mapping = FeedMapping(feed, table=table, columns=columns, required=required, kinds=kinds)
        self._running: Generator[pa.RecordBatch, None, None] | None = None
        texts = [(name, pa.string()) for name in (*columns, "_row_id", "_source")]
        self.schema = pa.schema([*texts, ("_line", pa.int64())])
        self.report = FeedReport()

    def __enter__(self) -> "FeedReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows that are meant, in order, as `schema` says; the report is complete when they are exhausted.

        Raises:
            SourceError: an input is missing, empty, has other columns than agreed, or can't be read as declared.
            ConfigurationError: the feed's format, encoding or database is not one that can be read.
        """
        self._running = self._batches()
        return self._running

    def _batches(self) -> Generator[pa.RecordBatch, None, None]:
        for given in inputs_of(self._feed, self._landing, self._as_of, self._environment, self._cursor):
            yield from self._land(given)
            self.report.inputs.append(given.fingerprint())
            self.report.cursor = given.latest if isinstance(given, QueryInput) else None
        self.report.made_of = self._mapping.made_of(self.report.columns_found)
        self.report.columns_filled = self._mapping.filled(self.report.columns_found)
        self.report.columns_unused = self._mapping.unused(self.report.columns_found)

    def _land(self, given: Input) -> Iterator[pa.RecordBatch]:
        """One input's rows."""
        found: dict[str, None] = {}
        good, first_refused = 0, None
        for chunk in map(sift, given.chunks()):
            found |= dict.fromkeys(chunk.rows.schema.names)
            if given.has_header:
                self._check_columns(given.name, list(found))
            first_refused = first_refused or next(iter(chunk.refused), None)
            good += chunk.rows.num_rows
            self._refuse(given.name, chunk.refused)
            yield from self._landed(given.name, chunk)
        self._check_rows(given.name, good, first_refused)
        if good:
            self._check_columns(given.name, list(found))
        self.report.columns_found += [column for column in found if column not in self.report.columns_found]

    def _check_columns(self, name: str, found: list[str]) -> None:
        complaint = self._mapping.complaint(name, found)
        if complaint:
            raise SourceError(complaint)

    def _check_rows(self, name: str, good: int, refused: Refused | None) -> None:
        if good == 0 and refused is not None:
            raise SourceError(
                f"{name}: not one row can be read; the first, line {refused.line}, has {refused.message}. "
                "Correct delimiter or header_row in sources.yaml, or have it delivered again"
            )
        if good == 0 and not self._feed.allow_empty and self._feed.cursor is None:
            raise SourceError(f"{name} has no rows; have it delivered again, or set allow_empty: true if that may be")

    def _refuse(self, name: str, refused: Sequence[Refused]) -> None:
        if len(self.report.unreadable) + len(refused) > REFUSED_LIMIT:
            raise too_many_refused(name, refused[0])
        source, prefix = self._source(name), self._row_prefix(name)
        self.report.rows_read += len(refused)
        self.report.unreadable += [
            UnreadableRow(row.line, f"{prefix}-{row.line}", source, row.rule_id, row.raw, row.message)
            for row in refused
        ]

    def _landed(self, name: str, chunk: Chunk) -> Iterator[pa.RecordBatch]:
        mapped = self._mapping.apply(chunk)
        rows = mapped.rows.num_rows
        self.report.rows_read += chunk.rows.num_rows
        self.report.rows_landed += rows
        self.report.rows_filtered += chunk.rows.num_rows - rows
        if rows:
            ids = pc.binary_join_element_wise(self._row_prefix(name), pc.cast(mapped.lines, pa.string()), "-")
            sources = pa.repeat(self._source(name), rows)
            yield pa.RecordBatch.from_arrays([*mapped.rows.columns, ids, sources, mapped.lines], schema=self.schema)

    def _source(self, name: str) -> str:
        return f"{self._feed.source}:{name}"

    def _row_prefix(self, name: str) -> str:
        return hashlib.sha256(f"{self._feed.source}|{self._table}|{name}".encode()).hexdigest()[:12]


def inputs_of(
    feed: Feed, landing: Path, as_of: date, environment: Mapping[str, str], cursor: str | None = None
) -> Sequence[Input]:
    """The files or the query of a feed on a day."""
    if feed.file is not None:
        return find_files(feed, landing, as_of)
    return [database_input(feed, as_of, environment, cursor)]


def probe(
    feed: Feed,
    *,
    table: str,
    columns: Sequence[str],
    required: Sequence[str],
    landing: Path,
    as_of: date,
    environment: Mapping[str, str],
    kinds: Mapping[str, str] | None = None,
    rows: int = 10,
) -> Probe:
    """A look at the first rows of each input of a feed; missing columns are told, not raised.

    What stands in the place of a header and is none is not repeated: it may be a person.

    Raises:
        SourceError: an input is missing or can't be read as declared.
        ConfigurationError: the feed can't be read at all as it stands in sources.yaml.
    """
    mapping = FeedMapping(feed, table=table, columns=columns, required=required, kinds=kinds)
    inputs = inputs_of(feed, landing, as_of, environment)
    complaints: list[str | None] = []
    found: dict[str, None] = {}
    read = unreadable = 0
    sample = pa.schema([(column, pa.string()) for column in columns]).empty_table()
    for given in inputs:
        names, good, bad, first = _first_rows(given, mapping, rows)
        sample = pa.concat_tables([sample, first]).slice(0, rows)
        complaints.append(mapping.complaint(given.name, names))
        found |= dict.fromkeys(names if mapping.is_header(names) else ())
        read, unreadable = read + good, unreadable + bad
    mapped = {column: MULTIPLIED.join(parts) for column, parts in mapping.made_of(list(found)).items()}
    filled = mapping.filled(list(found))
    return Probe(
        inputs=[given.name for given in inputs],
        columns_found=list(found),
        mapped=mapped,
        unmapped=[column for column in columns if column not in filled],
        columns_unused=mapping.unused(list(found)),
        missing=list(mapping.missing(list(found))),
        complaint=next(filter(None, complaints), None),
        rows_read=read,
        rows_unreadable=unreadable,
        sample=sample,
    )


def _first_rows(given: Input, mapping: FeedMapping, rows: int) -> tuple[list[str], int, int, pa.Table]:
    """Columns, how many of about the first `rows` rows can be read and can't, and those as the mapping makes them."""
    taken: list[pa.RecordBatch] = []
    found: dict[str, None] = {}
    good = bad = 0
    with closing(given.chunks()) as chunks:
        for chunk in map(sift, chunks):
            found |= dict.fromkeys(chunk.rows.schema.names)
            good, bad = good + chunk.rows.num_rows, bad + len(chunk.refused)
            taken.append(mapping.apply(chunk).rows.slice(0, rows))
            if good + bad >= rows:
                break
    return list(found), good, bad, pa.Table.from_batches(taken)
