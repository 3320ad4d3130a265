"""Row 24: campaigns whose windows edge on a change of the clock, in every zone that has one."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any

from tests.faults.row import Row, Tried
from tests.faults.simulated.shape import Shape
from tests.faults.simulated.trials import settled
from tests.faults.simulated.world import DAY, HOUR, MINUTE, World
from tests.transforms import clocks

YEARS = range(2026, 2037)
ZONES = 24
"""How many zones a world has; the zones of one seed follow those of the seed before."""

MET = "a campaign called on both sides of a change of its clock"

_MARGIN = 6 * MINUTE
"""How long campaigns are open before and after what a change skips or repeats."""

_SHAPE = Shape(contacts=8, lists=1, call_lasts=(2, 20))


@dataclass(frozen=True)
class Change:
    """A change of a zone's clock: the instant, and what is added to UTC before it and after."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def edges(self) -> tuple[datetime, datetime]:
        """The wall times between which the clock skips or repeats everything."""
        read = (self.at + self.before).replace(tzinfo=None), (self.at + self.after).replace(tzinfo=None)
        return min(read), max(read)


@cache
def zones_that_change() -> list[str]:
    """Return every zone of the pinned tzdata that changes its clock in ``YEARS``, twins side by side."""
    months = [datetime(year, month, 1, tzinfo=UTC) for year in YEARS for month in range(1, 13)]
    read = {zone: [clocks.offset(zone, at) for at in months] for zone in clocks.zone_names()}
    return sorted(
        (zone for zone, ahead in read.items() if len(set(ahead)) > 1), key=lambda zone: (read[zone], zone)
    )


def changes_in(zone: str, year: int) -> list[Change]:
    """Return the changes of a zone's clock in a year."""
    instants = clocks.clock_changes(zone, year)
    return [
        Change(at, clocks.offset(zone, at - clocks.MICROSECOND), clocks.offset(zone, at)) for at in instants
    ]


class ChangingWorld(World):
    """A world with a campaign for each change of the clocks of its zones in a year."""

    def __init__(self, seed: int, zones: list[str]) -> None:
        draws = random.Random(f"{seed}:years")
        year = draws.choice(YEARS)
        self.changes: dict[str, tuple[str, Change]] = {}
        self._planned = [
            (zone, change)
            for zone in zones
            for change in changes_in(zone, year) or changes_in(zone, draws.choice(_years_of(zone)))
        ]
        first = min(change.at for _, change in self._planned)
        super().__init__(seed, replace(_SHAPE, opens_at=first - DAY))

    def populate(self) -> None:
        """Load a list, and schedule a campaign for each change."""
        self.load("people", self.shape.contacts)
        for zone, change in self._planned:
            name = f"{zone} {change.at:%Y-%m-%d}"
            campaign_id = self.add_campaign(name, "people", **self._settings_at(zone, change))
            self.changes[campaign_id] = (zone, change)

    @property
    def last_at(self) -> datetime:
        """The instant of the last change."""
        return max(change.at for _, change in self._planned)

    def _settings_at(self, zone: str, change: Change) -> dict[str, Any]:
        windows = [part for stretch in self._stretches(change) for part in _by_date(*stretch)]
        dates = len({tuple(window["days"]) for window in windows})
        return {
            "timezone": zone,
            "windows": windows,
            "start_time": "09:00",
            "end_time": "18:00",
            "scheduled_at": (change.at - HOUR - 2 * _MARGIN).isoformat(),
            "working_days": [1, 2, 3, 4, 5, 6, 7],
            "max_calls_per_day": None if dates == 1 else -(-self.shape.contacts // dates),
            "max_calls_per_number_per_day": None,
            "max_concurrent_calls": 20,
            "calls_per_second": None,
            "retry": {},
        }

    def _stretches(self, change: Change) -> list[tuple[datetime, datetime]]:
        """Return when it is open by the wall clock: up to one edge, and from the same or a later one on."""
        first, last = change.edges
        middle = first + (last - first) // 2
        closes, opens = sorted(self.draws.choices([first, middle.replace(second=0), last], k=2))
        return [(first - _MARGIN, closes), (opens, last + _MARGIN)]


@cache
def _years_of(zone: str) -> list[int]:
    return [year for year in YEARS if changes_in(zone, year)]


def _by_date(opens: datetime, closes: datetime) -> Iterator[dict[str, Any]]:
    """Cut a stretch of the wall clock at midnight into windows of a campaign."""
    while opens < closes:
        midnight = datetime.combine(opens.date() + DAY, time())
        ends = min(closes, midnight)
        end_time = "24:00" if ends == midnight else f"{ends:%H:%M}"
        yield {"days": [opens.isoweekday()], "start_time": f"{opens:%H:%M}", "end_time": end_time}
        opens = ends


def no_reading_is_outside(world: ChangingWorld) -> Iterator[str]:
    """Whatever the clock read when a call was made, it read a time inside a window."""
    for request in world.network.requests:
        zone, _ = world.changes[request.key[0]]
        read = clocks.wall_clock(zone, request.at)
        windows = world.settings[request.key[0], request.row["plan_version"]].windows or []
        if not any(
            read.isoweekday() in (window.days or [])
            and window.start_time <= f"{read:%H:%M}" < window.end_time
            for window in windows
        ):
            yield f"{request.key} was requested when the clock of {zone} read {read}"


def everybody_is_called_at_the_change(world: ChangingWorld) -> Iterator[str]:
    """Nobody is put off beyond the two dates around the change."""
    called: dict[str, set[str]] = defaultdict(set)
    for call in world.network.rings:
        at = world.network.began + call.rang_at
        if abs(at - world.changes[call.key[0]][1].at) < DAY:
            called[call.key[0]].add(call.key[1])
    for campaign_id, (zone, change) in world.changes.items():
        if len(called[campaign_id]) != world.shape.contacts:
            yield f"{len(called[campaign_id])} were called at the change of {zone} at {change.at}"


def trial(seed: int, scale: float = 1.0) -> Tried:
    """Live through the changes of the clocks of some zones, each once."""
    zones, count = zones_that_change(), max(3, round(ZONES * scale))
    places = range(seed * count, (seed + 1) * count)
    own = [zones[place % len(zones)] for place in places]
    with ChangingWorld(seed, own) as world:
        world.live(world.last_at + DAY)
        world.meet(MET, len(set(own)))
        return settled(world, [MET], no_reading_is_outside, everybody_is_called_at_the_change)


ROWS = [Row(24, "S", "clock change at the slot, in every zone", trial, len(zones_that_change()))]
