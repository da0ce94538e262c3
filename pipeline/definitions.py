"""The roof: every asset, check, job, schedule and resource of one project. Only Dagster and the CLI import it."""

import dagster as dg

from assets.ads import ads_assets
from assets.day import TuokeProject
from assets.dq import dq_assets
from assets.dwd import dwd_asset
from assets.dwd.identity import identity_assets
from assets.dws import dws_assets
from assets.factory import PLAN_KEY, sql_asset, team
from assets.model_fits import meta_assets
from assets.models import models, published
from assets.ods import ods_asset, source_assets
from assets.published import published_assets
from pipeline.plan import Plan
from pipeline.project import Project
from pipeline.settings import Settings
from pipeline.workers import workers_executor
from quality.contract import contracts

JOB = "daily_evaluation"


def definitions_of(project: Project) -> dg.Definitions:
    """The definitions of a project: its sources, its plan's time zone and first day, its owners."""
    plan = project.plan
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="Land, gate, segment, score and publish one day.",
    )
    return dg.Definitions(
        assets=[
            *source_assets(project),
            _plan_asset(plan),
            *(ods_asset(contract, project) for contract in contracts().values()),
            *(dwd_asset(contract, project) for contract in contracts().values()),
            identity_assets(project),
            *dq_assets(plan),
            *(sql_asset(model, plan) for model in models().values()),
            *dws_assets(project),
            *meta_assets(plan),
            *ads_assets(project),
            published_assets(published(), project),
        ],
        jobs=[job],
        schedules=[
            dg.build_schedule_from_partitioned_job(
                job,
                hour_of_day=6,
                minute_of_hour=30,
                default_status=dg.DefaultScheduleStatus.STOPPED,
                description="Evaluates yesterday at 06:30 in the plan's time zone. Off until you turn it on.",
            )
        ],
        resources={"tuoke": TuokeProject(root=str(project.root))},
        executor=workers_executor(project.settings.workers),
    )


def _plan_asset(plan: Plan) -> dg.AssetSpec:
    """The plan as an external asset: what was asked for is part of the lineage."""
    return dg.AssetSpec(
        PLAN_KEY,
        group_name="plan",
        description="plan.yaml: what the campaign wants and how it is measured.",
        owners=[team(plan.owners.campaign)],
        kinds={"yaml"},
        metadata={
            "campaign": f"{plan.campaign.starts_on} to {plan.campaign.ends_on}",
            "baseline": f"{plan.baseline.starts_on} to {plan.baseline.ends_on}",
            "timezone": plan.timezone,
            "currency": plan.currency,
            "plan_hash": plan.plan_hash,
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of the folder TUOKE_PROJECT names, read when Dagster asks for them."""
    return definitions_of(Project.read(Settings().project))
