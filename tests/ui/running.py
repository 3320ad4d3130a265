"""``callplan up`` in processes of its own, and what its server knows."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from flows.home import Home
from flows.ledger import Ledger

Found = TypeVar("Found")

CALLPLAN = Path(sys.executable).with_name("callplan")
_UP_WITHIN_SECONDS = 180
_MOST_TRIES = 60
_STOPS_WITHIN_SECONDS = 90
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """A server that is up: its store, its address, and the process that keeps it up."""

    home: Home
    address: str
    process: "subprocess.Popen[bytes]"

    @property
    def environment(self) -> dict[str, str]:
        """What a terminal beside it has set."""
        return environment(self.home) | {"PREFECT_API_URL": f"{self.address}/api"}

    def ask(self, path: str, **asked: Any) -> Any:
        """Post to the server's API and return what it answers, once its database is not too busy for it."""
        for _ in range(_MOST_TRIES):
            answer = httpx.post(f"{self.address}/api{path}", json=asked, timeout=30)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        answer.raise_for_status()
        return answer.json()

    def deployments(self) -> dict[str, str]:
        """Return the ids of the deployments by name."""
        return {found["name"]: found["id"] for found in self.ask("/deployments/filter")}

    def runs(self, *states: str) -> list[dict[str, Any]]:
        """Return the flow runs, the latest first; of some types of state, if any are given."""
        wanted = {"flow_runs": {"state": {"type": {"any_": list(states)}}}} if states else {}
        return list(self.ask("/flow_runs/filter", sort="EXPECTED_START_TIME_DESC", limit=200, **wanted))

    def calls_made(self) -> int:
        """Return how many calls the ledger knows of."""
        with Ledger(self.home.ledger).session() as session:
            return session.read("copy_call").height


def environment(home: Home) -> dict[str, str]:
    """Return the environment of a person's terminal."""
    return os.environ | {"CALLPLAN_HOME": str(home.path), "PYTHONPATH": str(_ROOT)}


@contextmanager
def running_up(home: Home) -> Iterator[Running]:
    """Run ``callplan up`` on a free port; it is ended with SIGINT, as by Ctrl-C, when the block ends."""
    port = free_port()
    home.path.parent.mkdir(parents=True, exist_ok=True)
    with (home.path.parent / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [CALLPLAN, "up", "--port", str(port)], env=environment(home), stdout=log, stderr=log
        )
    running = Running(home, f"http://127.0.0.1:{port}", process)
    try:
        wait_for(lambda: _registered(running), _UP_WITHIN_SECONDS, "the deployments")
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_STOPS_WITHIN_SECONDS)


def _registered(running: Running) -> bool:
    try:
        return "recover" in running.deployments()
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(find: Callable[[], Found], seconds: float, what: str) -> Found:
    """Look until something is found, and return it."""
    until = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} seconds")
        time.sleep(0.5)
    return found
