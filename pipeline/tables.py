"""What a table says of itself, wherever it is computed: for Dagster, for Postgres and for the dictionary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_ARROW = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "numeric(18,2)": pa.decimal128(18, 2),
    "numeric(38,2)": pa.decimal128(38, 2),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class TableSpec:
    """A table that Python computes; `columns` gives each column's Postgres type and its description."""

    name: str
    description: str
    grain: tuple[str, ...]
    columns: Mapping[str, tuple[str, str]]
    restricted: frozenset[str] = frozenset()
    """Columns that readers in Postgres may not read; stewards may."""

    def __post_init__(self) -> None:
        unknown = sorted(self.restricted - set(self.columns))
        if unknown:
            raise ValueError(f"{self.name}: restricted {', '.join(unknown)} must name columns")

    @property
    def comments(self) -> dict[str, str]:
        """Column -> its description."""
        return {name: comment for name, (_, comment) in self.columns.items()}

    @property
    def schema(self) -> pa.Schema:
        """The columns as they stand in the lake."""
        return pa.schema([(name, _ARROW[kind]) for name, (kind, _) in self.columns.items()])

    def write(self, rows: pd.DataFrame | list[dict[str, Any]], file: Path) -> int:
        """Write the rows in the order of the grain; returns how many."""
        frame = pd.DataFrame(rows, columns=list(self.columns)) if isinstance(rows, list) else rows[list(self.columns)]
        ordered = frame.sort_values(list(self.grain), kind="stable", ignore_index=True)
        pq.write_table(
            pa.Table.from_pandas(ordered, schema=self.schema, preserve_index=False), file, compression="zstd"
        )
        return len(ordered)


def postgres_type(kind: pa.DataType) -> str:
    """The Postgres type of a lake column.

    Raises:
        TypeError: published tables hold no such values.
    """
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    for name, same in (
        ("text", pa.types.is_string),
        ("bigint", pa.types.is_integer),
        ("double precision", pa.types.is_floating),
        ("date", pa.types.is_date),
        ("boolean", pa.types.is_boolean),
    ):
        if same(kind):
            return name
    raise TypeError(f"no Postgres type for {kind}; publish numbers, text, dates and booleans")
