"""A feed's mapping: the source's columns and words become the canonical ones, and what is not meant is left out."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ConfigurationError
from pipeline.project import Feed
from pipeline.sources.chunk import Chunk

ANY_TEXT = "*"
DELIMITERS = {";": "';'", "\t": r'"\t"', "|": "'|'", ",": "','"}


class FeedMapping:
    """How one feed fills one canonical table."""

    def __init__(self, feed: Feed, *, table: str, columns: Sequence[str], required: Sequence[str]) -> None:
        """
        Raises:
            ConfigurationError: the feed maps a column the table does not have.
        """
        self._feed, self._table = feed, table
        self._columns, self._required = list(columns), set(required)
        self._refuse_unknown()

    def _refuse_unknown(self) -> None:
        named = {key: getattr(self._feed, key) for key in ("columns", "constants", "values", "absent")}
        for key, columns in (named | {"lines.sum": self._feed.lines.sum if self._feed.lines else []}).items():
            unknown = [column for column in columns if column not in self._columns]
            if unknown:
                raise ConfigurationError(
                    f"sources.yaml, {self._table}.{key}: {self._table} has no column {', '.join(unknown)}; "
                    f"it has {', '.join(self._columns)}"
                )

    def picked(self, found: Sequence[str]) -> dict[str, str]:
        """Canonical column -> source column, of those that are there."""
        by_name = {column: column for column in self._columns if not self._is_settled(column)}
        wanted = by_name | self._feed.columns
        return {column: wanted[column] for column in self._columns if wanted.get(column) in found}

    def _is_settled(self, column: str) -> bool:
        return column in self._feed.columns or column in self._feed.constants or column in self._feed.absent

    def filled(self, found: Sequence[str]) -> list[str]:
        """The canonical columns that get a value, in the table's order."""
        picked = self.picked(found)
        return [column for column in self._columns if column in picked or column in self._feed.constants]

    def unused(self, found: Sequence[str]) -> list[str]:
        """Source columns that nothing asks for."""
        used = {*self.picked(found).values(), *self._feed.where, *self._feed.exclude}
        return [column for column in found if column not in used]

    def missing(self, found: Sequence[str]) -> dict[str, str]:
        """Source column that is not there -> what it is wanted for."""
        mapped = {source: f"mapped to {column}" for column, source in self._feed.columns.items()}
        filters = {source: "named in where" for source in self._feed.where}
        filters |= {source: "named in exclude" for source in self._feed.exclude}
        required = {c: "required" for c in self._columns if c in self._required and not self._is_settled(c)}
        return {source: reason for source, reason in (required | filters | mapped).items() if source not in found}

    def complaint(self, name: str, found: Sequence[str]) -> str | None:
        """What to say about columns that are not there, if any are not."""
        missing = self.missing(found)
        if not missing:
            return None
        wanted = ", ".join(f"{source} ({reason})" for source, reason in missing.items())
        return (
            f"{name} has no column {wanted}; columns found: {', '.join(found)}. "
            f"Correct {self._table}.columns in sources.yaml, or have it delivered as agreed.{self._hint(found)}"
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
        constant = self._feed.constants.get(column)
        sent = pa.repeat(pa.scalar(constant, pa.string()), rows.num_rows) if source is None else _values(rows, source)
        aliases = self._feed.values.get(column)
        return translate(sent, aliases) if aliases else sent


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
