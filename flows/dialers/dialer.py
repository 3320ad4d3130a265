"""What a dialer promises the dispatcher."""

from datetime import datetime
from typing import Protocol

import polars as pl

from transforms.schemas import INSTANT

REQUESTS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "phone": pl.String(),
        "from_number": pl.String(),
        "variables": pl.String(),
        "scheduled_at": INSTANT,
        "not_after": INSTANT,
        "claimed_at": INSTANT,
    }
)
"""One row per call to place, in ``scheduled_at`` order."""

ANSWERS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "state": pl.String(),
        "provider_call_id": pl.String(),
        "noted_at": INSTANT,
        "answered_at": INSTANT,
        "reason": pl.String(),
    }
)
"""One row per request: ``in_progress`` when it was taken on, a final state, or ``unknown``."""

REPORTS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "state": pl.String(),
        "reported_at": INSTANT,
        "reason": pl.String(),
    }
)
"""One row per call whose final outcome is known."""


class Dialer(Protocol):
    """Places calls, each at most once, and reports how they ended."""

    def place(self, requests: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Send one request per row (``REQUESTS``) and return what was answered (``ANSWERS``)."""
        ...

    def look_up(self, calls: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return the outcomes (``REPORTS``) of those calls in progress that have ended by ``now``."""
        ...
