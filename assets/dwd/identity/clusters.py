"""Which records are one customer: the parts of a graph whose edges are links, kept within bounds."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SPLINK, MUST_LINK = "splink", "must_link"
LINK_COLUMNS = ("customer_id", "other_customer_id", "rule_id", "probability")

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Clusters:
    """The parts with more than one record, and what was done to keep them within bounds."""

    members: pd.DataFrame
    """One row per record of such a part: customer_id, cluster (its least id), rule_id and probability of the best link
    that holds it there."""
    cut: frozenset[str]
    """Records of parts that grew too large, of which only exact links were believed."""
    kept_apart: frozenset[str]
    """Records of parts that were divided because two of their records are said to be different customers."""


def clusters(links: pd.DataFrame, *, largest: int, apart: Pairs = ()) -> Clusters:
    """The connected parts of `links`, one row per pair of ids with the rule and the probability of the link.

    A part of more than `largest` records is cut back to its exact links. A part that holds a pair of `apart` is built
    again from its strongest link to its weakest, without those that would bring such a pair together.
    """
    ordered = _strongest_first(links)
    part = _parts(ordered)
    sizes = part.value_counts()
    cut = part.index[part.isin(sizes.index[sizes > largest])]
    kept = ordered[~(ordered["customer_id"].isin(cut) & (ordered["rule_id"] == SPLINK))]
    part = _parts(kept)
    pairs = [(one, other) for one, other in apart if one in part.index and part[one] == part.get(other)]
    divided = part.index[part.isin({part[one] for one, _ in pairs})]
    kept = _without_contradiction(kept, frozenset(divided), pairs)
    return Clusters(_members(kept), frozenset(cut), frozenset(divided))


def _strongest_first(links: pd.DataFrame) -> pd.DataFrame:
    """What was said by a person, then exact links, then the likelier ones; a total order."""
    rank = links["rule_id"].map({MUST_LINK: 0, SPLINK: 2}).fillna(1)
    by = ["_rank", "probability", "rule_id", "customer_id", "other_customer_id"]
    ordered = links.assign(_rank=rank).sort_values(by, ascending=[True, False, True, True, True], ignore_index=True)
    return ordered.drop(columns="_rank")


def _parts(links: pd.DataFrame) -> pd.Series:
    """Of each id that has a link the least id of its part."""
    ids = np.unique(links[["customer_id", "other_customer_id"]].to_numpy(dtype=object).ravel())
    one, other = (np.searchsorted(ids, links[name].to_numpy(dtype=object)) for name in LINK_COLUMNS[:2])
    graph = coo_array((np.ones(len(links), np.int8), (one, other)), shape=(len(ids), len(ids)))
    _, number = connected_components(graph, directed=False)
    least = pd.Series(ids).groupby(number).transform("first") if len(ids) else pd.Series(ids)
    return pd.Series(least.to_numpy(), index=pd.Index(ids), dtype=object)


def _without_contradiction(links: pd.DataFrame, divided: frozenset[str], apart: Pairs) -> pd.DataFrame:
    """The links, strongest first, without those of `divided` records that would bring a pair of `apart` together."""
    group = {record: {record} for record in divided}
    strangers: dict[str, set[str]] = {}
    for one, other in apart:
        strangers.setdefault(one, set()).add(other)
        strangers.setdefault(other, set()).add(one)
    inside = links["customer_id"].isin(divided)
    kept = []
    for link in links[inside].itertuples():
        ours, theirs = group[link.customer_id], group[link.other_customer_id]
        refused = set().union(*(strangers.get(record, set()) for record in ours))
        if ours is theirs or not refused & theirs:
            kept.append(link.Index)
            ours |= theirs
            group |= dict.fromkeys(theirs, ours)
    return links[~inside | links.index.isin(kept)]


def _members(links: pd.DataFrame) -> pd.DataFrame:
    part = _parts(links)
    ends = [
        links[[end, "rule_id", "probability"]].set_axis(["customer_id", "rule_id", "probability"], axis=1)
        for end in LINK_COLUMNS[:2]
    ]
    best = pd.concat(ends).sort_index(kind="stable").drop_duplicates("customer_id")
    members = best.assign(cluster=best["customer_id"].map(part))
    return members.sort_values("customer_id", ignore_index=True)
