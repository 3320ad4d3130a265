"""A Prefect server of our own on a loopback port: its settings, how it is started and how it is stopped."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows.errors import InputError, WorkError

HOST = "127.0.0.1"
USUAL_PORT = 4200

_START_SECONDS = 180
_STOP_SECONDS = 20
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux

Process = subprocess.Popen[bytes]


def settings_for(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of a server with its data in ``folder``, and of everything that speaks to it."""
    address = f"http://{HOST}:{port}"
    return {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",
        "PREFECT_UI_URL": address,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # of runs there are some 2,000 a day
        # After an outage it would mark all at once, which keeps SQLite locked for a minute; we sweep instead.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **dict.fromkeys(("no_proxy", "NO_PROXY"), _without_proxy()),
    }


def _without_proxy() -> str:
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return ",".join(dict.fromkeys([HOST, *filter(None, others.split(","))]))


def start(command: list[str], log_file: Path, environment: Mapping[str, str] | None = None) -> Process:
    """Start a process in a group of its own that ends with this one; what it says goes to ``log_file``.

    It has the ``environment`` of this process unless another one is given.
    """
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own commands
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_too,
        )


def _die_too() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def start_server(folder: Path, port: int, environment: Mapping[str, str] | None = None) -> Process:
    """Start a server; ``server.log`` in ``folder`` has what it says."""
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return start(command, folder / "server.log", environment)


def answers(api: str, seconds: float = 2.0) -> bool:
    """Return whether a Prefect server that has its database answers at ``api`` (``http://…:4200/api``)."""
    try:
        with _opener_of(api).open(f"{api.rstrip('/')}/ready", timeout=seconds):
            return True
    except (OSError, ValueError):
        return False


def asked(api: str, path: str, seconds: float = 2.0) -> Any:
    """Return what a Prefect server says to a GET of ``path``, read as JSON.

    Raises:
        OSError, ValueError: it does not answer, or has nothing there.
    """
    with _opener_of(api).open(f"{api.rstrip('/')}{path}", timeout=seconds) as answer:
        return json.load(answer)


def _opener_of(api: str) -> urllib.request.OpenerDirector:
    """Return what asks a server on this machine without the proxy that others may need."""
    is_here = urlsplit(api).hostname in (HOST, "localhost", "::1")
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_here else []))


def wait_for(server: Process, port: int, folder: Path, gives_up: Callable[[], bool] = lambda: False) -> None:
    """Wait until a server answers, or whoever waits gives up.

    Raises:
        WorkError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if answers(f"http://{HOST}:{port}/api"):
            return
        if gives_up():
            return
        time.sleep(0.3)
    raise WorkError(f"the Prefect server did not start; {folder / 'server.log'} says why")


def stop(process: Process, by: int = signal.SIGINT, seconds: float = _STOP_SECONDS) -> None:
    """End a process and those that it started, which share its group; kill them where they take too long."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port(wanted: int | None = None) -> int:
    """Return the wanted port, else the usual one, or any other that is free.

    Raises:
        InputError: the wanted port is taken.
    """
    if wanted is not None and not _is_free(wanted):
        raise InputError(
            f"--port: {wanted} is taken on {HOST}; choose another, or leave it out for a free one"
        )
    if wanted is not None:
        return wanted
    return USUAL_PORT if _is_free(USUAL_PORT) else any_port()


def any_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Run a server with its data in ``folder``, point this process at it, and yield its address.

    Must be entered before Prefect is imported. The server is stopped when the block ends.

    Raises:
        WorkError: the server did not answer in time.
    """
    port = any_port()
    os.environ.update(settings_for(folder, port), PREFECT_LOGGING_LEVEL="WARNING")
    server = start_server(folder, port)
    try:
        wait_for(server, port, folder)
        yield f"http://{HOST}:{port}"
    finally:
        stop(server)
