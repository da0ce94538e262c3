"""A feed's mapping: the source's columns and words become the canonical ones, and what is not meant is left out."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ConfigurationError
from pipeline.project import Feed
from pipeline.sources.chunk import Chunk

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
        for key in ("columns", "constants", "values", "absent"):
            unknown = [column for column in getattr(self._feed, key) if column not in self._columns]
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
        used = {*self.picked(found).values(), *self._feed.where}
        return [column for column in found if column not in used]

    def missing(self, found: Sequence[str]) -> dict[str, str]:
        """Source column that is not there -> what it is wanted for."""
        mapped = {source: f"mapped to {column}" for column, source in self._feed.columns.items()}
        filters = {source: "named in where" for source in self._feed.where}
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
        """The rows `where` keeps, renamed and translated; a canonical column nothing fills is NULL."""
        rows, lines = self._kept(chunk)
        picked = self.picked(rows.schema.names)
        arrays = [self._column(column, picked.get(column), rows) for column in self._columns]
        return Chunk(pa.RecordBatch.from_arrays(arrays, names=self._columns), lines)

    def _kept(self, chunk: Chunk) -> tuple[pa.RecordBatch, pa.Int64Array]:
        rows, lines = chunk.rows, chunk.lines
        for source, values in self._feed.where.items():
            sent = pc.utf8_trim_whitespace(pc.fill_null(_values(rows, source), ""))
            keep = pc.is_in(sent, pa.array(values, pa.string()))
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
    """Values that have an alias, blanks around them aside, as that alias says; the others as sent."""
    place = pc.index_in(pc.utf8_trim_whitespace(sent), pa.array(list(aliases), pa.string()))
    return pc.coalesce(pc.take(pa.array(list(aliases.values()), pa.string()), place), sent)
