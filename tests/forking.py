"""Processes forked from one that has imported everything and computed nothing.

Libraries that keep threads (polars, duckdb) do not survive a fork once they have been used, so the process
that runs the tests never forks itself.
"""

import ctypes
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess

_WARM = ["pyarrow", "flows.cli", "tests.faults.real.child", "tests.provider.__main__"]
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def fork(work: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start ``work`` in a process of its own, which ends with this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_WARM)
    process = context.Process(target=_alone, args=(work, *arguments), daemon=True)
    process.start()
    return process


def _alone(work: Callable[..., None], *arguments: object) -> None:
    end_with_parent()
    work(*arguments)


def end_with_parent() -> None:
    """Let the system end this process as soon as the one that started it has ended, however that was."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
