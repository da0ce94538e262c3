"""BG/NBD: how often customers will buy, from when they bought (Fader, Hardie and Lee 2005).

A customer buys at a rate of his own, after each repeat purchase leaves with a probability of his own, and says nothing
when he does. Rates are gamma distributed over customers (r, alpha), probabilities beta (a, b). Of a customer it is
enough to know x, the repeat purchases; t_x, when the last of them was; T, how long he has been known: the time since
his first purchase, in weeks. Days count once, however often a customer bought on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln

from assets.dws.value.likelihood import Estimate, maximise

NAMES = ("r", "alpha", "a", "b")
DAYS = 7.0
STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 10.0, 0.5, 5.0))
STEP = 1e-5
ENOUGH = 1e-14
TERMS = 200_000
MOST = 100_000


@dataclass(frozen=True)
class Histories:
    """Purchase histories, equal ones counted once: x, days to the last purchase and to the end, and customers."""

    x: np.ndarray
    last_days: np.ndarray
    known_days: np.ndarray
    customers: np.ndarray

    @property
    def total(self) -> int:
        """Customers of all histories."""
        return int(self.customers.sum())


def histories(repeats: np.ndarray, last_days: np.ndarray, known_days: np.ndarray) -> Histories:
    """Compress whole numbers, one of each a customer: repeat days of purchase, days from the first purchase to the
    last, and to the end.

    >>> histories(np.array([2, 0, 2]), np.array([7, 0, 7]), np.array([70, 35, 70])).customers
    array([1, 2])
    """
    base = int(known_days.max(initial=0)) + 1
    keys = (repeats.astype(np.int64) * base + last_days) * base + known_days
    found, counts = np.unique(keys, return_counts=True)
    rest, known = np.divmod(found, base)
    x, last = np.divmod(rest, base)
    return Histories(x, last, known, counts)


def fit(held: Histories) -> Estimate:
    """The parameters r, alpha (weeks), a and b of the highest likelihood.

    Raises:
        NoFit: the histories do not determine them.
    """
    likelihood = _Likelihood(held)
    return maximise(likelihood.score, NAMES, STARTS, held.total)


def log_likelihood(parameters: Sequence[float], held: Histories) -> float:
    """Log-likelihood of all customers (equation 6)."""
    return _Likelihood(held).score(np.log(parameters))[0] * held.total


class _Likelihood:
    """The mean log-likelihood of histories; what hangs on one number alone is computed once for each such number."""

    def __init__(self, held: Histories) -> None:
        self.x, self.last, self.known = held.x, held.last_days, held.known_days
        self.weight = held.customers / held.total
        self.days = np.arange(int(held.known_days.max()) + 1) / DAYS
        self.numbers = np.arange(int(held.x.max()) + 1, dtype=float)
        self.at_x = np.bincount(held.x, weights=self.weight)

    def score(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean and its gradient by log parameter.

        Who may still be there and who has left are added up as logarithms: with many purchases both are too small for
        plain numbers.
        """
        r, alpha, a, b = np.exp(logs)
        log_days, rest = np.log(alpha + self.days), 1 / (alpha + self.days)
        longer = log_days[self.known] - log_days[self.last]
        bought = r + self.x
        gap = self._leaving(a, b)[self.x] + bought * longer
        small = np.exp(-np.abs(gap))
        is_left = np.where(gap > 0, 1.0, small) / (1 + small)
        both = np.maximum(gap, 0) + np.log1p(small) - bought * log_days[self.known]
        gone = np.bincount(self.x, weights=self.weight * is_left)
        hazard = bought * (rest[self.known] + is_left * (rest[self.last] - rest[self.known]))
        value = (self.at_x * self._of_number(logs, r, a, b)).sum() + (self.weight * both).sum()
        n, shared = self.numbers, digamma(a + b) - digamma(a + b + self.numbers)
        gradient = np.array(
            [
                (self.at_x * (digamma(r + n) - digamma(r) + logs[1])).sum()
                - (self.weight * (log_days[self.known] - is_left * longer)).sum(),
                r / alpha - (self.weight * hazard).sum(),
                (self.at_x * shared).sum() + gone.sum() / a,
                (self.at_x * (shared + digamma(b + n) - digamma(b))).sum() - (gone[1:] / (b + n[1:] - 1)).sum(),
            ]
        )
        return float(value), gradient * np.exp(logs)

    def _leaving(self, a: float, b: float) -> np.ndarray:
        """By number of repeat purchases, the log odds to leave after the last; nobody leaves before the first."""
        return np.concatenate([[-np.inf], np.log(a) - np.log(b + self.numbers[1:] - 1)])

    def _of_number(self, logs: np.ndarray, r: float, a: float, b: float) -> np.ndarray:
        n = self.numbers
        bought = gammaln(r + n) - gammaln(r) + r * logs[1]
        return bought + gammaln(a + b) + gammaln(b + n) - gammaln(b) - gammaln(a + b + n)


# --- what a history says of a customer ---


