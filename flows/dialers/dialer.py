"""What a dialer promises the dispatcher.

A second provider is one file: a class with these members, and a line in ``all_dialers``.
"""

from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from flows.budget import RequestBudget
from transforms.schemas import INSTANT

REQUESTS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "plan_version": pl.Int32(),
        "phone": pl.String(),
        "from_number": pl.String(),
        "timezone": pl.String(),
        "variables": pl.String(),
        "agent_id": pl.String(),
        "scheduled_at": INSTANT,
        "not_after": INSTANT,
        "call_date": pl.Date(),
        "slot_index": pl.Int64(),
        "owner_id": pl.String(),
        "lease_id": pl.String(),
        "claimed_at": INSTANT,
        "max_call_minutes": pl.Int32(),
        "calls_per_second": pl.Float64(),
        "replays": pl.Boolean(),
    }
)
"""One row per call to place, in ``scheduled_at`` order; ``variables`` is a JSON object. At ``not_after`` it
is too late to send it. ``replays`` marks a dial that repeats an earlier one of which nothing is known, under
the same key."""

ANSWERS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "lease_id": pl.String(),
        "state": pl.String(),
        "provider_call_id": pl.String(),
        "answered_at": INSTANT,
        "reason": pl.String(),
    }
)
"""One row per request.

``state`` is ``in_progress`` when it was taken on, a final state, ``unknown`` where nobody can tell, or one of
``GOES_BACK``: it certainly did not ring.
"""

UNSENT, LIMITED, REFUSED = "unsent", "limited", "refused"
GOES_BACK = (UNSENT, LIMITED, REFUSED)
"""A request that never left, one that came too fast for the provider, one that no other request of the
campaign would fare better than (no credit, no permission)."""


def answers_alike(calls: pl.DataFrame, state: str, reason: str, now: datetime) -> pl.DataFrame:
    """Return the same answer (``ANSWERS``) for each of ``calls``, which have its first four columns."""
    alike = {"state": state, "provider_call_id": None, "answered_at": now, "reason": reason}
    return calls.with_columns(pl.lit(value).alias(name) for name, value in alike.items()).select(
        pl.col(name).cast(dtype) for name, dtype in ANSWERS.items()
    )


CALLS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "provider_call_id": pl.String(),
        "scheduled_at": INSTANT,
        "noted_at": INSTANT,
    }
)
"""One row per call to look up."""

REPORTS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "state": pl.String(),
        "provider_status": pl.String(),
        "reported_at": INSTANT,
        "reason": pl.String(),
    }
)
"""One row per call of which there is news; ``state`` is final, or null where the provider's own word for it
(``provider_status``) means nothing to us."""


class Exchange(Protocol):
    """Requests that have left and whose replies come in over time."""

    @property
    def is_open(self) -> bool:
        """Whether a reply is still to come."""
        ...

    def replies(self, now: datetime) -> pl.DataFrame:
        """Return what has come in since this was asked last, each reply once."""
        ...

    def wakes_at(self, now: datetime) -> datetime:
        """Return when it is worth asking again."""
        ...


class Dialer(Protocol):
    """Places calls, each request sent once and never again on its own, and learns how they end."""

    @property
    def keys_live(self) -> timedelta:
        """How long after a dial the provider is known to know its key: a repeated request rings nobody."""
        ...

    @property
    def budget(self) -> RequestBudget | None:
        """The requests that everything with the same credentials may make; None for no limit."""
        ...

    def prepare(self, requests: int) -> None:
        """Make ready, beside everything else, to send about so many requests within a second or so."""
        ...

    def send(self, requests: pl.DataFrame, now: datetime) -> Exchange:
        """Send one request per row (``REQUESTS``); when this returns each has left or has failed to.

        The replies are ``ANSWERS``, one for every request.
        """
        ...

    def look_up(self, calls: pl.DataFrame, now: datetime) -> Exchange:
        """Ask once for each call (``CALLS``); the replies are ``REPORTS`` of those of which there is news."""
        ...
