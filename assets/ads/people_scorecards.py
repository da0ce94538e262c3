"""Teams and people judged fairly: per day on the roster, with intervals, ranked only where those lie apart (U19).

Covers S0 §1.3, §4(3), §6(3) and S4 绩效: F086, F116 to F119, I63.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from assets.ads.composite_scores import COMPOSITE_SCORES, composite
from assets.ads.figures import Figures, money, official_figures
from assets.ads.intervals import events_interval
from assets.ads.kpi_query import PERIOD, TOTAL, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.rank_stability import rank_groups
from assets.ads.wording import SAME_IN_CHINESE, reason_zh
from assets.day import ProjectDay
from assets.factory import Lineage
from pipeline.plan import Appraisal, Plan
from pipeline.tables import TableSpec

PERSON_DAYS = "dws.person_days"
GROWTH = "customer_growth_rate"
"""What the customers before a period are the denominator of."""
DAYS = 100
"""Results are told per so many days on the roster."""
NUMBER, MONEY, TEXT, COUNT = "double precision", "numeric(18,2)", "text", "bigint"
MEASURES = (
    "leads",
    "new_customers",
    "lead_conversion_rate",
    "high_value_share",
    "revenue",
    "visits",
    "first_touch_hours",
    "sales_cycle_days",
    "csat_mean",
    "nps",
    "collaboration_score",
)
RANKED = {"new_customers_per_100_days": "productivity_rank_group", "lead_conversion_rate": "conversion_rank_group"}
"""What is ranked, and the column of the groups."""


def _columns(who: Mapping[str, tuple[str, str]], extra: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {
        **{name: KPI_VALUES.columns[name] for name in PERIOD},
        **who,
        "roster_days": (COUNT, "Days on the roster in the period, all persons together"),
        "leads": (COUNT, "Leads created in the period"),
        "new_customers": (COUNT, "Customers whose first order falls into the period"),
        "new_customers_target": (NUMBER, "How many the plan sets for it; NULL where it names no part of its own"),
        "new_customers_attainment_rate": (NUMBER, "New customers / that target, not capped"),
        "new_customers_per_100_days": (NUMBER, "New customers per 100 days on the roster"),
        "new_customers_per_100_days_lower": (NUMBER, "Lower end of its exact 95 % interval"),
        "new_customers_per_100_days_upper": (NUMBER, "Upper end of its exact 95 % interval"),
        "productivity_rank_group": (
            COUNT,
            "1 is best by new customers per day; whose intervals touch, directly or through others, share a rank",
        ),
        "lead_conversion_rate": (NUMBER, "Part of the leads created in the period that have been won since, 0-1"),
        "lead_conversion_rate_lower": (NUMBER, "Lower end of its 95 % interval"),
        "lead_conversion_rate_upper": (NUMBER, "Upper end of its 95 % interval"),
        "conversion_rank_group": (COUNT, "1 is best by conversion; whose intervals touch share a rank"),
        "high_value_share": (NUMBER, "Part of the new customers that are of high value, 0-1"),
        "revenue_amount": (MONEY, "Sales less refunds in the period"),
        "revenue_per_day_amount": (MONEY, "The same per day on the roster"),
        "currency": (TEXT, "Currency of the amounts"),
        **extra,
        "visits": (COUNT, "Visits to customers"),
        "visits_per_100_days": (NUMBER, "Visits per 100 days on the roster"),
        "first_touch_hours": (NUMBER, "Mean hours from assignment to first touch"),
        "sales_cycle_days": (NUMBER, "Mean days from first touch to signature"),
        "csat_mean": (NUMBER, "Mean satisfaction, 1 to 5"),
        "nps": (NUMBER, "Net promoter score, -100 to 100"),
        "collaboration_score": (NUMBER, "Mean rating by colleagues, 1 to 5"),
        "tasks_due": (COUNT, "Tasks due in the period"),
        "task_on_time_rate": (NUMBER, "Part of these done by their due day, 0-1"),
        "task_on_time_rate_lower": (NUMBER, "Lower end of its 95 % interval"),
        "task_on_time_rate_upper": (NUMBER, "Upper end of its 95 % interval"),
        "joint_tasks": (COUNT, "Tasks due in the period on which several departments work together"),
        "appraisal_score": (
            NUMBER,
            "Mean score by the plan's appraisal, 0-100; a quantity against the target's part by days on the roster",
        ),
        "appraisal_weight_available": (NUMBER, "Part of its weights that have a score, 0-1"),
        "appraisal_missing": (TEXT, "Indicators of the appraisal without a score"),
        "state": (TEXT, "final, provisional or withheld, as the worst figure; NULL where nothing is recorded"),
        "reason": (TEXT, "Why it is not final"),
        "reason_zh": (TEXT, SAME_IN_CHINESE),
    }


TEAM_SCORECARD = TableSpec(
    name="ads.team_scorecard",
    description="One row per team and campaign, baseline, quarter or month: results and process per day, ranked.",
    grain=("period_kind", "period", "team_id"),
    columns=_columns(
        {
            "team_id": (TEXT, "Team"),
            "team_name": (TEXT, "Name of the team"),
            "staff": (COUNT, "Persons on the roster in the period"),
        },
        {
            "customers_before": (COUNT, "Customers whose first order was before the period"),
            "growth_on_before_rate": (NUMBER, "New customers / customers before: the KPI customer_growth_rate"),
            "cac_amount": (MONEY, "Cost per new customer"),
            "model_score": (NUMBER, "Score of the plan's official model, 0-100; NULL where it is not computed"),
            "model_score_low": (NUMBER, "Lowest of it when one weight at a time is moved by 20 %"),
            "model_score_high": (NUMBER, "Highest of it when one weight at a time is moved by 20 %"),
        },
    ),
)

STAFF_SCORECARD = TableSpec(
    name="ads.staff_scorecard",
    description="One row per person and campaign, baseline, quarter or month: results and process per day, ranked.",
    grain=("period_kind", "period", "staff_id"),
    columns=_columns(
        {
            "staff_id": (TEXT, "Member of staff"),
            "team_id": (TEXT, "Team, as the roster of the day evaluated has it"),
            "is_control": ("boolean", "Whether kept out of the campaign to compare with"),
        },
        {},
    ),
)


def team_scorecard(
    values: pd.DataFrame,
    scores: pd.DataFrame,
    days: pd.DataFrame,
    plan: Plan,
) -> pd.DataFrame:
    """The table `ads.team_scorecard`.

    Args:
        values: `ads.kpi_values`.
        scores: `ads.composite_scores`.
        days: `dws.person_days`.
    """
    keys = [*PERIOD, "team_id"]
    roster = days.groupby(keys, as_index=False).agg(
        team_name=("team_name", "min"), staff=("staff_id", "nunique"), roster_days=("roster_days", "sum")
    )
    rows = _card(values, roster, "team", [*MEASURES, "cac", GROWTH], plan)
    official = scores.loc[scores["is_official"] & (scores["dimension"] == "team")]
    official = official.rename(columns={"member": "team_id", "score": "model_score"})
    official = official.rename(columns={"score_low": "model_score_low", "score_high": "model_score_high"})
    found = ["model_score", "model_score_low", "model_score_high"]
    rows = rows.merge(official[["period_kind", "period", "team_id", *found]], how="left", validate="one_to_one")
    grown = values.loc[values["is_official"] & (values["kpi"] == GROWTH) & (values["dimension"] == "team")]
    grown = grown.rename(columns={"member": "team_id", "denominator": "customers_before"})
    rows = rows.merge(
        grown[["period_kind", "period", "team_id", "customers_before"]], how="left", validate="one_to_one"
    )
    rows = rows.assign(growth_on_before_rate=rows[GROWTH], cac_amount=rows["cac"])
    return _typed(rows, TEAM_SCORECARD, plan.currency)


def staff_scorecard(values: pd.DataFrame, days: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table `ads.staff_scorecard`, of everybody on the roster, in the manner of `team_scorecard`."""
    roster = days[[*PERIOD, "staff_id", "team_id", "is_control", "roster_days"]]
    return _typed(_card(values, roster, "staff", MEASURES, plan), STAFF_SCORECARD, plan.currency)


