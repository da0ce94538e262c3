"""ADS: the answer. Every KPI of the catalogue, its scorecard, and the composite scores made of it."""

import dagster as dg
import pandas as pd

from assets.ads.actions import ACTIONS, actions, actions_lineage
from assets.ads.alert_signals import ALERT_SIGNALS, BUDGET, Sources, alert_signals, alert_signals_lineage
from assets.ads.benchmarks import BENCHMARKS
from assets.ads.catalogue import catalogue
from assets.ads.channel_scorecard import CHANNEL_SCORECARD
from assets.ads.claims import CLAIMS, TASKS, claims_lineage, compute_claims
from assets.ads.column_lineage import composite_scores_lineage, kpi_scorecard_lineage, kpi_values_lineage
from assets.ads.composite_scores import COMPOSITE_SCORES, composite_scores
from assets.ads.insight_sources import FUNNEL, WIN_BACK, Day
from assets.ads.kpi_dictionary import KPI_DICTIONARY, kpi_dictionary
from assets.ads.kpi_query import PERIODS, TARGETS, measured
from assets.ads.kpi_scorecard import kpi_scorecard, kpi_scorecard_spec
from assets.ads.kpi_values import KPI_VALUES, kpi_values
from assets.ads.risk_register import RISK_REGISTER, risk_register, risk_register_lineage
from assets.ads.scorecards import scorecard_assets
from assets.ads.segment_transitions import (
    CLASSES,
    SEGMENT_TRANSITIONS,
    segment_transitions,
    segment_transitions_lineage,
)
from assets.ads.source_trust import source_states, unmapped_columns
from assets.day import ProjectDay
from assets.factory import Noted, python_asset
from pipeline.engine import snippet
from pipeline.project import Project
from pipeline.tables import TableSpec
from quality.scorecard import SCORECARD, STATES

_LOOKED_AT = {
    "kpis": KPI_VALUES.name,
    "channels": CHANNEL_SCORECARD.name,
    "budget": BUDGET,
    "risks": RISK_REGISTER.name,
    "alerts": ALERT_SIGNALS.name,
    "funnel": FUNNEL,
    "quality": SCORECARD.name,
    "claims": CLAIMS.name,
    "tasks": TASKS,
}
"""What insight rules look at, by the name they have there."""
_WAITING = """
    select
        w.step_id,
        w.step_zh,
        w.step_en,
        count(*) as customers,
        sum(case when w.is_overdue then 1 else 0 end) as overdue_customers,
        cast(sum(w.spend_amount) as double) as spend
    from dws.win_back as w
    where w.state = 'open'
    group by w.step_id, w.step_zh, w.step_en
    order by w.step_id nulls last
"""
"""Customers to win back by the step they wait for."""


def ads_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The tables of the layer that Python computes."""
    plan = project.plan
    return [
        python_asset(
            KPI_VALUES,
            compute_kpi_values,
            inputs=[*catalogue().tables, BENCHMARKS, SCORECARD.name],
            plan=plan,
            lineage=kpi_values_lineage(catalogue()),
            uses_plan=True,
            kinds=("python", "duckdb"),
        ),
        python_asset(
            KPI_DICTIONARY,
            lambda day: kpi_dictionary(catalogue(), day.project.plan.definitions),
            inputs=[],
            plan=plan,
            lineage={},
            uses_plan=True,
        ),
        python_asset(
            kpi_scorecard_spec(),
            compute_scorecard,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=kpi_scorecard_lineage(catalogue()),
        ),
        python_asset(
            COMPOSITE_SCORES,
            compute_composites,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=composite_scores_lineage(),
            uses_plan=True,
        ),
        python_asset(
            RISK_REGISTER,
            compute_risks,
            inputs=[KPI_VALUES.name],
            plan=plan,
            lineage=risk_register_lineage(),
            uses_plan=True,
        ),
        python_asset(
            ALERT_SIGNALS,
            compute_alerts,
            inputs=[KPI_VALUES.name, SCORECARD.name, BUDGET, RISK_REGISTER.name],
            plan=plan,
            lineage=alert_signals_lineage(),
            uses_plan=True,
        ),
        python_asset(
            CLAIMS,
            compute_claims,
            inputs=[KPI_VALUES.name, TASKS],
            plan=plan,
            lineage=claims_lineage(),
            uses_plan=True,
        ),
        python_asset(
            ACTIONS,
            compute_actions,
            inputs=[*_LOOKED_AT.values(), WIN_BACK],
            plan=plan,
            lineage=actions_lineage(),
            uses_plan=True,
        ),
        python_asset(
            SEGMENT_TRANSITIONS,
            segment_transitions,
            inputs=[CLASSES],
            plan=plan,
            lineage=segment_transitions_lineage(),
            kinds=("python", "duckdb"),
        ),
        *scorecard_assets(plan),
    ]


def compute_kpi_values(day: ProjectDay) -> pd.DataFrame:
    """`ads.kpi_values` of a day."""
    plan, states = day.project.plan, source_states(day)
    with day.session([*catalogue().tables, BENCHMARKS], [PERIODS, TARGETS]) as session:
        parts = session.frame(measured(catalogue()))
        targets = session.frame(snippet(f"select * from {TARGETS}"))
        benchmarks = session.frame(snippet(f"select * from {BENCHMARKS} order by metric, period"))
    return kpi_values(
        parts,
        targets,
        benchmarks if states["benchmarks"].state != STATES[-1] else benchmarks.head(0),
        catalogue(),
        states=states,
        unmapped=unmapped_columns(day),
        definitions=plan.definitions,
        score_cap=plan.score_cap,
        currency=plan.currency,
    )


def compute_scorecard(day: ProjectDay) -> pd.DataFrame:
    """`ads.kpi_scorecard` of a day."""
    return kpi_scorecard(day.read(KPI_VALUES.name), catalogue())


def compute_composites(day: ProjectDay) -> pd.DataFrame:
    """`ads.composite_scores` of a day."""
    return composite_scores(day.read(KPI_VALUES.name), day.project.plan)


def compute_risks(day: ProjectDay) -> pd.DataFrame:
    """`ads.risk_register` of a day."""
    return risk_register(day.project.plan, day.read(KPI_VALUES.name), day.as_of)


def compute_actions(day: ProjectDay) -> Noted:
    """`ads.actions` of a day; since when something is found the day evaluated before it knows."""
    with day.session([WIN_BACK]) as session:
        waiting = session.frame(snippet(_WAITING))
    tables = {name: day.read(table) for name, table in _LOOKED_AT.items()}
    seen = Day(plan=day.project.plan, as_of=day.as_of, win_back=waiting, **tables)
    found = actions(seen, _of_day_before(day, ACTIONS))
    return Noted(found.rows, {"not_judged": dict(found.not_judged)})


def _of_day_before(day: ProjectDay, spec: TableSpec) -> pd.DataFrame:
    """A table as of the last day evaluated before; empty where there is none."""
    earlier = [before for before in day.lake.days(spec.name) if before < day.as_of]
    return (
        ProjectDay(day.project, max(earlier)).read(spec.name) if earlier else pd.DataFrame(columns=list(spec.columns))
    )


def compute_alerts(day: ProjectDay) -> pd.DataFrame:
    """`ads.alert_signals` of a day; for how long something is breached the day evaluated before it knows."""
    found = Sources(
        kpis=day.read(KPI_VALUES.name),
        quality=day.read(SCORECARD.name),
        budget=day.read(BUDGET),
        risks=day.read(RISK_REGISTER.name),
        before=_of_day_before(day, ALERT_SIGNALS),
    )
    return alert_signals(day.project.plan, found, day.as_of)
