"""A real Prefect server that goes down and comes back where it was."""

import atexit
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flows.serving import server as serving
from tests.faults.real.starting import surroundings

_BUSY_SECONDS = 30

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the machine has


class PrefectServer:
    """A server with its data in ``folder``; ``environment`` is what points a process at it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = serving.any_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._port}/api"
        self.environment = serving.settings_for(folder, self._port) | {"PREFECT_LOGGING_LEVEL": "WARNING"}

    def start(self) -> None:
        """Start it on its port, unless it runs, and return once it answers."""
        if self._process is not None:
            return
        self._process = serving.start_server(self._folder, self._port, surroundings(self.environment))
        serving.wait_for(self._process, self._port, self._folder)

    def stop(self) -> None:
        """End it as a machine that fails does, with all of its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask its API and return the answer; it is asked again for as long as its database is busy."""
        request = urllib.request.Request(
            self.address + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                with _direct.open(request, timeout=_BUSY_SECONDS) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as refusal:
                with refusal:
                    if refusal.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > until:
                        raise
                time.sleep(0.2)


@cache
def shared_server() -> PrefectServer:
    """Return the server of this process, which is started once and runs until it ends."""
    folder = tempfile.TemporaryDirectory(prefix="callplan-prefect-", ignore_cleanup_errors=True)
    server = PrefectServer(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(server.stop)
    server.start()
    return server
