"""Open time: the daily windows of a campaign as half-open stretches of UTC instants, per zone and date."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import polars as pl

from transforms.campaign import Campaign
from transforms.schemas import OPENINGS
from transforms.wall_clock import closing_instant, end_of_date, opening_instant, start_of_date, to_local

_DAY = timedelta(days=1)

JOINT = "|"
"""Stands between the names of several zones that all have to be open."""

_YEAR = timedelta(days=365)

REACH_DAYS = 2
"""How many dates of a zone can lie on one campaign-local date: its own and two on either side, because
clocks differ by up to 26 hours around the date line."""


def openings(
    campaign: Campaign,
    zones: list[str],
    first: date,
    last: date,
    starts_at: datetime,
    stops_at: datetime | None,
) -> pl.DataFrame:
    """Return when each zone is open on the campaign-local dates from ``first`` to ``last``, both included.

    A zone opens by its own clock, working days, blackout dates and holidays, and several zones joined by
    ``|`` when all of them are open; what is open is then cut at the campaign's midnights, at ``starts_at``
    and at ``stops_at``. Empty stretches are left out.

    Grain: one row per zone, campaign-local date and stretch. Order: zone as given, ``opens_at``.
    """
    closed = closed_dates(campaign, first - REACH_DAYS * _DAY, last + REACH_DAYS * _DAY)
    rows = [
        (name, day, opens_at, closes_at)
        for name in zones
        for stretch in _open_in_zones(campaign, name.split(JOINT), closed, first, last)
        for day, opens_at, closes_at in _cut(campaign.timezone, *stretch, starts_at, stops_at)
        if first <= day <= last
    ]
    return pl.DataFrame(rows, schema=OPENINGS, orient="row")


def closed_dates(campaign: Campaign, first: date, last: date) -> set[date]:
    """Return the blackout dates and public holidays from ``first`` to ``last``, both included."""
    dates = set(campaign.blackout_dates)
    if campaign.holidays is not None:
        dates.update(campaign.holidays.dates(range(first.year, last.year + 1)))
    return {day for day in dates if first <= day <= last}


def open_time_of_date(
    campaign: Campaign, day: date, starts_at: datetime, stops_at: datetime | None
) -> tuple[timedelta, timedelta]:
    """Return how long the campaign's own zone is open on ``day``: between start and end, and in all."""
    whole = openings(campaign, [campaign.timezone], day, day, datetime.min.replace(tzinfo=UTC), None)
    left = openings(campaign, [campaign.timezone], day, day, starts_at, stops_at)
    return _length(left), _length(whole)


def _length(stretches: pl.DataFrame) -> timedelta:
    total = stretches.select((pl.col("closes_at") - pl.col("opens_at")).sum()).item()
    return total if isinstance(total, timedelta) else timedelta()


def never_open(campaign: Campaign, zone_name: str, day: date) -> bool:
    """Return whether a zone, or several joined, has no open time at all in the year from ``day`` on."""
    return openings(
        campaign, [zone_name], day, day + _YEAR, datetime.min.replace(tzinfo=UTC), None
    ).is_empty()


def _open_in_zones(
    campaign: Campaign, zone_names: list[str], closed: set[date], first: date, last: date
) -> list[tuple[datetime, datetime]]:
    """Return when all of several zones are open, in order."""
    common, *others = (list(_open_in_zone(campaign, name, closed, first, last)) for name in zone_names)
    for other in others:
        common = list(_in_both(common, other))
    return common


def _in_both(
    one: list[tuple[datetime, datetime]], other: list[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches that lie in two lists of stretches, each in order and without overlaps."""
    at, of_other = 0, 0
    while at < len(one) and of_other < len(other):
        opens_at = max(one[at][0], other[of_other][0])
        closes_at = min(one[at][1], other[of_other][1])
        if opens_at < closes_at:
            yield opens_at, closes_at
        if one[at][1] <= other[of_other][1]:
            at += 1
        else:
            of_other += 1


def _open_in_zone(
    campaign: Campaign, zone_name: str, closed: set[date], first: date, last: date
) -> Iterator[tuple[datetime, datetime]]:
    day = first - REACH_DAYS * _DAY
    while day <= last + REACH_DAYS * _DAY:
        if day not in closed:
            for opens, closes in campaign.windows_of(day.isoweekday()):
                opens_at = opening_instant(zone_name, _at_minute(day, opens))
                closes_at = closing_instant(zone_name, _at_minute(day, closes))
                if opens_at < closes_at:
                    yield opens_at, closes_at
        day += _DAY


def _at_minute(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def _cut(
    campaign_zone: str,
    opens_at: datetime,
    closes_at: datetime,
    starts_at: datetime,
    stops_at: datetime | None,
) -> Iterator[tuple[date, datetime, datetime]]:
    """Cut a stretch at the campaign's midnights and to ``[starts_at, stops_at)``."""
    opens_at = max(opens_at, starts_at)
    closes_at = closes_at if stops_at is None else min(closes_at, stops_at)
    if opens_at >= closes_at:
        return
    day = to_local(campaign_zone, opens_at).date()
    while True:
        begins, ends = _stretch_of_date(campaign_zone, day)
        if begins >= closes_at:
            return
        if max(opens_at, begins) < min(closes_at, ends):
            yield day, max(opens_at, begins), min(closes_at, ends)
        day += _DAY


@lru_cache(maxsize=10_000)
def _stretch_of_date(zone_name: str, day: date) -> tuple[datetime, datetime]:
    return start_of_date(zone_name, day), end_of_date(zone_name, day)
