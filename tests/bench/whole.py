"""A day as `tuoke run` evaluates it, with the time of each layer and of Great Expectations."""

import os
import sys
from datetime import date
from pathlib import Path

import dagster as dg
from judgement import judged_apart
from stages import Stages

from pipeline.commands.evaluate import evaluate
from pipeline.commands.instance import instance_folder
from pipeline.commands.progress import layer_of
from pipeline.project import Project

IDENTITY, IDENTITY_STEP = "identity", "dwd__customers"


def main(root: Path, as_of: date, workers: str, report: Path) -> None:
    """Evaluate the day, and report how long each part of it took; those of a single worker follow one another."""
    os.environ["TUOKE_WORKERS"] = workers
    stages, project = Stages(), Project.read(root)
    with judged_apart(stages), stages("run"):
        run_id = evaluate(project, as_of)
    with dg.DagsterInstance.from_config(str(instance_folder(project))) as instance:
        for step in instance.get_run_step_stats(run_id):
            stage = IDENTITY if step.step_key == IDENTITY_STEP else layer_of(step.step_key)
            stages.add(stage, step.start_time, step.end_time)
    stages.save(report)


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
