"""DWS: what is known of each customer, as far as Python computes it."""

import dagster as dg

from assets.dws.customer_value import customer_value_asset
from assets.dws.personas import personas_asset
from assets.dws.tier_decisions import tier_decisions_asset
from pipeline.project import Project


def dws_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The tables of the layer that Python computes."""
    return [customer_value_asset(project.plan), personas_asset(project), tier_decisions_asset(project.plan)]
