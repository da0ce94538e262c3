"""A feed's mapping: the source's columns and words become the canonical ones, and what is not meant is left out."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NoReturn
from zoneinfo import ZoneInfo, available_timezones

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ConfigurationError
from pipeline.project import Feed
from pipeline.sources.chunk import Chunk, may_be_a_row
from pipeline.sources.values import UNITS, in_format, in_unit, local_time, product, tells_day

ANY_TEXT = "*"
NUMBERS = ("decimal", "double", "integer")
TIMES = ("date", "timestamp")
DELIMITERS = {";": "';'", "\t": r'"\t"', "|": "'|'", ",": "','"}


class FeedMapping:
    """How one feed fills one canonical table."""

    def __init__(
        self,
        feed: Feed,
        *,
        table: str,
        columns: Sequence[str],
        required: Sequence[str],
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        """`kinds` names the type of each column that is not text.

        Raises:
            ConfigurationError: the feed maps a column the table does not have, or says of one what can't be said.
        """
        self._feed, self._table = feed, table
        self._columns, self._required, self._kinds = list(columns), set(required), dict(kinds or {})
        self._refuse_unknown()
        self._refuse_impossible()
        self._zone = ZoneInfo(feed.timezone) if feed.timezone else None

    def _refuse_impossible(self) -> None:
        feed = self._feed
        for key, kinds, what in (
            ("units", NUMBERS, "number"),
            ("multiply", NUMBERS, "number"),
            ("dates", TIMES, "date"),
        ):
            wrong = [column for column in getattr(feed, key) if self._kinds.get(column) not in kinds]
            if wrong:
                self._refuse(key, f"{', '.join(wrong)} holds no {what}; remove it")
        for column, unit in feed.units.items():
            if unit not in UNITS:
                self._refuse("units", f"{column} can't be in {unit!r}; known are {', '.join(UNITS)}")
        for column, form in feed.dates.items():
            if not tells_day(form):
                self._refuse("dates", f"{form!r} of {column} does not tell a day; write it as %d/%m/%Y %H:%M")
        if feed.timezone is not None:
            self._refuse_zone(feed.timezone)

    def _refuse_zone(self, zone: str) -> None:
        if zone not in available_timezones():
            self._refuse("timezone", f"there is no time zone {zone!r}; write it as Asia/Shanghai")
        if "timestamp" not in self._kinds.values():
            self._refuse("timezone", f"{self._table} has no moments, only days; remove it")

    def _refuse(self, key: str, reason: str) -> NoReturn:
        raise ConfigurationError(f"sources.yaml, {self._table}.{key}: {reason}")

    def _refuse_unknown(self) -> None:
        keys = ("columns", "stated", "values", "absent", "multiply", "units", "dates")
        named = {key: getattr(self._feed, key) for key in keys}
        for key, columns in (named | {"lines.sum": self._feed.lines.sum if self._feed.lines else []}).items():
            unknown = [column for column in columns if column not in self._columns]
            if unknown:
                key = "currency" if self._feed.currency and unknown == ["currency"] else key
                self._refuse(
                    "constants" if key == "stated" else key,
                    f"{self._table} has no column {', '.join(unknown)}; it has {', '.join(self._columns)}",
                )

    def picked(self, found: Sequence[str]) -> dict[str, str]:
        """Canonical column -> source column, of those that are there."""
        by_name = {column: column for column in self._columns if not self._is_settled(column)}
        wanted = by_name | self._feed.columns
        return {column: wanted[column] for column in self._columns if wanted.get(column) in found}

    def _is_settled(self, column: str) -> bool:
        feed = self._feed
        return any(column in ways for ways in (feed.columns, feed.stated, feed.absent, feed.multiply))

    def made_of(self, found: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Canonical column -> the source columns it is made of, of those that are there."""
        made = {column: (source,) for column, source in self.picked(found).items()}
        whole = {column: tuple(parts) for column, parts in self._feed.multiply.items() if set(parts) <= set(found)}
        return {column: (made | whole)[column] for column in self._columns if column in made or column in whole}

    def filled(self, found: Sequence[str]) -> list[str]:
        """The canonical columns that get a value, in the table's order."""
        made = self.made_of(found)
        return [column for column in self._columns if column in made or column in self._feed.stated]

    def unused(self, found: Sequence[str]) -> list[str]:
        """Source columns that nothing asks for."""
        used = {*chain.from_iterable(self.made_of(found).values()), *self._feed.where, *self._feed.exclude}
        return [column for column in found if column not in used]

    def is_header(self, found: Sequence[str]) -> bool:
        """Whether these can be names of columns: one is known, or at least they do not look like a row of data."""
        return bool(self.picked(found)) or not may_be_a_row(found)

    def missing(self, found: Sequence[str]) -> dict[str, str]:
        """Source column that is not there -> what it is wanted for."""
        mapped = {source: f"mapped to {column}" for column, source in self._feed.columns.items()}
        filters = {source: "named in where" for source in self._feed.where}
        filters |= {source: "named in exclude" for source in self._feed.exclude}
        factors = {part: f"multiplied into {column}" for column, parts in self._feed.multiply.items() for part in parts}
        required = {c: "required" for c in self._columns if c in self._required and not self._is_settled(c)}
        return {
            source: reason for source, reason in (required | filters | factors | mapped).items() if source not in found
        }

    def complaint(self, name: str, found: Sequence[str]) -> str | None:
        """What to say about columns that are not there, if any are not."""
        missing = self.missing(found)
        if not missing:
            return None
        wanted = ", ".join(f"{source} ({reason})" for source, reason in missing.items())
        if not self.is_header(found):
            return (
                f"{name} has no column {wanted}, and what should be its header looks like a row of data, "
                f"{len(found)} values that are not repeated here. Correct header_row in sources.yaml, or have it "
                f"delivered with its header.{self._hint(found)}"
            )
        return (
            f"{name} has no column {wanted}; columns found: {', '.join(found)}. "
            f"Correct {self._table}.columns in sources.yaml, name what you do not have under {self._table}.absent, "
            f"or have it delivered as agreed.{self._hint(found)}"
        )

    def _hint(self, found: Sequence[str]) -> str:
        other = [shown for char, shown in DELIMITERS.items() if char != self._feed.delimiter and char in "".join(found)]
        if len(found) != 1 or not other:
            return ""
        return f" Is the delimiter {other[0]}? It is declared as {self._feed.delimiter!r}."

    def apply(self, chunk: Chunk) -> Chunk:
        """The rows `where` and `exclude` leave, renamed and translated; a canonical column nothing fills is NULL."""
        rows, lines = self._kept(chunk)
        picked = self.picked(rows.schema.names)
        arrays = [self._column(column, picked.get(column), rows) for column in self._columns]
        return Chunk(pa.RecordBatch.from_arrays(arrays, names=self._columns), lines)

    def _kept(self, chunk: Chunk) -> tuple[pa.RecordBatch, pa.Int64Array]:
        rows, lines = chunk.rows, chunk.lines
        for filters, is_kept in ((self._feed.where, True), (self._feed.exclude, False)):
            for source, values in filters.items():
                named = _is_one_of(_values(rows, source), values)
                keep = named if is_kept else pc.invert(named)
                rows, lines = rows.filter(keep), lines.filter(keep)
        return rows, lines

    def _column(self, column: str, source: str | None, rows: pa.RecordBatch) -> pa.StringArray:
        return self._meant(column, self._sent(column, source, rows))

    def _sent(self, column: str, source: str | None, rows: pa.RecordBatch) -> pa.StringArray:
        if column in self._feed.multiply:
            return product([_values(rows, part) for part in self._feed.multiply[column]])
        if source is not None:
            return _values(rows, source)
        return pa.repeat(pa.scalar(self._feed.stated.get(column), pa.string()), rows.num_rows)

    def _meant(self, column: str, sent: pa.StringArray) -> pa.StringArray:
        """The values as the feed says they are meant."""
        feed = self._feed
        if column in feed.values:
            sent = translate(sent, feed.values[column])
        if column in feed.dates:
            sent = in_format(sent, feed.dates[column])
        if column in feed.units:
            sent = in_unit(sent, feed.units[column])
        if self._zone is not None and self._kinds.get(column) == "timestamp":
            sent = local_time(sent, self._zone)
        return sent