def _card(values: pd.DataFrame, roster: pd.DataFrame, dimension: str, kpis: Sequence[str], plan: Plan) -> pd.DataFrame:
    """What teams and people have in common; a row per period and member on the roster."""
    who = f"{dimension}_id"
    appraisal = plan.scorecards.people.appraisal
    weighed = [] if appraisal is None else list(appraisal.weights)
    figures = official_figures(values, dimension, list(dict.fromkeys([*kpis, *weighed])))
    rows = figures.value.assign(
        new_customers_target=figures.target["new_customers"],
        new_customers_attainment_rate=figures.value["new_customers"] / figures.target["new_customers"],
        lead_conversion_rate_lower=figures.lower["lead_conversion_rate"],
        lead_conversion_rate_upper=figures.upper["lead_conversion_rate"],
        state=figures.worst_state(),
        reason=figures.reasons(),
        reason_zh=figures.reasons().map(reason_zh).astype(object),
        **_appraised(figures, values, roster, who, appraisal, plan.score_cap),
    )
    known = rows.reset_index().rename(columns={"member": who}).drop(columns=["period_start", "period_end"])
    on = ["period_kind", "period", who]
    card = roster.loc[roster[who] != UNKNOWN].merge(known, on=on, how="left", validate="one_to_one")
    card = card.merge(_tasks_of(values, dimension), on=on, how="left", validate="one_to_one")
    return _ranked(_per_day(card))


