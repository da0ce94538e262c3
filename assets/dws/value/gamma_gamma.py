"""Gamma-Gamma: what a customer spends per purchase (Fader and Hardie 2013).

Amounts of a customer are gamma distributed with shape p and a scale of his own, scales are gamma distributed over
customers (q, gamma), and what a customer spends does not hang on how often he buys. Of a customer it is enough to know
how many purchases there were and their mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, ndtri

from assets.dws.value.likelihood import Estimate, NoFit, maximise
from pipeline.plan import Label

NAMES = ("p", "q", "gamma")


@dataclass(frozen=True)
class Amounts:
    """Purchases and their mean amount, above 0; equal ones counted once."""

    x: np.ndarray
    mean: np.ndarray
    customers: np.ndarray

    @property
    def total(self) -> int:
        """Customers of all amounts."""
        return int(self.customers.sum())


def amounts(purchases: np.ndarray, totals: np.ndarray) -> Amounts:
    """Compress whole numbers, one of each a customer: purchases, and what they came to, in hundredths.

    >>> amounts(np.array([2, 1]), np.array([5000, 1000])).mean
    array([10., 25.])
    """
    base = int(totals.max(initial=0)) + 1
    found, counts = np.unique(purchases.astype(np.int64) * base + totals, return_counts=True)
    x, total = np.divmod(found, base)
    return Amounts(x.astype(float), total / 100 / x, counts)


def fit(held: Amounts) -> Estimate:
    """The parameters p, q and gamma (currency) of the highest likelihood.

    Raises:
        NoFit: the amounts do not determine them, or spend so uneven that it has no mean.
    """
    by_x = np.unique(held.x, return_inverse=True)
    middle = float((held.mean * held.customers).sum() / held.total)
    starts = [(1.0, 2.0, middle), (5.0, 4.0, middle / 2)]
    # gamma is money: in units of the mean it is near 1, whatever the currency
    unit = np.array([0.0, 0.0, np.log(middle)])
    scaled = [tuple(start / np.exp(unit)) for start in starts]
    found = maximise(lambda logs: _score(logs + unit, held, *by_x), NAMES, scaled, held.total)
    if found.values[1] <= 1:
        raise NoFit(Label(zh="消费额差异过大，没有有限的均值", en="spend is so uneven that it has no finite mean"))
    return Estimate(found.values * np.exp(unit), found.covariance, found.log_likelihood, found.observations)


def _score(logs: np.ndarray, held: Amounts, some_x: np.ndarray, which: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean log-likelihood (equation 1a of the note) and its gradient by log parameter."""
    p, q, gamma = np.exp(logs)
    weight = held.customers / held.total
    x, total = held.x, held.x * held.mean
    at_x = np.bincount(which, weights=weight)
    log_all = np.log(gamma + total)
    of_x = gammaln(p * some_x + q) - gammaln(p * some_x) - gammaln(q) + q * logs[2]
    value = (at_x * of_x).sum() + (weight * (p * x * np.log(total) - np.log(held.mean) - (p * x + q) * log_all)).sum()
    shape = digamma(p * some_x + q)
    gradient = np.array(
        [
            (at_x * some_x * (shape - digamma(p * some_x))).sum() + (weight * x * (np.log(total) - log_all)).sum(),
            (at_x * (shape - digamma(q) + logs[2])).sum() - (weight * log_all).sum(),
            q / gamma - (weight * (p * x + q) / (gamma + total)).sum(),
        ]
    )
    return float(value), gradient * np.exp(logs)


def log_likelihood(parameters: Sequence[float], held: Amounts) -> float:
    """Log-likelihood of all customers."""
    by_x = np.unique(held.x, return_inverse=True)
    return _score(np.log(parameters), held, *by_x)[0] * held.total


def expected_amount(parameters: Sequence[float], x: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Expected amount per purchase of customers with x purchases that came to a total (equation 5).

    The mean of all customers, p gamma / (q - 1), gives way to the customer's own as purchases add up.
    """
    p, q, gamma = parameters
    return p * (gamma + total) / (p * x + q - 1)


def amount_gradient(parameters: Sequence[float], x: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Derivatives of the logarithm of the expected amount by each log parameter, a row a customer."""
    p, q, gamma = parameters
    shape = p * x + q - 1
    return np.column_stack([1 - p * x / shape, -q / shape, gamma / (gamma + total)])


def correlation(purchases: np.ndarray, means: np.ndarray, level: float) -> tuple[float, float, float]:
    """Pearson's correlation of how often customers buy and for how much, with its interval (Fisher's z); the model
    takes it for 0. NaN where either never differs."""
    if np.ptp(purchases) == 0 or np.ptp(means) == 0:
        return (np.nan,) * 3
    found = float(np.clip(np.corrcoef(purchases, means)[0, 1], -1, 1))
    half = ndtri((1 + level) / 2) / np.sqrt(len(means) - 3)
    with np.errstate(divide="ignore"):
        middle = np.arctanh(found)
    return found, float(np.tanh(middle - half)), float(np.tanh(middle + half))
