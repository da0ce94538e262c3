"""How far a KPI could be off by chance: 95 % intervals from numerator, denominator and sum of squares.

Leads, customers and answers are taken as independent of each other; where they are not, the truth is wider.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from assets.ads.catalogue import Interval

CONFIDENCE = 0.95
_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))

Bounds = tuple[np.ndarray, np.ndarray]


def wilson_interval(successes: np.ndarray, n: np.ndarray, _spread: np.ndarray) -> Bounds:
    """Of a share; unlike the plain interval it holds at 0, at 1 and for few observations (Wilson 1927)."""
    share = successes / n
    weight = 1 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / weight
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / weight
    # at 0 and at 1 the bound is the share itself, and must not miss it by a rounding
    return np.minimum(np.maximum(centre - half, 0), share), np.maximum(np.minimum(centre + half, 1), share)


def mean_interval(total: np.ndarray, n: np.ndarray, squares: np.ndarray) -> Bounds:
    """Of a mean, by Student's t; none for a single observation."""
    several = np.where(n > 1, n, np.nan)
    variance = np.maximum(squares - total**2 / n, 0) / (several - 1)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, several - 1) * np.sqrt(variance / n)
    return total / n - half, total / n + half


def nps_interval(points: np.ndarray, n: np.ndarray, decided: np.ndarray) -> Bounds:
    """Of a net promoter score on -100 to 100; `decided` is promoters plus detractors.

    Adjusted Wald with 3 added answers, 3/4 of them promoters and 3/4 detractors (Rocks 2016); widened to
    hold the score itself, which it can miss when few answers all agree.
    """
    n_adjusted = n + 3
    score = points / 100 / n_adjusted
    half = _Z * np.sqrt(((decided + 1.5) / n_adjusted - score**2) / n_adjusted)
    observed = points / n
    lower = np.minimum(100 * np.maximum(score - half, -1), observed)
    return lower, np.maximum(100 * np.minimum(score + half, 1), observed)


INTERVALS: Mapping[Interval, Callable[[np.ndarray, np.ndarray, np.ndarray], Bounds]] = {
    "wilson": wilson_interval,
    "mean": mean_interval,
    "nps": nps_interval,
}
