"""A process that is kept: started again when it ends."""

import time
from collections.abc import Callable

from flows.serving.server import Process

_LONGEST_PAUSE_SECONDS = 30.0
"""A process that keeps ending is started again after pauses that grow up to this."""

_FINE_AFTER_SECONDS = 120.0

Tell = Callable[[str], None]


class Kept:
    """A process that is started again when it ends; each time it ends soon the pause before grows.

    ``now`` is a clock in seconds that is never set.
    """

    def __init__(
        self, name: str, begin: Callable[[], Process], tell: Tell, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._name, self._begin, self._tell, self._now = name, begin, tell, now
        self._pause_seconds = 1.0
        self._start()

    def _start(self) -> None:
        self.process = self._begin()
        self._begun = self._now()

    def look(self) -> None:
        """Start it again if it ended and its pause is over."""
        code, lived = self.process.poll(), self._now() - self._begun
        if lived > _FINE_AFTER_SECONDS:
            self._pause_seconds = 1.0
        if code is None or lived < self._pause_seconds:
            return
        self._tell(f"the {self._name} ended with {code} and is started again")
        self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._start()
