"""Steps that run side by side: a few processes, forked from the one that has read everything, each a step at a time.

Dagster's own processes live for one step and import every library for it, which takes longer than most steps of a
day; these live for the run. Each writes its own events into the run's history, as Dagster's do.
"""

import gc
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing.connection import Connection, wait

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import dagster_event_sequence_for_step
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._utils.error import SerializableErrorInfo

from pipeline.forking import CAN_FORK, FORK, end_with

PATIENCE = 0.2
"""Seconds until an interruption is noticed while every worker is at work."""
ENDS = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_UP_FOR_RETRY}
"""Events after which nothing is to be told of a step."""


def workers_executor(workers: int) -> dg.ExecutorDefinition:
    """Dagster's executor that gives a run's steps to so many workers; one works in the run's own process."""

    @dg.executor(name="workers", config_schema={"workers": dg.Field(int, default_value=workers)})
    def executor(context: dg.InitExecutorContext) -> dg.Executor:
        """Steps that wait for nothing run side by side."""
        wanted = context.executor_config["workers"]
        # what a worker writes into a history in memory, nobody reads
        if wanted == 1 or not CAN_FORK or context.instance.is_ephemeral:
            return InProcessExecutor(RetryMode.ENABLED)
        return WorkersExecutor(wanted)

    return executor


