"""The official KPIs side by side."""

import pandas as pd

from assets.ads.catalogue import Catalogue, Kpi, catalogue
from assets.ads.kpi_query import KEYS
from assets.ads.kpi_values import KPI_VALUES
from pipeline.tables import TableSpec


def kpi_scorecard_spec(kpis: Catalogue | None = None) -> TableSpec:
    """What the table says of itself: its columns follow the catalogue."""
    told = (kpis or catalogue()).kpis
    keys = {name: KPI_VALUES.columns[name] for name in KEYS}
    values = {name: column for kpi_name, kpi in told.items() for name, column in _columns(kpi_name, kpi).items()}
    return TableSpec(
        name="ads.kpi_scorecard",
        description="One row per period and member of a dimension: the official KPIs side by side, with their states.",
        grain=("period_kind", "period", "dimension", "member"),
        columns=keys | values,
    )


def _columns(name: str, kpi: Kpi) -> dict[str, tuple[str, str]]:
    choice = "; the plan may choose another variant" if len(kpi.variants) > 1 else ""
    meaning = f"{kpi.label.en}: {kpi.meaning.en} ({kpi.unit}){choice}"
    return {
        name: ("double precision", meaning),
        f"{name}_state": ("text", f"{kpi.label.en}: final, provisional or withheld; NULL where it can't be had"),
    }


def kpi_scorecard(values: pd.DataFrame, kpis: Catalogue) -> pd.DataFrame:
    """`ads.kpi_values`, official variants only, a column per KPI and one for its state."""
    spec = kpi_scorecard_spec(kpis)
    official = values.loc[values["is_official"]]
    figures, states = (official.pivot(index=list(KEYS), columns="kpi", values=part) for part in ("value", "state"))
    wide = figures.astype("float64").join(states.add_suffix("_state")).reset_index()
    return wide.sort_values(list(spec.grain), ignore_index=True)[list(spec.columns)]
