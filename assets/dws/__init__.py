"""DWS: what is known of each customer, as far as Python computes it."""

import dagster as dg

from assets.dws.personas import personas_asset
from pipeline.project import Project


def dws_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The tables of the layer that Python computes."""
    return [personas_asset(project)]
