"""The right plan, worked out row by row in plain Python: slow, obvious and independent of ``transforms``.

Clocks are judged by looking at UTC instants and asking what a wall clock reads at them; nothing here
turns wall time into UTC by a rule of the library. Durations that are divided are whole microseconds.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from itertools import cycle, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import holidays

if TYPE_CHECKING:
    from transforms.campaign import Campaign

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
HORIZON_DATES = 3_660
BEGINNING = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)

Stretch = tuple[datetime, datetime]
"""A half-open stretch of UTC instants."""


@dataclass(frozen=True)
class Person:
    """One contact in list order; ``timezone`` is its own zone as the list gives it, None or "" for none."""

    contact_id: str
    phone: str
    timezone: str | None


@dataclass(frozen=True)
class Slot:
    """One planned call."""

    contact_id: str
    from_number: str | None
    timezone: str
    timezone_source: str
    scheduled_at: datetime
    not_after: datetime
    call_date: date
    slot_index: int


class Infeasible(Exception):  # noqa: N818 - the word of the specification
    """Not everybody fits; ``left`` says how many do not."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} contacts do not fit")
        self.left = left


# ---------------------------------------------------------------- clocks


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


# ---------------------------------------------------------------- settings


def start_of(campaign: "Campaign", now: datetime) -> datetime:
    """Return the instant before which nobody is called."""
    if campaign.scheduled_at is None:
        return now.astimezone(UTC)
    return max(now.astimezone(UTC), _instant(campaign.timezone, campaign.scheduled_at, opening))


def end_of(campaign: "Campaign") -> datetime:
    """Return the instant from which on nobody is called."""
    if campaign.ends_at is None:
        return FOREVER
    return _instant(campaign.timezone, campaign.ends_at, closing)


def _instant(zone: str, moment: datetime, edge: Callable[[str, datetime], datetime]) -> datetime:
    return edge(zone, moment) if moment.tzinfo is None else moment.astimezone(UTC)


def _hours(campaign: "Campaign", weekday: int) -> list[tuple[str, str]]:
    """Return the windows of an ISO weekday, in order, as written."""
    if weekday not in campaign.working_days:
        return []
    if campaign.windows is None:
        return [(campaign.start_time, campaign.end_time)]
    return sorted(
        (window.start_time, window.end_time)
        for window in campaign.windows
        if weekday in (campaign.working_days if window.days is None else window.days)
    )


@cache
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    years = range(year - 1, year + 2)
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=years))


def _nobody_is_called(campaign: "Campaign", day: date) -> bool:
    kept = campaign.holidays
    return day in campaign.blackout_dates or (
        kept is not None and day in _holidays(kept.country, kept.subdivision, day.year)
    )


def _local(day: date, hhmm: str) -> datetime:
    hours, minutes = map(int, hhmm.split(":"))
    return datetime.combine(day, time()) + timedelta(hours=hours, minutes=minutes)  # 24:00 is the next date


# ---------------------------------------------------------------- open time


def _open_on_own_date(campaign: "Campaign", zone: str, day: date) -> list[Stretch]:
    """Return when ``zone`` is open on the date ``day`` of its own clock."""
    if _nobody_is_called(campaign, day):
        return []
    edges = [
        (opening(zone, _local(day, opens)), closing(zone, _local(day, closes)))
        for opens, closes in _hours(campaign, day.isoweekday())
    ]
    return [(opens, closes) for opens, closes in edges if opens < closes]


def open_time(
    campaign: "Campaign", zone: str, call_date: date, start: datetime, end: datetime
) -> list[Stretch]:
    """Return when ``zone`` is open on a date of the campaign's clock, from ``start`` and before ``end``."""
    first, last = stretch_of_date(campaign.timezone, call_date)
    first, last = max(first, start), min(last, end)
    return [
        (max(opens, first), min(closes, last))
        for days in range(-2, 3)  # two zones can be 26 hours apart
        for opens, closes in _open_on_own_date(campaign, zone, call_date + days * DAY)
        if max(opens, first) < min(closes, last)
    ]


