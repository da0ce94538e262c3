"""What the columns that Python computes in this layer are made of, told from the catalogue."""

from assets.ads.benchmarks import BENCHMARKS, COLUMNS
from assets.ads.catalogue import PERIOD_COLUMNS, Catalogue
from assets.ads.composite_scores import COMPOSITE_SCORES
from assets.ads.kpi_query import KEYS, PERIOD
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.left_out import LEFT_OUT
from assets.factory import Lineage
from quality.scorecard import SCORECARD

FIGURES = ("value", "numerator", "denominator", "n", "lower", "upper", "attainment_rate", "score")


def kpi_values_lineage(kpis: Catalogue) -> Lineage:
    """Figures come from what the measures look at, periods and members from the dates and dimensions of the facts."""
    facts = kpis.facts.values()
    measured = {
        (fact.table, column)
        for fact in facts
        for measure in fact.measures.values()
        for column in measure.columns
        if column not in PERIOD_COLUMNS
    }
    dates = {(fact.table, fact.date) for fact in facts if fact.date is not None}
    members = {(fact.table, column) for fact in facts for column in fact.dimensions.values()}
    judged = {(SCORECARD.name, column) for column in ("rate", "status", "reason")}
    shared = {
        (fact.table, column)
        for fact in facts
        if fact.shared is not None
        for column in [
            *fact.dimensions.values(),
            *(name for measure in fact.measures.values() for name in measure.columns),
        ]
    }
    return (
        dict.fromkeys(FIGURES, sorted(measured))
        | dict.fromkeys(("is_comparable", *LEFT_OUT), sorted(shared))
        | dict.fromkeys(PERIOD, sorted(dates))
        | dict.fromkeys(("dimension", "member"), sorted(members))
        | dict.fromkeys(("state", "reason", "reason_zh"), sorted(judged))
        | {name: [(BENCHMARKS, name.removeprefix("benchmark_"))] for name in COLUMNS[1:]}
        | {"benchmark": [(BENCHMARKS, "value")]}
    )


def kpi_scorecard_lineage(kpis: Catalogue) -> Lineage:
    """Each KPI is a value, its state a state."""
    values = {name: [_of("kpi"), _of("value")] for name in kpis.kpis}
    states = {f"{name}_state": [_of("kpi"), _of("state")] for name in kpis.kpis}
    return {name: [_of(name)] for name in KEYS} | values | states


def composite_scores_lineage() -> Lineage:
    """Scores are means of scores; what is missing is told by values, targets and reasons."""
    same = {name: [_of(name)] for name in KEYS}
    scores = {name: [_of("score")] for name in COMPOSITE_SCORES.columns if name.startswith("score")}
    weighed = {name: [_of("kpi"), _of("score")] for name in ("weight_available", "effective_weights")}
    whys = [_of(name) for name in ("kpi", "score", "value", "target", "reason")]
    missing = dict.fromkeys(("missing_parts", "missing_parts_zh"), whys)
    states = {name: [_of("kpi"), _of("score"), _of("state")] for name in ("state", "reason", "reason_zh")}
    bounds = {name: [_of(of) for of in ("lower", "upper", "value", "floor", "target")] for name in ("lower", "upper")}
    ranks = {name: [_of("score"), *bounds["lower"]] for name in COMPOSITE_SCORES.columns if "rank" in name}
    return same | scores | weighed | missing | states | bounds | ranks


def _of(column: str) -> tuple[str, str]:
    return KPI_VALUES.name, column
