"""The time of Great Expectations apart from the work it judges: taken here, so that the project need not know of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from stages import Stages

from quality import suites
from quality.gate import Gate

GATE_1, GATE_2 = "gx dwd", "gx published"


@contextmanager
def judged_apart(stages: Stages) -> Iterator[None]:
    """Count as stages of their own: the frames made for the library, its import, its validations."""

    def timed(work: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            with stages(name):
                return work(*arguments, **options)

        return call

    with (
        mock.patch.object(Gate, "measure", timed(Gate.measure, GATE_1)),
        mock.patch.object(Gate, "measure_accepted", timed(Gate.measure_accepted, GATE_1)),
        mock.patch.object(suites, "validate_table", timed(suites.validate_table, GATE_2)),
    ):
        yield
