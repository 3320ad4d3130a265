"""While the Prefect server is away somebody stands in, who dispatches without it."""

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

    ``now`` is a clock in seconds that is never set.
    """

    def __init__(
        self,
        answers: Callable[[], bool],
        begin: Callable[[], Process],
        tell: Tell,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answers, self._begin, self._tell, self._now = answers, begin, tell, now
        self._answered = self._looked = now()
        self._stand_in: Process | None = None

    def look(self) -> None:
        """Start a stand-in where the server has been away for a while and none is there."""
        now = self._now()
        if now - self._looked < _ASKS_EVERY_SECONDS:
            return
        self._looked = now
        if self._answers():
            self._answered = now
        is_there = self._stand_in is not None and self._stand_in.poll() is None
        if now - self._answered > _AWAY_AFTER_SECONDS and not is_there:
            self._tell("the Prefect server is away: calls are placed without it")
            self._stand_in = self._begin()

    def end(self, within_seconds: float) -> None:
        """End the stand-in, in order."""
        if self._stand_in is not None:
            stop(self._stand_in, signal.SIGINT, within_seconds)
