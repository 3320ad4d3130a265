"""Every clock change of every zone: no call outside its window on any reading of the clock.

A run of the tests draws a part of the zones; ``make prove`` takes them all.
"""

import random
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import pairwise

import pytest

from tests.examples import SEED, ZONES_TRIED
from tests.transforms import clocks
from transforms.campaign import Campaign
from transforms.windows import openings

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = time()


def _changes(zone):
    """Return (instant, offset before, offset after) of every change, looked for every six hours."""
    found = []
    at, old = FIRST, clocks.offset(zone, FIRST)
    while at < LAST:
        following = at + 7 * DAY
        new = clocks.offset(zone, following)
        days = [at + count * 6 * HOUR for count in range(29)]
        if new != old or any(clocks.offset(zone, day) != old for day in days[::4]):
            for before, after in pairwise(days):
                if clocks.offset(zone, before) != clocks.offset(zone, after):
                    found.append(_exact(zone, before, after))
        at, old = following, new
    return found


def _exact(zone, before, after):
    old = clocks.offset(zone, before)
    while after - before > MICROSECOND:
        middle = before + (after - before) // 2
        before, after = (middle, after) if clocks.offset(zone, middle) == old else (before, middle)
    return after, old, clocks.offset(zone, after)


@cache
def _twins():
    """Return the zones drawn that change their clock with their changes, one name for each history."""
    names = sorted(clocks.zone_names())
    histories = {}
    for zone in random.Random(SEED).sample(names, round(len(names) * ZONES_TRIED)):
        changes = tuple(_changes(zone))
        if changes:
            histories.setdefault(changes, []).append(zone)
    return histories


def _edges(change):
    """Return wall times in and around what the change skips or repeats, whole minutes, in order."""
    at, before, after = change
    local = (at + before).replace(tzinfo=None), (at + after).replace(tzinfo=None)
    first, last = min(local), max(local)
    odd = (first - 30 * MINUTE, first, first + MINUTE, first + (last - first) // 2, last - MINUTE, last)
    return [moment.replace(second=0) for moment in (*odd, last + 30 * MINUTE)]


def _windows(edges, day):
    """Return the windows of ``day`` between every two of the edges that lie on it, as texts."""
    minutes = sorted(
        {(edge - datetime.combine(day, MIDNIGHT)) // MINUTE for edge in edges if edge.date() == day}
    )
    minutes = [minute for minute in minutes if 0 <= minute < 1440]
    return [
        (f"{opens // 60:02}:{opens % 60:02}", f"{closes // 60:02}:{closes % 60:02}")
        for place, opens in enumerate(minutes)
        for closes in [*minutes[place + 1 :], 1440]
    ]


def _is_open(zone, start, end, instant):
    """Judge an instant by what the clock reads then, and at the other instants at which it reads an edge."""
    local = clocks.wall_clock(zone, instant)
    opens, closes = (_at(local.date(), text) for text in (start, end))
    return (
        opens <= local < closes
        and clocks.opening(zone, opens) <= instant
        and instant < clocks.closing(zone, closes)
    )


def _at(day, text):
    hours, minutes = map(int, text.split(":"))
    return datetime.combine(day, MIDNIGHT) + timedelta(hours=hours, minutes=minutes)


def test_no_zone_is_open_outside_its_window_on_any_reading_of_the_clock_at_any_change():
    windows = instants = 0
    for changes, zones in _twins().items():
        for change in changes:
            day = (change[0] + change[1]).date()
            for on in {day, (change[0] + change[2]).date()}:
                for start, end in _windows(_edges(change), on):
                    windows += 1
                    instants += _judge(zones[0], on, start, end, change[0])
    changes_of_names = sum(len(changes) * len(zones) for changes, zones in _twins().items())
    least = ZONES_TRIED if ZONES_TRIED == 1 else ZONES_TRIED / 2  # a draw may have few that change
    assert sum(map(len, _twins().values())) > 200 * least
    assert changes_of_names > 3_000 * least
    assert windows > 10_000 * least
    assert instants > 100_000 * least


def _judge(zone, day, start, end, at):
    campaign = Campaign.from_mapping(
        {
            "name": "x",
            "agent_id": "a",
            "timezone": "UTC",
            "start_time": start,
            "end_time": end,
            "working_days": [day.isoweekday()],
        }
    )
    stretches = openings(campaign, [zone], day - DAY, day + DAY, FIRST - DAY, None)
    opened = [(opens, closes) for _, _, opens, closes in stretches.iter_rows()]
    edges = [moment for stretch in opened for moment in stretch]
    probes = {at + minutes * 10 * MINUTE for minutes in range(-18, 19)}
    probes |= {moment + step for moment in [*edges, at] for step in (-MICROSECOND, timedelta(), MICROSECOND)}
    for instant in probes:
        is_open = any(opens <= instant < closes for opens, closes in opened)
        if clocks.wall_clock(zone, instant).date() == day:
            assert is_open == _is_open(zone, start, end, instant), (zone, start, end, instant)
        else:
            assert not is_open, (zone, start, end, instant)
    return len(probes)


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("Europe/Paris", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ],
)
def test_the_judgement_can_fail(zone, at):
    assert _is_open(zone, "00:00", "24:00", at)
    assert not _is_open(zone, "01:00", "01:30", at + 2 * HOUR)
    assert _judge(zone, at.date(), "02:30", "03:30", at) > 30