def alive_probability(parameters: Sequence[float], x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Probability that a customer still buys (equation 7 of the note on computing).

    Who bought once is alive by the model's own supposition, that nobody leaves before a repeat purchase.
    """
    return expit(-log_odds_left(parameters, x, t_x, T))


def log_odds_left(parameters: Sequence[float], x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Logarithm of the odds that a customer has left; of who bought once minus infinity."""
    r, alpha, a, b = parameters
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(a) - np.log(b + x - 1) + (r + x) * (np.log(alpha + T) - np.log(alpha + t_x))
    return np.where(x > 0, odds, -np.inf)


def log_odds_gradient(parameters: Sequence[float], x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Derivatives of the log odds of having left by each log parameter, a row a customer; 0 for who bought once."""
    r, alpha, _, b = parameters
    with np.errstate(divide="ignore", invalid="ignore"):
        by_parameter = [
            r * (np.log(alpha + T) - np.log(alpha + t_x)),
            alpha * (r + x) * (1 / (alpha + T) - 1 / (alpha + t_x)),
            np.ones_like(T),
            -b / (b + x - 1),
        ]
    return np.where((x > 0)[:, None], np.column_stack(by_parameter), 0.0)


def expected_if_alive(parameters: Sequence[float], x: np.ndarray, T: np.ndarray, weeks: float) -> np.ndarray:
    """Expected purchases in the coming weeks of customers who still buy at the end of T; times the probability of
    that it is equation 10.

    The paper's hypergeometric function overflows with many purchases and its factor 1 / (a - 1) cancels for a near 1.
    By Euler's transformation its parameters are a - 1 and a + b - 1 - r over a + b + x - 1, of which the factor can
    be taken out term by term; what is left is a series of tame terms, positive but for the first few.
    """
    r, alpha, a, b = parameters
    near = a - 1
    share = weeks / (alpha + T + weeks)
    log_rest = np.log1p(-share)
    unfolded = -np.expm1(near * log_rest) / near if near else -log_rest
    series = _series(a, a + b - 1 - r, a + b + x, share)
    return (a + b + x - 1) * unfolded - np.exp(near * log_rest) * series


def _series(a: float, d: float, c: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Sum over k from 1 of (a)_(k-1) (d)_k / ((c)_(k-1) k!) z^k, elementwise."""
    c, z = np.broadcast_arrays(c, z)
    total, term, going = np.zeros(z.shape), d * z, np.arange(z.size)
    for k in range(1, TERMS):
        total[going] += term
        # terms fall at least as fast as z^k once all factors are positive
        small = np.abs(term) <= ENOUGH * np.abs(total[going]) * (1 - z[going])
        if k > -d:
            going, term = going[~small], term[~small]
        if not going.size:
            break
        term = term * ((a + k - 1) * (d + k) / ((c[going] + k - 1) * (k + 1)) * z[going])
    return total


def if_alive_gradient(
    parameters: Sequence[float], x: np.ndarray, T: np.ndarray, ends: Sequence[float], weights: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Expected purchases of the living by stretches of weeks, each with its weight, and the derivatives of the
    logarithm of the sum by each log parameter."""

    def summed(values: np.ndarray) -> np.ndarray:
        return weighted_purchases(values, x, T, ends, weights)

    found = summed(np.asarray(parameters))
    steps = np.exp(np.eye(len(parameters)) * STEP)
    sides = [(np.log(summed(parameters * step)) - np.log(summed(parameters / step))) / (2 * STEP) for step in steps]
    return found, np.column_stack(sides)


def weighted_purchases(
    parameters: Sequence[float], x: np.ndarray, T: np.ndarray, ends: Sequence[float], weights: Sequence[float]
) -> np.ndarray:
    """Expected purchases of the living between one end and the next, in weeks, times the weight of the stretch."""
    # of a sum by stretches what is left is the last reach, and those at which the weight changes
    changes = np.append(-np.diff(weights), weights[-1])
    reached = [
        change * expected_if_alive(parameters, x, T, end) for end, change in zip(ends, changes, strict=True) if change
    ]
    return np.sum(reached, axis=0)


def purchases_within(
    parameters: Sequence[float],
    x: np.ndarray,
    T: np.ndarray,
    alive: np.ndarray,
    which: np.ndarray,
    weeks: float,
    level: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The fewest and the most purchases to expect of each customer in the coming weeks with this probability.

    A living customer goes on like a new one with r + x, alpha + T, a and b + x, and of a new one the probability of
    every number is known (equation 8), which is computed from that of the number before. `which` names each customer's
    row of x and T, `alive` is his probability to be alive.
    """
    r, alpha, a, b = parameters
    k, beta, b = r + x, alpha + T, b + x
    bought, staying = np.exp(k * (np.log(beta) - np.log(beta + weeks))), np.ones_like(k)
    reached, below = bought.copy(), bought.copy()
    limits = ((1 - level) / 2, (1 + level) / 2)
    found = [np.zeros(len(alive), dtype=np.int64), np.zeros(len(alive), dtype=np.int64)]
    going = np.arange(len(alive))
    for y in range(1, MOST):
        cumulated = 1 - alive[going] * (1 - below[which[going]])
        for bound, limit in zip(found, limits, strict=True):
            bound[going[cumulated < limit]] = y
        going = going[cumulated < limits[1]]
        if not going.size:
            break
        bought = bought * ((k + y - 1) / y * weeks / (beta + weeks))
        leaving = staying * a / (a + b + y - 1)
        staying = staying * (b + y - 1) / (a + b + y - 1)
        below = below + staying * bought + leaving * np.maximum(1 - reached, 0)
        reached = reached + bought
    return found[0], found[1]
