"""The scorecards of channels, people and activities, and the reports of a case: all that are made of the KPIs."""

import dagster as dg

from assets.ads.campaign_scorecard import (
    ACTIVITIES,
    CAMPAIGN_SCORECARD,
    campaign_scorecard_lineage,
    compute_campaign_scorecard,
)
from assets.ads.case_lines import CASE_REPORTS
from assets.ads.case_reports import case_reports_lineage, compute_case_reports
from assets.ads.channel_scorecard import CHANNEL_SCORECARD, channel_scorecard_lineage, compute_channel_scorecard
from assets.ads.composite_scores import COMPOSITE_SCORES
from assets.ads.goal_checks import GOAL_CHECKS, compute_goal_checks, goal_checks_lineage
from assets.ads.incentives import INCENTIVES, compute_incentives, incentives_lineage
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.people_scorecards import (
    PERSON_DAYS,
    STAFF_SCORECARD,
    TEAM_SCORECARD,
    compute_staff_scorecard,
    compute_team_scorecard,
    people_lineage,
)
from assets.factory import python_asset
from pipeline.plan import Plan
from quality.scorecard import SCORECARD

SCORECARDS = (
    CHANNEL_SCORECARD,
    TEAM_SCORECARD,
    STAFF_SCORECARD,
    CAMPAIGN_SCORECARD,
    CASE_REPORTS,
    GOAL_CHECKS,
    INCENTIVES,
)
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
        python_asset(
            TEAM_SCORECARD,
            compute_team_scorecard,
            inputs=[KPI_VALUES.name, COMPOSITE_SCORES.name, PERSON_DAYS],
            plan=plan,
            lineage=people_lineage(TEAM_SCORECARD),
            uses_plan=True,
        ),
        python_asset(
            STAFF_SCORECARD,
            compute_staff_scorecard,
            inputs=[KPI_VALUES.name, PERSON_DAYS],
            plan=plan,
            lineage=people_lineage(STAFF_SCORECARD),
            uses_plan=True,
        ),
        python_asset(
            CAMPAIGN_SCORECARD,
            compute_campaign_scorecard,
            inputs=[ACTIVITIES, SCORECARD.name],
            plan=plan,
            lineage=campaign_scorecard_lineage(),
            uses_plan=True,
        ),
        python_asset(
            CASE_REPORTS,
            compute_case_reports,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=case_reports_lineage(),
            uses_plan=True,
        ),
        python_asset(
            GOAL_CHECKS,
            compute_goal_checks,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=goal_checks_lineage(),
            uses_plan=True,
        ),
        python_asset(
            INCENTIVES,
            compute_incentives,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=incentives_lineage(),
            uses_plan=True,
        ),
    ]
