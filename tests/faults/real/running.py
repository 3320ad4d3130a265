"""Processes of a trial: forked from one that has imported everything and computed nothing.

Libraries that keep threads (polars, duckdb) do not survive a fork once they have been used, so the process
that runs the trials never forks itself.
"""

import asyncio
import ctypes
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.provider.running import RunningProvider

_WARM = ["pyarrow", "tests.faults.real.child", "tests.provider.__main__"]
_UP_WITHIN_SECONDS = 20
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


@contextmanager
def forked_provider(folder: Path, seed: int, *, port: int = 0, **settings: Any) -> Iterator[RunningProvider]:
    """Start a provider whose record is in ``folder``, give it, and end it.

    On a folder that has a record it goes on with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said = folder / "said.json"
    said.unlink(missing_ok=True)
    process = fork(_serve, folder, said, seed, port)
    try:
        provider = RunningProvider(f"http://127.0.0.1:{_port(said, process)}", folder, process.pid or 0)
        if settings:
            provider.set(**settings)
        yield provider
    finally:
        process.kill()
        process.join()


def _serve(folder: Path, said: Path, seed: int, port: int) -> None:
    from tests.provider.__main__ import serve

    with said.open("w") as sys.stdout:
        asyncio.run(serve(folder, port, seed, while_stdin=False))


def _port(said: Path, process: BaseProcess) -> int:
    until = time.monotonic() + _UP_WITHIN_SECONDS
    while not (said.exists() and said.read_text().endswith("\n")):
        if not process.is_alive() or time.monotonic() > until:
            raise RuntimeError("the provider did not come up")
        time.sleep(0.002)
    return int(json.loads(said.read_text())["port"])
