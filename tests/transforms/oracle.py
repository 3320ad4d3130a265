"""The right plan, worked out row by row in plain Python: slow, obvious and independent of ``transforms``.

Durations that are divided are whole microseconds.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal

import holidays

from tests.transforms.clocks import (
    DAY,
    MICROSECOND,
    Stretch,
    closing,
    opening,
    stretch_of_date,
    wall_clock,
    zone_names,
)

if TYPE_CHECKING:
    from transforms.campaign import Campaign

MILLISECOND = timedelta(milliseconds=1)
HORIZON_DATES = 3_660
YEAR_DATES = 366
BEGINNING = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """One contact in list order.

    ``timezone`` is its own zone as the list gives it, None or "" for none; ``number_zones`` are the zones
    of its phone number, several joined by ``|``, None where the number does not say.
    """

    contact_id: str
    phone: str
    timezone: str | None
    number_zones: str | None = None


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
    attempt: int = 1


@dataclass(frozen=True)
class Standing:
    """A call or slot that a new plan has to leave alone; ``call_date`` is of the zone the campaign has now.

    ``started`` is a call that was made or claimed, ``kept`` a slot of an earlier version that stays there,
    ``carried`` one that keeps its time and is written into the new plan again.
    """

    contact_id: str
    attempt: int
    kind: Literal["started", "kept", "carried"]
    plan_version: int
    from_number: str | None
    timezone: str
    scheduled_at: datetime
    call_date: date
    slot_index: int


class Infeasible(Exception):  # noqa: N818 - the word of the specification
    """Not everybody fits; ``left`` says how many do not."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} contacts do not fit")
        self.left = left


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
    """Return when ``zone`` is open on a date of the campaign's clock, from ``start`` and before ``end``.

    Zones joined by ``|`` are open when all of them are.
    """
    first, last = stretch_of_date(campaign.timezone, call_date)
    together = [(max(first, start), min(last, end))]
    for name in zone.split("|"):
        own = [
            stretch
            for days in range(-2, 3)  # two zones can be 26 hours apart
            for stretch in _open_on_own_date(campaign, name, call_date + days * DAY)
        ]
        together = [
            (max(opens, begins), min(closes, stops))
            for opens, closes in together
            for begins, stops in own
            if max(opens, begins) < min(closes, stops)
        ]
    return together


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


def zone_of(person: Person, campaign: "Campaign") -> tuple[str, str]:
    """Return the zone whose hours count for a person and where it is from.

    Raises:
        ValueError: no zone is known.
    """
    if campaign.contact_timezone == "phone":
        if person.number_zones is None:
            raise ValueError(f"no zone is known for {person.phone}")
        return person.number_zones, "phone"
    if campaign.contact_timezone == "campaign" or not person.timezone:
        return campaign.timezone, "campaign"
    if person.timezone not in zone_names():
        raise ValueError(f"{person.timezone} is not an IANA time zone")
    return person.timezone, "contact"


def ever_open(campaign: "Campaign", zone: str, from_at: datetime) -> bool:
    """Say whether ``zone`` has any open time on the campaign's dates of a year that begins with this one."""
    first_date = wall_clock(campaign.timezone, from_at).date()
    return any(
        open_time(campaign, zone, first_date + days * DAY, BEGINNING, FOREVER) for days in range(YEAR_DATES)
    )


def who(
    to_place: Sequence[tuple[Person, int]], campaign: "Campaign", from_at: datetime
) -> tuple[list[tuple[Person, int, str, str]], dict[str, str]]:
    """Return the eligible, each with attempt, zone and source of the zone, and why the others are not."""
    eligible, excluded = [], {}
    common_hours = cache(lambda zone: "|" not in zone or ever_open(campaign, zone, from_at))
    for person, attempt in to_place:
        try:
            zone, source = zone_of(person, campaign)
        except ValueError as unknown:
            excluded[person.contact_id] = str(unknown)
            continue
        if common_hours(zone):
            eligible.append((person, attempt, zone, source))
        else:
            excluded[person.contact_id] = f"no common open hour in {zone}"
    return eligible, excluded


