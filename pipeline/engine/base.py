"""The seam between a model and the engine that runs it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
from sqlglot import exp


@dataclass(frozen=True)
class Relation:
    """A table of the lake as it stood on a day.

    `files` are Parquet, oldest partition first. With a `key` they are increments: of each key the version of the
    latest partition counts. Without one they are the whole truth together.
    """

    files: tuple[Path, ...]
    key: tuple[str, ...] = ()


class Session(Protocol):
    """One task's work on the engine: tables are visible by their address, `dwd.orders`."""

    def write(self, query: exp.Query, file: Path, *, order_by: Sequence[str]) -> int:
        """Write the query's rows to one Parquet file in a total order, so that equal rows are equal bytes.

        Returns:
            The number of rows.
        """
        ...

    def keep(self, name: str, query: exp.Query) -> None:
        """Hold the query's rows as a table of this session."""
        ...

    def hold(self, name: str, table: pa.Table) -> None:
        """Hold rows of our own as a table of this session."""
        ...

    def frame(self, query: exp.Query) -> pd.DataFrame:
        """The query's rows as a pandas frame on Arrow-backed memory where pandas has it."""
        ...

    def rows(self, query: exp.Query) -> list[tuple]:
        """The query's rows, for small answers."""
        ...

    def in_one_thread(self) -> AbstractContextManager[None]:
        """Work in a fixed order: sums of doubles depend on it to the last digit."""
        ...

    def linkage(self) -> Any:
        """Splink at work on the tables of this session, as the interface to a database it knows."""
        ...


class Engine(Protocol):
    """Opens sessions."""

    def session(
        self, *, zone: str, tables: Mapping[str, Relation], values: Mapping[str, pa.Table]
    ) -> AbstractContextManager[Session]:
        """A session whose days begin in `zone`, that sees `tables` of the lake and `values` of the plan."""
        ...
