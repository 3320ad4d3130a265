"""The clocks that dispatch reads: real time, or simulated time that passes when it is waited for."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from flows.errors import WorkError

MOST_DRIFT = timedelta(seconds=2)
"""How far the wall clock and the time since boot may part while a dispatcher runs."""


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...

    def since_boot(self) -> timedelta:
        """Return the time since the machine started, which nobody can set and which passes in sleep, too."""
        ...

    def wait_until(self, instant: datetime) -> None:
        """Return once ``instant`` has come."""
        ...


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def since_boot(self) -> timedelta:
        """Return the time since the machine started."""
        return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))

    def wait_until(self, instant: datetime) -> None:
        """Sleep until ``instant``."""
        time.sleep(max(0.0, (instant - self.now()).total_seconds()))


class SimulatedClock:
    """Time that stands still until somebody waits, and then has passed at once."""

    def __init__(self, starts_at: datetime) -> None:
        self._now = starts_at
        self._since_boot = timedelta()

    def now(self) -> datetime:
        """Return the simulated instant."""
        return self._now

    def since_boot(self) -> timedelta:
        """Return how much time has been waited for."""
        return self._since_boot

    def wait_until(self, instant: datetime) -> None:
        """Move on to ``instant``; time never goes back."""
        self._since_boot += max(instant - self._now, timedelta())
        self._now = max(self._now, instant)

    def set_by(self, step: timedelta) -> None:
        """Set the wall clock forward or back, as a person or a time server does; no time passes."""
        self._now += step


class MovedClockError(WorkError):
    """The wall clock was set while a dispatcher ran: no time it knows can be trusted."""


class ClockGuard:
    """Remembers how the wall clock and the time since boot go together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart = clock.now() - clock.since_boot()

    @property
    def has_moved(self) -> bool:
        """Whether they have parted by more than ``MOST_DRIFT``."""
        return abs(self._parted()) > MOST_DRIFT

    def refuse_moved(self) -> None:
        """Raise MovedClockError when the clock has moved."""
        if self.has_moved:
            raise MovedClockError(
                f"the clock was set by {self._parted().total_seconds():+.0f} seconds while calls were "
                "dispatched; nothing more is dialled until dispatch is started anew"
            )

    def _parted(self) -> timedelta:
        return (self._clock.now() - self._clock.since_boot()) - self._apart
