"""DQ: what the gates found, table by table put together, and the ledger over all of them."""

from collections.abc import Sequence

import dagster as dg
import pandas as pd

from assets.day import ProjectDay
from assets.factory import Lineage, python_asset
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


def dq_lineage(spec: TableSpec) -> Lineage:
    """The columns whose values are judged, or whose money is counted."""
    if spec is LEDGER:
        held = [(f"dwd.{contract.table}", contract.money) for contract in contracts().values() if contract.money]
        amounts = dict.fromkeys((name for name in spec.columns if name.startswith("amount_")), held)
        return amounts | {"currency": [(table, "currency") for table, _ in held]}
    judged = {
        (f"dwd.{table}", column)
        for table, contract in contracts().items()
        for rule in contract.rules
        for column in rule.columns
    }
    counted = {"rows_good", "rate", "status", "unexpected_rows", "unexpected_rate"} & set(spec.columns)
    return dict.fromkeys(sorted(counted), sorted(judged))


def _together(part: str, spec: TableSpec, inputs: Sequence[str], plan: Plan) -> dg.AssetsDefinition:
    def build(day: ProjectDay) -> pd.DataFrame:
        found = [day.read(f"{part}.{table}") for table in contracts()]
        if spec is LEDGER:
            found += [day.read(f"{part}.{contract.records}") for contract in contracts().values() if contract.records]
        rows = pd.concat(found, ignore_index=True)
        if spec is LEDGER:
            demand_balance(rows.to_dict("records"))
        return rows

    return python_asset(spec, build, inputs=inputs, plan=plan, lineage=dq_lineage(spec))
