"""One day, evaluated in this process: from the files to the tables readers see, or one message that says why not."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

from assets.day import EXIT_CODE
from assets.ods import ACCEPT_DROP_TAG
from assets.published import REPLACE_CLOSING_TAG
from pipeline.commands.history import open_history
from pipeline.commands.instance import instance_folder
from pipeline.commands.progress import RunView, table_of
from pipeline.commands.screen import Lang, alone_on_screen
from pipeline.definitions import JOB, definitions_of
from pipeline.errors import ConfigurationError, TuokeError
from pipeline.lake import Lake
from pipeline.plan import Plan
from pipeline.project import Project
from pipeline.warehouse import FIGURES, Warehouse
from quality.contract import contracts

if TYPE_CHECKING:
    from dagster import DagsterEvent

FAILED = 1
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log on the console has nothing to say beside the view."""


class DayFailed(TuokeError):
    """The day was not published. The message is what the steps that failed said."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def check_day(plan: Plan, as_of: date, now: datetime) -> None:
    """Whether the day can be evaluated: it is over, and not before everything the plan speaks of.

    Raises:
        ConfigurationError: it can't; the message names the days that can.
    """
    first, today = plan.baseline.starts_on, now.astimezone(plan.zone).date()
    if as_of < first:
        raise ConfigurationError(
            f"{as_of} is before the plan's first day, {first} (baseline.starts_on in plan.yaml); choose a later --date"
        )
    if as_of >= today:
        raise ConfigurationError(
            f"{as_of} is not over yet in {plan.timezone}, where it is {today}; choose a --date before that"
        )


def check_tables(tables: Sequence[str]) -> None:
    """Whether all of them are tables that sources fill.

    Raises:
        ConfigurationError: one is not; the message names those that are.
    """
    for table in tables:
        if table not in contracts():
            raise ConfigurationError(f"--accept-drop {table}: no such table; there are {', '.join(contracts())}")


def check_closing(project: Project, as_of: date) -> None:
    """Whether the day may be evaluated: a closing snapshot stays as it is.

    Raises:
        ConfigurationError: it is one.
    """
    if as_of != project.plan.closes_on and as_of not in Lake(project.lake).days(FIGURES):
        return
    with Warehouse.of(project) as warehouse:
        warehouse.check_closing(as_of)


def evaluate(
    project: Project,
    as_of: date,
    accept_drop: Sequence[str] = (),
    *,
    replaces_closing: bool = False,
    lang: Lang = "en",
) -> str:
    """Evaluate and publish the day, showing each step; returns the id of the run.

    Raises:
        DayFailed: a step failed; readers keep what they had.
        KeyboardInterrupt: the user stopped it.
    """
    failures = []
    with alone_on_screen() as console, open_history(instance_folder(project)) as instance, _served(project) as served:
        job = definitions_of(project).resolve_job_def(JOB)
        tags = dict(job.get_tags_for_partition_key(as_of.isoformat(), None)) | _tags(accept_drop, replaces_closing)
        run = instance.create_run_for_job(job, run_config=QUIET, tags=tags)
        view = RunView(console, lang)
        wait([served])
        with view.of([node.name for node in job.nodes_in_topological_order]):
            for event in execute_run_iterator(InMemoryJob(job), run, instance):
                view.show(event)
                failures += [event] if event.is_step_failure else []
        is_published = instance.get_run_by_id(run.run_id).is_success
    if not is_published:
        if any(_is_interruption(event) for event in failures):
            raise KeyboardInterrupt
        raise _failure(failures, run.run_id, as_of)
    return run.run_id


@contextmanager
def _served(project: Project) -> Iterator[Future]:
    """Postgres, started beside what else is to be prepared; that it does not start, the step that publishes tells.

    To be waited for before processes are forked: they would keep its locks.
    """
    warehouse = Warehouse.of(project)
    with ThreadPoolExecutor(max_workers=1) as aside:
        try:
            yield aside.submit(warehouse.start)
        finally:
            aside.submit(warehouse.stop)


def _tags(accept_drop: Sequence[str], replaces_closing: bool) -> dict[str, str]:
    """What the steps are to know of what was asked for."""
    dropped = {ACCEPT_DROP_TAG: ",".join(accept_drop)} if accept_drop else {}
    return dropped | ({REPLACE_CLOSING_TAG: "yes"} if replaces_closing else {})


def _is_interruption(event: "DagsterEvent") -> bool:
    error = event.step_failure_data.error
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def _failure(failures: Sequence["DagsterEvent"], run_id: str, as_of: date) -> DayFailed:
    """What a user must know of a run that failed: the words of each step that did, and of all the gravest code."""
    told = [_told(event) for event in failures]
    if not told:
        told = [(f"run {run_id} failed before its first step; `tuoke ui` shows what happened", FAILED)]
    messages = "\n".join(message for message, _ in told)
    # 1 is graver than 3: a gate that closed did its work
    code = min(code for _, code in told)
    return DayFailed(f"{messages}\n{as_of}: nothing was published; readers keep what they had.", code)


def _told(event: "DagsterEvent") -> tuple[str, int]:
    """The message of a step that failed, and the exit code that goes with it."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        code = data.user_failure_data.metadata.get(EXIT_CODE)
        return data.user_failure_data.description, int(code.value) if code is not None else FAILED
    error = data.error.cause or data.error if data.error else None
    said = error.message.strip() if error else "no reason given"
    return (
        f"{table_of(event.step_key)}: {said}\nThis is a fault of Tuoke, not of your data; "
        "`tuoke ui` shows the whole story of the run",
        FAILED,
    )
