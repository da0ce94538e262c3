"""Assets from what a table says of itself: one SQL model, or one Python table, becomes one asset."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pyarrow.parquet as pq
from dagster import AssetExecutionContext, MaterializeResult
from sqlglot import exp

from assets.day import ProjectDay, TuokeProject, told
from pipeline.engine import Model, Session, snippet
from pipeline.errors import TuokeError
from pipeline.plan import Plan
from pipeline.tables import TableSpec, postgres_type

GRAIN_CHECK = "grain_is_unique"
PLAN_KEY = dg.AssetKey(["plan"])
NOT_DELIVERED = "No source delivers it, so it is empty."

Columns = Mapping[str, tuple[str, str]]
"""Column -> its SQL type and what it holds."""
Lineage = Mapping[str, Iterable[tuple[str, str]]]
"""Column -> the (table, column) pairs it is made of."""
UNKNOWN_TYPE = "?"
"""Of a column of a SQL model that never ran: only its rows tell the type."""


class GrainBroken(TuokeError):
    """A table has two rows where its grain allows one, or a grain without a value."""


class Noted(NamedTuple):
    """Rows with notes for the metadata of the asset; nothing personal goes into them."""

    rows: Any
    notes: Mapping[str, Any]


def asset_key(name: str) -> dg.AssetKey:
    """`dws.customer_rfm` -> dws/customer_rfm."""
    return dg.AssetKey(name.split("."))


def daily_partitions(plan: Plan) -> dg.DailyPartitionsDefinition:
    """One partition a day of the plan's time zone, from the first day the plan speaks of."""
    return dg.DailyPartitionsDefinition(start_date=plan.baseline.starts_on.isoformat(), timezone=plan.timezone)


