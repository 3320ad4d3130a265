"""A Prefect server of our own, for as long as it is needed, on a free loopback port."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import WorkError

_START_SECONDS = 180
_STOP_SECONDS = 20


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Run a server with its data in ``folder``, point this process at it, and yield its address.

    Must be entered before Prefect is imported. The server is stopped when the block ends; what it says goes
    to ``server.log`` in ``folder``.

    Raises:
        WorkError: the server did not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    os.environ.update(
        PREFECT_HOME=str(folder),
        PREFECT_API_URL=f"{address}/api",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_SERVER_UI_API_URL=f"{address}/api",
        PREFECT_LOGGING_LEVEL="WARNING",
        DO_NOT_TRACK="1",
    )
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
        try:
            _wait_for(server, f"{address}/api/health", folder)
            yield address
        finally:
            _stop(server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: "subprocess.Popen[bytes]", health: str, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(health, timeout=2):  # noqa: S310 - a loopback address of ours
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.3)
    raise WorkError(f"the Prefect server did not start; {folder / 'server.log'} says why")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server and the processes it started, which share its process group."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