def _length(stretches: list[Stretch]) -> int:
    """Return the microseconds in the stretches together."""
    return sum((closes - opens) // MICROSECOND for opens, closes in stretches)


def _instant_at(stretches: list[Stretch], microseconds: int) -> datetime:
    """Return the instant that lies ``microseconds`` of open time into the stretches."""
    for opens, closes in stretches:
        if microseconds < (closes - opens) // MICROSECOND:
            return opens + microseconds * MICROSECOND
        microseconds -= (closes - opens) // MICROSECOND
    raise AssertionError("beyond the open time")


# ---------------------------------------------------------------- rules


def who(
    people: Sequence[Person], campaign: "Campaign"
) -> tuple[list[tuple[Person, str, str]], dict[str, str]]:
    """Return the eligible, each with zone and source of the zone, and why the others are not."""
    eligible, excluded = [], {}
    for person in people:
        if campaign.contact_timezone != "contact" or not person.timezone:
            eligible.append((person, campaign.timezone, "campaign"))
        elif person.timezone in zone_names():
            eligible.append((person, person.timezone, "contact"))
        else:
            excluded[person.contact_id] = f"{person.timezone} is not an IANA time zone"
    return eligible, excluded


def room_of(campaign: "Campaign", call_date: date, start: datetime, end: datetime) -> float:
    """Return how many calls the caps leave room for on a campaign-local date."""
    room = math.inf
    if campaign.max_calls_per_day is not None:
        room = campaign.max_calls_per_day
        if campaign.first_day_cap == "prorated" and call_date == wall_clock(campaign.timezone, start).date():
            whole = _length(open_time(campaign, campaign.timezone, call_date, BEGINNING, FOREVER))
            left = _length(open_time(campaign, campaign.timezone, call_date, start, end))
            room = max(1, room * left // whole) if whole else room
    if campaign.max_calls_per_number_per_day is not None and campaign.phone_numbers:
        room = min(room, len(campaign.phone_numbers) * campaign.max_calls_per_number_per_day)
    return room


def numbers_in_turn(campaign: "Campaign", slots_per_date: list[int]) -> list[str | None]:
    """Return the outbound number of each slot in ``scheduled_at`` order, None where it is drawn at random."""
    numbers, total = campaign.phone_numbers, sum(slots_per_date)
    if not numbers or campaign.phone_rotation_strategy == "random":
        return [None] * total
    if campaign.phone_rotation_strategy == "round_robin":
        return [number for number, _ in zip(cycle(numbers), range(total), strict=False)]
    in_turn: list[str | None] = []
    for slots in slots_per_date:
        share, over = divmod(slots, len(numbers))
        cap = campaign.max_calls_per_number_per_day
        shares = [share + (place < over) if cap is None else cap for place in range(len(numbers))]
        in_turn += [number for number, calls in zip(numbers, shares, strict=True) for _ in range(calls)][
            :slots
        ]
    return in_turn


def plan(people: Sequence[Person], campaign: "Campaign", now: datetime) -> tuple[list[Slot], dict[str, str]]:
    """Return the slots of a first publication in ``scheduled_at`` order, and why anybody is left out.

    Raises:
        Infeasible: some contacts find no room before the end or the horizon.
    """
    eligible, excluded = who(people, campaign)
    start, end = start_of(campaign, now), end_of(campaign)
    zones = {zone for _, zone, _ in eligible}
    first_date = wall_clock(campaign.timezone, start).date()

    @cache
    def stretches(zone: str, call_date: date) -> list[Stretch]:
        return open_time(campaign, zone, call_date, start, end)

    # Several zones: calls of one keep twice as many microseconds apart, and as many free before a closing.
    apart = 1 if len(zones) == 1 else 2 * len(zones)
    reserve = 0 if len(zones) == 1 else min(apart, 900)

    @cache
    def usable(zone: str, call_date: date) -> list[Stretch]:
        return [
            (opens, closes)
            for opens, closes in stretches(zone, call_date)
            if closes - opens > reserve * MICROSECOND
        ]

    @cache
    def room(call_date: date) -> float:
        return room_of(campaign, call_date, start, end)

    # Which day: one by one, the earliest date that is open and has room.
    on_date: Counter[date] = Counter()
    on_zone_date: Counter[tuple[str, date]] = Counter()
    given: list[tuple[date, int]] = []  # per placed contact: its date, and which of its zone it is there
    placed: list[tuple[Person, str, str]] = []
    for person, zone, source in eligible:
        for days in range(HORIZON_DATES):
            call_date = first_date + days * DAY
            if stretch_of_date(campaign.timezone, call_date)[0] >= end:
                break
            if (
                on_date[call_date] < room(call_date)
                and on_zone_date[zone, call_date] < _length(usable(zone, call_date)) // apart
            ):
                given.append((call_date, on_zone_date[zone, call_date]))
                placed.append((person, zone, source))
                on_date[call_date] += 1
                on_zone_date[zone, call_date] += 1
                break
    if len(placed) < len(eligible):
        raise Infeasible(len(eligible) - len(placed))

    # What time: evenly over the open time of the zone on the date.
    rows = []
    for place, ((person, zone, source), (call_date, rank)) in enumerate(zip(placed, given, strict=True)):
        opened = usable(zone, call_date)
        into = rank * _length(opened) // on_zone_date[zone, call_date]
        at = _instant_at(opened, into)
        closes = next(closes for opens, closes in opened if opens <= at < closes)
        rows.append((min(at, closes - reserve * MICROSECOND), place, person, zone, source, call_date))
    rows.sort(key=lambda row: row[:2])

    # Unique: a clash moves the later row forward, microsecond by microsecond.
    slots: list[Slot] = []
    numbers = numbers_in_turn(campaign, [on_date[call_date] for call_date in sorted(on_date)])
    index: Counter[date] = Counter()
    for number, (at, _, person, zone, source, call_date) in zip(numbers, rows, strict=True):
        if slots and at <= slots[-1].scheduled_at:
            at = slots[-1].scheduled_at + MICROSECOND
        ends = [closes for opens, closes in stretches(zone, call_date) if opens <= at < closes]
        assert ends, f"{person.contact_id} was moved out of the open time of {zone}, to {at}"
        slots.append(Slot(person.contact_id, number, zone, source, at, ends[0], call_date, index[call_date]))
        index[call_date] += 1
    return slots, excluded
