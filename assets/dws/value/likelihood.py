"""Maximum likelihood of a few positive parameters, or a reason why the data does not tell them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from pipeline.plan import Label

Score = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Of the logarithms of the parameters: the mean log-likelihood of an observation, and its gradient."""

BORDER = float(np.log(1e5))
"""A parameter beyond e to the power of this, or below its inverse, has run away."""
UNDECIDED = float(np.log(100))
"""An interval that reaches a factor of 100 either way says nothing."""
STEP = 1e-4
"""Of the differences that give the curvature; their error is of its square."""
POLISHING = 20
EXACT = 1e-7
"""Steps shorter than this, in logarithms, have arrived: the error of what is left is its square."""


class NoFit(Exception):
    """The data does not determine the model; says why in both languages, and names nobody."""

    def __init__(self, reason: Label) -> None:
        super().__init__(reason.en)
        self.reason = reason


@dataclass(frozen=True)
class Estimate:
    """Parameters of the highest likelihood; their logarithms are about normal, with this covariance."""

    values: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    observations: int

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the parameters, on their own scale."""
        return self.values * np.sqrt(np.diag(self.covariance))

    def bounds(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """The interval of each parameter."""
        half = two_sided(level) * np.sqrt(np.diag(self.covariance))
        return self.values * np.exp(-half), self.values * np.exp(half)

    def spread(self, gradient: np.ndarray) -> np.ndarray:
        """Standard error of figures by the delta method; one row of derivatives by log parameter for each."""
        return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, self.covariance, gradient), 0))


def two_sided(level: float) -> float:
    """How many standard errors an interval of the normal distribution reaches either way."""
    return float(ndtri((1 + level) / 2))


def maximise(score: Score, names: Sequence[str], starts: Sequence[Sequence[float]], observations: int) -> Estimate:
    """The parameters of the highest likelihood, found from the best of several starts and refined by Newton's steps.

    Raises:
        NoFit: a parameter runs away, the search does not arrive, or the data leaves a parameter open.
    """
    logs = _searched(score, starts)
    _refuse(names, np.abs(logs) > BORDER * 0.999, "没有有限的最优值", "has no finite best value")
    logs, curvature = _polished(score, logs)
    try:
        covariance = np.linalg.inv(curvature * observations)
    except np.linalg.LinAlgError:
        raise NoFit(NOT_FOUND) from None
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    _refuse(names, two_sided(0.95) * errors > UNDECIDED, "无法由数据确定", "is not determined by the data")
    return Estimate(np.exp(logs), covariance, float(score(logs)[0]) * observations, observations)


NOT_FOUND = Label(zh="似然函数没有收敛到唯一的最大值", en="the likelihood did not converge to one highest point")


def _searched(score: Score, starts: Sequence[Sequence[float]]) -> np.ndarray:
    def downhill(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = score(logs)
        return -value, -gradient

    found = [
        minimize(
            downhill,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-BORDER, BORDER)] * len(start),
            options={"maxiter": 500, "ftol": 1e-10, "gtol": 1e-5},
        )
        for start in starts
    ]
    return min(found, key=lambda result: result.fun).x


def _polished(score: Score, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest point near, and how sharply the mean log-likelihood falls around it."""
    for _ in range(POLISHING):
        curvature = _curvature(score, logs)
        if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature)[0] <= 0:
            raise NoFit(NOT_FOUND)
        step = np.linalg.solve(curvature, score(logs)[1])
        logs = logs + step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < EXACT:
            return logs, curvature
    raise NoFit(NOT_FOUND)


def _curvature(score: Score, logs: np.ndarray) -> np.ndarray:
    steps = np.eye(len(logs)) * STEP
    columns = [(score(logs - step)[1] - score(logs + step)[1]) / (2 * STEP) for step in steps]
    return (np.array(columns) + np.array(columns).T) / 2


def _refuse(names: Sequence[str], is_open: np.ndarray, zh: str, en: str) -> None:
    found = [name for name, refused in zip(names, is_open, strict=True) if refused]
    if found:
        raise NoFit(Label(zh=f"参数 {'、'.join(found)} {zh}", en=f"parameter {', '.join(found)} {en}"))
