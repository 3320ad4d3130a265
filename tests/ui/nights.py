"""How ``callplan up`` keeps its beat, and how it gets through a bad night.

``python -m tests.ui.nights beat --minutes 30`` lets it run and tells of the gaps between its dispatch runs.
``python -m tests.ui.nights bad --away 10`` kills the run that dispatches, the runner, and the Prefect server,
which stays away for some minutes, then all three together. Calls go to the test provider, whose record is the
judge.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.file_locks import is_locked
from tests.faults.soak import Soak, begun, broken, dispatcher_pid
from tests.provider.running import running_provider
from tests.ui.running import Running, running_up, wait_for

_SECONDS_PER_CALL = 2
_TICK = timedelta(seconds=1)
_STARTS_WITHIN = timedelta(seconds=30)
_TELL = Console(stderr=True, width=160)
_RETURNS_WITHIN_SECONDS = 120
_MOST_SILENT_SECONDS = 90
"""How long calls may wait after a kill, also while the Prefect server is away."""
_SETTLES_WITHIN_SECONDS = 420
_TURN = re.compile(r"its turn was from (\S+) to (\S+)")
_BEGUN = ("RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@contextmanager
def a_store(minutes: float) -> Iterator[Soak]:
    """Yield a store with a campaign that has a call every two seconds for ``minutes``, and its provider."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_provider(Path(folder) / "provider", answer_final=True) as provider,
    ):
        lasts = max(2, round(minutes))
        chosen = argparse.Namespace(people=lasts * 60 // _SECONDS_PER_CALL, minutes=lasts, seed=1)
        yield begun(Path(folder), provider, chosen, zones=["UTC"], starts_in=timedelta(seconds=60))


# ---------------------------------------------------------------- the beat


def turns_of(up: Running) -> list[tuple[datetime, datetime]]:
    """Return the turns of dispatch runs that ended, as their logs tell, in order."""
    runs = [run["id"] for run in up.runs("COMPLETED") if run["name"] == "dispatch"]
    found = []
    for place in range(0, len(runs), 50):
        wanted = {"logs": {"flow_run_id": {"any_": runs[place : place + 50]}}, "limit": 200}
        for offset in range(0, 2_000, 200):
            lines = up.ask("/logs/filter", **wanted, offset=offset)
            found += [match for line in lines if (match := _TURN.search(line["message"]))]
            if len(lines) < 200:
                break
    return sorted((datetime.fromisoformat(match[1]), datetime.fromisoformat(match[2])) for match in found)


def beat(minutes: float) -> list[str]:
    """Let it run, tell of the gaps, and return what was not as it should be."""
    with a_store(minutes + 1) as soak, running_up(soak.home) as up:
        time.sleep(minutes * 60)
        turns = turns_of(up)
        states = Counter(run["state_name"] for run in up.runs(*_BEGUN))
        late = [run for run in up.runs("SCHEDULED") if _is_late(run)]
        gaps = [(after[0] - before[1]).total_seconds() for before, after in pairwise(turns)]
        rings = sorted(ring["started_at"] for ring in soak.provider.rings())
        between = [after - before for before, after in pairwise(rings)]
        _TELL.print(
            f"{minutes:g} minutes: {len(turns)} turns, {min(gaps):.2f} to {max(gaps):.2f} s between them, "
            f"median {sorted(gaps)[len(gaps) // 2]:.2f} s; {len(rings)} calls, "
            f"{_SECONDS_PER_CALL} s apart and never more than {max(between):.1f} s; runs {dict(states)}"
        )
        return [
            *(f"a gap of {gap:.1f} s" for gap in gaps if gap > 2 * _TICK.total_seconds()),
            *(f"an overlap of {-gap:.1f} s" for gap in gaps if gap < 0),
            *(f"{states[name]} runs {name}" for name in ("Cancelled", "Crashed", "Failed") if states[name]),
            *(f"{run['name']} is late" for run in late),
        ]


def _is_late(run: dict[str, Any]) -> bool:
    return datetime.fromisoformat(run["expected_start_time"]) < datetime.now(UTC) - _STARTS_WITHIN


# ---------------------------------------------------------------- the bad night


def children_of(pid: int, like: str) -> list[int]:
    """Return the processes that a process started, of those whose command has ``like`` in it."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if like in line]


class Night:
    """What is killed, and what the provider's record says of the time after."""

    def __init__(self, soak: Soak, up: Running, away_minutes: float) -> None:
        self.soak, self.up, self.away_minutes = soak, up, away_minutes
        self.found: list[str] = []

    def kill(self, *names: str) -> None:
        """Kill processes with SIGKILL, all in the same moment."""
        pids: list[int] = []
        for name in names:
            match name:
                case "run":
                    pids.append(wait_for(lambda: dispatcher_pid(self.soak), 60, "a dispatcher"))
                case "runner":
                    pids += children_of(self.up.process.pid, "flows.serving.runner")
                case "server":
                    pids += children_of(self.up.process.pid, "prefect server start")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def lives_on(self, what: str, killed_at: float, back_at: float) -> None:
        """Wait for the next ring after ``back_at``, and tell how long nothing rang, which has a limit."""
        try:
            wait_for(lambda: self._rings(back_at), _RETURNS_WITHIN_SECONDS, "a ring")
        except TimeoutError:
            self.found.append(f"{what}: nothing rang for {_RETURNS_WITHIN_SECONDS} s")
            return
        try:
            wait_for(
                self._a_run_dispatches, back_at + _RETURNS_WITHIN_SECONDS - time.time(), "a dispatch run"
            )
        except TimeoutError:
            self.found.append(f"{what}: no run of Prefect's dispatched within {_RETURNS_WITHIN_SECONDS} s")
            return
        runs_after = time.time() - back_at
        time.sleep(20)
        rings = self._rings(0)
        silence = max(after - before for before, after in pairwise(rings) if after > killed_at)
        first = min(at for at in rings if at > back_at) - back_at
        if silence > _MOST_SILENT_SECONDS:
            self.found.append(f"{what}: nothing rang for {silence:.0f} s")
        _TELL.print(
            f"{what}: rang again after {first:.0f} s, a run of Prefect's dispatched after "
            f"{runs_after:.0f} s; the longest silence was {silence:.0f} s"
        )

    def _a_run_dispatches(self) -> bool:
        """Whether the turn is held by a run of Prefect's, not by the stand-in or by nobody."""
        turn = self.soak.home.turns / "turn.lock"
        if not is_locked(turn):
            return False
        held_by = Path(f"/proc/{int(turn.read_bytes()[:12])}/cmdline")
        return held_by.exists() and b"prefect" in held_by.read_bytes()

    def _rings(self, since: float) -> list[float]:
        return sorted(ring["started_at"] for ring in self.soak.provider.rings() if ring["started_at"] > since)

    def without_server(self, *others: str) -> None:
        """Kill the server, and perhaps others, and let nobody start it again for a while."""
        port = int(self.up.address.rpartition(":")[2])
        killed_at = time.time()
        with socket.socket() as occupied:
            occupied.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.kill(*others, "server")
            wait_for(lambda: _binds(occupied, port), 10, "the port")
            time.sleep(self.away_minutes * 60)
        while not _is_up(self.up):
            time.sleep(0.5)
        what = " and ".join([*others, "server"])
        self.lives_on(
            f"{what} killed, the server away for {self.away_minutes:g} minutes", killed_at, time.time()
        )


def _binds(occupied: socket.socket, port: int) -> bool:
    try:
        occupied.bind(("127.0.0.1", port))
    except OSError:
        return False
    occupied.listen()
    return True


def _is_up(up: Running) -> bool:
    try:
        return bool(up.deployments())
    except Exception:
        return False


def bad_night(away_minutes: float) -> list[str]:
    """Kill one after the other, then all together; tell of the silences, and return what did not hold."""
    with a_store(2 * away_minutes + 14) as soak, running_up(soak.home) as up:
        wait_for(soak.provider.rings, 240, "the first ring")
        night = Night(soak, up, away_minutes)
        for name in ("run", "runner"):
            killed_at = time.time()
            night.kill(name)
            night.lives_on(f"{name} killed", killed_at, killed_at)
        night.without_server()
        night.without_server("run", "runner")
        night.found += _left_running(up)
        wait_for(lambda: not _is_open(soak), 15 * 60, "the end of the campaign")
        return night.found + broken(soak)


def _is_open(soak: Soak) -> bool:
    return any("is active" in told or "is scheduled" in told for told in broken(soak))


def _left_running(up: Running) -> list[str]:
    """Return the runs that go on for too long, once there was time to sweep."""
    try:
        wait_for(lambda: not _too_long(up), _SETTLES_WITHIN_SECONDS, "an end of all runs")
    except TimeoutError:
        return [
            f"{run['name']} is {run['state_name']} since {run['state']['timestamp']}" for run in _too_long(up)
        ]
    return []


def _too_long(up: Running) -> list[dict[str, Any]]:
    before = datetime.now(UTC) - timedelta(minutes=4)
    return [
        run
        for run in up.runs("RUNNING", "PENDING", "CANCELLING")
        if datetime.fromisoformat(run["state"]["timestamp"]) < before
    ]


def main() -> int:
    """Read the command line, do what it says, and tell what did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["beat", "bad"])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--away", type=float, default=10.0)
    chosen = parser.parse_args()
    found = beat(chosen.minutes) if chosen.what == "beat" else bad_night(chosen.away)
    sys.stdout.write("\n".join(found or ["everything held"]) + "\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
