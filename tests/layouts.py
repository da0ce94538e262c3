"""Exports of real systems, mapped without code: a project beside the tests, its files where real data is."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import sqlalchemy
from databases import a_database
from runs import Outcome, evaluate, frame_of

from pipeline.warehouse.embedded import EmbeddedServer

PROJECTS = Path(__file__).with_name("integration")


@dataclass(frozen=True)
class Layout:
    """A mapped export on its day."""

    root: Path
    as_of: date
    database: sqlalchemy.URL
    outcome: Outcome

    def frame(self, table: str) -> pd.DataFrame:
        """A table of the lake."""
        return frame_of(self.root, table, self.as_of)

    def sent(self, file: str) -> pd.DataFrame:
        """A file of the export, all text, blank where nothing is said."""
        return pd.read_csv(self.root / "landing" / file, dtype=str, keep_default_na=False)

    def kpi(self, name: str) -> dict[str, Any]:
        """The official value over all, for the campaign."""
        values = self.frame("ads.kpi_values")
        is_meant = (
            (values["kpi"] == name)
            & values["is_official"]
            & (values["period"] == "campaign")
            & (values["dimension"] == "total")
        )
        [row] = values[is_meant].to_dict("records")
        return row

    def ledger(self, table: str, layer: str) -> dict[str, Any]:
        """The only entry of a table and layer."""
        entries = self.frame("dq.ledger")
        [entry] = entries[(entries["table_name"] == table) & (entries["layer"] == layer)].to_dict("records")
        return entry

    def kept_back(self, table: str) -> dict[str, list[str]]:
        """Id of each quarantined row -> the rules it breaks."""
        rows = self.frame(f"quarantine.{table}")
        rows = rows[rows["outcome"] == "quarantined"]
        return dict(zip(rows["_row_id"], rows["rule_ids"].str.split(","), strict=True))


@contextmanager
def evaluated(
    name: str,
    as_of: date,
    *,
    shared: Path,
    cluster: EmbeddedServer,
    folder: Path,
    prepare: Callable[[Path], None] = lambda root: None,
    selection: dg.AssetSelection | None = None,
) -> Iterator[Layout]:
    """The project `name` in the folder, with its export delivered, evaluated on the day or as far as is selected."""
    root = folder / "project"
    shutil.copytree(PROJECTS / name, root)
    shutil.copytree(shared / name, root / "landing")
    (root / ".env").write_text("TUOKE_HASH_KEY=key of the tests\n", encoding="utf-8")
    prepare(root)
    with a_database(cluster) as database:
        yield Layout(root, as_of, database, evaluate(root, database, as_of, selection=selection))
