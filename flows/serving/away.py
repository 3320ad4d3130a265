"""While the Prefect server is away somebody stands in; when it is back, what is late is swept away."""

import signal
import time
from collections.abc import Callable

from flows.serving.kept import Tell
from flows.serving.server import Process, stop

_ASKS_EVERY_SECONDS = 5.0
_AWAY_AFTER_SECONDS = 30.0
"""A server that has not answered for so long is away."""


class Away:
    """Looks whether the server ``answers``, and has a stand-in ``begin`` where it does not for a while.

    When it answers again after that, ``sweep`` begins to take away the runs that are late by then: there is
    one for every minute, and each would be started. ``now`` is a clock in seconds that is never set.
    """

    def __init__(
        self,
        answers: Callable[[], bool],
        begin: Callable[[], Process],
        sweep: Callable[[], Process],
        tell: Tell,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answers, self._begin, self._sweep, self._tell, self._now = answers, begin, sweep, tell, now
        self._answered = self._looked = now()
        self._is_away = self._owes_a_sweep = False
        self._stand_in: Process | None = None
        self._sweeping: Process | None = None

    def look(self) -> None:
        """Have somebody stand in where the server has been away for a while, and sweep once it is back."""
        now = self._now()
        if now - self._looked < _ASKS_EVERY_SECONDS:
            return
        self._looked = now
        if self._answers():
            self._answered = now
            self._sweep_late()
        self._is_away = now - self._answered > _AWAY_AFTER_SECONDS
        if self._is_away and not _is_there(self._stand_in):
            self._tell("the Prefect server is away: calls are placed without it")
            self._stand_in = self._begin()

    def _sweep_late(self) -> None:
        """Sweep, where the server was away, until that has succeeded once."""
        if self._is_away:
            self._tell("the Prefect server is back: runs that are late are swept away")
            self._owes_a_sweep = True
        if self._owes_a_sweep and not _is_there(self._sweeping):
            self._owes_a_sweep = self._sweeping is None or self._sweeping.returncode != 0
            self._sweeping = self._sweep() if self._owes_a_sweep else None

    def end(self, within_seconds: float) -> None:
        """End the stand-in, and a sweep that still goes on, in order."""
        if self._sweeping is not None:
            stop(self._sweeping, signal.SIGTERM)
        if self._stand_in is not None:
            stop(self._stand_in, signal.SIGINT, within_seconds)


def _is_there(process: Process | None) -> bool:
    return process is not None and process.poll() is None
