"""The scorecards of channels, people and activities: all that are made of the KPIs."""

import dagster as dg

from assets.ads.channel_scorecard import CHANNEL_SCORECARD, channel_scorecard_lineage, compute_channel_scorecard
from assets.ads.kpi_values import KPI_VALUES
from assets.factory import python_asset
from pipeline.plan import Plan

SCORECARDS = (CHANNEL_SCORECARD,)
"""The tables, as readers see them."""


def scorecard_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """One asset a table."""
    return [
        python_asset(
            CHANNEL_SCORECARD,
            compute_channel_scorecard,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=channel_scorecard_lineage(),
            uses_plan=True,
        ),
    ]
