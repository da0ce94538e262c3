"""The registry: the SQL models by name, and the tables readers see in Postgres."""

from functools import cache

from assets.ads.actions import ACTIONS
from assets.ads.alert_signals import ALERT_SIGNALS
from assets.ads.claims import CLAIMS
from assets.ads.composite_scores import COMPOSITE_SCORES
from assets.ads.kpi_dictionary import KPI_DICTIONARY
from assets.ads.kpi_scorecard import kpi_scorecard_spec
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.risk_register import RISK_REGISTER
from assets.ads.scorecards import SCORECARDS
from assets.ads.segment_transitions import SEGMENT_TRANSITIONS
from assets.dwd.identity import CHANGES
from assets.dws.customer_value import CUSTOMER_VALUE
from assets.dws.personas import PERSONAS
from assets.model_fits import MODELS
from assets.published import Published
from pipeline.engine import SQL_FOLDER, Model, read_model, standard_macros
from quality.audit import AUDIT, BACKCHECK
from quality.ledger import LEDGER
from quality.quarantine import QUARANTINE
from quality.scorecard import RESULTS, SCORECARD
from quality.treatment import TREATED

LAYERS = ("dws", "ads")


@cache
def models() -> dict[str, Model]:
    """Every SQL model by its table, in order."""
    paths = [path for layer in LAYERS for path in sorted((SQL_FOLDER / layer).glob("*.sql"))]
    found = (read_model(path, standard_macros()) for path in paths)
    return {model.name: model for model in found}


def published() -> list[Published]:
    """The tables readers see, the customer table first."""
    names = (
        "dws.customer_segments",
        "dws.customer_directory",
        "dws.customer_tags",
        "dws.customer_tier_history",
        "dws.win_back",
        "dws.lead_grades",
        "ads.funnel",
        "ads.funnel_wide",
        "ads.cohorts",
        "ads.task_tracking",
        "ads.segment_summary",
        "ads.budget_variance",
    )
    sql = [models()[name] for name in names]
    quality = [SCORECARD, RESULTS, TREATED, LEDGER, QUARANTINE, AUDIT, BACKCHECK, CHANGES]
    python = [
        CUSTOMER_VALUE,
        PERSONAS,
        KPI_VALUES,
        KPI_DICTIONARY,
        kpi_scorecard_spec(),
        COMPOSITE_SCORES,
        RISK_REGISTER,
        ALERT_SIGNALS,
        CLAIMS,
        ACTIONS,
        SEGMENT_TRANSITIONS,
        *SCORECARDS,
        MODELS,
        *quality,
    ]
    return [Published.of(table) for table in [*sql, *python]]
