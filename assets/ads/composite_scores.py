"""One score out of many: the plan's weighted models over the scores of the KPIs (S0 §3, §3.2, §5.2; I01 to I07)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from assets.ads.catalogue import catalogue
from assets.ads.figures import percent
from assets.ads.intervals import events_interval
from assets.ads.kpi_query import PERIOD, TOTAL, UNKNOWN
from assets.ads.kpi_values import KPI_VALUES
from assets.ads.rank_stability import Groups, rank_stability, weight_moves
from assets.ads.wording import SAME_IN_CHINESE, reason_zh
from pipeline.plan import Model, Plan
from pipeline.tables import TableSpec

PERIOD_KINDS = ("campaign", "quarter", "month")
DIMENSIONS = (TOTAL, "team")
BOUNDS = ("lower", "upper")
NOT_SCORABLE = "not scorable: there is no target for it"
"""A cost for which nothing is planned is neither good nor bad (I10)."""
RANKS = (
    *BOUNDS,
    "rank_group",
    "rank_group_best",
    "rank_group_worst",
    "rank_kept_share",
    "rank_moved_by",
    "is_rank_stable",
    "rank_reason",
    "rank_reason_zh",
)
"""What is told of teams beside each other."""

COMPOSITE_SCORES = TableSpec(
    name="ads.composite_scores",
    description="One row per model, period and team or the whole: the weighted mean of the scores of its parts.",
    grain=("model", "period_kind", "period", "dimension", "member"),
    columns={
        "model": ("text", "M0 to M3"),
        "label_zh": ("text", "Name in Chinese"),
        "label_en": ("text", "Name in English"),
        "is_official": ("boolean", "Whether it is the plan's official model; models are never mixed"),
        **{name: KPI_VALUES.columns[name] for name in PERIOD},
        "dimension": ("text", "total or team"),
        "member": ("text", "Team; (all) of total"),
        "score": (
            "double precision",
            "Sum of weight x score over the available parts / sum of their weights, 0 to 100",
        ),
        "score_low": ("double precision", "Lowest score when one weight, or a dimension's, at a time is moved by 20 %"),
        "score_high": ("double precision", "Highest score when one weight, or a dimension's, is moved by 20 %"),
        "lower": (
            "double precision",
            "Of a team: lower end of the 95 % interval of its score, as if its parts were off together",
        ),
        "upper": ("double precision", "Of a team: upper end of it"),
        "rank_group": (
            "bigint",
            "1 is best of the teams; whose intervals touch, directly or through others, share a rank",
        ),
        "rank_group_best": ("bigint", "Best rank when one weight, or a dimension's, at a time is moved by 20 %"),
        "rank_group_worst": ("bigint", "Worst rank then"),
        "rank_kept_share": ("double precision", "Part of these moves in which it keeps its rank, 0 to 1"),
        "rank_moved_by": ("text", "JSON: moves that change its rank, and the rank then"),
        "is_rank_stable": ("boolean", "Whether it keeps its rank in all of them; NULL where nobody is ranked"),
        "rank_reason": ("text", "Why the team is ranked before or behind no other; NULL where it is"),
        "rank_reason_zh": ("text", SAME_IN_CHINESE),
        "weight_available": ("double precision", "Share of the weight whose parts have a score, 0 to 1"),
        "policy": ("text", "What is done about weights that miss 100 %: normalise, residual or strict"),
        "raw_weights": ("text", "JSON: weight of each part as the plan declares it"),
        "effective_weights": ("text", "JSON: weight of each available part, after the policy; they add up to 1"),
        "missing_parts": ("text", "JSON: parts without a score, and why"),
        "missing_parts_zh": ("text", "JSON: their names and reasons in Chinese"),
        "state": ("text", "final; provisional if a part is provisional or missing; withheld if all are missing"),
        "reason": (
            "text",
            "Which parts are missing, and the weights that the others have instead; which are provisional; NULL when "
            "there is nothing to say",
        ),
        "reason_zh": ("text", SAME_IN_CHINESE),
    },
)


@dataclass(frozen=True)
class Composite:
    """The weighted mean of the parts that have a score, and how far it moves with the weights; None where none has."""

    score: float | None
    low: float | None
    high: float | None
    weights: dict[str, float]
    """Effective weights of the available parts; they add up to 1."""
    weight_available: float
    missing: list[str]


NO_GROUPS: Groups = MappingProxyType({})


def composite(scores: Mapping[str, float], weights: Mapping[str, float], groups: Groups = NO_GROUPS) -> Composite:
    """E = sum of w Q / sum of w over the parts that have a score Q (I07); `groups` are moved together beside each."""
    wanted = {part: weight for part, weight in weights.items() if weight > 0}
    available = {part: weight for part, weight in wanted.items() if part in scores}
    missing = [part for part in wanted if part not in available]
    total = fsum(available.values())
    if not available:
        return Composite(None, None, None, {}, 0.0, missing)
    moved = [_mean(scores, available), *(_mean(scores, move) for _, move in weight_moves(available, groups))]
    effective = {part: weight / total for part, weight in available.items()}
    return Composite(moved[0], min(moved), max(moved), effective, total / fsum(wanted.values()), missing)


def _mean(scores: Mapping[str, float], weights: Mapping[str, float]) -> float:
    mean = fsum(weight * scores[part] for part, weight in weights.items()) / fsum(weights.values())
    # whatever the last digit of a quotient: a mean of hundreds is a hundred
    parts = [scores[part] for part in weights]
    return min(max(mean, min(parts)), max(parts))


def composite_scores(values: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table `ads.composite_scores` from `ads.kpi_values`.

    A team whose part of a quantity the plan does not name has no score for it; what is left out is listed.
    """
    columns = list(COMPOSITE_SCORES.columns)
    scopes = _scopes(values)
    rows = [
        _row(name, model, plan, key, parts)
        for name, model in sorted(plan.models.items())
        for key, parts in scopes.groupby([*PERIOD, "dimension", "member"], sort=True)
    ]
    found = pd.DataFrame(rows, columns=[name for name in columns if name not in RANKS])
    keys = ["model", "period_kind", "period", "dimension", "member"]
    ranked = found.merge(_ranks(scopes, plan), on=keys, how="left", validate="one_to_one")
    return ranked.sort_values(list(COMPOSITE_SCORES.grain), ignore_index=True)[columns]


