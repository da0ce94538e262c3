"""From customers to personas: how many, who belongs to which, and which of them were there before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from assets.dws.personas.features import Points, points
from assets.dws.personas.groups import Groups, best_number, group, grown, same_groups, sample, silhouette
from pipeline.plan import Label, Personas

NONE = "persona_none"
PREFIX = "persona_"


@dataclass(frozen=True)
class Before:
    """The personas of the run before, and the customers in them."""

    centres: pd.DataFrame
    """One row per persona: class_id and its features in natural units; NaN where it was not found by one."""
    members: pd.Series
    """customer_id -> class_id."""
    issued: int
    """The highest number a persona ever had."""
    as_of: date | None = None
    """Its day."""

    @classmethod
    def nothing(cls) -> "Before":
        """Before the first run."""
        return cls(pd.DataFrame(columns=["class_id"]), pd.Series(dtype="str"), 0)


@dataclass(frozen=True)
class Found:
    """The personas of a run, or why there are none."""

    refused: Label | None
    """Why none were looked for."""
    points: Points | None = None
    groups: Groups | None = None
    class_ids: list[str] = field(default_factory=list)
    """Of each group the id of its persona."""
    distances: dict[str, float] = field(default_factory=dict)
    """Of each persona that was there before how far its centre moved, in standard deviations."""
    silhouettes: dict[int, float] = field(default_factory=dict)
    """Of each number of groups that was tried how well it told the customers apart."""
    issued: int = 0


def find(customers: pd.DataFrame, plan: Personas, before: Before) -> Found:
    """The personas of customers who ordered, one row each with customer_id and features, sorted by customer_id."""
    if len(customers) < plan.customers_least:
        return _refused(
            before,
            f"有订单的客户只有 {len(customers)} 位，少于分群所需的 {plan.customers_least} 位",
            f"only {len(customers)} customers have ordered, and {plan.customers_least} are needed to look for groups",
        )
    known = points(customers, plan.features, plan.missing_limit)
    hashes = pd.util.hash_array(customers["customer_id"].to_numpy(dtype=object))
    some = sample(hashes, plan.fit_sample)
    different = len(np.unique(known.scores[some], axis=0)) if known.scales else 1
    if different <= plan.least:
        return _refused(
            before,
            f"在所选特征上只有 {different} 种不同的客户，无法分出 {plan.least} 组",
            f"by their features there are only {different} different customers, too few for {plan.least} groups",
        )
    earlier = _comparable(known, before)
    compared = np.searchsorted(some, sample(hashes, min(plan.silhouette_sample, plan.fit_sample)))
    groups, silhouettes = _best(known.scores[some], compared, min(plan.most, different - 1), plan, earlier)
    if len(some) < len(customers):
        groups = grown(known.scores, groups.centres)
    return _named(known, groups, silhouettes, before, plan)


def _refused(before: Before, zh: str, en: str) -> Found:
    return Found(Label(zh=zh, en=en), issued=before.issued)


def _comparable(known: Points, before: Before) -> np.ndarray | None:
    """The centres of the run before on today's scale, if they were found by the same features."""
    if not len(before.centres) or set(_features_of(before)) != set(known.names):
        return None
    return known.scored(before.centres)


def _features_of(before: Before) -> list[str]:
    return [name for name in before.centres.columns if name != "class_id" and before.centres[name].notna().all()]


def _best(
    scores: np.ndarray, compared: np.ndarray, most: int, plan: Personas, earlier: np.ndarray | None
) -> tuple[Groups, dict[int, float]]:
    """The best division, and the silhouette of every number of groups that was tried."""
    tried = {number: _divided(scores, number, plan, earlier) for number in range(plan.least, most + 1)}
    silhouettes = {number: silhouette(scores[compared], one.members[compared]) for number, one in tried.items()}
    number = best_number(silhouettes, None if earlier is None else len(earlier), plan.better_by)
    return tried[number], silhouettes


def _divided(scores: np.ndarray, number: int, plan: Personas, earlier: np.ndarray | None) -> Groups:
    """As many groups: those that grow from the run before, unless others are better by what the plan asks."""
    fresh = group(scores, number, starts=plan.starts, seed=plan.seed)
    if earlier is None or len(earlier) != number:
        return fresh
    kept = grown(scores, earlier)
    return fresh if fresh.inertia < kept.inertia * (1 - plan.better_by) else kept


def _named(known: Points, groups: Groups, silhouettes: dict[int, float], before: Before, plan: Personas) -> Found:
    """Groups that were there before keep their ids; the others get numbers nobody had, the largest group first."""
    ids: dict[int, str] = {}
    distances: dict[str, float] = {}
    for match in _matches(known, groups, before, plan.match_within):
        ids[match.group] = before.centres["class_id"].iloc[match.before]
        distances[ids[match.group]] = match.distance
    sizes = np.bincount(groups.members, minlength=groups.number)
    new = sorted(set(range(groups.number)) - set(ids), key=lambda one: (-sizes[one], *groups.centres[one]))
    ids |= {one: f"{PREFIX}{number}" for number, one in enumerate(new, start=before.issued + 1)}
    class_ids = [ids[one] for one in range(groups.number)]
    return Found(None, known, groups, class_ids, distances, silhouettes, before.issued + len(new))


def _matches(known: Points, groups: Groups, before: Before, within: float) -> Sequence:
    """Groups and those of the run before, compared by the features that both were found by."""
    common = [name for name in known.names if name in _features_of(before)]
    if not common:
        return []
    places = [known.names.index(name) for name in common]
    scales = [known.scales[place] for place in places]
    shared = Points(known.scores[:, places], scales, [])
    return same_groups(groups.centres[:, places], shared.scored(before.centres), within)
