"""How far a KPI could be off by chance: 95 % intervals from numerator, denominator and sums of squares.

Leads, customers and answers are taken as independent of each other; where they are not, the truth is wider.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import gammaincinv, ndtri, stdtrit

from assets.ads.catalogue import Interval

CONFIDENCE = 0.95
_Z = float(ndtri((1 + CONFIDENCE) / 2))

Bounds = tuple[np.ndarray, np.ndarray]


def wilson_interval(successes: np.ndarray, n: np.ndarray, *_: np.ndarray) -> Bounds:
    """Of a share; unlike the plain interval it holds at 0, at 1 and for few observations (Wilson 1927)."""
    share = successes / n
    weight = 1 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / weight
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / weight
    # at 0 and at 1 the bound is the share itself, and must not miss it by a rounding
    return np.minimum(np.maximum(centre - half, 0), share), np.maximum(np.minimum(centre + half, 1), share)


def mean_interval(total: np.ndarray, n: np.ndarray, squares: np.ndarray, *_: np.ndarray) -> Bounds:
    """Of a mean, by Student's t; none for a single observation."""
    several = np.where(n > 1, n, np.nan)
    variance = np.maximum(squares - total**2 / n, 0) / (several - 1)
    half = stdtrit(several - 1, (1 + CONFIDENCE) / 2) * np.sqrt(variance / n)
    return total / n - half, total / n + half


def nps_interval(points: np.ndarray, n: np.ndarray, decided: np.ndarray, *_: np.ndarray) -> Bounds:
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


def ratio_interval(
    total: np.ndarray, base: np.ndarray, squares: np.ndarray, cross: np.ndarray, square: np.ndarray, n: np.ndarray
) -> Bounds:
    """Of a ratio of two sums over the same n rows, by the delta method and Student's t; none for a single row.

    The variance is that of what each row's part of the numerator misses its share by (Cochran 1977, 6.3).
    """
    several = np.where(n > 1, n, np.nan)
    ratio = total / base
    residuals = np.maximum(squares - 2 * ratio * cross + ratio**2 * square, 0)
    half = stdtrit(several - 1, (1 + CONFIDENCE) / 2) * np.sqrt(residuals * n / (several - 1)) / np.abs(base)
    return ratio - half, ratio + half


def total_interval(total: np.ndarray, base: np.ndarray, squares: np.ndarray, *_: np.ndarray) -> Bounds:
    """Of a sum of amounts over a base that is known for sure, by the delta method; none where there are no amounts.

    How many amounts there are is left to chance, too: the variance of the sum is the sum of their squares (compound
    Poisson).
    """
    half = _Z * np.sqrt(np.where(squares > 0, squares, np.nan)) / np.abs(base)
    return total / base - half, total / base + half


def events_interval(events: np.ndarray, base: np.ndarray, *_: np.ndarray) -> Bounds:
    """Of a number of events over a base that is known for sure, exact for a Poisson count (Garwood 1936)."""
    least, most = _poisson(events)
    return least / base, most / base


def per_event_interval(amount: np.ndarray, events: np.ndarray, *_: np.ndarray) -> Bounds:
    """Of an amount that is known for sure over a number of events: the same the other way round."""
    least, most = _poisson(events)
    ends = amount / most, amount / least
    return np.minimum(*ends), np.maximum(*ends)


def _poisson(events: np.ndarray) -> Bounds:
    tail = (1 - CONFIDENCE) / 2
    none = events == 0
    least = np.where(none, 0, gammaincinv(np.where(none, 1, events), tail))
    return least, gammaincinv(events + 1, 1 - tail)


INTERVALS: Mapping[Interval, Callable[..., Bounds]] = {
    "wilson": wilson_interval,
    "mean": mean_interval,
    "nps": nps_interval,
    "ratio": ratio_interval,
    "total": total_interval,
    "events": events_interval,
    "per_event": per_event_interval,
}
"""Each takes numerator, denominator, spread, cross, square, observations, as far as it needs them."""

METHODS: Mapping[Interval, tuple[str, str]] = {
    "wilson": ("Wilson 区间（占比）", "Wilson interval of a share"),
    "mean": ("均值的 t 区间", "Student's t interval of a mean"),
    "nps": ("调整的 Wald 区间（净推荐值）", "Adjusted Wald interval of a net promoter score"),
    "ratio": ("总和之比的 delta 法区间", "Delta-method interval of a ratio of sums"),
    "total": ("总额的 delta 法区间，视分母为已知", "Delta-method interval of a total over a known base"),
    "events": ("泊松计数的精确区间，视分母为已知", "Exact Poisson interval of a count over a known base"),
    "per_event": (
        "泊松计数的精确区间，视分子为已知",
        "Exact Poisson interval of the count a known amount is divided by",
    ),
    "none": ("无区间", "No interval"),
}
"""What each is called, in Chinese and English."""
