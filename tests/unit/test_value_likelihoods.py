"""BG/NBD and Gamma-Gamma: against integrals and simulation, at their ends, and where data tells too little."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function

from assets.dws.value import bg_nbd, gamma_gamma
from assets.dws.value.forecast import fit_amounts, fit_purchases
from assets.dws.value.likelihood import NoFit, maximise
from pipeline.plan import Value

CDNOW = (0.2426, 4.4137, 0.7930, 2.4262)
SHOP = (6.25, 3.74, 15.44)

positive = st.floats(0.05, 20)
parameters = st.tuples(st.floats(0.1, 8), st.floats(0.5, 60), st.floats(0.05, 6), st.floats(0.2, 12))
repeats = st.integers(0, 60)
weeks = st.floats(0, 150)


def one(*numbers: float) -> list[np.ndarray]:
    """A customer's numbers as arrays."""
    return [np.array([float(number)]) for number in numbers]


def simulated(customers: int, seed: int, drop: tuple[float, float] | None = (0.8, 2.4), days: int = 400) -> np.ndarray:
    """x, days to the last purchase and days known of customers who do as the model says; none leaves without `drop`."""
    random = np.random.default_rng(seed)
    rate = random.gamma(0.8, 1 / 40, customers)
    leaves = random.beta(*drop, customers) if drop else np.zeros(customers)
    known = random.integers(100, days, customers)
    rows = []
    for number in range(customers):
        at, last, x = 0.0, 0, 0
        while True:
            at += random.exponential(1 / rate[number])
            if at >= known[number]:
                break
            # a second purchase on a day is none
            x, last = (x + 1, int(at)) if int(at) > last else (x, last)
            if random.random() < leaves[number]:
                break
        rows.append((x, last, known[number]))
    return np.array(rows).T


# --- what a history says ---


@settings(deadline=None)
@given(parameters, repeats, weeks, weeks, st.floats(0, 50))
def test_the_longer_the_silence_the_less_likely_a_customer_still_buys(
    values: tuple[float, ...], x: int, t_x: float, silent: float, longer: float
):
    sooner = bg_nbd.alive_probability(values, *one(x, t_x, t_x + silent))[0]
    later = bg_nbd.alive_probability(values, *one(x, t_x, t_x + silent + longer))[0]
    assert 0 <= later <= sooner <= 1


def test_who_bought_once_is_supposed_to_be_alive():
    assert bg_nbd.alive_probability(CDNOW, *one(0, 0, 500))[0] == 1


def test_who_bought_all_the_time_and_stopped_is_gone_without_an_overflow():
    assert bg_nbd.alive_probability(CDNOW, *one(400, 60, 400))[0] == pytest.approx(0, abs=1e-100)


@settings(deadline=None)
@given(parameters, repeats, weeks, st.floats(0.1, 100), st.floats(0.1, 100))
def test_more_weeks_bring_more_purchases(values: tuple[float, ...], x: int, T: float, first: float, more: float):
    [near] = bg_nbd.expected_if_alive(values, *one(x, T), first)
    [far] = bg_nbd.expected_if_alive(values, *one(x, T), first + more)
    assert 0 < near < far


@settings(deadline=None, max_examples=60)
@given(parameters, repeats, weeks, st.floats(0.1, 100))
def test_the_expectation_is_the_mean_over_all_rates_and_probabilities_to_leave(
    values: tuple[float, ...], x: int, T: float, ahead: float
):
    """Directly: of a customer who leaves with probability p, (1 - E exp(-rate p t)) / p; then over p."""
    r, alpha, a, b = values

    def of_p(p: float) -> float:
        share = ahead / (alpha + T)
        return -np.expm1(-(r + x) * np.log1p(p * share)) / p if p else (r + x) * share

    # the weight has the poles of p (a - 1) and of 1 - p (b + x - 1) taken out
    direct, _ = quad(of_p, 0, 1, weight="alg", wvar=(a - 1, b + x - 1), limit=200, epsabs=0, epsrel=1e-10)
    direct /= beta_function(a, b + x)
    [found] = bg_nbd.expected_if_alive(values, *one(x, T), ahead)
    assert found == pytest.approx(direct, rel=1e-7)


@pytest.mark.parametrize("near", [1e-3, 1e-6, 1e-9, 1e-12])
def test_nothing_happens_where_the_printed_formula_divides_by_zero(near: float):
    r, alpha, _, b = CDNOW
    at, beside = ((r, alpha, a, b) for a in (1.0, 1.0 + near))
    exact, close = (bg_nbd.expected_if_alive(values, *one(3, 30), 39)[0] for values in (at, beside))
    assert close == pytest.approx(exact, rel=2 * near + 1e-12)


def test_hundreds_of_purchases_overflow_nothing():
    [found] = bg_nbd.expected_if_alive(CDNOW, *one(500, 100), 52)
    assert 200 < found < 260


