"""A run as it is seen: a bar per layer on a terminal, a line per table elsewhere, told by Dagster's own events."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from pipeline.commands.screen import BAD, FAINT, GOOD, POOR, Lang, count, in_one

if TYPE_CHECKING:
    from dagster import DagsterEvent

PUBLISH_STEP, PUBLISHED = "publish", "published"
ROW_COUNT = "dagster/row_count"


def table_of(step: str) -> str:
    """The table a step builds.

    >>> table_of("dws__customer_rfm")
    'dws.customer_rfm'
    """
    return PUBLISHED if step == PUBLISH_STEP else step.replace("__", ".", 1)


def layer_of(step: str) -> str:
    """The layer a step belongs to."""
    return table_of(step).split(".")[0]


@dataclass
class Watched:
    """A step that is running."""

    since: float
    rows: int = 0
    tables: int = 0


class Seconds(ProgressColumn):
    """How long a layer takes, or took."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text("" if elapsed is None else f"{elapsed:5.1f} s")


class RunView:
    """Shows the steps of one run: it is told the run's events, and is a context to run in."""

    def __init__(self, console: Console, lang: Lang = "en") -> None:
        self._console = console
        self._lang: Lang = lang
        self._steps: Sequence[str] = ()
        self._finished = 0
        self._running: dict[str, Watched] = {}
        self._rows: Counter[str] = Counter()
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24, complete_style=GOOD, finished_style=GOOD),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rows]:>16}"),
            Seconds(),
            TextColumn("{task.fields[now]}", style=FAINT),
            console=console,
            disable=not console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    @contextmanager
    def of(self, steps: Sequence[str]) -> Iterator[None]:
        """Show these steps while the block runs, in the layers' order of appearance."""
        self._steps = steps
        for layer, size in Counter(map(layer_of, steps)).items():
            self._bars[layer] = self._progress.add_task(layer, total=size, start=False, rows="", now="")
        with self._progress:
            yield

    def show(self, event: "DagsterEvent") -> None:
        """Show what an event says about a step; other events are not for the screen."""
        if event.step_key is None:
            return
        shown = {
            "STEP_START": self._start,
            "ASSET_MATERIALIZATION": self._materialize,
            "STEP_SUCCESS": self._succeed,
            "STEP_UP_FOR_RETRY": self._retry,
            "STEP_FAILURE": self._fail,
        }.get(event.event_type_value)
        if shown is not None:
            shown(event.step_key, event)

    def _start(self, step: str, event: "DagsterEvent") -> None:
        self._running[step] = Watched(since=time.monotonic())
        self._progress.start_task(self._bars[layer_of(step)])
        self._name_running(layer_of(step))

    def _materialize(self, step: str, event: "DagsterEvent") -> None:
        told = event.step_materialization_data.materialization.metadata.get(ROW_COUNT)
        self._running[step].rows += int(told.value) if told is not None else 0
        self._running[step].tables += 1

    def _succeed(self, step: str, event: "DagsterEvent") -> None:
        watched, layer = self._running.pop(step), layer_of(step)
        self._finished += 1
        self._rows[layer] += watched.rows
        rows = in_one(f"{count(self._rows[layer])} 行", f"{count(self._rows[layer])} rows", self._lang)
        self._progress.update(self._bars[layer], advance=1, rows=rows)
        self._name_running(layer)
        tables = in_one(f"，{watched.tables} 张表", f", {watched.tables} tables", self._lang)
        name = table_of(step) + (tables if watched.tables != 1 else "")
        rows, seconds = in_one("行", "rows", self._lang), in_one("秒", "s", self._lang)
        took = f"{time.monotonic() - watched.since:6.1f} {seconds}"
        self._say(f"{set_cell_size(name, max(32, cell_len(name)))} {count(watched.rows):>12} {rows} {took}")

    def _retry(self, step: str, event: "DagsterEvent") -> None:
        said = f"{table_of(step)}: {_said(event)}"
        self._console.print(
            in_one(f"{said}；正在重试", f"{said}; trying again", self._lang), style=POOR, soft_wrap=True
        )

    def _fail(self, step: str, event: "DagsterEvent") -> None:
        # others go on: their layer must not name it as running
        self._running.pop(step, None)
        failed = in_one(f"{table_of(step)} 失败", f"{table_of(step)} failed", self._lang)
        self._progress.update(self._bars[layer_of(step)], now=failed)
        self._console.print(failed, style=BAD)

    def _name_running(self, layer: str) -> None:
        now = ", ".join(table_of(step) for step in self._running if layer_of(step) == layer)
        self._progress.update(self._bars[layer], now=now)

    def _say(self, line: str) -> None:
        """A line for those who have no bars."""
        if self._progress.disable:
            self._console.print(f"{self._finished:>3}/{len(self._steps)}  {line}", soft_wrap=True)


def _said(event: "DagsterEvent") -> str:
    """What went wrong before another try: the words behind the name of Dagster's own error."""
    error = event.step_retry_data.error
    return error.cause.message.partition(": ")[2].strip() if error and error.cause else "failed"
