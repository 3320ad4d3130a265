"""Campaigns, people and times in short: what plans that were worked out by hand are written in."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from tests.transforms.oracle import Person, Slot, Standing, plan, replan
from transforms.campaign import Campaign

NEW_YORK = "America/New_York"
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def campaign(**changes: Any) -> Campaign:
    return Campaign.from_mapping({"name": "Renewals", "agent_id": "agent", "timezone": NEW_YORK} | changes)


def people(*zones: str | None) -> list[Person]:
    return [
        Person(f"{letter}", f"+1212555{place:04}", zone)
        for place, (letter, zone) in enumerate(zip("abcdefghijklmnopqrstuvwxyz", zones, strict=False))
    ]


def slots_of(contacts: list[Person], now: str, **changes: Any) -> list[Slot]:
    return plan(contacts, campaign(**changes), utc(now))[0]


def times(slots: list[Slot]) -> list[datetime]:
    return [slot.scheduled_at for slot in slots]


# New York is open from 13:00Z to 22:00Z on Monday 6 July 2026, where most of these plans are made.
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 7, day) for day in (6, 7, 8))
NAMES = {"+18005550102": "A", "+18005550101": "B", "+18005550103": "C", "+18005550109": "Z"}
NUMBERS = {name: number for number, name in NAMES.items()}


def stands(
    kind: Literal["started", "kept", "carried"],
    at: str,
    contact_id: str = "",
    *,
    attempt: int = 1,
    number: str | None = None,
    slot_index: int = 0,
) -> Standing:
    """Return what stands at a time of July 2026, written ``day hh:mm`` in UTC."""
    day, time = at.split()
    scheduled_at = utc(f"2026-07-{day}T{time}")
    return Standing(
        contact_id or f"standing at {at}",
        attempt,
        kind,
        1,
        number,
        NEW_YORK,
        scheduled_at,
        scheduled_at.date(),
        slot_index,
    )


def replanned(
    to_place: Sequence[Person | tuple[Person, int]],
    from_at: str,
    *standing: Standing,
    starts_at: str = "06 00:00",
    last_number: str | None = None,
    carried: Sequence[Person] = (),
    **changes: Any,
) -> list[Slot]:
    """Return the slots of people, first attempts where none is given, from a time of July 2026."""
    starts, begins = (utc(f"2026-07-{at.replace(' ', 'T')}") for at in (starts_at, from_at))
    calls = [each if isinstance(each, tuple) else (each, 1) for each in to_place]
    return replan(calls, campaign(**changes), starts, begins, standing, last_number, carried)[0]


def hours_of(slots: list[Slot]) -> list[str]:
    return [f"{slot.scheduled_at:%d %H:%M}" for slot in slots]


def microseconds_after(at: str, slots: list[Slot]) -> list[int]:
    start = utc(f"2026-07-{at.replace(' ', 'T')}")
    return [(slot.scheduled_at - start) // timedelta(microseconds=1) for slot in slots]


def letters(slots: list[Slot]) -> str:
    return "".join(NAMES[slot.from_number or ""] for slot in slots)
