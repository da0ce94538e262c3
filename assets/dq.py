"""DQ: what the gates found, table by table put together, and the ledger over all of them."""

from collections.abc import Sequence

import dagster as dg
import pandas as pd

from assets.day import ProjectDay
from assets.factory import python_asset
from pipeline.plan import Plan
from pipeline.tables import TableSpec
from quality.contract import contracts
from quality.ledger import LEDGER, demand_balance
from quality.scorecard import RESULTS, SCORECARD

PARTS = {"dq_scores": SCORECARD, "dq_results": RESULTS, "dq_ledger": LEDGER}


def dq_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """One asset per table of the quality layer, made of what each gate wrote."""
    inputs = [f"dwd.{table}" for table in contracts()]
    return [_together(part, spec, inputs, plan) for part, spec in PARTS.items()]


def _together(part: str, spec: TableSpec, inputs: Sequence[str], plan: Plan) -> dg.AssetsDefinition:
    def build(day: ProjectDay) -> pd.DataFrame:
        rows = pd.concat([day.read(f"{part}.{table}") for table in contracts()], ignore_index=True)
        if spec is LEDGER:
            demand_balance(rows.to_dict("records"))
        return rows

    return python_asset(spec, build, inputs=inputs, plan=plan)
