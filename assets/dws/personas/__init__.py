"""Personas: groups of customers nobody defined, with ids that stay from day to day (S0 §2.3, §5.2; F129, F140, X26)."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
from dagster import AssetExecutionContext

from assets.day import ProjectDay, TuokeProject, told
from assets.dwd import Out
from assets.dws.personas.features import MEASURES
from assets.dws.personas.finding import NONE, Before, find
from assets.dws.personas.fits import ISSUED, MODEL, fits
from assets.dws.personas.tables import CUSTOMER_PERSONA, PERSONAS, customer_persona, personas
from assets.factory import column_schema, daily_partitions, grain_spec
from assets.model_fits import part, write_fits
from pipeline.project import Project
from pipeline.tables import TableSpec

FEATURES = "dws.customer_features"


def personas_asset(project: Project) -> dg.AssetsDefinition:
    """The customers' personas and the personas themselves: one fit, one step."""
    outs = [_out(spec) for spec in (CUSTOMER_PERSONA, PERSONAS)]

    @dg.multi_asset(
        name="dws__personas",
        specs=[out.spec(project.plan.owners.data, [FEATURES]) for out in outs],
        partitions_def=daily_partitions(project.plan),
        check_specs=[grain_spec(out.name) for out in outs],
    )
    def table(context: AssetExecutionContext, tuoke: TuokeProject) -> Iterator[dg.MaterializeResult]:
        day = tuoke.day(context.partition_key)
        with told():
            measured = compute_personas(day)
            for out in outs:
                yield out.result(day, [], measured)

    return table


def compute_personas(day: ProjectDay) -> dict[str, float | str]:
    """Find the personas of the day and write their tables to the lake; returns what to tell of the fit."""
    customers = day.read(FEATURES).sort_values("customer_id", ignore_index=True)
    before, plan = _before(day), day.project.plan
    ordered = customers[customers["has_ordered"].to_numpy(bool)].reset_index(drop=True)
    found = find(ordered, plan.segments.personas, before)
    members = customer_persona(customers, found, before, plan)
    day.write(CUSTOMER_PERSONA, members)
    day.write(PERSONAS, personas(customers, found, before, plan))
    fitted = fits(found, members, len(ordered))
    write_fits(day, CUSTOMER_PERSONA.name, fitted)
    return {row["parameter"]: row["reason"] if row["value"] is None else row["value"] for row in fitted}


def _before(day: ProjectDay) -> Before:
    """The last run before this day that found groups, and the numbers that were ever given up to it."""
    earlier = [known for known in day.lake.days(PERSONAS.name) if known < day.as_of]
    if not earlier:
        return Before.nothing()
    fitted = pd.read_parquet(day.lake.file(part(MODEL), earlier[-1])).set_index("parameter")["value"]
    for as_of in reversed(earlier):
        centres = _centres(day, as_of)
        if len(centres):
            return Before(centres, _members(day, as_of), int(fitted[ISSUED]), as_of)
    return Before.nothing()


def _centres(day: ProjectDay, as_of: date) -> pd.DataFrame:
    table = pd.read_parquet(day.lake.file(PERSONAS.name, as_of), columns=["class_id", *MEASURES])
    found = table[table["class_id"] != NONE].reset_index(drop=True)
    return found.astype(dict.fromkeys(MEASURES, np.float64))


def _members(day: ProjectDay, as_of: date) -> pd.Series:
    file = day.lake.file(CUSTOMER_PERSONA.name, as_of)
    return pd.read_parquet(file, columns=["customer_id", "class_id"]).set_index("customer_id")["class_id"]


def _out(spec: TableSpec) -> Out:
    made_of = [(FEATURES, name) for name in MEASURES]
    same = {name: [(FEATURES, name)] for name in ("customer_id", "currency") if name in spec.columns}
    told_of = {
        "high_value_share": "is_high_value",
        "company_share": "kind",
        "main_industry": "industry",
        "main_industry_share": "industry",
        "main_region": "region",
        "main_region_share": "region",
        "mean_nps_score": "last_nps_score",
    }
    lineage = {name: [(FEATURES, source)] for name, source in told_of.items() if name in spec.columns}
    return Out(
        name=spec.name,
        description=spec.description,
        grain=spec.grain,
        kinds=frozenset({"python", "scikitlearn"}),
        schema=column_schema(spec.columns),
        lineage=dict.fromkeys(spec.columns, made_of) | same | lineage,
    )
