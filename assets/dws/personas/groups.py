"""Groups of points that lie close together, how many of them there are, and which of them were there before.

k-means by Lloyd's algorithm, started from greedy k-means++ (Lloyd 1982; Arthur & Vassilvitskii 2007), the number of
groups by the mean silhouette (Rousseeuw 1987), the same groups again by minimum-cost assignment (Kuhn 1955). All of it
in one thread: what several add up differs in the last digit from run to run.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

TOL = 0
ALIKE = -1.0
"""The silhouette of what is no division at all."""


@dataclass(frozen=True)
class Groups:
    """Points divided into groups."""

    centres: np.ndarray
    """One row per group: the mean of its points."""
    members: np.ndarray
    """Of each point the number of its group."""
    inertia: float
    """Sum of the squared distances of all points from the centres of their groups."""

    @property
    def number(self) -> int:
        """How many groups there are."""
        return len(self.centres)

    def distances(self, points: np.ndarray) -> np.ndarray:
        """How far each point is from the centre of its group: root mean square over the columns."""
        return np.sqrt(np.mean((points - self.centres[self.members]) ** 2, axis=1))


@dataclass(frozen=True)
class Match:
    """A group, the group of the run before that it is, and the distance between the two."""

    group: int
    before: int
    distance: float


def group(points: np.ndarray, number: int, *, starts: int, seed: int) -> Groups:
    """Divide the rows of `points` into `number` groups; of several starts the best is taken."""
    return _fitted(points, number, "k-means++", starts=starts, seed=seed)


def grown(points: np.ndarray, centres: np.ndarray) -> Groups:
    """The groups that grow from these centres."""
    return _fitted(points, len(centres), centres, starts=1, seed=0)


def silhouette(points: np.ndarray, members: np.ndarray) -> float:
    """Mean over the points of (b - a) / max(a, b): the mean distance to the own group against that to the next.

    -1 where there are not at least two groups, and a point more than groups.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(members)) < len(points):
        return ALIKE
    with _in_one_thread():
        return silhouette_score(points, members)


def best_number(silhouettes: Mapping[int, float], before: int | None, better_by: float) -> int:
    """The number of groups with the highest silhouette, of equal ones the smallest.

    The number there was before stays unless the best is better by the share `better_by`.
    """
    best = max(silhouettes, key=lambda number: (silhouettes[number], -number))
    if before not in silhouettes:
        return best
    kept = silhouettes[before]
    return best if silhouettes[best] > kept + abs(kept) * better_by else before


def same_groups(centres: np.ndarray, before: np.ndarray, within: float) -> list[Match]:
    """Which groups are which of the run before: the pairs whose distances add up to least, none of `within` or more."""
    if not len(centres) or not len(before):
        return []
    apart = np.sqrt(np.mean((centres[:, None, :] - before[None, :, :]) ** 2, axis=2))
    # a pair that is too far apart costs as much as none, so it never spoils one that is near
    pairs = zip(*linear_sum_assignment(np.minimum(apart, within)), strict=True)
    return [Match(int(one), int(other), float(apart[one, other])) for one, other in pairs if apart[one, other] < within]


def sample(hashes: np.ndarray, size: int) -> np.ndarray:
    """The places, in order, of the `size` lowest hashes: who comes or goes elsewhere changes next to nothing."""
    return np.sort(np.argsort(hashes, kind="stable")[:size])


def _fitted(points: np.ndarray, number: int, start: str | np.ndarray, *, starts: int, seed: int) -> Groups:
    from sklearn.cluster import KMeans

    model = KMeans(number, init=start, n_init=starts, random_state=seed, algorithm="lloyd", tol=TOL)
    with _in_one_thread():
        found = model.fit(points)
    return Groups(found.cluster_centers_, found.labels_, float(found.inertia_))


@contextmanager
def _in_one_thread() -> Iterator[None]:
    # at the top it would be too early: only what is loaded can be held to one thread
    import sklearn.cluster
    from threadpoolctl import threadpool_limits

    assert sklearn.cluster
    with threadpool_limits(limits=1):
        yield
