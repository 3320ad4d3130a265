"""What clocks on walls read, for the oracle: independent of ``transforms``.

Clocks are judged by looking at UTC instants and asking what a wall clock reads at them; nothing here
turns wall time into UTC by a rule of the library.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)

Stretch = tuple[datetime, datetime]
"""A half-open stretch of UTC instants."""


@cache
def zone_names() -> frozenset[str]:
    """Return the zones of the pinned ``tzdata``."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


@cache
def _zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def wall_clock(zone: str, instant: datetime) -> datetime:
    """Return what the clock on the wall of ``zone`` reads at ``instant``, without an offset."""
    return instant.astimezone(_zone(zone)).replace(tzinfo=None)


def offset(zone: str, instant: datetime) -> timedelta:
    """Return how far the wall clock of ``zone`` is ahead of UTC at the UTC ``instant``."""
    return wall_clock(zone, instant) - instant.replace(tzinfo=None)


@lru_cache(maxsize=200_000)
def _steady_on(zone: str, utc_date: date) -> list[tuple[datetime, datetime, timedelta]]:
    """Return a UTC date cut wherever the offset of ``zone`` changes: (from, until, offset)."""
    midnight = datetime.combine(utc_date, time(), UTC)
    probes = [(at, offset(zone, at)) for at in (midnight + quarter * DAY / 4 for quarter in range(5))]
    steady = [probes[0]]
    for (before, old), (after, new) in pairwise(probes):
        if old != new:
            while after - before > MICROSECOND:
                middle = before + (after - before) // 2
                before, after = (before, middle) if offset(zone, middle) == new else (middle, after)
            steady.append((after, new))
    ends = [at for at, _ in steady[1:]] + [midnight + DAY]
    return [(begin, end, ahead) for (begin, ahead), end in zip(steady, ends, strict=True) if begin < end]


def _steady_around(zone: str, day: date) -> list[tuple[datetime, datetime, timedelta]]:
    """Return the stretches of steady offset from two days before ``day`` to two days after it."""
    return [steady for days in range(-2, 3) for steady in _steady_on(zone, day + days * DAY)]


@lru_cache(maxsize=10_000)
def clock_changes(zone: str, year: int) -> list[datetime]:
    """Return when the offset of ``zone`` changes in a UTC year, for changes more than five days apart."""
    probes = [datetime(year, 1, 1, tzinfo=UTC) + number * 5 * DAY for number in range(74)]
    ahead = [offset(zone, probe) for probe in probes]
    return [
        later[0]
        for probe, (old, new) in zip(probes, pairwise(ahead), strict=False)
        if old != new
        for earlier, later in pairwise(
            steady for days in range(6) for steady in _steady_on(zone, probe.date() + days * DAY)
        )
        if earlier[2] != later[2] and later[0].year == year
    ]


def _readings(zone: str, local: datetime) -> list[datetime]:
    """Return the instants at which the wall clock reads ``local``; in a gap, the first instant after it."""
    around = _steady_around(zone, local.date())
    read = [
        instant
        for begin, end, ahead in around
        if begin <= (instant := (local - ahead).replace(tzinfo=UTC)) < end
    ]
    return read or [min(begin for begin, _, _ in around if wall_clock(zone, begin) > local)]


@lru_cache(maxsize=200_000)
def opening(zone: str, local: datetime) -> datetime:
    """Return the instant at which something that opens at wall time ``local`` opens."""
    return max(_readings(zone, local))


@lru_cache(maxsize=200_000)
def closing(zone: str, local: datetime) -> datetime:
    """Return the instant at which something that closes at wall time ``local`` closes."""
    return min(_readings(zone, local))


@lru_cache(maxsize=200_000)
def stretch_of_date(zone: str, day: date) -> Stretch:
    """Return the instants at which the wall clock of ``zone`` reads the date ``day``."""
    midnight = datetime.combine(day, time(), UTC)
    pieces = [
        (max(begin, midnight - ahead), min(end, midnight + DAY - ahead))
        for begin, end, ahead in _steady_around(zone, day)
        if max(begin, midnight - ahead) < min(end, midnight + DAY - ahead)
    ]
    assert all(earlier[1] == later[0] for earlier, later in pairwise(pieces)), (
        f"{zone} leaves {day} and returns"
    )
    return pieces[0][0], pieces[-1][1]
