"""Published: the day's tables in Postgres, all together or not at all."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from dagster import AssetExecutionContext

from assets.chinese import chinese
from assets.day import ProjectDay, TuokeProject, told
from assets.factory import (
    Columns,
    asset_key,
    column_lineage,
    column_schema,
    daily_partitions,
    passed,
    team,
    untyped,
)
from assets.restated import LakeWitness
from pipeline import ROOT
from pipeline.engine import Model
from pipeline.erasures import ERASURES_FILE
from pipeline.plan import Plan
from pipeline.project import Project
from pipeline.tables import TableSpec, postgres_type
from pipeline.warehouse import Column, Publication, Table, Warehouse
from pipeline.warehouse.relations import ADDED, AS_OF, PLAN_HASH
from quality.contract import contracts
from quality.staged import Staged, audit

CUSTOMER_GRAIN = ("customer_id",)
LARGE = frozenset({"ads.kpi_values", "dws.customer_tags", "dws.customer_tier_history", "dws.lead_grades"})
"""Tables of other grains that have many rows all the same: each day a partition of its own, too."""
BESIDE = {"dws.customer_segments": ("segment_transitions",)}
"""What readers find beside a table: files of sql/postgres."""
STAGED_CHECK = "staged_rows_hold"
REPLACE_CLOSING_TAG = "tuoke/replace_closing"
"""On a run that may replace a closing snapshot."""


@dataclass(frozen=True)
class Published:
    """A table of the lake that readers see in Postgres under the same name."""

    name: str
    description: str
    grain: tuple[str, ...]
    columns: Columns
    restricted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, table: Model | TableSpec) -> "Published":
        """A published table from what the table says of itself."""
        columns = untyped(table.columns) if isinstance(table, Model) else table.columns
        return cls(table.name, table.description, table.grain, columns, table.restricted)

    @property
    def key(self) -> dg.AssetKey:
        """published/dws/customer_segments."""
        return dg.AssetKey(["published", *self.name.split(".")])

    @property
    def shown(self) -> Columns:
        """The columns as readers see them, with those that publishing adds."""
        return {AS_OF: ("date", ADDED[AS_OF]), **self.columns, PLAN_HASH: ("text", ADDED[PLAN_HASH])}

    def comment(self, column: str) -> str:
        """What a column is called in Chinese, and what it holds."""
        return f"{chinese().column(self.name, column)} · {self.columns[column][1]}"

    def column(self, field: pa.Field, plan: Plan) -> Column:
        """A column as the warehouse takes it."""
        is_shown = chinese().is_shown(field.name, self.columns)
        spoken = chinese().spoken(field.name, self.columns, plan)
        return Column(
            field.name,
            postgres_type(field.type),
            self.comment(field.name),
            is_restricted=field.name in self.restricted,
            chinese=chinese().column(self.name, field.name) if is_shown else None,
            words=spoken.words,
            words_by=spoken.by,
            holds=spoken.holds,
        )

    def table(self, day: ProjectDay) -> Table:
        """The table as the warehouse takes it."""
        file = day.file(self.name)
        return Table(
            name=self.name,
            comment=f"{chinese().table(self.name)} · {self.description}",
            columns=tuple(self.column(field, day.project.plan) for field in pq.read_schema(file)),
            grain=self.grain,
            files=(file,),
            by_day_partition=self.grain == CUSTOMER_GRAIN or self.name in LARGE,
            beside=BESIDE.get(self.name, ()),
        )


def published_assets(tables: Sequence[Published], project: Project) -> dg.AssetsDefinition:
    """The publication as one step with one asset per table readers see."""
    plan = project.plan

    @dg.multi_asset(
        name="publish",
        specs=[
            dg.AssetSpec(
                table.key,
                group_name="published",
                description=f"{table.description} In Postgres as `{table.name}`.",
                owners=[team(plan.owners.campaign)],
                kinds={"postgres"},
                deps=[asset_key(table.name)],
                metadata={
                    "dagster/table_name": table.name,
                    "grain": ", ".join((AS_OF, *table.grain)),
                    **column_schema(table.shown, table.restricted),
                },
            )
            for table in tables
        ],
        partitions_def=daily_partitions(plan),
        check_specs=[
            dg.AssetCheckSpec(
                STAGED_CHECK,
                asset=table.key,
                description="The staged table kept every rule before it was shown to readers.",
            )
            for table in tables
        ],
        retry_policy=dg.RetryPolicy(max_retries=1, delay=2),
    )
    def publish(context: AssetExecutionContext, tuoke: TuokeProject) -> Iterator[dg.MaterializeResult]:
        day = tuoke.day(context.partition_key)
        with told():
            is_replaced = REPLACE_CLOSING_TAG in context.run.tags
            rows = publish_day(tables, day, context.run.run_id, replaces_closing=is_replaced)
        for table in tables:
            yield dg.MaterializeResult(
                asset_key=table.key,
                metadata={**_columns(table, day), "dagster/row_count": rows[table.name]},
                check_results=[passed(STAGED_CHECK, table.key, day, rows[table.name])],
            )

    return publish


def publish_day(
    tables: Sequence[Published], day: ProjectDay, run_id: str, *, replaces_closing: bool = False
) -> dict[str, int]:
    """Stage, audit and swap in the day's tables; returns each one's rows.

    Raises:
        ConfigurationError: the day is a closing snapshot, and is not to be replaced.
        GateClosed: a staged table breaks a rule; readers keep what they had.
        WarehouseError: Postgres can't be reached or refuses.
    """
    staged_tables = {table.name: table.table(day) for table in tables}

    def judge(engine: sa.Engine, relations: Mapping[str, str]) -> None:
        staged = [Staged(name, relation, *_shape(staged_tables[name])) for name, relation in relations.items()]
        audit(engine.url.render_as_string(hide_password=False), staged, side_by_side=day.project.settings.workers > 1)

    publication = Publication(
        run_id=run_id,
        as_of=day.as_of,
        plan_hash=day.project.plan.plan_hash,
        code_version=code_version(),
        inputs=inputs_of(day),
        plan=day.project.plan.model_dump(mode="json"),
        is_closing=day.as_of == day.project.plan.closes_on,
        replaces_closing=replaces_closing,
    )
    with Warehouse.of(day.project) as warehouse:
        return warehouse.publish(
            list(staged_tables.values()),
            publication,
            audit=judge,
            retention=day.project.plan.retention,
            witness=LakeWitness(day),
        )


def _shape(table: Table) -> tuple[tuple[str, ...], int]:
    """Its grain, and its rows."""
    return table.grain, sum(pq.read_metadata(file).num_rows for file in table.files)


def inputs_of(day: ProjectDay) -> dict[str, str]:
    """Every input of the day and the hash of its content."""
    found: dict[str, str] = {}
    for table in contracts():
        deliveries = day.read(f"deliveries.{table}")
        found |= {f"{row.source}:{row.input}": row.sha256 for row in deliveries.itertuples()}
        found |= {f"corrections:{file.name}": file.sha256 for file in day.corrections.files(table, day.as_of)}
    if day.erasures.sha256:
        found[ERASURES_FILE] = day.erasures.sha256
    return dict(sorted(found.items()))


@cache
def code_version() -> str:
    """The release, and a hash of the code that runs, models included."""
    root = ROOT
    digest = hashlib.sha256()
    for folder in ("assets", "pipeline", "quality", "sql"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".sql", ".yaml"):
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version('tuoke')}+{digest.hexdigest()[:12]}"


def _columns(published: Published, day: ProjectDay) -> dict[str, Any]:
    """The columns of the table as it stands in Postgres, each made of the one of the same name in the lake."""
    table = published.table(day)
    return {
        **column_schema({name: (kind, table.comments[name]) for name, kind in table.types.items()}, table.restricted),
        **column_lineage({column.name: [(published.name, column.name)] for column in table.columns}),
    }