class WorkersExecutor(dg.Executor):
    """Gives each step that is ready to a worker that is idle, those that most others wait for first.

    Hooks are not called: the day has none.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    @property
    def retries(self) -> RetryMode:
        """Steps that may be tried again are."""
        return RetryMode.ENABLED

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Execute the plan.

        Raises:
            DagsterExecutionInterruptedError: the run was stopped; so are its workers.
        """
        yield _note(plan_context, f"{self._workers} workers of process {os.getpid()} execute the steps")
        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=self._execute,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=self.retries,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=False,
            ),
        )

    def _execute(self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
        steps = {step.key: step for step in execution_plan.get_steps_to_execute_in_topo_order()}
        waiting = _waiting_for(execution_plan)
        logs = job_context.instance.compute_log_manager
        log_key = logs.build_log_key_for_run(job_context.run_id, create_compute_log_file_key())
        with (
            InstanceConcurrencyContext(job_context.instance, job_context.dagster_run) as claims,
            execution_plan.start(
                retry_mode=self.retries,
                sort_key_fn=lambda step: -waiting(step.key),
                instance_concurrency_context=claims,
            ) as active,
            logs.capture_logs(log_key) as log,
        ):
            yield dg.DagsterEvent.capture_logs(job_context, list(steps), log_key, log)
            with _crew(self._workers, job_context, steps) as crew:
                yield from self._conduct(crew, active, job_context)

    def _conduct(
        self, crew: "list[Worker]", active: ActiveExecution, job_context: PlanExecutionContext
    ) -> Iterator[dg.DagsterEvent]:
        is_stopped = False
        while not (is_stopped or active.is_complete) or any(worker.step for worker in crew):
            if not is_stopped and active.check_for_interrupts():
                is_stopped = True
                active.mark_interrupted()
                for worker in crew:
                    worker.interrupt()
            if not is_stopped:
                idle = [worker for worker in crew if worker.step is None]
                ready = active.get_steps_to_execute(limit=len(idle))
                yield from active.concurrency_event_iterator(job_context)
                for worker, step in zip(idle, ready, strict=False):
                    worker.begin(step, active.get_known_state())
            for worker in _with_news(crew, active.sleep_interval()):
                yield from self._hear(worker, active, job_context)
            yield from active.plan_events_iterator(job_context)
        if is_stopped:
            raise dg.DagsterExecutionInterruptedError

    def _hear(
        self, worker: "Worker", active: ActiveExecution, job_context: PlanExecutionContext
    ) -> Iterator[dg.DagsterEvent]:
        """What a worker tells next: an event of its step, or that it is done; or it is dead, and the step failed."""
        step = worker.step
        try:
            event = worker.next_event()
        except EOFError:
            known = active.get_known_state()
            event = self.log_failure_or_retry_event_after_error(
                job_context.for_step(step, known), worker.obituary(), known
            )
            worker.replace()
        if event is not None:
            yield event
            active.handle_event(event)
        if worker.step is None:
            active.verify_complete(job_context, step.key)


class Worker:
    """A process that executes the steps it is told, and tells their events."""

    def __init__(self, job_context: PlanExecutionContext, steps: Mapping[str, ExecutionStep]) -> None:
        self._told = (job_context, steps)
        self.step: ExecutionStep | None = None
        """What it is at."""
        self._start()

    def _start(self) -> None:
        self._line, its_end = FORK.Pipe()
        self._process = FORK.Process(target=_work, args=(*self._told, its_end, os.getpid()))
        self._process.start()
        # the worker alone holds its end now, which closes with it
        its_end.close()

    @property
    def line(self) -> Connection:
        """Where its news come from."""
        return self._line

    def begin(self, step: ExecutionStep, known_state: KnownExecutionState) -> None:
        """Have it execute a step."""
        self.step = step
        # one that died meanwhile is found dead when it is heard
        with suppress(BrokenPipeError):
            self._line.send((step.key, known_state))

    def next_event(self) -> dg.DagsterEvent | None:
        """The next event of its step; with the last of them it has no step any more.

        Raises:
            EOFError: it is dead.
        """
        try:
            event = self._line.recv()
            # what ends a step may begin it anew, elsewhere: it must not be told here later that this one is done
            if event is None or (event.event_type in ENDS and self._line.recv() is None):
                self.step = None
        except ConnectionResetError:
            raise EOFError from None
        return event

    def interrupt(self) -> None:
        """Stop its step as Ctrl-C would."""
        if self._process.is_alive():
            os.kill(self._process.pid, signal.SIGINT)

    def obituary(self) -> SerializableErrorInfo:
        """How it died."""
        self._process.join()
        code = self._process.exitcode
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        remedy = "; where memory was short, lower TUOKE_MEMORY_LIMIT, or set TUOKE_WORKERS=1" if code == -9 else ""
        return SerializableErrorInfo(f"the process that executed it {how}{remedy}", [], None)

    def replace(self) -> None:
        """Another in the place of one that died."""
        self._line.close()
        self.step = None
        self._start()

    def dismiss(self) -> None:
        """Let it end; what it is at, it ends first."""
        with suppress(BrokenPipeError):
            self._line.send(None)
        self._process.join()
        self._line.close()


@contextmanager
def _crew(size: int, job_context: PlanExecutionContext, steps: Mapping[str, ExecutionStep]) -> Iterator[list[Worker]]:
    crew: list[Worker] = []
    try:
        for _ in range(size):
            crew.append(Worker(job_context, steps))
        yield crew
    finally:
        for worker in crew:
            worker.dismiss()


def _work(job_context: PlanExecutionContext, steps: Mapping[str, ExecutionStep], line: Connection, parent: int) -> None:
    """The life of a worker: until it is dismissed, or its parent is dead."""
    end_with(parent)
    # what it inherits is no garbage, and stays shared memory while nobody counts it
    gc.freeze()
    # Ctrl-C reaches it once, through its parent
    os.setpgid(0, 0)
    while (told := line.recv()) is not None:
        key, known_state = told
        # what stops a step is among its events
        with suppress(KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            for event in dagster_event_sequence_for_step(job_context.for_step(steps[key], known_state)):
                line.send(event)
        line.send(None)


def _with_news(crew: list[Worker], pause: float) -> list[Worker]:
    """Workers that have something to tell, waited for if need be, but not for long."""
    lines = {worker.line: worker for worker in crew if worker.step is not None}
    return [lines[line] for line in wait(list(lines), timeout=PATIENCE if lines else min(pause, PATIENCE))]


def _waiting_for(plan: ExecutionPlan) -> Callable[[str], int]:
    """Of a step: how many steps stand in the longest row of those that wait for it."""
    needed = plan.get_executable_step_deps()
    followers: dict[str, list[str]] = {key: [] for key in needed}
    for key, before in needed.items():
        for other in before:
            followers[other].append(key)

    @cache
    def height(key: str) -> int:
        return max((1 + height(follower) for follower in followers[key]), default=0)

    return height


def _note(context: PlanOrchestrationContext, message: str) -> dg.DagsterEvent:
    return dg.DagsterEvent.engine_event(context, message, EngineEventData())
