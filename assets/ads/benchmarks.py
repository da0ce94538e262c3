"""What others reach, beside the company's own figures (F062, I65): what a source says, for the time it says it of."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from assets.ads.kpi_query import TOTAL

BENCHMARKS = "dws.benchmarks"
COLUMNS = ("benchmark", "benchmark_period", "benchmark_source")
LONG = ("month", "quarter", "campaign", "baseline")
"""Periods that are held against others: of a day or week nobody has published anything."""


class _Said(NamedTuple):
    value: float
    period: str
    source: str


def with_benchmarks(rows: pd.DataFrame, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """The same rows with what others reach, for the official figures of the whole.

    What is said of the period itself comes first. A rate or mean is held against the newest year that had begun when
    the period ended; a sum of another year is no measure of a month.

    Args:
        rows: With `kpi`, `is_official`, `is_quantity`, `dimension` and the period.
        benchmarks: The rows of `dws.benchmarks`.
    """
    said: dict[str, dict[str, _Said]] = {}
    for row in benchmarks.to_dict("records"):
        found = _Said(float(row["value"]), row["period"], row["source"])
        said.setdefault(row["metric"], {})[row["period"]] = found
    asked = rows["is_official"] & (rows["dimension"] == TOTAL) & rows["period_kind"].isin(LONG) & rows["kpi"].isin(said)
    told = {index: _of(row, said[row["kpi"]]) for index, row in rows.loc[asked].to_dict("index").items()}
    frame = pd.DataFrame(index=rows.index, columns=list(COLUMNS), dtype=object)
    for index, found in told.items():
        if found:
            frame.loc[index] = [found.value, found.period, found.source]
    return rows.join(frame.astype({"benchmark": float}))


def _of(row: Mapping[str, Any], said: Mapping[str, _Said]) -> _Said | None:
    """What is said of the period, or of the newest year that had begun by its last day."""
    if row["period"] in said or row["is_quantity"]:
        return said.get(row["period"])
    last = str((pd.Timestamp(row["period_end"]) - pd.Timedelta(days=1)).year)
    years = [period for period in said if re.fullmatch(r"\d{4}", period) and period <= last]
    return said[max(years)] if years else None