@settings(deadline=None, max_examples=30)
@given(parameters, repeats, weeks, st.lists(st.floats(0.1, 20), min_size=2, max_size=6))
def test_stretches_of_one_weight_add_up_to_the_whole(values: tuple[float, ...], x: int, T: float, steps: list[float]):
    ends = list(np.cumsum(steps))
    parts = bg_nbd.weighted_purchases(values, *one(x, T), ends, [0.7] * len(ends))
    assert parts == pytest.approx(0.7 * bg_nbd.expected_if_alive(values, *one(x, T), ends[-1]))


def test_stretches_are_weighed_each_by_its_own():
    [first], [both] = (bg_nbd.expected_if_alive(CDNOW, *one(3, 30), end) for end in (10, 25))
    [found] = bg_nbd.weighted_purchases(CDNOW, *one(3, 30), [10, 25], [0.9, 0.5])
    assert found == pytest.approx(0.9 * first + 0.5 * (both - first))


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [
        pytest.param(0, 0, 20, id="bought-once"),
        pytest.param(3, 25, 30, id="lately"),
        pytest.param(6, 12, 30, id="fell-silent"),
    ],
)
def test_as_many_customers_as_promised_buy_between_fewest_and_most(x: int, t_x: float, T: float):
    """Against customers drawn from what is known of them, week by week of a year."""
    values, draws, ahead, level = (0.8, 6.0, 0.6, 3.0), 40_000, 52.0, 0.9
    r, alpha, a, b = values
    random = np.random.default_rng(7)
    alive = bg_nbd.alive_probability(values, *one(x, t_x, T))
    rate = random.gamma(r + x, 1 / (alpha + T), draws)
    leaves = random.beta(a, b + x, draws)
    # a stay ends with the purchase after which he leaves: counted from 1
    stay = random.geometric(np.maximum(leaves, 1e-12))
    bought = np.minimum(random.poisson(rate * ahead), stay) * (random.random(draws) < alive[0])
    low, high = bg_nbd.purchases_within(values, *one(x, T), alive, np.zeros(1, dtype=int), ahead, level)
    assert (bought < low[0]).mean() <= 0.05 + 0.005
    assert (bought <= low[0]).mean() >= 0.05 - 0.005
    assert (bought < high[0]).mean() <= 0.95 + 0.005
    assert (bought <= high[0]).mean() >= 0.95 - 0.005


def test_each_customer_keeps_his_own_bounds_whatever_row_he_shares():
    x, T = one(2, 30)
    alive = np.array([1.0, 0.0, 0.5])
    low, high = bg_nbd.purchases_within(CDNOW, x, T, alive, np.zeros(3, dtype=int), 39, 0.8)
    assert (low[1], high[1]) == (0, 0)
    assert high[0] >= high[2] >= high[1]


# --- likelihoods ---