def sql_asset(model: Model, plan: Plan) -> dg.AssetsDefinition:
    """One SQL model as one asset, with the lineage the SQL itself states."""
    deps = [asset_key(name) for name in model.inputs] + ([PLAN_KEY] if model.plan_inputs else [])

    @dg.asset(
        key=asset_key(model.name),
        deps=deps,
        **_common(model.name, model.description, plan, kinds={"sql", "duckdb"}),
        metadata={
            "grain": ", ".join(model.grain),
            **({"requirements": model.seeds} if model.seeds else {}),
            **column_schema(untyped(model.columns)),
        },
        check_specs=[grain_spec(model.name)],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> MaterializeResult:
        day = tuoke.day(context.partition_key)
        with (
            told(),
            day.session(model.inputs, [*model.plan_inputs, *model.secrets]) as session,
            day.lake.write(model.name, day.as_of) as file,
        ):
            rows = session.write(model.bound(as_of=day.as_of), file, order_by=model.grain)
            check = grain_check(session, day, model.name, model.grain, file)
        return MaterializeResult(
            metadata={
                **column_schema(written_columns(day.file(model.name), model.columns)),
                **column_lineage(_made_of(model, day)),
                "dagster/row_count": rows,
            },
            check_results=[check],
        )

    return table


def python_asset(
    spec: TableSpec,
    build: Callable[[ProjectDay], Any],
    *,
    inputs: Sequence[str],
    plan: Plan,
    lineage: Lineage,
    uses_plan: bool = False,
    kinds: Iterable[str] = ("python", "pandas"),
) -> dg.AssetsDefinition:
    """One table that Python computes as one asset; `build` gives its rows, or them with what else is worth telling."""

    @dg.asset(
        key=asset_key(spec.name),
        deps=[asset_key(name) for name in inputs] + ([PLAN_KEY] if uses_plan else []),
        **_common(spec.name, spec.description, plan, kinds=set(kinds)),
        metadata={"grain": ", ".join(spec.grain), **column_schema(spec.columns), **column_lineage(lineage)},
        check_specs=[grain_spec(spec.name)],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> MaterializeResult:
        day = tuoke.day(context.partition_key)
        with told():
            built = build(day)
            table_rows, notes = built if isinstance(built, Noted) else (built, {})
            rows = day.write(spec, table_rows)
            with day.session([spec.name]) as session:
                check = grain_check(session, day, spec.name, spec.grain, day.file(spec.name))
        metadata = column_schema(spec.columns) | column_lineage(lineage) | {"dagster/row_count": rows}
        return MaterializeResult(metadata={**metadata, **notes}, check_results=[check])

    return table


def _common(name: str, description: str, plan: Plan, kinds: set[str]) -> dict[str, Any]:
    layer = name.split(".")[0]
    owner = plan.owners.campaign if layer == "ads" else plan.owners.data
    return {
        "group_name": layer,
        "description": description,
        "owners": [team(owner)],
        "kinds": kinds,
        "partitions_def": daily_partitions(plan),
    }


def team(owner: str) -> str:
    """An owner as Dagster takes it: an e-mail address, or a team."""
    return owner if "@" in owner else f"team:{owner.removeprefix('team:')}"


def grain_spec(name: str) -> dg.AssetCheckSpec:
    """The check that every table carries."""
    return dg.AssetCheckSpec(
        GRAIN_CHECK,
        asset=asset_key(name),
        description="No two rows share the grain, and none lacks it.",
        blocking=True,
    )


def grain_check(
    session: Session,
    day: ProjectDay,
    name: str,
    grain: Sequence[str],
    file: Path,
    optional: Collection[str] = (),
) -> dg.AssetCheckResult:
    """Whether the rows written to the file keep the grain; of an `optional` column two blanks are the same.

    Raises:
        GrainBroken: they do not; a table that lies about its grain would be counted twice further on.
    """
    columns = [exp.column(column, quoted=True) for column in grain]
    written = exp.Table(this=exp.func("read_parquet", exp.Literal.string(str(file))))
    complete = exp.and_(*[column.is_(exp.null()).not_() for column in columns if column.name not in optional])
    keys = exp.select(*columns).distinct().from_(written).where(complete)
    [(rows,)] = session.rows(exp.select(snippet("count(*)")).from_(written))
    [(distinct,)] = session.rows(exp.select(snippet("count(*)")).from_(keys.subquery("keys")))
    if rows != distinct:
        raise GrainBroken(
            f"{name}: {rows - distinct} of {rows} rows repeat or lack {', '.join(grain)}; the model must be mended"
        )
    return passed(GRAIN_CHECK, asset_key(name), day, rows)


def passed(check: str, key: dg.AssetKey, day: ProjectDay, rows: int) -> dg.AssetCheckResult:
    """A check that stops the step where it fails, so that what is left to tell is on how many rows it held."""
    metadata = {"as_of": day.as_of.isoformat(), "rows": rows}
    return dg.AssetCheckResult(check_name=check, asset_key=key, passed=True, metadata=metadata)


def column_schema(columns: Columns, personal: Collection[str] = ()) -> dict[str, Any]:
    """The metadata by which Dagster shows a table's columns, marking those that tell of a person."""
    told = [
        dg.TableColumn(name, kind, description=comment, tags={"personal": ""} if name in personal else {})
        for name, (kind, comment) in columns.items()
    ]
    return {"dagster/column_schema": dg.TableSchema(told)}


def column_lineage(lineage: Lineage) -> dict[str, Any]:
    """The metadata by which Dagster knows what a table's columns are made of."""
    deps = {
        column: [dg.TableColumnDep(asset_key(table), source) for table, source in sources]
        for column, sources in lineage.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)}


def untyped(comments: Mapping[str, str]) -> Columns:
    """The columns of a SQL model before its first run."""
    return {name: (UNKNOWN_TYPE, comment) for name, comment in comments.items()}


def written_columns(file: Path, comments: Mapping[str, str]) -> Columns:
    """The columns of a written table."""
    return {field.name: (postgres_type(field.type), comments.get(field.name, "")) for field in pq.read_schema(file)}


def _made_of(model: Model, day: ProjectDay) -> Lineage:
    schema = {name: pq.read_schema(day.file(name)).names for name in model.inputs}
    return {
        column: [(table, source) for table, source in sources if table in schema]
        for column, sources in model.lineage(schema).items()
    }