def _values(rows: pa.RecordBatch, source: str) -> pa.StringArray:
    """A column's values; NULL where these rows do not have the column."""
    return rows.column(source) if source in rows.schema.names else pa.nulls(rows.num_rows, pa.string())


def translate(sent: pa.StringArray, aliases: dict[str, str]) -> pa.StringArray:
    """Values that have an alias, blanks around them aside, as that alias says; the others as sent.

    Of aliases with a `*` the first that fits counts, after those without.
    """
    bare = pc.utf8_trim_whitespace(sent)
    told = pc.take(
        pa.array(list(aliases.values()), pa.string()), pc.index_in(bare, pa.array(list(aliases), pa.string()))
    )
    for alias, word in aliases.items():
        if ANY_TEXT in alias:
            told = pc.coalesce(told, pc.if_else(_fits(bare, alias), word, pa.scalar(None, pa.string())))
    return pc.coalesce(told, sent)


def _is_one_of(sent: pa.StringArray, values: Sequence[str]) -> pa.BooleanArray:
    """Whether each value, blanks around it aside, is one of these; what is not there is an empty text."""
    bare = pc.utf8_trim_whitespace(pc.fill_null(sent, ""))
    found = pc.is_in(bare, pa.array(values, pa.string()))
    for value in values:
        if ANY_TEXT in value:
            found = pc.or_(found, _fits(bare, value))
    return found


def _fits(bare: pa.StringArray, pattern: str) -> pa.BooleanArray:
    parts = map(re.escape, pattern.split(ANY_TEXT))
    return pc.match_substring_regex(bare, f"(?s)^{'.*'.join(parts)}$")