def slope(score: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    steps = np.eye(len(at)) * 1e-5
    return np.array([(score(at + step) - score(at - step)) / 2e-5 for step in steps])


@settings(deadline=None, max_examples=40)
@given(parameters)
def test_the_gradient_of_the_purchases_is_that_of_their_likelihood(values: tuple[float, ...]):
    held = bg_nbd.histories(*np.array([[0, 0, 9], [1, 5, 90], [4, 60, 200], [60, 200, 201], [4, 60, 200]]).T)
    likelihood, logs = bg_nbd._Likelihood(held), np.log(values)
    found = slope(lambda at: likelihood.score(at)[0], logs)
    assert likelihood.score(logs)[1] == pytest.approx(found, rel=1e-6, abs=1e-7)


@settings(deadline=None, max_examples=40)
@given(st.tuples(positive, positive, positive))
def test_the_gradient_of_the_amounts_is_that_of_their_likelihood(values: tuple[float, ...]):
    held = gamma_gamma.amounts(np.array([1, 3, 3, 20]), np.array([500, 4000, 4000, 99_999]))
    found = slope(lambda at: gamma_gamma.log_likelihood(np.exp(at), held) / held.total, np.log(values))
    by_x = np.unique(held.x, return_inverse=True)
    assert gamma_gamma._score(np.log(values), held, *by_x)[1] == pytest.approx(found, rel=1e-5, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(parameters, st.integers(1, 40), weeks, weeks)
def test_derivatives_for_the_intervals_are_those_of_the_figures(
    values: tuple[float, ...], x: int, t_x: float, silent: float
):
    numbers, logs = one(x, t_x, t_x + silent), np.log(values)
    odds = slope(lambda at: bg_nbd.log_odds_left(np.exp(at), *numbers)[0], logs)
    assert bg_nbd.log_odds_gradient(values, *numbers)[0] == pytest.approx(odds, rel=1e-5, abs=1e-6)
    mean, by_log = bg_nbd.if_alive_gradient(values, numbers[0], numbers[2], [10.0, 30.0], [1.0, 0.5])
    figure = slope(
        lambda at: float(
            np.log(bg_nbd.weighted_purchases(np.exp(at), numbers[0], numbers[2], [10.0, 30.0], [1.0, 0.5])[0])
        ),
        logs,
    )
    assert by_log[0] == pytest.approx(figure, rel=1e-4, abs=1e-6)
    assert mean[0] > 0


def test_derivatives_of_the_amount_are_those_of_the_figure():
    found = gamma_gamma.amount_gradient(SHOP, *one(3, 120))[0]
    figure = slope(lambda at: float(np.log(gamma_gamma.expected_amount(np.exp(at), *one(3, 120))[0])), np.log(SHOP))
    assert found == pytest.approx(figure, abs=1e-8)


def test_a_customers_own_mean_counts_more_the_more_often_he_bought():
    amount = [gamma_gamma.expected_amount(SHOP, *one(x, 100 * x))[0] for x in (0, 1, 5, 500)]
    assert amount == sorted(amount)
    assert amount[0] == pytest.approx(6.25 * 15.44 / 2.74)
    assert amount[-1] == pytest.approx(100, rel=0.01)


# --- fits ---


def test_a_fit_finds_what_the_customers_were_drawn_from():
    found = fit_purchases(*simulated(4000, seed=3), Value())
    lower, upper = found.bounds(0.999)
    assert (lower < [0.8, 40 / 7, 0.8, 2.4]).all() and (upper > [0.8, 40 / 7, 0.8, 2.4]).all()
    assert (found.standard_errors > 0).all()


def test_the_order_of_customers_changes_no_bit_of_a_fit():
    rows = simulated(600, seed=5)
    shuffled = rows[:, np.random.default_rng(1).permutation(600)]
    assert (fit_purchases(*rows, Value()).values == fit_purchases(*shuffled, Value()).values).all()


def test_compressed_histories_fit_as_customers_do_one_by_one():
    x, last, known = simulated(600, seed=5)
    one_by_one = bg_nbd.Histories(x, last, known, np.ones(600, dtype=np.int64))
    assert bg_nbd.fit(one_by_one).values == pytest.approx(fit_purchases(x, last, known, Value()).values, rel=1e-6)


def test_the_currency_changes_nothing_but_the_scale():
    random = np.random.default_rng(2)
    x = random.integers(1, 8, 500)
    cents = np.round(random.gamma(6.0 * x) / random.gamma(4.0, size=500) * 2000).astype(np.int64)
    small, large = fit_amounts(x, cents, Value()), fit_amounts(x, cents * 1000, Value())
    assert large.values == pytest.approx(small.values * [1, 1, 1000], rel=1e-5)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param({"fewest_customers": 301}, "customers who bought are 300, fewer than 301", id="customers"),
        pytest.param({"fewest_repeaters": 290}, "customers who bought again are", id="repeaters"),
        pytest.param({"shortest_weeks": 60}, "weeks of history are 5", id="weeks"),
    ],
)
def test_too_little_is_refused_by_the_limits_of_the_plan(limits: dict[str, int], reason: str):
    with pytest.raises(NoFit, match=reason):
        fit_purchases(*simulated(300, seed=5), Value(**limits))


def test_customers_who_never_leave_determine_no_probability_to_leave():
    with pytest.raises(NoFit) as refusal:
        fit_purchases(*simulated(600, seed=9, drop=None), Value())
    assert "parameter" in str(refusal.value) or "converge" in str(refusal.value)
    assert refusal.value.reason.zh


def test_equal_amounts_determine_no_spread():
    with pytest.raises(NoFit):
        fit_amounts(np.full(200, 3), np.full(200, 30_000), Value())


def test_a_parameter_that_runs_away_is_refused_by_name():
    def falls(logs: np.ndarray) -> tuple[float, np.ndarray]:
        return float(-(logs[0] ** 2) + logs[1]), np.array([-2 * logs[0], 1.0])

    with pytest.raises(NoFit, match="parameter b has no finite best value"):
        maximise(falls, ("a", "b"), [(2.0, 2.0)], 100)


def test_a_parameter_of_which_the_data_says_nothing_is_refused_by_name():
    def flat(logs: np.ndarray) -> tuple[float, np.ndarray]:
        return float(-(logs[0] ** 2) - 1e-4 * logs[1] ** 2), np.array([-2 * logs[0], -2e-4 * logs[1]])

    with pytest.raises(NoFit, match="parameter b is not determined by the data"):
        maximise(flat, ("a", "b"), [(2.0, 2.0)], 100)


def test_correlation_comes_with_its_interval_and_is_none_where_nothing_differs():
    found, lower, upper = gamma_gamma.correlation(np.array([1, 2, 3, 4, 5]), np.array([2.0, 1.0, 4.0, 3.0, 5.0]), 0.95)
    assert (found, lower < found < upper) == (pytest.approx(0.8), True)
    assert np.isnan(gamma_gamma.correlation(np.array([1, 2, 3, 4]), np.full(4, 7.0), 0.95)).all()
