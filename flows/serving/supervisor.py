"""Behind ``callplan up``: keeps a Prefect server and a runner alive, and stops them in order."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from types import FrameType

from flows.clock import ClockGuard, SystemClock
from flows.errors import WorkError
from flows.file_locks import try_lock
from flows.home import Home
from flows.runs import are_living
from flows.serving import server
from flows.serving.away import Away
from flows.serving.credentials import KeptCredentials
from flows.serving.kept import Kept, Tell
from flows.serving.logs import shorten
from flows.turns import Turns

HANDS_OVER_WITHIN = timedelta(seconds=40)
"""How long a run may take to bring what is under way to its end: an answer may take 30 s."""

_LOOKS_EVERY_SECONDS = 1.0
_KEPT_LOGS = ("server.log", "runner.log", "stand_in.log", "setting_up.log")


def keep_up(home: Home, port: int, tell: Tell) -> None:
    """Run server and runner until SIGINT or SIGTERM, then stop them: dispatch first, then the others.

    Raises:
        WorkError: another one runs for this store, or the server does not start.
    """
    with _alone(home), _stops_on_signal() as stopped:
        settings = server.settings_for(home.prefect, port)
        os.environ.update(settings | _SETTINGS, CALLPLAN_HOME=str(home.path))
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
    credentials = KeptCredentials(api)
    away = Away(
        credentials.look,
        lambda: _begin(home, "stand_in", os.environ | credentials.environment),
        lambda: _begin(home, "setting_up"),
        tell,
    )
    tell(f"the Prefect UI is at {api.removesuffix('/api')}; Ctrl-C stops it")
    tell(f"for other terminals: export PREFECT_API_URL={api}")
    guard = ClockGuard(SystemClock())
    with ExitStack() as stopping:
        try:
            while not stopped():
                if guard.has_moved:
                    guard = ClockGuard(SystemClock())
                    _stop_for_new_clock(kept_runner, kept_server, tell)
                kept_server.look()
                kept_runner.look()
                away.look()
                for name in _KEPT_LOGS:
                    shorten(home.prefect / name)
                time.sleep(_LOOKS_EVERY_SECONDS)
            tell("stopping: what is under way is brought to its end")
            stopping.enter_context(Turns(home.turns, SystemClock()).closed())
            _wait_for_runs(home)
        finally:
            server.stop(kept_runner.process, signal.SIGTERM)
            away.end(HANDS_OVER_WITHIN.total_seconds())


def _stop_for_new_clock(kept_runner: Kept, kept_server: Kept, tell: Tell) -> None:
    """End runner and server, which are started again then.

    Prefect has scheduled the next runs by the clock as it was and schedules no others before these are past;
    a runner that registers anew gives the schedules new names, and the runs new times.
    """
    tell("the clock was set: runner and server are started again")
    server.stop(kept_runner.process, signal.SIGTERM)
    server.stop(kept_server.process)


_SETTINGS = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PYTHONSAFEPATH": "1",  # no file of the folder where somebody stands is taken for a module
}


def _begin(home: Home, module: str, environment: Mapping[str, str] | None = None) -> server.Process:
    command = [sys.executable, "-m", f"flows.serving.{module}"]
    return server.start(command, home.prefect / f"{module}.log", environment)


def _wait_for_runs(home: Home) -> None:
    """Wait for the run that dispatches to end, and for whatever else runs."""
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
