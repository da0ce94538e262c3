"""What is told of the fit beside the table: the part of `meta.models` that is the personas'."""

from typing import Any

import pandas as pd

from assets.dws.personas.features import MEASURES
from assets.dws.personas.finding import Found
from pipeline.tables import TableSpec

MODEL = "persona"
ISSUED = "numbers_issued"
FITS = TableSpec(
    name="model_fits.persona",
    description="What was fitted to find the personas, and how well it fits.",
    grain=("model", "parameter"),
    columns={
        "model": ("text", "Model"),
        "parameter": ("text", "Parameter, or a measure of how well the model fits"),
        "value": ("double precision", "Its value; NULL where nothing was fitted"),
        "lower": ("double precision", "Lower end of its 95 % interval; NULL where it has none"),
        "upper": ("double precision", "Upper end of its 95 % interval; NULL where it has none"),
        "unit": ("text", "What the value is counted in"),
        "description_zh": ("text", "What it is, in Chinese"),
        "description_en": ("text", "What it is, in English"),
        "state": ("text", "fitted; refused: the reason says why"),
        "reason": ("text", "Why there is no value, or what it leaves out; NULL where there is nothing to say"),
        "observations": ("bigint", "Customers it was fitted to"),
    },
)

SD = "standard deviations"


def fits(found: Found, members: pd.DataFrame, observations: int) -> list[dict[str, Any]]:
    """The rows of a run; `members` is its `dws.customer_persona`, `observations` are the customers who ordered."""
    issued = _row(ISSUED, found.issued, "personas", "历次分群累计使用的编号数", "Numbers that personas ever had")
    rows = [issued, *([_refused(found)] if found.refused else _fitted(found, members))]
    return [row | {"observations": observations} for row in rows]


def _refused(found: Found) -> dict[str, Any]:
    row = _row("groups", None, "personas", "分群数", "Number of groups")
    return row | {"state": "refused", "reason": found.refused.en}


def _fitted(found: Found, members: pd.DataFrame) -> list[dict[str, Any]]:
    groups, number = found.groups, found.groups.number
    kept = len(found.distances)
    return [
        _row("groups", number, "personas", "分群数", "Number of groups"),
        _row(
            "silhouette",
            found.silhouettes[number],
            "-1 to 1",
            "轮廓系数",
            "Mean silhouette of the groups that were chosen",
        ),
        _row("inertia", groups.inertia, f"squared {SD}", "组内平方和", "Sum of the squared distances from the centres"),
        _moved(members),
        _row("groups_kept", kept, "personas", "沿用上次编号的分群数", "Groups that were there in the run before"),
        _row("groups_new", number - kept, "personas", "新出现的分群数", "Groups that were not there in the run before"),
        *(
            _row(
                f"silhouette_{tried:02d}",
                value,
                "-1 to 1",
                f"分为 {tried} 组时的轮廓系数",
                f"Mean silhouette of {tried} groups",
            )
            for tried, value in sorted(found.silhouettes.items())
        ),
        *(
            _row(
                f"centre_{scale.name}",
                float(found.points.natural(centre)[scale.name].iloc[0]),
                MEASURES[scale.name].unit,
                f"全体客户的中心：{scale.name}",
                f"Centre of all customers: {scale.name}",
            )
            for scale in found.points.scales
            for centre in [groups.centres[:1] * 0]
        ),
        *(
            _row(
                f"missing_{left.name}",
                left.missing,
                "share",
                f"缺少该特征的客户占比：{left.name}",
                f"Share of customers that lack {left.name}",
            )
            | {"state": "refused", "reason": f"left out: {left.reason}"}
            for left in found.points.left_out
        ),
    ]


def _moved(members: pd.DataFrame) -> dict[str, Any]:
    known = members["has_moved"].dropna()
    share = float(known.mean()) if len(known) else None
    row = _row(
        "moved_share", share, "share", "换组客户占比", "Share of customers in another group than in the run before"
    )
    return row if len(known) else row | {"reason": "no customer was in a group in a run before"}


def _row(parameter: str, value: float | None, unit: str, zh: str, en: str) -> dict[str, Any]:
    return {
        "model": MODEL,
        "parameter": parameter,
        "value": None if value is None else round(float(value), 9),
        "lower": None,
        "upper": None,
        "unit": unit,
        "description_zh": zh,
        "description_en": en,
        "state": "fitted",
        "reason": None,
    }
