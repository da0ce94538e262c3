"""Processes forked from this one, which know what it knows and end with it, however it ends."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

CAN_FORK = sys.platform == "linux"
"""Elsewhere the systems' own libraries don't bear it."""
FORK = multiprocessing.get_context("fork" if CAN_FORK else None)
DIE_WITH_PARENT = 1
"""Linux: the option of prctl that ends a process when the one that started it ends."""


def end_with(parent: int) -> None:
    """Have this process, forked from `parent`, end when that ends."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        # it ended meanwhile
        os._exit(1)


@contextmanager
def helper() -> Iterator[ProcessPoolExecutor]:
    """One more process to submit work to; the block ends when its work has."""
    with ProcessPoolExecutor(1, mp_context=FORK, initializer=end_with, initargs=(os.getpid(),)) as pool:
        yield pool
