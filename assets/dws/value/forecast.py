"""What customers are expected to buy in the coming months, by BG/NBD and Gamma-Gamma."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit

from assets.dws.value import bg_nbd, gamma_gamma
from assets.dws.value.likelihood import Estimate, NoFit, two_sided
from pipeline.plan import Label, Value
from pipeline.plan_tables import months_before

HORIZONS = (3, 6, 12)
"""Months."""
DAYS_A_YEAR = 365.25

Columns = dict[str, np.ndarray]


def fit_purchases(x: np.ndarray, last_days: np.ndarray, known_days: np.ndarray, plan: Value) -> Estimate:
    """BG/NBD of customers who bought, one number of each a customer.

    Raises:
        NoFit: there are too few of them, or they do not determine the model.
    """
    _demand(len(x), plan.fewest_customers, "下过单的客户", "customers who bought")
    _demand(int((x > 0).sum()), plan.fewest_repeaters, "重复购买的客户", "customers who bought again")
    _demand(int(known_days.max()) // 7, plan.shortest_weeks, "购买历史的周数", "weeks of history")
    return bg_nbd.fit(bg_nbd.histories(x, last_days, known_days))


def fit_amounts(x: np.ndarray, cents: np.ndarray, plan: Value) -> Estimate:
    """Gamma-Gamma of the repeat purchases of customers whose amounts are above 0.

    Raises:
        NoFit: there are too few of them, or they do not determine the model.
    """
    _demand(len(x), plan.fewest_repeaters, "重复购买且有净消费的客户", "customers who bought again for money")
    return gamma_gamma.fit(gamma_gamma.amounts(x, cents))


def _demand(found: int, least: int, zh: str, en: str) -> None:
    if found < least:
        raise NoFit(Label(zh=f"{zh}为 {found}，不足 {least}", en=f"{en} are {found}, fewer than {least}"))


@dataclass(frozen=True)
class Months:
    """The coming months: the week each ends in, and what money in it is worth on the day."""

    ends: Sequence[float]
    weights: Sequence[float]

    @classmethod
    def after(cls, as_of: date, discount_rate: float) -> "Months":
        """The twelve calendar months after a day; money comes in the middle of each."""
        ends = [(months_before(as_of, -month) - as_of).days / bg_nbd.DAYS for month in range(1, max(HORIZONS) + 1)]
        middles = [(start + end) / 2 * bg_nbd.DAYS / DAYS_A_YEAR for start, end in zip([0, *ends], ends, strict=False)]
        return cls(ends, [(1 + discount_rate) ** -middle for middle in middles])


@dataclass(frozen=True)
class Known:
    """What is known of customers: x, t_x and T, each customer's row among the different pairs of x and T, and those."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    pair: np.ndarray
    pair_x: np.ndarray
    pair_T: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, last_days: np.ndarray, known_days: np.ndarray) -> "Known":
        """From whole numbers, one of each a customer."""
        keys = x * (known_days.max() + 1) + known_days
        _, first, pair = np.unique(keys, return_index=True, return_inverse=True)
        times = x.astype(float), last_days / bg_nbd.DAYS, known_days / bg_nbd.DAYS
        return cls(*times, pair, times[0][first], times[2][first])


def forecast(
    customers: pd.DataFrame, purchases: Estimate, spend: Estimate | None, months: Months, level: float
) -> pd.DataFrame:
    """What is expected of customers who bought; `customers` has x, last_days, known_days and cents, the money of x.

    Of expectations the interval says how sure the model is of them (delta method); fewest and most say between what
    the purchases themselves will be. Who bought once has no probability to be alive: the model supposes it.
    """
    known = Known.of(*(customers[name].to_numpy(np.int64) for name in ("x", "last_days", "known_days")))
    history = purchases.values, known.x, known.t_x, known.T
    alive, odds = bg_nbd.alive_probability(*history), bg_nbd.log_odds_gradient(*history)
    found = _alive(bg_nbd.log_odds_left(*history), purchases.spread(odds), known.x > 0, level)
    amount = _amounts(known.x, customers["cents"].to_numpy() / 100, spend) if spend else None
    # log P falls by 1 - P of what the log odds of having left rise
    by_odds = (1 - alive)[:, None] * odds
    for horizon in HORIZONS:
        ends, weights = months.ends[:horizon], months.weights[:horizon]
        mean, by_log = bg_nbd.if_alive_gradient(purchases.values, known.pair_x, known.pair_T, ends[-1:], [1.0])
        spread = purchases.spread(by_log[known.pair] - by_odds)
        found |= _named("expected_purchases", horizon, "", alive * mean[known.pair], spread, level)
        within = bg_nbd.purchases_within(
            purchases.values, known.pair_x, known.pair_T, alive, known.pair, ends[-1], level
        )
        found |= {f"{name}_purchases_{horizon}m": bound for name, bound in zip(("fewest", "most"), within, strict=True)}
        if amount:
            mean, by_log = bg_nbd.if_alive_gradient(purchases.values, known.pair_x, known.pair_T, ends, weights)
            spread = np.hypot(purchases.spread(by_log[known.pair] - by_odds), amount[1])
            found |= _named("expected_spend", horizon, "_amount", alive * mean[known.pair] * amount[0], spread, level)
    found |= {"expected_purchase_amount": amount[0]} if amount else {}
    return pd.DataFrame(found, index=customers.index)