def _per_day(rows: pd.DataFrame) -> pd.DataFrame:
    """Results by days on the roster; everybody on it has at least one."""
    days, customers = rows["roster_days"].astype(float), rows["new_customers"]
    lower, upper = events_interval(customers.to_numpy(float), days.to_numpy(float) / DAYS)
    return rows.assign(
        new_customers_per_100_days=DAYS * customers / days,
        new_customers_per_100_days_lower=lower,
        new_customers_per_100_days_upper=upper,
        visits_per_100_days=DAYS * rows["visits"] / days,
        revenue_amount=rows["revenue"],
        revenue_per_day_amount=rows["revenue"] / days,
    )


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    ranked = rows.copy()
    for value, group in RANKED.items():
        ranked[group] = np.nan
        for _, part in rows.groupby(["period_kind", "period"]):
            bounds = [part[name].to_numpy(float) for name in (f"{value}_lower", f"{value}_upper")]
            ranked.loc[part.index, group] = rank_groups(*bounds)
    return ranked


def _tasks_of(values: pd.DataFrame, dimension: str) -> pd.DataFrame:
    """Tasks of each member by the period they were due in, and how many were done in time."""
    rows = values.loc[values["dimension"] == dimension].rename(columns={"member": f"{dimension}_id"})
    keys = ["period_kind", "period", f"{dimension}_id"]
    due = rows.loc[(rows["kpi"] == "task_completion_rate") & (rows["variant"] == "on_time")]
    named = {"denominator": "tasks_due", "value": "task_on_time_rate"}
    named |= {"lower": "task_on_time_rate_lower", "upper": "task_on_time_rate_upper"}
    joint = rows.loc[(rows["kpi"] == "joint_tasks") & rows["is_official"]].rename(columns={"value": "joint_tasks"})
    return due.rename(columns=named)[[*keys, *named.values()]].merge(
        joint[[*keys, "joint_tasks"]], on=keys, how="outer", validate="one_to_one"
    )


