"""How many requests the provider takes in a minute."""

from tests.provider.settings import Settings


class MinuteLimit:
    """Counts requests in minutes that start with the first request after the last one was over."""

    def __init__(self) -> None:
        self._ends_at = 0.0
        self._taken = 0

    def refused_until(self, now: float, settings: Settings) -> float | None:
        """Take one request, or return when the next one will be taken."""
        if settings.requests_per_minute is None:
            return None
        if now >= self._ends_at:
            self._ends_at, self._taken = now + settings.minute_seconds, 0
        if self._taken >= settings.requests_per_minute:
            return self._ends_at
        self._taken += 1
        return None
