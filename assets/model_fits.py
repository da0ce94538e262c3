"""META: what the models that were fitted say of themselves."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pandas as pd

from assets.day import ProjectDay
from assets.factory import python_asset
from pipeline.plan import Label, Plan
from pipeline.tables import TableSpec

Fit = dict[str, Any]

MODELS = TableSpec(
    name="meta.models",
    description="One row per fitted model and parameter: its value and how sure it is, or why nothing was fitted.",
    grain=("model", "parameter"),
    columns={
        "model": ("text", "Model"),
        "parameter": ("text", "Parameter of the model, or measure of how well it holds"),
        "value": ("double precision", "Estimate; NULL where the model was refused"),
        "standard_error": ("double precision", "Standard error of the estimate; NULL where it has none"),
        "lower": ("double precision", "Lower end of its interval, of the plan's confidence; NULL where it has none"),
        "upper": ("double precision", "Upper end of its interval"),
        "unit": ("text", "Unit of the value"),
        "description_zh": ("text", "What it is, in Chinese"),
        "description_en": ("text", "What it is, in English"),
        "state": ("text", "fitted or refused"),
        "reason": ("text", "Why it was refused, or what to mind; NULL where there is nothing to say"),
        "reason_zh": ("text", "The same in Chinese"),
        "observations": ("bigint", "Customers it was fitted on, or would have been"),
    },
)

FITTED = {
    "dws.customer_value": ("bg_nbd", "gamma_gamma", "lifetime"),
    "dws.customer_persona": ("persona",),
}
"""Table -> the models that are fitted for it; each is written beside the table as model_fits.<model>."""


def part(model: str) -> str:
    """Where the lake keeps what a model says of itself."""
    return f"model_fits.{model}"


def write_fits(day: ProjectDay, table: str, fits: Sequence[Fit]) -> None:
    """Write what the models of a table say of themselves, each to its own part."""
    for model in FITTED[table]:
        day.write(MODELS, [fit for fit in fits if fit["model"] == model], part(model))


def fit_row(
    model: str,
    parameter: str,
    value: float | None,
    unit: str,
    description: Label,
    observations: int,
    *,
    bounds: tuple[float | None, float | None] = (None, None),
    standard_error: float | None = None,
    refused: Label | None = None,
    note: Label | None = None,
) -> Fit:
    """A row of `meta.models`; `refused` says why there is no value, `note` what to mind about one."""
    reason = refused or note
    return {
        "model": model,
        "parameter": parameter,
        "value": value,
        "standard_error": standard_error,
        "lower": bounds[0],
        "upper": bounds[1],
        "unit": unit,
        "description_zh": description.zh,
        "description_en": description.en,
        "state": "refused" if refused else "fitted",
        "reason": reason.en if reason else None,
        "reason_zh": reason.zh if reason else None,
        "observations": observations,
    }


def meta_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """The table of all fitted models, put together from what each wrote beside its table."""
    told = ["value", "standard_error", "lower", "upper", "observations"]
    return [
        python_asset(
            MODELS,
            model_fits,
            inputs=list(FITTED),
            plan=plan,
            lineage={name: [(table, "customer_id") for table in FITTED] for name in told},
        )
    ]


def model_fits(day: ProjectDay) -> pd.DataFrame:
    """`meta.models` of a day."""
    parts = [day.read(part(model)) for models in FITTED.values() for model in models]
    kinds = {name: "object" for name, (kind, _) in MODELS.columns.items() if kind == "text"}
    return pd.concat([rows.astype(kinds) for rows in parts], ignore_index=True)
