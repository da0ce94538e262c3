"""Assets from what a table says of itself: one SQL model, or one Python table, becomes one asset."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
from dagster import AssetExecutionContext, MaterializeResult
from sqlglot import exp

from assets.day import ProjectDay, TuokeProject, told
from pipeline.engine import Model, Session, snippet
from pipeline.errors import TuokeError
from pipeline.plan import Plan
from pipeline.tables import TableSpec

GRAIN_CHECK = "grain_is_unique"
PLAN_KEY = dg.AssetKey(["plan"])


class GrainBroken(TuokeError):
    """A table has two rows where its grain allows one, or a grain without a value."""


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
        metadata={"grain": ", ".join(model.grain), "documents": model.seeds or "-"},
        check_specs=[grain_spec(model.name)],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> MaterializeResult:
        day = tuoke.day(context.partition_key)
        with (
            told(),
            day.session(model.inputs, model.plan_inputs) as session,
            day.lake.write(model.name, day.as_of) as file,
        ):
            written = session.write(model.bound(as_of=day.as_of), file, order_by=model.grain)
            check = grain_check(session, model.name, file, model.grain)
        return MaterializeResult(
            metadata={
                **table_metadata(day.file(model.name), model.columns),
                "dagster/row_count": written.rows,
                "dagster/column_lineage": _column_lineage(model, day),
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
    uses_plan: bool = False,
    kinds: Iterable[str] = ("python", "pandas"),
) -> dg.AssetsDefinition:
    """One table that Python computes as one asset; `build` gives its rows."""

    @dg.asset(
        key=asset_key(spec.name),
        deps=[asset_key(name) for name in inputs] + ([PLAN_KEY] if uses_plan else []),
        **_common(spec.name, spec.description, plan, kinds=set(kinds)),
        metadata={"grain": ", ".join(spec.grain)},
        check_specs=[grain_spec(spec.name)],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> MaterializeResult:
        day = tuoke.day(context.partition_key)
        with told():
            rows = day.write(spec, build(day))
            with day.session([]) as session:
                check = grain_check(session, spec.name, day.file(spec.name), spec.grain)
        metadata = {**table_metadata(day.file(spec.name), spec.comments), "dagster/row_count": rows}
        return MaterializeResult(metadata=metadata, check_results=[check])

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
    return owner if "@" in owner else f"team:{owner}"


def grain_spec(name: str) -> dg.AssetCheckSpec:
    """The check that every table carries."""
    return dg.AssetCheckSpec(
        GRAIN_CHECK, asset=asset_key(name), description="No two rows share the grain, and none lacks it.", blocking=True
    )


def grain_check(session: Session, name: str, file: Path, grain: Sequence[str]) -> dg.AssetCheckResult:
    """Whether the written rows keep the grain.

    Raises:
        GrainBroken: they do not; a table that lies about its grain would be counted twice further on.
    """
    columns = [exp.column(column, quoted=True) for column in grain]
    written = exp.Table(this=exp.func("read_parquet", exp.Literal.string(str(file))))
    complete = exp.and_(*[column.is_(exp.null()).not_() for column in columns])
    keys = exp.select(*columns).distinct().from_(written).where(complete)
    [(rows,)] = session.rows(exp.select(snippet("count(*)")).from_(written))
    [(distinct,)] = session.rows(exp.select(snippet("count(*)")).from_(keys.subquery("keys")))
    if rows != distinct:
        raise GrainBroken(
            f"{name}: {rows - distinct} of {rows} rows repeat or lack {', '.join(grain)}; the model must be mended"
        )
    return dg.AssetCheckResult(check_name=GRAIN_CHECK, asset_key=asset_key(name), passed=True, metadata={"rows": rows})


def table_metadata(file: Path, comments: Mapping[str, str]) -> dict[str, Any]:
    """Schema of a written table with what each column holds."""
    columns = [
        dg.TableColumn(name=field.name, type=str(field.type), description=comments.get(field.name, ""))
        for field in pq.read_schema(file)
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def _column_lineage(model: Model, day: ProjectDay) -> dg.TableColumnLineage:
    schema = {name: pq.read_schema(day.file(name)).names for name in model.inputs}
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key(table), source) for table, source in sources if table in schema]
            for column, sources in model.lineage(schema).items()
        }
    )
