"""An exchange whose replies are there from the beginning."""

from datetime import datetime

import polars as pl


class Replied:
    """Gives its replies once, and is done."""

    def __init__(self, replies: pl.DataFrame) -> None:
        self._replies = replies

    @property
    def is_open(self) -> bool:
        """Whether the replies have not been asked for."""
        return not self._replies.is_empty()

    def replies(self, now: datetime) -> pl.DataFrame:  # noqa: ARG002 - they are there at any time
        """Return all replies, the first time."""
        replies, self._replies = self._replies, self._replies.clear()
        return replies

    def wakes_at(self, now: datetime) -> datetime:
        """Return ``now``."""
        return now
