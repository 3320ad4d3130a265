"""A provider that runs as long as a trial."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.forking import fork
from tests.provider.running import RunningProvider

_UP_WITHIN_SECONDS = 20


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
