"""Which date each contact is called on: list order, earliest open date, room under the caps.

Every contact wants the earliest date on which its zone is open and that has room, and list order decides
who goes first. All dates agree on that order, so going date by date and giving each date's room to the
first in the list who are still waiting and whose zone is open is the same outcome, and needs no loop over
contacts: the contacts of one zone leave its queue in list order, so a date takes a stretch of it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from transforms.campaign import Campaign, FirstDayCap
from transforms.schemas import ALLOTMENT, OPENINGS
from transforms.slots import Clearance, clearance, usable
from transforms.standing import Held
from transforms.wall_clock import to_local
from transforms.windows import open_time_of_date, openings

HORIZON_DAYS = 3_660
"""Ten years: the farthest a plan reaches. A campaign that needs longer has a wrong cap."""

_FIRST_LOOK_DAYS = 14
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Queue:
    """The contacts of one zone in list order: how many, and their places among all who wait.

    ``places`` (UInt32, 0-based, sorted) may be None when the queue is the only one.
    """

    zone: str
    contacts: int
    places: pl.Series | None = None


@dataclass(frozen=True)
class Allotment:
    """How many of each zone's queue each date takes.

    ``dates`` (schema ``ALLOTMENT``) has one row per zone and date, ordered by date; ``openings`` (schema
    ``OPENINGS``) the open time of every zone and date that was looked at; ``left`` counts the contacts
    that found no date, ``served`` says for each zone how many of its queue found one.
    """

    dates: pl.DataFrame
    openings: pl.DataFrame
    left: int
    served: Mapping[str, int]


@dataclass(frozen=True)
class Demand:
    """What is asked of the dates: who waits, from when on, and what stands already.

    ``starts_at`` is the start of the campaign, ``from_at`` the instant before which nothing is placed.
    """

    queues: list[Queue]
    starts_at: datetime
    from_at: datetime
    held: Held = field(default_factory=Held)

    @property
    def clearance(self) -> Clearance:
        """Return the clearance that calls keep."""
        return clearance(len(self.queues), is_first=self.held.nothing)

    @property
    def contacts(self) -> int:
        """Return how many are waiting."""
        return sum(queue.contacts for queue in self.queues)


def room_of_dates(campaign: Campaign, starts_at: datetime, held: Held) -> Callable[[date], int | None]:
    """Return the function from a campaign-local date to the calls that still fit on it, None for no cap.

    Fit what ``max_calls_per_day`` leaves and what the outbound numbers together may still make, whichever is
    less. The cap of the date of the campaign's start may be prorated by the open time of its zone that was
    left then.
    """
    first_date = to_local(campaign.timezone, starts_at).date()
    first_cap = first_day_cap(campaign, first_date, starts_at)
    used = _by_date(held.per_date, "used")
    left_to_numbers = _left_to_numbers(campaign, held)

    def room(day: date) -> int | None:
        day_cap = first_cap if day == first_date else campaign.max_calls_per_day
        left = (None if day_cap is None else day_cap - used.get(day, 0), left_to_numbers(day))
        caps = [cap for cap in left if cap is not None]
        return max(0, min(caps)) if caps else None

    return room


def _left_to_numbers(campaign: Campaign, held: Held) -> Callable[[date], int | None]:
    """Return the function from a date to the calls that its outbound numbers may still make together."""
    cap, numbers = campaign.max_calls_per_number_per_day, campaign.phone_numbers
    if cap is None or not numbers:
        return lambda _: None
    carried = _by_date(held.per_date, "carried")
    overdrawn = (
        held.per_number.filter(pl.col("from_number").is_in(numbers))
        .group_by("call_date")
        .agg(used=pl.col("used").clip(upper_bound=cap).sum())
    )
    used = _by_date(overdrawn, "used")
    return lambda day: cap * len(numbers) - used.get(day, 0) - carried.get(day, 0)


def _by_date(counts: pl.DataFrame, column: str) -> dict[date, int]:
    return dict(zip(counts["call_date"], counts[column], strict=True))


def first_day_cap(campaign: Campaign, first_date: date, starts_at: datetime) -> int | None:
    """Return the daily cap of the start's date: whole, or the share of open time left, at least 1."""
    cap = campaign.max_calls_per_day
    if cap is None or campaign.first_day_cap is FirstDayCap.FULL:
        return cap
    left, whole = open_time_of_date(campaign, first_date, starts_at, campaign.stops_at())
    if not whole:
        return cap
    return max(1, cap * (left // _MICROSECOND) // (whole // _MICROSECOND))


def allot(campaign: Campaign, demand: Demand) -> Allotment:
    """Give every queued contact a date, the first in the list first.

    A zone's date takes no more contacts than keep their clearance, so that every call can have a microsecond
    of its own; only a sliver of open time is ever short of that.
    """
    room = room_of_dates(campaign, demand.starts_at, demand.held)
    stops_at = campaign.stops_at()
    waiting = _Waiting(demand.queues)
    taken: list[tuple[str, date, int, int]] = []
    looked_at = [OPENINGS.to_frame()]
    last_date = None if stops_at is None else to_local(campaign.timezone, stops_at).date()
    for first, last in _looks(to_local(campaign.timezone, demand.from_at).date()):
        if not waiting.left or (last_date is not None and first > last_date):
            break
        opened = openings(campaign, waiting.zones, first, last, demand.from_at, stops_at)
        looked_at.append(opened)
        for day, limits in _limits_by_date(opened, demand.clearance):
            taken.extend((zone, day, *took) for zone, took in waiting.take(limits, room(day)))
            if not waiting.left:
                break
    return Allotment(
        dates=pl.DataFrame(taken, schema=ALLOTMENT, orient="row"),
        openings=pl.concat(looked_at),
        left=waiting.left,
        served=waiting.served,
    )


def _looks(first: date) -> Iterator[tuple[date, date]]:
    """Yield stretches of dates, each twice as long as the one before, up to the horizon."""
    offset, length = 0, _FIRST_LOOK_DAYS
    while offset < HORIZON_DAYS:
        length = min(length, HORIZON_DAYS - offset)
        yield first + timedelta(days=offset), first + timedelta(days=offset + length - 1)
        offset, length = offset + length, length * 2


def _limits_by_date(opened: pl.DataFrame, clear: Clearance) -> Iterator[tuple[date, dict[str, int]]]:
    """Yield each date in order with the zones open on it and the contacts that their open time can hold."""
    per_date = (
        usable(opened, clear)
        .group_by("call_date", "zone")
        .agg(limit=pl.col("length_us").sum() // clear.spacing_us)
        .filter(pl.col("limit") > 0)
        .group_by("call_date")
        .agg("zone", "limit")
        .sort("call_date")
    )
    for day, zones, limits in zip(*per_date.select("call_date", "zone", "limit"), strict=True):
        yield day, dict(zip(zones, limits, strict=True))


class _Waiting:
    """The queues and how far each has been served."""

    def __init__(self, queues: list[Queue]) -> None:
        self._queues = {queue.zone: queue for queue in queues}
        self._places = {} if len(queues) == 1 else {queue.zone: _as_view(queue) for queue in queues}
        self.served = dict.fromkeys(self._queues, 0)
        self.left = sum(queue.contacts for queue in queues)

    @property
    def zones(self) -> list[str]:
        return [zone for zone, queue in self._queues.items() if self.served[zone] < queue.contacts]

    def take(self, limits: Mapping[str, int], room: int | None) -> Iterator[tuple[str, tuple[int, int]]]:
        """Serve up to ``room`` contacts, the first in the list; yield zone, first rank and how many."""
        fit = {zone: min(self._waiting_in(zone), limits[zone]) for zone in self.zones if zone in limits}
        if room is not None and sum(fit.values()) > room:
            fit = self._first_in_list(fit, room)
        for zone, contacts in fit.items():
            if contacts:
                yield zone, (self.served[zone], contacts)
                self.served[zone] += contacts
                self.left -= contacts

    def _waiting_in(self, zone: str) -> int:
        return self._queues[zone].contacts - self.served[zone]

    def _first_in_list(self, fit: Mapping[str, int], room: int) -> dict[str, int]:
        """Return how many of each zone are among the first ``room`` of the list, by bisecting the list."""
        if len(fit) == 1:
            return {zone: min(contacts, room) for zone, contacts in fit.items()}
        low, high = 0, max(self._place(zone, contacts - 1) for zone, contacts in fit.items()) + 1
        while low < high:
            middle = (low + high) // 2
            if sum(self._before(zone, contacts, middle) for zone, contacts in fit.items()) < room:
                low = middle + 1
            else:
                high = middle
        return {zone: self._before(zone, contacts, low) for zone, contacts in fit.items()}

    def _place(self, zone: str, ahead: int) -> int:
        return self._places[zone][self.served[zone] + ahead]

    def _before(self, zone: str, contacts: int, place: int) -> int:
        """Return how many of the next ``contacts`` of a zone stand before ``place``."""
        served = self.served[zone]
        return bisect_left(self._places[zone], place, served, served + contacts) - served


def _as_view(queue: Queue) -> "memoryview[int]":
    """Return the places of a queue as plain memory, which a bisection reads fastest."""
    if queue.places is None:
        raise ValueError(f"the queue of {queue.zone} is not the only one and needs places")
    array = queue.places.rechunk().to_arrow()
    return memoryview(array.buffers()[1]).cast("I")[array.offset : array.offset + len(array)]
