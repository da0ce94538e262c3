"""Customers -> RFM -> Postgres as Tuoke does it: landed, judged, modelled and published like any day, by Dagster."""

import sys
from datetime import date
from pathlib import Path

import dagster as dg
from judgement import judged_apart
from stages import Stages

from assets.day import TuokeProject
from assets.factory import asset_key
from assets.models import models
from assets.published import Published, publish_day
from pipeline.commands.instance import instance_folder
from pipeline.definitions import definitions_of
from pipeline.project import Project
from quality.contract import contracts

TABLE = "dws.customer_rfm"
JOB = "customers_to_rfm"


def main(root: Path, as_of: date, report: Path) -> None:
    """Evaluate the part, and report how long it took."""
    stages, project = Stages(), Project.read(root)
    with judged_apart(stages), stages("run"):
        with dg.DagsterInstance.from_config(str(instance_folder(project))) as instance:
            quiet = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
            run = job(project).execute_in_process(partition_key=as_of.isoformat(), instance=instance, run_config=quiet)
        day = TuokeProject(root=str(root)).day(as_of.isoformat())
        rows = publish_day([Published.of(models()[TABLE])], day, run.run_id)
    stages.save(report, rows=rows[TABLE])


def job(project: Project) -> dg.JobDefinition:
    """The tables that RFM is made of, and those whose deliveries the publication records."""
    above = dg.AssetSelection.assets(asset_key(TABLE)).upstream().materializable().required_multi_asset_neighbors()
    landed = dg.AssetSelection.assets(*(asset_key(f"ods.{table}") for table in contracts()))
    selected = dg.Definitions(jobs=[dg.define_asset_job(JOB, selection=above | landed)])
    return dg.Definitions.merge(definitions_of(project), selected).resolve_job_def(JOB)


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), Path(sys.argv[3]))
