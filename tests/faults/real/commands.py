"""Row 6 once more, with the real ``callplan dispatch``, killed again and again with and without Prefect.

Nothing of the dispatcher is replaced: the machine's clock, the command line, the HTTP dialer, and where a
server is meant the flow, its task runner and a Prefect server in processes of its own. Most commands are
forked from a process that has imported everything and call ``flows.cli.main`` as the console script does;
some are the console script itself, from a cold start.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from tests.faults.real.live import Live, open_live
from tests.faults.real.server import shared_server
from tests.faults.real.starting import Command, end
from tests.faults.row import Row, Trial, Tried

KILLS = 20
"""How many kills a trial has."""

_FEW = 4
_CALLS_PER_SECOND = 2.5
"""How many calls of each campaign fall due in a second."""

_THROUGH_SECONDS = 180
_CALLS_WITHIN_SECONDS = 20
_LIFE_SECONDS = {"cold": 5.0, "warm": 2.0}
_SETTINGS: tuple[dict[str, object], ...] = (
    {},
    {"calls_per_second": 6},
    {"max_concurrent_calls": 12, "phone_rotation_strategy": "round_robin"},
)


def _no_prefect() -> Mapping[str, str]:
    return {}


def _with_server() -> Mapping[str, str]:
    return shared_server().environment


def _killed(prefect: Callable[[], Mapping[str, str]], kills: int, life_seconds: float) -> Trial:
    """Kill so many dispatchers of a store, which live for about ``life_seconds``, then let one finish."""

    def trial(seed: int) -> Tried:
        draw = random.Random(seed)
        delay = draw.choice([0, 0.05, 0.3])
        within = timedelta(seconds=kills * life_seconds)
        people = round(within.total_seconds() * _CALLS_PER_SECOND)
        with open_live(people, seed=seed, prefect=prefect(), delay_seconds=delay) as live:
            for settings in _SETTINGS:
                live.open_campaign(within, **settings)
            killed = 0
            while killed < kills:
                if live.is_through():
                    live.open_campaign(within / 2)
                code = _live_and_die(live, draw)
                if code is None:
                    killed += 1
                elif code:
                    return Tried(f"a dispatcher ended with {code}: {live.said()}", killed)
            return Tried(finish(live) or live.judged(), killed)

    return trial


def _live_and_die(live: Live, draw: random.Random) -> int | None:
    """Start a dispatcher and kill it; return None, or its exit code where it had ended by itself."""
    cold = draw.random() < 0.05
    begin = live.start_cold if cold else live.start
    heard = live.heard_bytes()
    command = begin("dispatch", "--for", "60s")
    if draw.random() < 0.2:
        time.sleep(draw.uniform(0, _LIFE_SECONDS["cold" if cold else "warm"]))
    else:
        _wait_for_a_call(live, command, heard)
        time.sleep(draw.choice([draw.uniform(0, 0.1), draw.uniform(0, 2)]))
    code = end(command)
    return None if code < 0 else code


def _wait_for_a_call(live: Live, command: Command, heard: int) -> None:
    """Wait until the provider has heard from a dispatcher: it now places calls, whatever it will do next."""
    until = time.monotonic() + _CALLS_WITHIN_SECONDS
    while live.heard_bytes() == heard and command.ended(0) is None and time.monotonic() < until:
        time.sleep(0.003)


def finish(live: Live, seconds: int = _THROUGH_SECONDS) -> str | None:
    """Dispatch without a kill until every campaign is completed; return what went wrong on the way."""
    until = time.monotonic() + seconds
    while not live.is_through() and time.monotonic() < until:
        command = live.start("dispatch", "--for", "5s")
        code = command.ended(60)
        if code is None:
            end(command)
            return f"a dispatcher did not come to its end: {live.said()}"
        if code:
            return f"a dispatcher ended with {code}: {live.said()}"
    return None


ROWS = [
    Row(
        6,
        "R",
        "kill -9 of callplan dispatch, without Prefect",
        _killed(_no_prefect, KILLS, 1.5),
        500,
        sample=_killed(_no_prefect, _FEW, 1.5),
    ),
    Row(
        6,
        "R",
        "kill -9 of callplan dispatch, through Prefect",
        _killed(_with_server, KILLS, 2.5),
        500,
        sampled=False,  # a server takes half a minute to start
    ),
]
