"""Days evaluated as `tuoke run` does it, but without a screen, and a company small enough to see what they do.

A row is text, as a system sends it: a test names the cells it is about, `sent` supplies the rest.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy
import yaml
from databases import query
from sent import row

from assets.day import EXIT_CODE
from assets.factory import asset_key
from assets.models import published
from assets.ods import ACCEPT_DROP_TAG
from pipeline.definitions import JOB, definitions_of
from pipeline.lake import Lake
from pipeline.project import PLAN_FILE, SOURCES_FILE, Project
from quality.contract import contracts

DAY = date(2026, 11, 20)
PUBLISHED = [table.name for table in published()]
PUBLICATION = dg.AssetSelection.groups("published")
"""The step that publishes, by itself."""

Rows = Sequence[Mapping[str, str]]

PLAN: dict[str, Any] = {
    "campaign": {
        "id": "autumn",
        "name": {"zh": "秋季拓客", "en": "Autumn"},
        "starts_on": date(2026, 9, 1),
        "ends_on": date(2026, 11, 30),
    },
    "baseline": {"starts_on": date(2026, 6, 1), "ends_on": date(2026, 8, 31)},
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "owners": {"data": "data-office", "campaign": "acquisition"},
    "targets": {"revenue": "no target"},
    "periods": {"days": 1, "weeks": 1, "months": 1},
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: what each step that failed said, and the exit code that goes with it."""

    run_id: str
    success: bool
    said: Mapping[str, str]
    exit_code: int
    retried: tuple[str, ...]
    """Steps that were tried again."""

    @property
    def message(self) -> str:
        """What all steps that failed said."""
        return "\n".join(self.said.values())


def evaluate(
    root: Path,
    database: sqlalchemy.URL,
    as_of: date = DAY,
    *,
    selection: dg.AssetSelection | None = None,
    accept_drop: Iterable[str] = (),
    instance: dg.DagsterInstance | None = None,
    log_level: str = "CRITICAL",
) -> Outcome:
    """Evaluate a day of the project folder and publish it into the database, or take the selected steps of it.

    Steps that may be retried are, but without waiting.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUOKE_DATABASE_URL", database.render_as_string(hide_password=False))
        patch.delenv("TUOKE_HASH_KEY", raising=False)
        patch.setattr("assets.ods.RETRIES", dg.RetryPolicy(max_retries=1))
        job = definitions_of(Project.read(root)).resolve_job_def(JOB)
        graph = job.asset_layer.asset_graph
        keys = selection.resolve(graph) & graph.executable_asset_keys if selection else None
        result = job.execute_in_process(
            partition_key=as_of.isoformat(),
            raise_on_error=False,
            asset_selection=sorted(keys) if keys is not None else None,
            instance=instance or dg.DagsterInstance.ephemeral(),
            run_config={"loggers": {"console": {"config": {"log_level": log_level}}}},
            tags={ACCEPT_DROP_TAG: ",".join(accept_drop)},
        )
    told = {event.step_key: _told(event) for event in result.get_step_failure_events()}
    return Outcome(
        run_id=result.run_id,
        success=result.success,
        said={step: message for step, (message, _) in told.items()},
        exit_code=min((code for _, code in told.values()), default=0),
        retried=tuple(event.step_key for event in result.all_events if event.is_step_up_for_retry),
    )


def _told(event: dg.DagsterEvent) -> tuple[str, int]:
    data = event.step_failure_data
    if data.user_failure_data is None:
        return data.error.to_string(), 1
    return data.user_failure_data.description, data.user_failure_data.metadata[EXIT_CODE].value


def gate_of(*tables: str) -> dg.AssetSelection:
    """Landing and gate of these tables, and nothing after them."""
    names = [name for table in tables for name in (f"ods.{table}", contracts()[table].gated, f"dwd.{table}")]
    return dg.AssetSelection.assets(*map(asset_key, names)).required_multi_asset_neighbors()


def all_needed_for(*tables: str) -> dg.AssetSelection:
    """These tables of the lake with everything they are made of, and nothing else."""
    return dg.AssetSelection.assets(*map(asset_key, tables)).upstream().required_multi_asset_neighbors()


def all_made_of(*tables: str) -> dg.AssetSelection:
    """These tables from their files on, and whatever is made of them."""
    return gate_of(*tables).downstream() | PUBLICATION


# --- what it left behind -------------------------------------------------------------------------------------------


def rows_of(root: Path, table: str, as_of: date = DAY) -> list[dict[str, Any]]:
    """The rows of a table of the lake on a day."""
    return pq.read_table(Lake(root / "lake").snapshot(table, as_of).files[0]).to_pylist()


def frame_of(root: Path, table: str, as_of: date = DAY) -> pd.DataFrame:
    """The same as a frame."""
    return pq.read_table(Lake(root / "lake").snapshot(table, as_of).files[0]).to_pandas(date_as_object=False)


def bytes_of(root: Path, as_of: date = DAY) -> dict[str, bytes]:
    """Every file of the lake that belongs to a day, by its place."""
    lake = root / "lake"
    return {
        path.relative_to(lake).as_posix(): path.read_bytes()
        for path in sorted(lake.rglob("*.parquet"))
        if path.parent.name == f"as_of={as_of}"
    }


def checksums(database: sqlalchemy.URL, as_of: date = DAY) -> dict[str, str]:
    """For each published table a checksum of a day's rows, whatever order they lie in, as its owner sees it."""
    return {
        name: query(
            database,
            f"select md5(string_agg(t::text, '|' order by t::text)) from {name} as t where as_of = '{as_of}'",
            user=str(database.username),
        )[0][0]
        for name in PUBLISHED
    }


# --- a small company -----------------------------------------------------------------------------------------------


def customer(number: int, **cells: str) -> dict[str, str]:
    """A customer like no other."""
    own = {"customer_id": f"C{number}", "name": f"客户 {number}", "phone": f"138{number:08d}"}
    own |= {"email": f"c{number}@mail.example", "credit_code": "", "address": f"{number}街 {number} 号"}
    return row("customers", **own | {"source_channel": "search", "demand_tag": "设备"} | cells)


def order(number: int, **cells: str) -> dict[str, str]:
    """A sale of 100.00 to the customer of the same number."""
    own = {"order_id": f"O{number}", "customer_id": f"C{number}", "kind": "sale", "ordered_at": "2026-11-02 10:00:00"}
    return row("orders", **own | {"recorded_at": "2026-11-02 18:00:00", "paid_on": "2026-11-03"} | cells)


def write_small_company(root: Path, deliveries: Mapping[str, Rows], as_of: date = DAY, **plan: Any) -> Path:
    """A project folder whose sources deliver these tables, a CSV file each, and no others."""
    root.mkdir(parents=True, exist_ok=True)
    tables = {
        table: {"source": "erp", "file": f"{table}_{{as_of}}.csv"} if table in deliveries else "absent"
        for table in contracts()
    }
    (root / SOURCES_FILE).write_text(yaml.safe_dump({"tables": tables}), encoding="utf-8")
    (root / PLAN_FILE).write_text(yaml.safe_dump(PLAN | plan, allow_unicode=True), encoding="utf-8")
    (root / ".env").write_text("TUOKE_HASH_KEY=key of the tests\n", encoding="utf-8")
    for table, rows in deliveries.items():
        deliver(root, table, rows, as_of)
    return root


def deliver(root: Path, table: str, rows: Rows, as_of: date = DAY) -> Path:
    """Put a table's file of a day into the landing folder."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(contracts()[table].by_name), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    file = root / "landing" / f"{table}_{as_of}.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.getvalue(), encoding="utf-8")
    return file
