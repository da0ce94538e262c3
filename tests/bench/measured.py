"""A program measured from outside: how long it took, and the memory it held in each of its stages."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

FOLDER = Path(__file__).parent
PAUSE = 0.02


@dataclass(frozen=True)
class Sample:
    """Bytes held at a moment: by the program with its workers, what they share counted once, and by the server's
    processes without what they share."""

    at: float
    program: int
    server: int


@dataclass(frozen=True)
class Measured:
    """What a program took."""

    seconds: float
    """From its start to its end, imports included."""
    cpu_seconds: float
    samples: list[Sample]
    spans: list[tuple[str, float, float]]
    facts: dict[str, Any]

    def spent(self, *names: str) -> float:
        """Seconds in these stages."""
        return sum(ended - started for name, started, ended in self.spans if name in names)

    def peak(self, *names: str) -> int:
        """The most the program held in these stages, or at all."""
        return max((sample.program for sample in self._within(names)), default=0)

    def server_peak(self, *names: str) -> int:
        """The most the server held in these stages, or at all."""
        return max((sample.server for sample in self._within(names)), default=0)

    def _within(self, names: tuple[str, ...]) -> list[Sample]:
        spans = [(started, ended) for name, started, ended in self.spans if name in names]
        return [s for s in self.samples if not names or any(started <= s.at <= ended for started, ended in spans)]


def measure(program: str, *arguments: object, server: psutil.Process) -> Measured:
    """Run a program of this folder to its end; its last argument is where it reports its stages.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    with TemporaryDirectory(prefix="tuoke-bench-") as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, str(FOLDER / program), *map(str, arguments), str(report)]
        started = time.time()
        running = psutil.Popen(command, stdout=subprocess.DEVNULL)
        samples, cpu = _watch(running, server)
        ended = time.time()
        if running.returncode:
            raise subprocess.CalledProcessError(running.returncode, command)
        told = json.loads(report.read_text(encoding="utf-8"))
    return Measured(ended - started, cpu, samples, [tuple(span) for span in told["spans"]], told["facts"])


def _watch(running: psutil.Popen, server: psutil.Process) -> tuple[list[Sample], float]:
    samples, cpu = [], 0.0
    while running.poll() is None:
        try:
            samples.append(Sample(time.time(), _kept(running), _held(server)))
            # with that of the workers that have ended
            cpu = sum(running.cpu_times()[:4])
        except psutil.NoSuchProcess:
            break
        time.sleep(PAUSE)
    running.wait()
    return samples, cpu


def _kept(program: psutil.Process) -> int:
    """What a program and its workers hold; of pages they share each has its part."""
    kept = 0
    for process in [program, *program.children()]:
        # one that ends meanwhile holds nothing
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            kept += process.memory_full_info().pss
    return kept


def _held(server: psutil.Process) -> int:
    """What the server's processes hold, each without the pages it shares."""
    held = 0
    for process in [server, *server.children()]:
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        held += memory.rss - memory.shared
    return held
