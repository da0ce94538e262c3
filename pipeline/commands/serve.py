"""What stays in the foreground until it is stopped: Dagster's UI, and the server for readers."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from threading import Event

from pipeline.commands.instance import HOME, TEMPLATES, instance_folder
from pipeline.commands.screen import LOUD, screen
from pipeline.errors import ConfigurationError, TuokeError
from pipeline.project import Project
from pipeline.warehouse import Warehouse
from pipeline.warehouse.embedded import LOOPBACK

UI_PORT = 3000
START_SECONDS = 120
STOP_SECONDS = 20


class UiStopped(TuokeError):
    """Dagster's UI ended by itself."""


def serve_database(project: Project, port: int | None) -> None:
    """Keep the embedded server open to readers on this machine until stopped."""
    with stoppable(), Warehouse.of(project) as warehouse:
        url = warehouse.serve(port).render_as_string(hide_password=False)
        console = screen()
        console.print("PostgreSQL is open to readers on this machine until you press Ctrl-C.\n")
        console.print(f"  URL   {url}", style=LOUD, soft_wrap=True)
        console.print(f"  psql  psql {shlex.quote(url)}", soft_wrap=True)
        console.print("\nReaders see the schemas dws, ads, dq and meta, and can change nothing.")
        Event().wait()


def serve_ui(project: Project, port: int | None) -> None:
    """Keep Dagster's UI and its daemon running on this machine until stopped.

    Raises:
        ConfigurationError: the port is taken.
        UiStopped: it ended by itself.
    """
    chosen = port or _first_free(UI_PORT)
    if _is_open(chosen):
        raise ConfigurationError(f"port {chosen} of {LOOPBACK} is taken by another program; choose another with --port")
    home = instance_folder(project)
    console = screen()
    with stoppable(), resources.as_file(TEMPLATES / "workspace.yaml") as workspace:
        command = [sys.executable, "-m", "dagster", "dev", "--workspace", str(workspace)]
        command += ["--host", LOOPBACK, "--port", str(chosen), "--log-level", "warning"]
        # in the project's folder Dagster finds no settings of somebody else
        with _running(command, cwd=project.root, env=_environment(project, home)) as dagster:
            console.print("Dagster is starting ...")
            _wait_until_open(chosen, dagster)
            console.print(f"Dagster is at http://{LOOPBACK}:{chosen} until you press Ctrl-C.", style=LOUD)
            console.print(f"It keeps its history in {home}; its schedule is off until you turn it on.", soft_wrap=True)
            dagster.wait()
        raise UiStopped(f"Dagster stopped by itself with exit code {dagster.returncode}; what it said stands above")


def _environment(project: Project, home: Path) -> dict[str, str]:
    # `dagster dev` warns that another tool is to come after it, which is nothing a user can mend
    ours = {"TUOKE_PROJECT": str(project.root), HOME: str(home), "PYTHONWARNINGS": "ignore::FutureWarning"}
    return os.environ | ours


@contextmanager
def stoppable() -> Iterator[None]:
    """Ends quietly when the user presses Ctrl-C, or somebody asks the process to end."""
    # SIGINT too: a shell that starts us in the background has it ignored, by us and by every program we start
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in asked]
    try:
        yield
    except KeyboardInterrupt:
        screen().print("Stopped.")
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _running(command: list[str], **how: object) -> Iterator[subprocess.Popen]:
    """The program, and its end: it is asked to stop as Ctrl-C would, and waited for; then it is made to."""
    # a group of its own, so that Ctrl-C reaches it once, from here
    with subprocess.Popen(command, start_new_session=True, **how) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.send_signal(signal.SIGINT)
                try:
                    program.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    os.killpg(program.pid, signal.SIGKILL)


def _wait_until_open(port: int, program: subprocess.Popen) -> None:
    """Wait for somebody to listen; returns too when the program ends."""
    deadline = time.monotonic() + START_SECONDS
    while program.poll() is None and time.monotonic() < deadline:
        if _is_open(port):
            return
        time.sleep(0.2)


def _first_free(port: int) -> int:
    return next(number for number in range(port, port + 100) if not _is_open(number))


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
