"""Behind ``callplan up``: keeps a Prefect server and a runner alive, and stops them in order."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from flows.clock import SystemClock
from flows.errors import WorkError
from flows.file_locks import try_lock
from flows.home import Home
from flows.runs import are_living
from flows.serving import server
from flows.turns import Turns

HANDS_OVER_WITHIN = timedelta(seconds=40)
"""How long a run may take to bring what is under way to its end: an answer may take 30 s."""

_LOOKS_EVERY_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
"""A process that keeps ending is started again after pauses that grow up to this."""

_FINE_AFTER_SECONDS = 120.0

_ASKS_EVERY_SECONDS = 5.0
_AWAY_AFTER_SECONDS = 30.0
"""A server that has not answered for so long is away."""

Tell = Callable[[str], None]


class Kept:
    """A process that is started again when it ends; each time it ends soon the pause before grows."""

    def __init__(self, name: str, begin: Callable[[], server.Process], tell: Tell) -> None:
        self._name, self._begin, self._tell = name, begin, tell
        self._pause_seconds = 1.0
        self._start()

    def _start(self) -> None:
        self.process = self._begin()
        self._begun = time.monotonic()

    def look(self) -> None:
        """Start it again if it ended and its pause is over."""
        code = self.process.poll()
        if code is None:
            if time.monotonic() - self._begun > _FINE_AFTER_SECONDS:
                self._pause_seconds = 1.0
            return
        if time.monotonic() - self._begun < self._pause_seconds:
            return
        self._tell(f"the {self._name} ended with {code} and is started again")
        self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._start()


def keep_up(home: Home, port: int, tell: Tell) -> None:
    """Run server and runner until SIGINT or SIGTERM, then stop them: dispatch first, then the others.

    Raises:
        WorkError: another one runs for this store, or the server does not start.
    """
    with _alone(home), _stops_on_signal() as stopped:
        settings = server.settings_for(home.prefect, port)
        os.environ.update(settings | _SETTINGS, CALLPLAN_HOME=str(home.path))
        Turns(home.turns, SystemClock()).open()
        kept = Kept("Prefect server", lambda: server.start_server(home.prefect, port), tell)
        try:
            server.wait_for(kept.process, port, home.prefect, stopped)
            if not stopped():
                _serve(home, settings["PREFECT_API_URL"], kept, stopped, tell)
        finally:
            server.stop(kept.process)


def _serve(home: Home, api: str, kept_server: Kept, stopped: Callable[[], bool], tell: Tell) -> None:
    """Keep a runner alive beside the server, and a stand-in while the server is away."""
    kept_runner = Kept("runner", lambda: _begin(home, "runner"), tell)
    away = _Away(home, api, tell)
    tell(f"the Prefect UI is at {api.removesuffix('/api')}; Ctrl-C stops it")
    tell(f"for other terminals: export PREFECT_API_URL={api}")
    try:
        while not stopped():
            kept_server.look()
            kept_runner.look()
            away.look()
            time.sleep(_LOOKS_EVERY_SECONDS)
        tell("stopping: what is under way is brought to its end")
        _hand_in(home)
    finally:
        server.stop(kept_runner.process, signal.SIGTERM)
        away.end()
        Turns(home.turns, SystemClock()).open()  # for whoever dispatches next


class _Away:
    """Looks whether the server is away, and has somebody stand in meanwhile."""

    def __init__(self, home: Home, api: str, tell: Tell) -> None:
        self._home, self._api, self._tell = home, api, tell
        self._answered = self._looked = time.monotonic()
        self._stand_in: server.Process | None = None

    def look(self) -> None:
        """Start a stand-in where the server has not answered for a while and none is there."""
        now = time.monotonic()
        if now - self._looked < _ASKS_EVERY_SECONDS:
            return
        self._looked = now
        if server.answers(self._api):
            self._answered = now
        is_there = self._stand_in is not None and self._stand_in.poll() is None
        if now - self._answered > _AWAY_AFTER_SECONDS and not is_there:
            self._tell("the Prefect server is away: calls are placed without it")
            self._stand_in = _begin(self._home, "stand_in")

    def end(self) -> None:
        """End the stand-in, in order."""
        if self._stand_in is not None:
            server.stop(self._stand_in, signal.SIGINT, HANDS_OVER_WITHIN.total_seconds())


_SETTINGS = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PYTHONSAFEPATH": "1",  # no file of the folder where somebody stands is taken for a module
}


def _begin(home: Home, module: str) -> server.Process:
    return server.start([sys.executable, "-m", f"flows.serving.{module}"], home.prefect / f"{module}.log")


def _hand_in(home: Home) -> None:
    """Have the run that dispatches end, and wait for it and whatever else runs."""
    Turns(home.turns, SystemClock()).close()
    gives_up = time.monotonic() + HANDS_OVER_WITHIN.total_seconds()
    while are_living(home) and time.monotonic() < gives_up:
        time.sleep(0.1)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    lock = try_lock(home.path / "up.lock")
    if lock is None:
        raise WorkError(f"{home.path}: callplan up is running for this store already")
    try:
        yield
    finally:
        os.close(lock)


@contextmanager
def _stops_on_signal() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGINT or SIGTERM came; a second one is not waited for."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
