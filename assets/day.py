"""One day of one project: what every asset needs to know, opened when a step asks for it and not before."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import PrivateAttr

from pipeline.corrections import Corrections
from pipeline.engine import DuckDBEngine, Engine, Relation, Session
from pipeline.erasures import Erasures
from pipeline.errors import TuokeError
from pipeline.lake import Lake
from pipeline.plan_tables import plan_tables
from pipeline.project import Project
from pipeline.tables import TableSpec
from quality.contract import contracts
from quality.industries import canonical_industries
from quality.regions import canonical_regions
from quality.rules import Day

EXIT_CODE = "exit_code"


@dataclass(frozen=True)
class ProjectDay:
    """A project on the day it is evaluated for."""

    project: Project
    as_of: date

    @cached_property
    def lake(self) -> Lake:
        """The project's lake."""
        return Lake(self.project.lake)

    @property
    def corrections(self) -> Corrections:
        """What the owners of quarantined rows mended."""
        return Corrections(self.project.corrections)

    @cached_property
    def engine(self) -> Engine:
        """The engine the models run on."""
        settings = self.project.settings
        return DuckDBEngine(memory_limit=settings.memory_limit, threads=settings.threads)

    @cached_property
    def erasures(self) -> Erasures:
        """Whose personal data is erased."""
        return Erasures.read(self.project.root)

    @property
    def rules_day(self) -> Day:
        """What the rules of the gate must know of the day."""
        plan = self.project.plan
        lists = {
            "channels": tuple(channel.id for channel in plan.channels),
            "products": tuple(plan.products),
            "regions": canonical_regions() if plan.cleaning.regions == "gb2260" else (),
            "industries": canonical_industries() if plan.cleaning.industries == "gb4754" else (),
        }
        return Day(
            as_of=self.as_of,
            zone=plan.zone,
            currency=plan.currency,
            lists=lists,
            missing_words=plan.cleaning.missing_words,
            erased=self.erasures.ids,
        )

    @contextmanager
    def session(
        self,
        inputs: Iterable[str],
        plan_inputs: Iterable[str] = (),
        held: Mapping[str, pa.Table] | None = None,
    ) -> Iterator[Session]:
        """A session of the engine that sees these tables of the lake and of the plan, and what it is to hold beside."""
        tables = {name: self.relation(name) for name in inputs}
        values = self._values(plan_inputs) | dict(held or {})
        with self.engine.session(zone=self.project.plan.timezone, tables=tables, values=values) as session:
            yield session

    def relation(self, name: str) -> Relation:
        """A table as it stood on the day: what arrives as increments is put together from the days so far."""
        gated = {contract.gated: contract for contract in contracts().values()}
        if name in gated and self.arrives(gated[name].table) == "increment":
            return self.lake.increments(name, self.as_of, gated[name].key)
        return self.lake.snapshot(name, self.as_of)

    def arrives(self, table: str) -> str:
        """snapshot or increment: as the feed says, else as the contract says."""
        declared = {feed.arrives for feed in self.project.sources.feeds(table)} - {None}
        return declared.pop() if declared else contracts()[table].arrives

    def _values(self, plan_inputs: Iterable[str]) -> dict[str, pa.Table]:
        wanted = set(plan_inputs)
        keys = {"secret.keys": pa.table({"hash_key": [self.project.hash_key]})} if "secret.keys" in wanted else {}
        if wanted <= set(keys):
            return keys
        # at the top it would be a circle: the assets of the layer know their day
        from assets.ads.catalogue import catalogue

        tables = plan_tables(self.project.plan, self.as_of, additive=catalogue().quantities)
        return keys | {name: table for name, table in tables.items() if name in wanted}

    def write(self, spec: TableSpec, rows: pd.DataFrame | list[dict], name: str | None = None) -> int:
        """Write a Python table's day, under its own name unless another is given; returns the number of rows."""
        with self.lake.write(name or spec.name, self.as_of) as file:
            return spec.write(rows, file)

    def read(self, name: str) -> pd.DataFrame:
        """A small table of the lake on the day."""
        return pq.read_table(self.file(name)).to_pandas(date_as_object=False)

    def file(self, name: str) -> Path:
        """The file of a table's day, which must be there."""
        return self.lake.snapshot(name, self.as_of).files[0]


class TuokeProject(dg.ConfigurableResource):
    """The project folder the run evaluates."""

    root: str
    _project: Project | None = PrivateAttr(default=None)

    def day(self, partition_key: str) -> ProjectDay:
        """The project on the partition's day; the folder is read once a run."""
        if self._project is None:
            self._project = Project.read(Path(self.root))
        return ProjectDay(self._project, date.fromisoformat(partition_key))


class Unforeseen(TuokeError):
    """A fault of Tuoke. Where it happened is told, and not what the library said, which may repeat rows."""


@contextmanager
def told() -> Iterator[None]:
    """Failures a user can act on reach Dagster as they are worded, and are retried only where that may help.

    Dagster keeps the words of every error and of its causes: no library has a say in them.
    """
    try:
        yield
    except TuokeError as error:
        error.__cause__, error.__suppress_context__ = None, True
        raise dg.Failure(
            description=str(error),
            metadata={EXIT_CODE: error.exit_code},
            allow_retries=getattr(error, "transient", False),
        ) from error
    except Exception as error:  # noqa: BLE001 - raised again, without its words
        kind = f"{type(error).__module__}.{type(error).__name__}"
        unforeseen = Unforeseen(
            f"{kind}, in the place the stack trace names; its words may repeat rows and are left out"
        )
        raise unforeseen.with_traceback(error.__traceback__) from None
