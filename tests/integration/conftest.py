"""The demo company, written and evaluated once for all tests that look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy
from databases import a_database
from runs import Outcome, evaluate

from pipeline.demo import SMALL, Truth, write_company
from pipeline.warehouse.embedded import EmbeddedServer


@dataclass(frozen=True)
class Demo:
    """The demo company on its day, with the database it was published to and all that is wrong with its files."""

    root: Path
    database: sqlalchemy.URL
    truth: Truth
    outcome: Outcome


@pytest.fixture(scope="session")
def demo(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Only to be looked at."""
    root = tmp_path_factory.mktemp("demo") / "demo"
    truth = write_company(root, scale=SMALL)
    with a_database(cluster) as database:
        yield Demo(root, database, truth, evaluate(root, database))
