"""Steps given to workers: side by side, each once, in order; what becomes of them when a step, worker or run dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

from pipeline.commands.history import open_history
from pipeline.workers import workers_executor

SECONDS = 60
"""Until something that never comes is given up."""


def table(name: str, work: Callable[[], object], *needs: str, retries: int = 0) -> dg.AssetsDefinition:
    """A table that is made by some work."""

    @dg.asset(name=name, deps=list(needs), retry_policy=dg.RetryPolicy(max_retries=retries) if retries else None)
    def made() -> dg.MaterializeResult:
        work()
        return dg.MaterializeResult(metadata={"process": os.getpid()})

    return made


def nothing() -> None:
    pass


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def meet(folder: Path, me: str, other: str) -> Callable[[], None]:
    """Wait for another step that is running at the same time."""

    def work() -> None:
        (folder / me).touch()
        wait_until((folder / other).exists)

    return work


class Run:
    """A run of some tables, by so many workers, and what its history keeps."""

    def __init__(self, home: Path, *tables: dg.AssetsDefinition, workers: int = 2) -> None:
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
        definitions = dg.Definitions(tables, executor=workers_executor(workers))
        job = definitions.resolve_implicit_global_asset_job_def()
        with open_history(home) as instance:
            run = instance.create_run_for_job(
                job, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
            )
            self.events = list(execute_run_iterator(InMemoryJob(job), run, instance))
            self.status = instance.get_run_by_id(run.run_id).status
            self.kept = [entry.dagster_event for entry in instance.all_logs(run.run_id)]

    def steps(self, kind: str) -> list[str]:
        """The steps that have an event of a kind in the history, in its order."""
        return [event.step_key for event in self.kept if event and event.event_type_value == kind]

    def processes(self) -> set[int]:
        """Those that made the tables."""
        made = [event for event in self.events if event.event_type_value == "ASSET_MATERIALIZATION"]
        return {event.step_materialization_data.materialization.metadata["process"].value for event in made}

    def words(self) -> str:
        """What the steps that failed said."""
        return " ".join(
            event.step_failure_data.error.message for event in self.events if event.event_type_value == "STEP_FAILURE"
        )


def test_steps_that_wait_for_nothing_run_side_by_side(tmp_path: Path) -> None:
    run = Run(tmp_path, table("left", meet(tmp_path, "l", "r")), table("right", meet(tmp_path, "r", "l")))
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert len(run.processes()) == 2
    assert os.getpid() not in run.processes()


def test_a_step_waits_for_what_it_is_made_of_and_every_event_is_kept_once(tmp_path: Path) -> None:
    run = Run(tmp_path, table("c", nothing, "b"), table("b", nothing, "a"), table("a", nothing), table("z", nothing))
    assert sorted(run.steps("ASSET_MATERIALIZATION")) == ["a", "b", "c", "z"]
    order = [(event.event_type_value, event.step_key) for event in run.kept if event]
    assert order.index(("STEP_SUCCESS", "a")) < order.index(("STEP_START", "b"))
    assert order.index(("STEP_SUCCESS", "b")) < order.index(("STEP_START", "c"))


def test_those_that_most_others_wait_for_come_first(tmp_path: Path) -> None:
    others = [table(f"alone_{number}", nothing) for number in range(5)]
    row = [table("last", nothing, "middle"), table("middle", nothing, "first"), table("first", nothing)]
    run = Run(tmp_path, *others, *row)
    assert "first" in run.steps("STEP_START")[:2]


def test_a_step_that_fails_stops_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("no such thing")

    run = Run(tmp_path, table("broken", fail), table("after", nothing, "broken"), table("beside", nothing))
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert run.steps("STEP_FAILURE") == ["broken"]
    assert "after" not in run.steps("STEP_START")
    assert run.steps("STEP_SUCCESS") == ["beside"]


def test_a_step_that_may_be_tried_again_is(tmp_path: Path) -> None:
    def fail_once() -> None:
        if not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            raise ConnectionError

    run = Run(tmp_path, table("shaky", fail_once, retries=1), table("after", nothing, "shaky"))
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert run.steps("STEP_UP_FOR_RETRY") == ["shaky"]
    assert sorted(run.steps("STEP_SUCCESS")) == ["after", "shaky"]


def test_a_worker_that_is_killed_fails_its_step_with_the_remedy_and_another_goes_on(tmp_path: Path) -> None:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    beside = [table(f"beside_{number}", nothing) for number in range(4)]
    run = Run(tmp_path, table("greedy", die), table("after", nothing, "greedy"), *beside)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert "ended by signal 9" in run.words()
    assert "lower TUOKE_MEMORY_LIMIT" in run.words()
    assert "after" not in run.steps("STEP_START")
    assert len(run.steps("STEP_SUCCESS")) == 4


def test_a_worker_that_is_killed_in_a_step_that_may_be_tried_again_is_replaced(tmp_path: Path) -> None:
    def die_once() -> None:
        if not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    run = Run(tmp_path, table("greedy", die_once, retries=1))
    assert run.status == dg.DagsterRunStatus.SUCCESS


def test_one_worker_is_the_process_of_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path, table("a", nothing), table("b", nothing), workers=1)
    assert run.processes() == {os.getpid()}


def test_a_history_in_memory_is_written_by_the_process_that_has_it() -> None:
    job = dg.Definitions([table("a", nothing)], executor=workers_executor(2)).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(job)
        list(execute_run_iterator(InMemoryJob(job), run, instance))
        kept = [entry.dagster_event_type for entry in instance.all_logs(run.run_id)]
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in kept


# --- a run that is stopped ------------------------------------------------------------------------------------------

STOPPABLE = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_workers import Run, table

home = Path(sys.argv[1])

def work_long():
    (home / f"at_work_{os.getpid()}").touch()
    time.sleep(600)

run = Run(home, table("a", work_long), table("b", work_long), table("after", work_long, "a"))
print(run.status.value, *sorted(run.steps("STEP_FAILURE")), sep="\\n")
"""


@pytest.fixture
def long_run(tmp_path: Path) -> Iterator[tuple[subprocess.Popen, list[psutil.Process]]]:
    """A run in a process of its own, with both of its workers in the middle of a step."""
    command = [sys.executable, "-c", STOPPABLE, str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(list(tmp_path.glob("at_work_*"))) == 2)
        workers = [psutil.Process(int(file.name.rpartition("_")[2])) for file in tmp_path.glob("at_work_*")]
        yield process, workers
        process.kill()


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_run_that_is_interrupted_stops_its_workers(
    long_run: tuple[subprocess.Popen, list[psutil.Process]],
) -> None:
    process, workers = long_run
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=SECONDS)
    assert said.split() == ["FAILURE", "a", "b"]
    assert all(is_gone(worker) for worker in workers)


def test_workers_end_with_a_run_that_is_killed(long_run: tuple[subprocess.Popen, list[psutil.Process]]) -> None:
    process, workers = long_run
    process.kill()
    wait_until(lambda: all(is_gone(worker) for worker in workers))
