"""Contacts and campaigns for tests, made in a line."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.schemas import CONTACTS

NUMBERS = ["+12125550190", "+12125550191", "+12125550192"]


def contacts(count: int, zones: Sequence[str | None] = (None,)) -> pl.LazyFrame:
    """Return ``count`` contacts in list order whose zones are ``zones`` in turn."""
    place = pl.int_range(count)
    rows = pl.LazyFrame({"place": pl.int_range(count, eager=True)}).with_columns(
        contact_id=pl.format("c{}", place),
        phone=pl.format("+1{}", place + 2_125_550_000),
        timezone=pl.lit(pl.Series(list(zones), dtype=pl.String)).gather(place % len(zones)),
        variables=pl.lit("{}"),
        source_file=pl.lit("people.csv"),
        line=place + 2,
    )
    known = rows.collect_schema().names()
    return rows.select(
        (pl.col(name) if name in known else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in CONTACTS.items()
    )


def campaign(**changes: object) -> Campaign:
    """Return a campaign of ordinary settings with ``changes``."""
    settings = {
        "name": "Renewals",
        "agent_id": "agent",
        "contact_list": "people",
        "dialer": "simulated",
        "phone_numbers": NUMBERS,
        "timezone": "America/New_York",
        "schedule_type": "scheduled",
        "scheduled_at": "2026-03-20T14:30:00Z",
        "start_time": "10:00",
        "end_time": "17:00",
    }
    if changes.get("schedule_type") == "immediate":
        del settings["scheduled_at"]
    return Campaign.from_mapping(settings | changes)


def first_brief(settings: Campaign, now: datetime) -> Brief:
    """Return the brief of a first publication that is planned at ``now``."""
    starts_at = settings.starts_at(now)
    return Brief(starts_at=starts_at, from_at=starts_at)


EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
"""A moment before any campaign here starts."""