def _appraised(
    figures: Figures,
    values: pd.DataFrame,
    roster: pd.DataFrame,
    who: str,
    appraisal: Appraisal | None,
    score_cap: float,
) -> dict[str, Any]:
    """Score, weight with a score, and what has none, of every row; nothing where the plan appraises nobody."""
    if appraisal is None:
        return dict.fromkeys(("appraisal_score", "appraisal_weight_available", "appraisal_missing"))
    scores = figures.score[list(appraisal.weights)].fillna(_by_share(figures, values, roster, who, score_cap))
    results = [composite(row.dropna().to_dict(), appraisal.weights) for _, row in scores.iterrows()]
    return {
        "appraisal_score": [result.score for result in results],
        "appraisal_weight_available": [result.weight_available for result in results],
        "appraisal_missing": [", ".join(result.missing) or None for result in results],
    }


def _by_share(figures: Figures, values: pd.DataFrame, roster: pd.DataFrame, who: str, score_cap: float) -> pd.DataFrame:
    """Scores of quantities against the part of the whole's target that goes with the member's days on the roster."""
    days = roster.set_index([*PERIOD, who])["roster_days"].astype(float)
    share = days / days.groupby(level=list(PERIOD)).transform("sum")
    share = share.rename_axis([*PERIOD, "member"]).reindex(figures.index)
    total = values.loc[
        values["is_official"]
        & (values["dimension"] == TOTAL)
        & (values["better"] == "higher")
        & values["denominator"].isna()
        & (values["target"] > 0)
    ]
    targets = total.set_index(["period_kind", "period", "kpi"])["target"]
    scores = {}
    for kpi in figures.value:
        aimed = [targets.get((kind, period, kpi), np.nan) for kind, period, *_ in figures.index]
        aim = pd.Series(aimed, index=figures.index, dtype=float) * share
        scores[kpi] = (100 * figures.value[kpi] / aim.where(aim > 0)).clip(0, score_cap)
    return pd.DataFrame(scores, index=figures.index)


def _typed(rows: pd.DataFrame, spec: TableSpec, currency: str) -> pd.DataFrame:
    kinds = {name: kind for name, (kind, _) in spec.columns.items()}
    told = rows.assign(currency=currency)
    counts = {name: told[name].astype(float).round().astype("Int64") for name in kinds if kinds[name] == COUNT}
    amounts = {name: money(told[name]) for name in kinds if kinds[name] == MONEY}
    return told.assign(**counts, **amounts)[list(spec.columns)]


def compute_team_scorecard(day: ProjectDay) -> pd.DataFrame:
    """`ads.team_scorecard` of a day."""
    return team_scorecard(
        day.read(KPI_VALUES.name),
        day.read(COMPOSITE_SCORES.name),
        day.read(PERSON_DAYS),
        day.project.plan,
    )


def compute_staff_scorecard(day: ProjectDay) -> pd.DataFrame:
    """`ads.staff_scorecard` of a day."""
    return staff_scorecard(day.read(KPI_VALUES.name), day.read(PERSON_DAYS), day.project.plan)


def people_lineage(spec: TableSpec) -> Lineage:
    """What the columns of a scorecard are made of."""
    roster = {*PERIOD, "team_name", "staff", "roster_days", "is_control", "team_id", "staff_id"}
    return {name: _sources(name, roster) for name in spec.columns if name != "currency"}


def _sources(name: str, roster: set[str]) -> list[tuple[str, str]]:
    if name in roster:
        return [(PERSON_DAYS, "staff_id" if name == "staff" else name)]
    if name.startswith("model_score"):
        return [(COMPOSITE_SCORES.name, name.removeprefix("model_"))]
    per_day = [(PERSON_DAYS, "roster_days")] if "per_" in name or "rank" in name else []
    return [(KPI_VALUES.name, "kpi"), (KPI_VALUES.name, "value"), *per_day]
