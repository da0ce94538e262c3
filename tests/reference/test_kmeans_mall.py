"""Two hundred visitors of a mall by income and spending: sums of squares that were published for them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.dws.personas.groups import group, silhouette
from pipeline.plan import Personas

pytestmark = pytest.mark.shared

PUBLISHED = {1: 269_981.28, 2: 181_363.596, 3: 106_348.373, 4: 73_679.789, 5: 44_448.455}


@pytest.fixture(scope="module")
def visitors(shared: Path) -> np.ndarray:
    """Income and spending score, as they are."""
    table = pd.read_csv(shared / "kmeans_mall" / "Mall_Customers.csv")
    return table[["x", "Spending_Score"]].to_numpy(float)


@pytest.mark.parametrize(("number", "inertia"), PUBLISHED.items())
def test_the_best_division_that_is_known_is_found(visitors: np.ndarray, number: int, inertia: float):
    found = group(visitors, number, starts=Personas().starts, seed=Personas().seed)
    assert found.inertia == pytest.approx(inertia, abs=0.001)


def test_five_groups_have_the_silhouette_that_was_published(visitors: np.ndarray):
    found = group(visitors, 5, starts=Personas().starts, seed=Personas().seed)
    assert silhouette(visitors, found.members) == pytest.approx(0.554, abs=0.0005)
