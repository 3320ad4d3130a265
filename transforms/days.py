"""Which date each contact is called on: list order, earliest open date, room under the caps.

Every contact wants the earliest date on which its zone is open and that has room, and list order decides
who goes first. All dates agree on that order, so going date by date and giving each date's room to the
first in the list who are still waiting and whose zone is open is the same outcome, and needs no loop over
contacts: the contacts of one zone leave its queue in list order, so a date takes a stretch of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from transforms.campaign import Campaign, FirstDayCap
from transforms.schemas import ALLOTMENT, OPENINGS
from transforms.slots import spacing_us, usable
from transforms.wall_clock import to_local
from transforms.windows import open_time_of_date, openings

HORIZON_DAYS = 3_660
"""Ten years: the farthest a plan reaches. A campaign that needs longer has a wrong cap."""

_FIRST_LOOK_DAYS = 14
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Queue:
    """The contacts of one zone in list order: how many, and where they stand in the whole list.

    ``positions`` (sorted) may be None when the queue is the only one.
    """

    zone: str
    contacts: int
    positions: pl.Series | None = None


@dataclass(frozen=True)
class Allotment:
    """How many of each zone's queue each date takes.

    ``dates`` (schema ``ALLOTMENT``) has one row per zone and date, ordered by date; ``openings`` (schema
    ``OPENINGS``) the open time of every zone and date that was looked at; ``left`` counts the contacts
    that found no date.
    """

    dates: pl.DataFrame
    openings: pl.DataFrame
    left: int


def room_of_dates(
    campaign: Campaign, starts_at: datetime, used: Mapping[date, int] | None = None
) -> Callable[[date], int | None]:
    """Return the function from a campaign-local date to the calls that still fit on it, None for no cap.

    The cap of a date is ``max_calls_per_day`` or what all outbound numbers may make together, whichever is
    less; on the date of the start it may be prorated by the open time of the campaign's zone that is left.
    """
    numbers_cap = (
        None
        if campaign.max_calls_per_number_per_day is None or not campaign.phone_numbers
        else campaign.max_calls_per_number_per_day * len(campaign.phone_numbers)
    )
    first_date = to_local(campaign.timezone, starts_at).date()
    first_cap = first_day_cap(campaign, first_date, starts_at)
    taken = used or {}

    def room(day: date) -> int | None:
        day_cap = first_cap if day == first_date else campaign.max_calls_per_day
        caps = [cap for cap in (day_cap, numbers_cap) if cap is not None]
        return max(0, min(caps) - taken.get(day, 0)) if caps else None

    return room


def first_day_cap(campaign: Campaign, first_date: date, starts_at: datetime) -> int | None:
    """Return the daily cap of the start's date: whole, or the share of open time left, at least 1."""
    cap = campaign.max_calls_per_day
    if cap is None or campaign.first_day_cap is FirstDayCap.FULL:
        return cap
    left, whole = open_time_of_date(campaign, first_date, starts_at, campaign.stops_at())
    if not whole:
        return cap
    return max(1, cap * (left // _MICROSECOND) // (whole // _MICROSECOND))


def allot(
    campaign: Campaign,
    queues: list[Queue],
    starts_at: datetime,
    stops_at: datetime | None,
    used: Mapping[date, int] | None = None,
) -> Allotment:
    """Give every queued contact a date, the first in the list first.

    A zone's date takes no more contacts than keep ``spacing_us`` between them, so that every call can have a
    microsecond of its own; only a sliver of open time is ever short of that.
    """
    room = room_of_dates(campaign, starts_at, used)
    waiting = _Waiting(queues)
    taken: list[tuple[str, date, int, int]] = []
    looked_at = [OPENINGS.to_frame()]
    last_date = None if stops_at is None else to_local(campaign.timezone, stops_at).date()
    for first, last in _looks(to_local(campaign.timezone, starts_at).date()):
        if not waiting.left or (last_date is not None and first > last_date):
            break
        opened = openings(campaign, waiting.zones, first, last, starts_at, stops_at)
        looked_at.append(opened)
        for day, limits in _limits_by_date(opened, len(queues)):
            taken.extend((zone, day, *took) for zone, took in waiting.take(limits, room(day)))
            if not waiting.left:
                break
    return Allotment(
        dates=pl.DataFrame(taken, schema=ALLOTMENT, orient="row"),
        openings=pl.concat(looked_at),
        left=waiting.left,
    )


def _looks(first: date) -> Iterator[tuple[date, date]]:
    """Yield stretches of dates, each twice as long as the one before, up to the horizon."""
    offset, length = 0, _FIRST_LOOK_DAYS
    while offset < HORIZON_DAYS:
        length = min(length, HORIZON_DAYS - offset)
        yield first + timedelta(days=offset), first + timedelta(days=offset + length - 1)
        offset, length = offset + length, length * 2


def _limits_by_date(opened: pl.DataFrame, zone_count: int) -> Iterator[tuple[date, dict[str, int]]]:
    """Yield each date in order with the zones open on it and the contacts that their open time can hold."""
    per_date = (
        usable(opened, zone_count)
        .group_by("call_date", "zone")
        .agg(limit=pl.col("length_us").sum() // spacing_us(zone_count))
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
        self._served = dict.fromkeys(self._queues, 0)
        self.left = sum(queue.contacts for queue in queues)

    @property
    def zones(self) -> list[str]:
        return [zone for zone, queue in self._queues.items() if self._served[zone] < queue.contacts]

    def take(self, limits: Mapping[str, int], room: int | None) -> Iterator[tuple[str, tuple[int, int]]]:
        """Serve up to ``room`` contacts, the first in the list; yield zone, first rank and how many."""
        fit = {zone: min(self._waiting_in(zone), limits[zone]) for zone in self.zones if zone in limits}
        if room is not None and sum(fit.values()) > room:
            fit = self._first_in_list(fit, room)
        for zone, contacts in fit.items():
            if contacts:
                yield zone, (self._served[zone], contacts)
                self._served[zone] += contacts
                self.left -= contacts

    def _waiting_in(self, zone: str) -> int:
        return self._queues[zone].contacts - self._served[zone]

    def _first_in_list(self, fit: Mapping[str, int], room: int) -> dict[str, int]:
        """Return how many of each zone are among the first ``room`` of the list, by bisecting the list."""
        if len(fit) == 1:
            return {zone: min(contacts, room) for zone, contacts in fit.items()}
        low, high = 0, max(self._position(zone, contacts - 1) for zone, contacts in fit.items()) + 1
        while low < high:
            middle = (low + high) // 2
            if sum(self._before(zone, contacts, middle) for zone, contacts in fit.items()) < room:
                low = middle + 1
            else:
                high = middle
        return {zone: self._before(zone, contacts, low) for zone, contacts in fit.items()}

    def _position(self, zone: str, ahead: int) -> int:
        return int(self._positions(zone)[self._served[zone] + ahead])

    def _before(self, zone: str, contacts: int, position: int) -> int:
        reached = int(self._positions(zone).search_sorted(position, side="left"))
        return min(max(0, reached - self._served[zone]), contacts)

    def _positions(self, zone: str) -> pl.Series:
        positions = self._queues[zone].positions
        if positions is None:
            raise ValueError(f"the queue of {zone} is not the only one and needs positions")
        return positions
