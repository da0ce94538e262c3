"""Shares of a budget in proportion to what attracts it, within bounds (I60: the documents' own formula is lost)."""

import numpy as np


def advised_shares(planned: np.ndarray, attraction: np.ndarray, least: float, most: float) -> np.ndarray:
    """The shares that add up to what was planned, as near to proportional to the attraction as the bounds allow.

    Args:
        planned: Shares of today, none negative.
        attraction: What speaks for each, above 0.
        least, most: A share stays between so many times the planned one; 1 lies between them.

    >>> advised_shares(np.array([0.5, 0.5]), np.array([3.0, 1.0]), 0.5, 2.0)
    array([0.75, 0.25])
    """
    lower, upper, total = least * planned, most * planned, planned.sum()

    def given(scale: float) -> np.ndarray:
        return np.clip(scale * attraction, lower, upper)

    # between two places where a share meets a bound the sum is a straight line, so that the scale is found exactly
    bends = np.unique(np.concatenate([lower, upper]) / np.concatenate([attraction, attraction]))
    sums = np.array([given(bend).sum() for bend in bends])
    place = min(int(np.searchsorted(sums, total)), len(bends) - 1)
    if place == 0 or sums[place] == sums[place - 1]:
        return given(bends[place])
    part = (total - sums[place - 1]) / (sums[place] - sums[place - 1])
    return given(bends[place - 1] + part * (bends[place] - bends[place - 1]))
