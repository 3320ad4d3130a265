"""Wall clocks and instants: the only module that converts one into the other.

Every rule comes from the pinned ``tzdata`` package. The zone database of the system, of Polars and of
DuckDB are other editions that differ from it by whole hours in some zones, so none of them is asked.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from importlib.metadata import version
from zoneinfo import ZoneInfo

import polars as pl

from transforms.schemas import OFFSETS

TZDATA_VERSION = version("tzdata")

YEARS = range(1900, 9900)
"""Of instants that people give; every day that a plan may reach from them is a date that Python knows."""

_MIDNIGHT = time(0)
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


@cache
def zone_names() -> frozenset[str]:
    """Return every IANA zone name of the pinned tzdata."""
    listed = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(listed.split())


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone ``name`` under the pinned rules.

    Raises:
        KeyError: the pinned tzdata has no such zone.
    """
    if name not in zone_names():
        raise KeyError(name)
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def opening_instant(zone_name: str, local: datetime) -> datetime:
    """Return the UTC instant from which the wall clock is at or past the naive ``local``.

    A time that the clock reads twice is the later instant, a time that it skips is the first instant
    after the gap, so that nothing starts before ``local`` on any reading of the clock.

    >>> opening_instant("America/New_York", datetime(2026, 11, 1, 1, 30)).isoformat()
    '2026-11-01T06:30:00+00:00'
    >>> opening_instant("America/New_York", datetime(2026, 3, 8, 2, 30)).isoformat()
    '2026-03-08T07:00:00+00:00'
    """
    return _instant(zone(zone_name), local, fold=1)


def closing_instant(zone_name: str, local: datetime) -> datetime:
    """Return the UTC instant at which the wall clock first reaches the naive ``local``.

    A time that the clock reads twice is the earlier instant, a time that it skips is the first instant
    after the gap, so that nothing ends after ``local`` on any reading of the clock.

    >>> closing_instant("America/New_York", datetime(2026, 11, 1, 1, 30)).isoformat()
    '2026-11-01T05:30:00+00:00'
    """
    return _instant(zone(zone_name), local, fold=0)


def start_of_date(zone_name: str, day: date) -> datetime:
    """Return the UTC instant at which ``day`` begins in a zone.

    That is the first midnight, unless the clock goes back over it into the day before: then the second.
    """
    midnight = datetime.combine(day, _MIDNIGHT)
    first, last = closing_instant(zone_name, midnight), opening_instant(zone_name, midnight)
    if first == last or to_local(zone_name, last - timedelta(microseconds=1)).date() == day:
        return first
    return last


def end_of_date(zone_name: str, day: date) -> datetime:
    """Return the UTC instant, exclusive, at which ``day`` ends: its next midnight, the earlier of two."""
    return closing_instant(zone_name, datetime.combine(day + timedelta(days=1), _MIDNIGHT))


def to_local(zone_name: str, instant: datetime) -> datetime:
    """Return the wall clock of an aware ``instant`` in a zone, as an aware datetime with its offset."""
    return instant.astimezone(zone(zone_name))


def offsets(zone_names_used: list[str], from_at: datetime, until_at: datetime) -> pl.DataFrame:
    """Return what must be added to UTC to read the clock, per zone and stretch of constant offset.

    Grain: one row per zone and change of offset between two aware instants; the first row of a zone
    holds from ``from_at``. Order: zone, ``from_at``. Transitions are found to the second.
    """
    rows = [
        (name, at, int(_offset(zone(name), at).total_seconds()))
        for name in sorted(zone_names_used)
        for at in [from_at, *_transitions(zone(name), from_at, until_at)]
    ]
    return pl.DataFrame(rows, schema=OFFSETS, orient="row")


def _instant(rules: ZoneInfo, local: datetime, fold: int) -> datetime:
    before_change = local.replace(tzinfo=rules, fold=0).astimezone(UTC)
    after_change = local.replace(tzinfo=rules, fold=1).astimezone(UTC)
    if before_change > after_change:  # the clock skips this time: the two offsets are those around the gap
        return _first_transition(rules, after_change, before_change)
    return after_change if fold else before_change


def _offset(rules: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(rules).utcoffset()
    if offset is None:  # a ZoneInfo always has one
        raise ValueError(f"no UTC offset at {instant}")
    return offset


def _first_transition(rules: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the instant in (before, after] at which the offset changes, by bisection to the second."""
    old = _offset(rules, before)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle <= before:
            middle = before + _SECOND
        if _offset(rules, middle) == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _transitions(rules: ZoneInfo, from_at: datetime, until_at: datetime) -> list[datetime]:
    """Return the instants in (from_at, until_at] at which the offset changes.

    Looks every twelve hours: no zone changes its clock and back within that.
    """
    found = []
    step, at = 12 * _HOUR, from_at
    while at < until_at:
        following = min(at + step, until_at)
        if _offset(rules, at) != _offset(rules, following):
            found.append(_first_transition(rules, at, following))
        at = following
    return found
