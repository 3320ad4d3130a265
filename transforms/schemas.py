"""The contracts of the frames that travel between modules: names, order and types of their columns."""

import polars as pl

INSTANT = pl.Datetime("us", "UTC")

PLAN = pl.Schema(
    {
        "campaign_id": pl.String(),
        "plan_version": pl.Int32(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "phone": pl.String(),
        "from_number": pl.String(),
        "timezone": pl.String(),
        "timezone_source": pl.String(),
        "scheduled_at": INSTANT,
        "not_after": INSTANT,
        "call_date": pl.Date(),
        "slot_index": pl.Int64(),
    }
)
"""One row per contact and attempt, in ``scheduled_at`` order."""

STANDING = pl.Schema(
    {
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "kind": pl.String(),
        "plan_version": pl.Int32(),
        "from_number": pl.String(),
        "timezone": pl.String(),
        "timezone_source": pl.String(),
        "scheduled_at": INSTANT,
        "call_date": pl.Date(),
        "slot_index": pl.Int64(),
    }
)
"""What a publication finds: one row per contact and attempt that is not new to the campaign.

``kind`` is ``started`` (claimed or called), ``kept`` (a slot of an earlier version that stays there),
``carried`` (a slot whose time is written into this version again) or ``due`` (waits for a slot, only
``contact_id`` and ``attempt`` are set). The file beside a plan has of slots kept on dates that the
plan leaves alone only what is counted; see ``counted_elsewhere``.
"""

EXCLUDED = pl.Schema({"contact_id": pl.String(), "line": pl.Int64(), "reason": pl.String()})
"""One row per contact that is not planned, with the line of its file and the reason."""

OFFSETS = pl.Schema({"zone": pl.String(), "from_at": INSTANT, "offset_seconds": pl.Int64()})
"""One row per zone and stretch of constant UTC offset; add it to UTC to read the wall clock."""

OPENINGS = pl.Schema({"zone": pl.String(), "call_date": pl.Date(), "opens_at": INSTANT, "closes_at": INSTANT})
"""One row per zone, campaign-local date and half-open stretch ``[opens_at, closes_at)`` of open time."""

ALLOTMENT = pl.Schema(
    {"zone": pl.String(), "call_date": pl.Date(), "first_rank": pl.Int64(), "contacts": pl.Int64()}
)
"""One row per zone and campaign-local date: which stretch of the zone's queue is called on it."""

PLAN_DATES = pl.Schema(
    {"call_date": pl.Date(), "calls": pl.Int64(), "first_row": pl.Int64(), "next_index": pl.Int64()}
)
"""One row per campaign-local date of a plan: its rows, the first of them, the first free ``slot_index``."""

CONTACTS = pl.Schema(
    {
        "contact_id": pl.String(),
        "phone": pl.String(),
        "first_name": pl.String(),
        "last_name": pl.String(),
        "email": pl.String(),
        "timezone": pl.String(),
        "region": pl.String(),
        "postal_code": pl.String(),
        "variables": pl.String(),
        "source_file": pl.String(),
        "line": pl.Int64(),
    }
)
"""One row per usable contact of a list, in list order; ``variables`` is a JSON object of other columns."""

REJECTS = pl.Schema(
    {
        "source_file": pl.String(),
        "line": pl.Int64(),
        "contact_id": pl.String(),
        "phone_written": pl.String(),
        "kind": pl.String(),
        "reason": pl.String(),
    }
)
"""One row per row of a file that was set aside: its line, 1-based, the kind of fault, the reason in words."""
