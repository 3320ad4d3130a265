"""The clock that dispatch reads: real time, or simulated time that passes when it is waited for."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...

    def wait_until(self, instant: datetime) -> None:
        """Return once ``instant`` has come."""
        ...


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def wait_until(self, instant: datetime) -> None:
        """Sleep until ``instant``."""
        time.sleep(max(0.0, (instant - self.now()).total_seconds()))


class SimulatedClock:
    """Time that stands still until somebody waits, and then has passed at once."""

    def __init__(self, starts_at: datetime) -> None:
        self._now = starts_at

    def now(self) -> datetime:
        """Return the simulated instant."""
        return self._now

    def wait_until(self, instant: datetime) -> None:
        """Move on to ``instant``; time never goes back."""
        self._now = max(self._now, instant)
