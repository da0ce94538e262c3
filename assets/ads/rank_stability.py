"""Ranks by a weighted score, and what they owe to the choice of weights: each is moved, and everybody is ranked anew.

Covers I05, U06 and U19: nobody is ranked before another by chance alone, and no rank is told without how firm it is.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

WEIGHT_SHIFT = 0.2
"""How far each weight is moved, one at a time, to see what the score owes to the choice of weights (U06)."""

Weights = Mapping[str, float]
Groups = Mapping[str, Sequence[str]]
"""Dimension of a model -> its parts. A dimension weighs what its parts weigh together (I05)."""


def rank_groups(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """1 for the best group, NaN without an interval: a group lies wholly below every interval of the better ones.

    Intervals that overlap in a chain are one group, so that nobody has a better rank by chance alone.

    >>> rank_groups(np.array([4.0, 8.0, 0.5]), np.array([6.0, 10.0, 4.5]))
    array([2., 1., 2.])
    """
    ranks = np.full(len(lower), np.nan)
    known = np.flatnonzero(~(np.isnan(lower) | np.isnan(upper)))
    rank, reached = 0, np.inf
    for place in known[np.argsort(-upper[known], kind="stable")]:
        rank += int(upper[place] < reached)
        reached = min(reached, lower[place])
        ranks[place] = rank
    return ranks


def weight_moves(weights: Weights, groups: Groups) -> Iterator[tuple[str, dict[str, float]]]:
    """Every weight and every dimension's weight by itself a fifth lower and a fifth higher, with the name of the move.

    >>> [name for name, _ in weight_moves({"cac": 0.6, "nps": 0.4}, {"voice": ["nps"]})]
    ['cac -20 %', 'cac +20 %', 'nps -20 %', 'nps +20 %', 'voice -20 %', 'voice +20 %']
    """
    units = {part: [part] for part in weights} | {
        name: [p for p in parts if p in weights] for name, parts in groups.items()
    }
    for name, parts in units.items():
        if parts:
            for shift in (-WEIGHT_SHIFT, WEIGHT_SHIFT):
                moved = {part: weights[part] * (1 + shift) for part in parts}
                yield f"{name} {shift:+.0%}".replace("%", " %"), {**weights, **moved}


def rank_stability(
    scores: pd.DataFrame, lower: pd.DataFrame, upper: pd.DataFrame, weights: Weights, groups: Groups
) -> pd.DataFrame:
    """How members compare by a weighted score, and how firmly.

    Args:
        scores: A row per member, a column per part, 0 to 100; NaN where a part has none.
        lower: The lower end of the 95 % interval of each.
        upper: The upper end.
        weights: The weight of each part, all above 0.
        groups: The parts of each dimension of the model.

    Returns:
        A row per member: `lower` and `upper` of the score, as wide as if its parts were off together; `rank_group`, and
        what becomes of it when weights move.
    """
    parts = [part for part in scores if scores[part].notna().any()]
    judged = {part: weights[part] for part in parts}
    low, high = _mean(lower[parts], judged), _mean(upper[parts], judged)
    is_whole = scores[parts].notna().all(axis=1)
    ranks = pd.Series(rank_groups(*_compared(low, high, is_whole)), scores.index)
    moved = {
        name: rank_groups(*_compared(_mean(lower[parts], move), _mean(upper[parts], move), is_whole))
        for name, move in weight_moves(judged, groups)
    }
    told = pd.DataFrame({"lower": low.where(is_whole), "upper": high.where(is_whole), "rank_group": ranks})
    told = told.join(_sway(ranks, pd.DataFrame(moved, index=scores.index)))
    return told.assign(rank_reason=_reasons(scores[parts], lower[parts], told))


def _mean(scores: pd.DataFrame, weights: Weights) -> pd.Series:
    """The weighted mean of every row; NaN where a part is missing."""
    total = sum(weights.values())
    mean = sum((scores[part] * (weight / total) for part, weight in weights.items()), pd.Series(0.0, scores.index))
    # weights add up to 1 but for the last digit, and a mean of hundreds is a hundred
    return mean.clip(scores.min(axis=1), scores.max(axis=1))


def _compared(low: pd.Series, high: pd.Series, is_whole: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Who lacks a part that others have is not comparable with them. Sums that differ in the last digit are equal."""
    return low.where(is_whole).round(9).to_numpy(float), high.where(is_whole).round(9).to_numpy(float)


def _sway(ranks: pd.Series, moved: pd.DataFrame) -> pd.DataFrame:
    """What moves of the weights do to the ranks; nothing where nobody is ranked before another."""
    is_ranked = ranks.notna() & (ranks.max() > 1)
    kept = moved.eq(ranks, axis=0) | ranks.isna().to_numpy()[:, None]
    share = kept.mean(axis=1) if len(moved.columns) else pd.Series(1.0, ranks.index)
    every = moved.assign(**{"": ranks})
    by = [_json(row[~stays].to_dict()) for (_, row), (_, stays) in zip(moved.iterrows(), kept.iterrows(), strict=True)]
    told = pd.DataFrame(
        {
            "rank_group_best": every.min(axis=1),
            "rank_group_worst": every.max(axis=1),
            "rank_kept_share": share,
            "rank_moved_by": by,
            "is_rank_stable": kept.all(axis=1).astype("boolean"),
        },
        index=ranks.index,
    )
    return told.where(is_ranked, other=None).astype({"is_rank_stable": "boolean"})


def _reasons(scores: pd.DataFrame, lower: pd.DataFrame, told: pd.DataFrame) -> list[str | None]:
    """Why a member is not ranked before or behind any other."""
    nobody = not told["rank_group"].max() > 1
    return [
        _reason(scores.columns[scores.loc[member].isna()], lower.columns[lower.loc[member].isna()], nobody)
        for member in told.index
    ]


def _reason(lacking: Sequence[str], unsure: Sequence[str], nobody: bool) -> str | None:
    if len(lacking):
        return f"has no score for {', '.join(lacking)}, which others have"
    if len(unsure):
        return f"no interval for {', '.join(unsure)}"
    return "the intervals touch: nobody is ranked before another" if nobody else None


def _json(ranks: Mapping[str, Any]) -> str:
    return json.dumps({move: int(rank) for move, rank in ranks.items()}, ensure_ascii=False)
