"""What `meta.models` says of the personas: how many, how well they tell customers apart, and who has moved."""

import pandas as pd

from assets.chinese import chinese
from assets.dws.personas.features import MEASURES
from assets.dws.personas.finding import Found
from assets.model_fits import Fit, fit_row
from pipeline.plan import Label

MODEL = "persona"
ISSUED = "numbers_issued"
DIGITS = 9
SILHOUETTE = "-1 to 1"
FIRST_RUN = Label(zh="此前没有客户被分过群", en="no customer was in a group in a run before")


def fits(found: Found, members: pd.DataFrame, observations: int) -> list[Fit]:
    """The rows of a run; `members` is its `dws.customer_persona`, `observations` are the customers who ordered."""
    issued = _row(ISSUED, found.issued, "personas", "历次分群累计使用的编号数", "numbers that personas ever had")
    if found.refused:
        rows = [issued, _row("groups", None, "personas", "分群数", "number of groups", refused=found.refused)]
    else:
        rows = [issued, *_fitted(found), _moved(members), *_tried(found), *_centres(found), *_left_out(found)]
    return [row | {"observations": observations} for row in rows]


def _fitted(found: Found) -> list[Fit]:
    number, kept = found.groups.number, len(found.distances)
    silhouette = found.silhouettes[number]
    return [
        _row("groups", number, "personas", "分群数", "number of groups"),
        _row(
            "silhouette", silhouette, SILHOUETTE, "轮廓系数", "mean silhouette of the number of groups that was chosen"
        ),
        _row(
            "inertia",
            found.groups.inertia,
            "squared standard deviations",
            "组内平方和",
            "sum of the squared distances from the centres",
        ),
        _row("groups_kept", kept, "personas", "沿用上次编号的分群数", "groups that were there in the run before"),
        _row("groups_new", number - kept, "personas", "新出现的分群数", "groups that were not there in the run before"),
    ]


def _moved(members: pd.DataFrame) -> Fit:
    known = members["has_moved"].dropna()
    share = float(known.mean()) if len(known) else None
    return _row(
        "moved_share",
        share,
        "share",
        "与上次相比换组的客户占比",
        "share of customers in another group than in the run before",
        refused=None if len(known) else FIRST_RUN,
    )


def _tried(found: Found) -> list[Fit]:
    """Every number of groups that was tried."""
    return [
        _row(
            f"silhouette_{number:02d}",
            value,
            SILHOUETTE,
            f"分为 {number} 组时的轮廓系数",
            f"mean silhouette of {number} groups",
        )
        for number, value in sorted(found.silhouettes.items())
    ]


def _centres(found: Found) -> list[Fit]:
    """The centre of all customers, against which groups are marked."""
    middle = found.points.natural(found.groups.centres[:1] * 0).iloc[0]
    return [
        _row(
            f"centre_{name}",
            float(middle[name]),
            MEASURES[name].unit,
            f"全体客户的中心：{chinese().columns[name]}",
            f"centre of all customers: {name}",
        )
        for name in found.points.names
    ]


def _left_out(found: Found) -> list[Fit]:
    """The features that tell nobody apart."""
    return [
        _row(
            f"missing_{left.name}",
            left.missing,
            "share",
            f"缺少该特征的客户占比：{chinese().columns[left.name]}",
            f"share of customers that lack {left.name}",
            note=Label(zh=f"未采用：{left.reason.zh}", en=f"left out: {left.reason.en}"),
        )
        for left in found.points.left_out
    ]


def _row(
    parameter: str,
    value: float | None,
    unit: str,
    zh: str,
    en: str,
    *,
    refused: Label | None = None,
    note: Label | None = None,
) -> Fit:
    rounded = None if value is None else round(float(value), DIGITS)
    return fit_row(MODEL, parameter, rounded, unit, Label(zh=zh, en=en), 0, refused=refused, note=note)