def cap_of(campaign: "Campaign", call_date: date, starts_at: datetime, end: datetime) -> float:
    """Return how many calls a campaign-local date may have, whatever it has already."""
    cap = campaign.max_calls_per_day
    if cap is None:
        return math.inf
    if campaign.first_day_cap == "prorated" and call_date == wall_clock(campaign.timezone, starts_at).date():
        whole = _length(open_time(campaign, campaign.timezone, call_date, BEGINNING, FOREVER))
        left = _length(open_time(campaign, campaign.timezone, call_date, starts_at, end))
        return max(1, cap * left // whole) if whole else cap
    return cap


def room_of(
    campaign: "Campaign", call_date: date, starts_at: datetime, end: datetime, standing: Sequence[Standing]
) -> float:
    """Return how many more calls the caps leave room for on a campaign-local date."""
    there = [row for row in standing if row.call_date == call_date]
    room = cap_of(campaign, call_date, starts_at, end) - len(there)
    number_cap = campaign.max_calls_per_number_per_day
    if number_cap is not None and campaign.phone_numbers:
        busy = Counter(row.from_number for row in there if row.kind != "carried")
        carried = sum(row.kind == "carried" for row in there)
        room = min(
            room, sum(max(0, number_cap - busy[number]) for number in campaign.phone_numbers) - carried
        )
    return max(0, room)


def numbers_in_turn(
    campaign: "Campaign", dates: Sequence[date], standing: Sequence[Standing], last_number: str | None
) -> list[str | None]:
    """Return the outbound number of each row of a plan, None where it is drawn at random.

    ``dates`` are those of the rows in ``scheduled_at`` order, and so in order themselves.
    """
    numbers, number_cap = campaign.phone_numbers, campaign.max_calls_per_number_per_day
    if not numbers or campaign.phone_rotation_strategy == "random":
        return [None] * len(dates)
    busy = Counter((row.call_date, row.from_number) for row in standing if row.kind != "carried")

    def room_on(call_date: date, number: str) -> float:
        return math.inf if number_cap is None else number_cap - busy[call_date, number]

    in_turn: list[str | None] = []
    if campaign.phone_rotation_strategy == "round_robin":
        following = numbers.index(last_number) + 1 if last_number in numbers else 0
        for call_date in dates:
            assert any(room_on(call_date, number) > 0 for number in numbers), f"no number is left {call_date}"
            while room_on(call_date, numbers[following % len(numbers)]) <= 0:
                following += 1
            number = numbers[following % len(numbers)]
            in_turn.append(number)
            busy[call_date, number] += 1
            following += 1
        return in_turn
    for call_date, rows in groupby(dates):
        takes: Counter[str] = Counter()
        for _ in rows:
            if number_cap is None:  # the next call goes to the least busy: that fills up what is low first
                number = min(numbers, key=lambda each: busy[call_date, each])
            else:
                number = next(each for each in numbers if room_on(call_date, each) > 0)
            takes[number] += 1
            busy[call_date, number] += 1
        in_turn += [number for number in numbers for _ in range(takes[number])]
    return in_turn


def plan(people: Sequence[Person], campaign: "Campaign", now: datetime) -> tuple[list[Slot], dict[str, str]]:
    """Return the slots of a first publication in ``scheduled_at`` order, and why anybody is left out.

    Raises:
        Infeasible: some contacts find no room before the end or the horizon.
    """
    start = start_of(campaign, now)
    return replan([(person, 1) for person in people], campaign, start, start)


def replan(
    to_place: Sequence[tuple[Person, int]],
    campaign: "Campaign",
    starts_at: datetime,
    from_at: datetime,
    standing: Sequence[Standing] = (),
    last_number: str | None = None,
    people: Sequence[Person] = (),
) -> tuple[list[Slot], dict[str, str]]:
    """Return the slots of a plan beside what stands, in ``scheduled_at`` order, and why anybody is left out.

    ``to_place`` are people and attempts in list order. ``standing`` are the calls started and the slots that
    stay; those of them that are carried over are among the slots, in the zones of their ``people``.
    ``last_number`` is the number of the row that was planned last before.

    Raises:
        Infeasible: some contacts find no room before the end or the horizon.
    """
    eligible, excluded = who(to_place, campaign, from_at)
    end = end_of(campaign)
    zones = {zone for _, _, zone, _ in eligible}
    first_date = wall_clock(campaign.timezone, from_at).date()

    @cache
    def stretches(zone: str, call_date: date) -> list[Stretch]:
        return open_time(campaign, zone, call_date, from_at, end)

    # Several zones: calls of one keep twice as many microseconds apart, and as many free before a closing.
    apart = 1 if len(zones) == 1 else 2 * len(zones)
    reserve = 0 if len(zones) == 1 else min(apart, 900)
    if standing:  # its instants may lie anywhere
        apart, reserve = 1_000, 900

    @cache
    def usable(zone: str, call_date: date) -> list[Stretch]:
        return [
            (opens, closes)
            for opens, closes in stretches(zone, call_date)
            if closes - opens > reserve * MICROSECOND
        ]

    @cache
    def room(call_date: date) -> float:
        return room_of(campaign, call_date, starts_at, end, standing)

    # Which day: one by one, the earliest date that is open and has room.
    on_date: Counter[date] = Counter()
    on_zone_date: Counter[tuple[str, date]] = Counter()
    given: list[tuple[date, int]] = []  # per placed contact: its date, and which of its zone it is there
    placed: list[tuple[Person, int, str, str]] = []
    for person, attempt, zone, source in eligible:
        for days in range(HORIZON_DATES):
            call_date = first_date + days * DAY
            if stretch_of_date(campaign.timezone, call_date)[0] >= end:
                break
            if (
                on_date[call_date] < room(call_date)
                and on_zone_date[zone, call_date] < _length(usable(zone, call_date)) // apart
            ):
                given.append((call_date, on_zone_date[zone, call_date]))
                placed.append((person, attempt, zone, source))
                on_date[call_date] += 1
                on_zone_date[zone, call_date] += 1
                break
    if len(placed) < len(eligible):
        raise Infeasible(len(eligible) - len(placed))

    # What time: evenly over the open time of the zone on the date.
    wished = []
    for place, ((_, _, zone, _), (call_date, rank)) in enumerate(zip(placed, given, strict=True)):
        opened = usable(zone, call_date)
        into = rank * _length(opened) // on_zone_date[zone, call_date]
        at = _instant_at(opened, into)
        closes = next(closes for opens, closes in opened if opens <= at < closes)
        wished.append((min(at, closes - reserve * MICROSECOND), place))

    # Unique: a clash moves the later row forward, microsecond by microsecond.
    taken = {row.scheduled_at for row in standing}
    rows: list[tuple[datetime, str, int, str, str]] = []
    for wish, place in sorted(wished):
        person, attempt, zone, source = placed[place]
        at = max(wish, rows[-1][0] + MICROSECOND) if rows else wish
        while at in taken:
            at += MICROSECOND
        assert at - wish < MILLISECOND, f"{person.contact_id} was moved from {wish} to {at}"
        assert wall_clock(campaign.timezone, at).date() == given[place][0], f"{at} is on another date"
        rows.append((at, person.contact_id, attempt, zone, source))

    # What is carried over keeps its time and is judged by the settings of now.
    listed = {person.contact_id: person for person in people}
    for row in standing:
        if row.kind == "carried":
            zone, source = zone_of(listed[row.contact_id], campaign)
            assert row.call_date == wall_clock(campaign.timezone, row.scheduled_at).date()
            rows.append((row.scheduled_at, row.contact_id, row.attempt, zone, source))
    rows.sort()

    dates = [wall_clock(campaign.timezone, at).date() for at, *_ in rows]
    numbers = numbers_in_turn(campaign, dates, standing, last_number)
    index: Counter[date] = Counter()
    for row in standing:
        if row.kind != "carried":
            index[row.call_date] = max(index[row.call_date], row.slot_index + 1)
    slots = []
    for (at, contact_id, attempt, zone, source), call_date, number in zip(rows, dates, numbers, strict=True):
        ends = [closes for opens, closes in stretches(zone, call_date) if opens <= at < closes]
        assert ends, f"{contact_id} is planned out of the open time of {zone}, at {at}"
        slots.append(
            Slot(contact_id, number, zone, source, at, ends[0], call_date, index[call_date], attempt)
        )
        index[call_date] += 1
    return slots, excluded


# ---------------------------------------------------------------- all of it together


def breaches(
    slots: Sequence[Slot],
    campaign: "Campaign",
    starts_at: datetime,
    from_at: datetime,
    standing: Sequence[Standing],
) -> list[str]:
    """Return which rules the slots of a plan and what stands beside it break together.

    What stands may be more than the caps of now allow; then nothing may be added to it.
    """
    beside = [row for row in standing if row.kind != "carried"]
    carried = {(row.contact_id, row.attempt): row.scheduled_at for row in standing if row.kind == "carried"}
    planned = {(slot.contact_id, slot.attempt): slot.scheduled_at for slot in slots}
    end, number_cap = end_of(campaign), campaign.max_calls_per_number_per_day
    found = []

    def check(holds: bool, rule: str) -> None:
        if not holds:
            found.append(rule)

    everything = [*beside, *slots]
    check(len({(row.contact_id, row.attempt) for row in everything}) == len(everything), "planned twice")
    check(len({row.scheduled_at for row in everything}) == len(everything), "two at once")
    check(carried.items() <= planned.items(), "what is carried over is lost or moved")
    check(all(a.scheduled_at < b.scheduled_at for a, b in pairwise(slots)), "not in order")
    for slot in slots:
        own = (slot.contact_id, slot.attempt)
        check(
            from_at <= slot.scheduled_at < slot.not_after <= end, f"{own} before the start or after the end"
        )
        check(
            slot.call_date
            == wall_clock(campaign.timezone, slot.scheduled_at).date()
            == wall_clock(campaign.timezone, slot.not_after - MICROSECOND).date(),
            f"{own} has the wrong date",
        )
        for zone in slot.timezone.split("|"):
            read = wall_clock(zone, slot.scheduled_at)
            check(not _nobody_is_called(campaign, read.date()), f"{own} on a date without calls")
            check(
                any(
                    opens <= f"{read:%H:%M}" < closes for opens, closes in _hours(campaign, read.isoweekday())
                ),
                f"{own} outside every window",
            )
    for call_date in {slot.call_date for slot in slots}:
        there = [slot for slot in slots if slot.call_date == call_date]
        already = [row for row in beside if row.call_date == call_date]
        calls = len(there) + len(already)
        check(calls <= cap_of(campaign, call_date, starts_at, end), f"too many calls on {call_date}")
        first_index = 1 + max((row.slot_index for row in already), default=-1)
        indexes = [slot.slot_index for slot in there]
        check(indexes == [*range(first_index, first_index + len(there))], f"slot_index jumps on {call_date}")
        for number in {slot.from_number for slot in there} - {None}:
            uses = sum(row.from_number == number for row in [*there, *already])
            check(number in campaign.phone_numbers, f"{number} is not of the campaign")
            check(number_cap is None or uses <= number_cap, f"{number} calls too often on {call_date}")
    return found