def _alive(odds_left: np.ndarray, spread: np.ndarray, came_again: np.ndarray, level: float) -> Columns:
    """The probability with the interval of its log odds."""
    half = two_sided(level) * spread
    columns = {
        "alive_probability": expit(-odds_left),
        "alive_probability_lower": expit(-odds_left - half),
        "alive_probability_upper": expit(-odds_left + half),
    }
    return {name: np.where(came_again, values, np.nan) for name, values in columns.items()}


def _amounts(x: np.ndarray, total: np.ndarray, spend: Estimate) -> tuple[np.ndarray, np.ndarray]:
    """What a purchase brings and the error of its logarithm; nothing is told where repeat purchases brought nothing."""
    total = np.maximum(total, 0)
    is_told = (x == 0) | (total > 0)
    amount = gamma_gamma.expected_amount(spend.values, x, total)
    return np.where(is_told, amount, np.nan), spend.spread(gamma_gamma.amount_gradient(spend.values, x, total))


def _named(name: str, horizon: int, kind: str, mean: np.ndarray, spread: np.ndarray, level: float) -> Columns:
    factor = np.exp(two_sided(level) * spread)
    return {
        f"{name}_{horizon}m{kind}": mean,
        f"{name}_{horizon}m_lower{kind}": mean / factor,
        f"{name}_{horizon}m_upper{kind}": mean * factor,
    }


def expected_purchases(purchases: Estimate, known: Known, weeks: float) -> np.ndarray:
    """Expected purchases of each customer in the coming weeks."""
    alive = bg_nbd.alive_probability(purchases.values, known.x, known.t_x, known.T)
    return alive * bg_nbd.expected_if_alive(purchases.values, known.pair_x, known.pair_T, weeks)[known.pair]


@dataclass(frozen=True)
class Errors:
    """How far foretold purchases were off: mean absolute error, root mean square error, mean foretold less actual."""

    mae: float
    rmse: float
    bias: float

    @classmethod
    def of(cls, foretold: np.ndarray, actual: np.ndarray) -> "Errors":
        """Of one number a customer."""
        off = foretold - actual
        return cls(float(np.abs(off).mean()), float(np.sqrt((off**2).mean())), float(off.mean()))


@dataclass(frozen=True)
class Holdout:
    """The model and the plain rate, both of the days before the held-out ones, against what came."""

    model: Errors
    naive: Errors
    mean_actual: float
    customers: int


def holdout(customers: pd.DataFrame, weeks: float, plan: Value) -> Holdout:
    """How well purchases of some weeks are foretold from those before.

    `customers` has x, last_days and known_days of the days before, and actual, the purchases of those weeks.

    Raises:
        NoFit: the days before do not determine the model.
    """
    x, last, known = (customers[name].to_numpy(np.int64) for name in ("x", "last_days", "known_days"))
    purchases = fit_purchases(x, last, known, plan)
    foretold = expected_purchases(purchases, Known.of(x, last, known), weeks)
    actual = customers["actual"].to_numpy(float)
    # who bought first on the very last day has no rate yet, and no repeat purchase
    plain = x / np.maximum(known, 1) * bg_nbd.DAYS * weeks
    return Holdout(Errors.of(foretold, actual), Errors.of(plain, actual), float(actual.mean()), len(customers))
