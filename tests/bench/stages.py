"""What a measured program says of itself: when each of its stages began and ended."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Stages:
    """Stages by name, in seconds of the system's clock, so that others can lay their samples beside them."""

    def __init__(self) -> None:
        self._spans: list[tuple[str, float, float]] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time the block."""
        started = time.time()
        yield
        self.add(name, started, time.time())

    def add(self, name: str, started: float, ended: float) -> None:
        """A stage that was timed elsewhere; the spans of one name count together."""
        self._spans.append((name, started, ended))

    def save(self, report: Path, **facts: Any) -> None:
        """Write them for the one who measures, with whatever else there is to tell."""
        report.write_text(json.dumps({"spans": self._spans, "facts": facts}), encoding="utf-8")