def _ranks(scopes: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The teams of every model and period beside each other."""
    teams = _with_score_bounds(scopes.loc[(scopes["dimension"] == "team") & scopes["score"].notna()], plan)
    found = [pd.DataFrame(columns=["model", "period_kind", "period", "dimension", "member", *RANKS])]
    for name, model in plan.models.items():
        weights = {part: weight for part, weight in model.effective_weights.items() if weight > 0}
        for (kind, period), rows in teams.loc[teams["kpi"].isin(weights)].groupby(["period_kind", "period"]):
            wide = (rows.pivot(index="member", columns="kpi", values=part) for part in ("score", "low", "high"))
            told = rank_stability(*wide, weights, model.groups).rename_axis("member").reset_index()
            told["rank_reason_zh"] = told["rank_reason"].map(reason_zh).astype(object)
            found.append(told.assign(model=name, period_kind=kind, period=period, dimension="team"))
    return pd.concat([rows for rows in found if len(rows)] or found).astype({"member": str})


def _with_score_bounds(rows: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """What the ends of a KPI's interval would score, in the manner of the KPI's own score.

    A count that has a target is off by chance as events are (Poisson), though it is what was counted.
    """
    count = rows["value"].where((rows["unit"] == "count") & rows["denominator"].isna()).to_numpy(float)
    counted = dict(zip(BOUNDS, events_interval(count, np.ones(len(rows))), strict=True))
    floor = rows["floor"].astype(float)
    span = rows["target"].astype(float) - floor
    bounds = [rows[bound].astype(float).fillna(pd.Series(counted[bound], rows.index)) for bound in BOUNDS]
    ends = [(100 * (bound - floor) / span.where(span != 0)).clip(0, plan.score_cap) for bound in bounds]
    return rows.assign(low=np.minimum(*ends), high=np.maximum(*ends))


def _scopes(values: pd.DataFrame) -> pd.DataFrame:
    """Official rows of the periods and teams that are scored; a team nobody names is none."""
    return values.loc[
        values["is_official"]
        & values["period_kind"].isin(PERIOD_KINDS)
        & values["dimension"].isin(DIMENSIONS)
        & (values["member"] != UNKNOWN)
    ]


def _row(name: str, model: Model, plan: Plan, key: tuple, parts: pd.DataFrame) -> dict[str, Any]:
    by_kpi = parts.set_index("kpi")
    result = composite(by_kpi["score"].dropna().to_dict(), model.effective_weights, model.groups)
    doubtful = [kpi for kpi in result.weights if by_kpi.at[kpi, "state"] == "provisional"]
    missing = {kpi: _why(by_kpi, kpi) for kpi in result.missing}
    names, reason = catalogue().chinese_names, _reason(result, doubtful)
    return {
        "model": name,
        "label_zh": model.label.zh,
        "label_en": model.label.en,
        "is_official": name == plan.official_model,
        **dict(zip([*PERIOD, "dimension", "member"], key, strict=True)),
        "score": result.score,
        "score_low": result.low,
        "score_high": result.high,
        "weight_available": result.weight_available,
        "policy": model.policy,
        "raw_weights": _json(model.weights),
        "effective_weights": _json(result.weights),
        "missing_parts": _json(missing),
        "missing_parts_zh": _json({names.get(kpi, kpi): reason_zh(why) for kpi, why in missing.items()}),
        "state": _state(result, doubtful),
        "reason": reason,
        "reason_zh": reason_zh(reason),
    }


def _why(by_kpi: pd.DataFrame, kpi: str) -> str:
    """Why a part has no score."""
    if kpi not in by_kpi.index:
        return "can't be had here"
    part = by_kpi.loc[kpi]
    if pd.isna(part["value"]):
        return part["reason"]
    return NOT_SCORABLE if pd.isna(part["target"]) and part["is_comparable"] else part["reason"]


def _state(result: Composite, doubtful: list[str]) -> str:
    if result.score is None:
        return "withheld"
    return "provisional" if result.missing or doubtful else "final"


def _reason(result: Composite, doubtful: Iterable[str]) -> str | None:
    """What is missing, who has its weight (I10), and what is provisional."""
    spread = ", ".join(f"{part} {percent(weight)}" for part, weight in result.weights.items())
    missing = ", ".join(result.missing) + (f", so that the weights are {spread}" if result.missing and spread else "")
    told = {"missing": missing, "provisional": ", ".join(doubtful)}
    return "; ".join(f"{what}: {parts}" for what, parts in told.items() if parts) or None


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
