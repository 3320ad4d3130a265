"""Row 30 through Prefect: its server is down for long, a run is launched twice, one is cancelled in flight.

``TEST_OUTAGE_SECONDS`` shortens the ten minutes.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults.real.commands import finish
from tests.faults.real.live import Live, open_live
from tests.faults.real.server import PrefectServer, shared_server
from tests.faults.real.sharing import notes_of
from tests.faults.real.starting import Command, surroundings
from tests.faults.row import Row

OUTAGE_SECONDS = float(os.environ.get("TEST_OUTAGE_SECONDS", "600"))
"""How long the server is down."""

_ROOT = Path(__file__).parents[3]
_PACE = 3
_PER_SECOND = 0.5
_BEFORE_SECONDS, _AFTER_SECONDS = 15, 30
_LATE = timedelta(minutes=5)
_CLOSES_AFTER = timedelta(minutes=4)
_FINISH_SECONDS = 300
_COMES_UP_SECONDS = 90
_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def server_goes_down(seed: int) -> str | None:
    """Take the server away for ten minutes from two stores.

    In one a dispatcher runs that began before and another is to end meanwhile. In the other a timer starts a
    new one now and then, none of which comes to dispatch, so that much is late when the server is back.
    """
    draw = random.Random(seed)
    server = shared_server()
    lasts = _BEFORE_SECONDS + OUTAGE_SECONDS + _AFTER_SECONDS
    people = int(lasts * _PER_SECOND)
    with (
        open_live(people, seed=seed, prefect=server.environment, delay_seconds=0.1) as served,
        open_live(people, seed=seed + 1, prefect=server.environment, delay_seconds=0.1) as left,
    ):
        for live in (served, left):
            for settings in ({"calls_per_second": _PACE}, {"max_concurrent_calls": 10}):
                live.open_campaign(timedelta(seconds=lasts), _CLOSES_AFTER, **settings)
        steady = served.start("dispatch", "--for", f"{int(lasts)}s")
        ending = served.start("dispatch", "--for", f"{2 * _BEFORE_SECONDS}s")
        first = left.start("dispatch", "--for", f"{_BEFORE_SECONDS - 5}s")
        time.sleep(_BEFORE_SECONDS)
        if not served.heard_bytes() or first.ended(30) != 0:
            return f"a dispatcher did not work while the server ran: {served.said()} {left.said()}"
        server.stop()
        try:
            others = list(_started_by_a_timer(left, time.monotonic() + OUTAGE_SECONDS, draw.uniform(20, 40)))
            code, meanwhile = steady.ended(0), ending.ended(0)
            if code is not None:
                return f"the dispatcher ended with {code} as the server was down: {served.said()}"
        finally:
            server.start()
        codes = [command.ended(120) for command in (steady, ending, *others)]
        _tell(f"the one that was to end meanwhile had {meanwhile} at the server's return; all: {codes}")
        return _survived(left) or _survived(served)


def _started_by_a_timer(live: Live, until: float, every_seconds: float) -> Iterator[Command]:
    while time.monotonic() + every_seconds < until:
        time.sleep(every_seconds)
        yield live.start("dispatch", "--for", "10s")
    time.sleep(max(0.0, until - time.monotonic()))


def launched_twice(seed: int) -> str | None:
    """Launch two runs of the deployment at once, and one of them a second time while it runs."""
    with _served(seed) as (live, server):
        runs = [_launch(server, 25) for _ in range(2)]
        _wait_for(server, runs, ("RUNNING",))
        again = _prefect(live, "flow-run", "execute", runs[0])
        _wait_for(server, runs, _ENDED, 120)
        again.wait(120)
        states = [_state(server, run) for run in runs]
        _tell(f"runs ended {states}, the second launch with {again.returncode}")
        return _survived(live)


def cancelled(seed: int) -> str | None:
    """Cancel a run in flight, as a person does: of the deployment, and of the command line."""
    draw = random.Random(seed)
    with _served(seed) as (live, server):
        served = _launch(server, 60)
        command = live.start("dispatch", "--for", "20s")
        _wait_for(server, [served], ("RUNNING",))
        time.sleep(draw.uniform(1, 6))
        runs = _newest_running(server, 2)
        asked_at = time.monotonic()
        for run in runs:
            _prefect(live, "flow-run", "cancel", run).wait(60)
        _wait_for(server, [served], _ENDED, 90)
        took = time.monotonic() - asked_at
        code = command.ended(60)
        states = [_state(server, run) for run in runs]
        _tell(f"cancelled {len(runs)} runs: {states} after {took:.0f} s, the command ended with {code}")
        return _survived(live)


def _tell(seen: str) -> None:
    """Say what Prefect made of it, which no guarantee depends on."""
    sys.stderr.write(f"row 30: {seen}\n")


@contextmanager
def _served(seed: int) -> Iterator[tuple[Live, PrefectServer]]:
    """Yield a store whose dispatch flow is served as a deployment, while calls fall due for half a minute."""
    server = shared_server()
    with open_live(150, seed=seed, prefect=server.environment, delay_seconds=0.1) as live:
        serving = _serving(live)
        try:
            _wait_until_served(server)
            for settings in ({"calls_per_second": 6}, {"max_concurrent_calls": 20}):
                live.open_campaign(timedelta(seconds=40), **settings)
            yield live, server
        finally:
            os.killpg(serving.pid, signal.SIGKILL)
            serving.wait()


def _serving(live: Live) -> "subprocess.Popen[bytes]":
    polling = {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}
    return _python(live, ["-m", "tests.faults.real.serving"], polling)


def _prefect(live: Live, *arguments: str) -> "subprocess.Popen[bytes]":
    return _python(live, ["-m", "prefect", *arguments], {})


def _python(live: Live, arguments: list[str], more: dict[str, str]) -> "subprocess.Popen[bytes]":
    with live.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=_ROOT,
            env=surroundings({**live.environment, **live.prefect, **more}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _deployment(server: PrefectServer) -> dict[str, Any] | None:
    found = server.ask("POST", "/deployments/filter", {})
    return next(iter(found), None)


def _wait_until_served(server: PrefectServer) -> None:
    until = time.monotonic() + _COMES_UP_SECONDS
    while (found := _deployment(server)) is None or found["status"] != "READY":
        if time.monotonic() > until:
            raise TimeoutError("the dispatch flow was not served in time")
        time.sleep(0.2)


def _launch(server: PrefectServer, seconds: float) -> str:
    deployment = _deployment(server)
    assert deployment is not None
    asked = {"parameters": {"for_seconds": seconds}, "state": {"type": "SCHEDULED"}}
    return str(server.ask("POST", f"/deployments/{deployment['id']}/create_flow_run", asked)["id"])


def _newest_running(server: PrefectServer, count: int) -> list[str]:
    """Return the runs that began last; those of killed dispatchers are running for ever to the server."""
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    asked = running | {"sort": "START_TIME_DESC", "limit": count}
    return [str(run["id"]) for run in server.ask("POST", "/flow_runs/filter", asked)]


def _state(server: PrefectServer, run: str) -> str:
    return str(server.ask("GET", f"/flow_runs/{run}")["state_type"])


def _wait_for(server: PrefectServer, runs: list[str], states: tuple[str, ...], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not all(_state(server, run) in states for run in runs):
        if time.monotonic() > until:
            raise TimeoutError(f"runs are {[_state(server, run) for run in runs]}, not {states}")
        time.sleep(0.2)


def _survived(live: Live) -> str | None:
    return _drained(live) or finish(live, _FINISH_SECONDS) or live.judged() or _burst(live)


def _drained(live: Live) -> str | None:
    """Every dispatcher has ended by itself, so no claim and no open question is left to take over."""
    with next(iter(live.shops.values())).ledger().session() as session:
        left = session.read("list_claim_owners")
    return None if left.is_empty() else f"{left.height} dispatchers left calls in hand: {live.said()}"


def _burst(live: Live) -> str | None:
    """Nothing was dialled that was more than five minutes late: it is planned again instead, spread out."""
    notes = notes_of(next(iter(live.shops.values())))
    late = notes.filter(~notes["replays"] & (notes["noted_at"] >= notes["scheduled_at"] + _LATE))
    return f"{late.height} calls were dialled more than {_LATE} late" if late.height else None


_WAYS = (launched_twice, cancelled, server_goes_down)


def trial(seed: int) -> str | None:
    """Do one of the three, in turn."""
    return _WAYS[seed % len(_WAYS)](seed)


ROWS = [
    Row(
        30,
        "R",
        "Prefect server down ten minutes; launched twice; cancelled in flight",
        trial,
        3,
        sampled=False,  # a server takes half a minute to start
    )
]
