"""Rows 23 and 25: clocks that are set, and midnights of a leap day and of the end of a year."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flows.clock import MOST_DRIFT
from tests.faults.row import Row, Tried
from tests.faults.simulated.deeds import SET, set_clock
from tests.faults.simulated.judging import nobody_is_left_off_the_stage
from tests.faults.simulated.trials import broken, settled, tried_by_people, verdict
from tests.faults.simulated.world import DAY, HOUR, MINUTE, World

AT_MIDNIGHT = "a call was made within four minutes of a midnight, under a cap per date"


def _at_midnight(seed: int, scale: float = 1.0) -> Tried:
    """Windows on both sides of midnight, at a leap day and at the end of a year, under caps per date."""
    draws = random.Random(f"{seed}:date")
    day = draws.choice([datetime(2027, 12, 31, tzinfo=UTC), datetime(2028, 2, 28, tzinfo=UTC)])
    zone = draws.choice(["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"])
    windows = [{"start_time": "23:56", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "00:04"}]
    shape = tried_by_people(opens_at=day, zones=(zone,), contacts=200, days=3).scaled(scale)
    settings = {
        "windows": windows,
        "start_time": "09:00",
        "end_time": "18:00",
        "working_days": [1, 2, 3, 4, 5, 6, 7],
        "max_calls_per_day": max(2, shape.contacts // 4),
        "timezone": zone,
    }
    with World(seed, replace(shape, settings=settings)) as world:
        world.live(shape.opens_at + shape.days * DAY)
        world.settle()
        world.meet(AT_MIDNIGHT, len(world.network.rings))
        return verdict(world, [AT_MIDNIGHT])


_STEPS = (-HOUR, HOUR, -DAY, DAY, -4 * MINUTE, 4 * MINUTE, *[timedelta(milliseconds=-10)] * 4)


def _clock_is_set(seed: int, scale: float = 1.0) -> Tried:
    """Somebody sets the clock again and again, while campaigns are open all day, and right in the end.

    Without that, whoever was dialled by a clock that was days ahead would be waited for as many days.
    """
    shape = tried_by_people(dispatchers=3, campaigns=3, contacts=500, in_flight=(20, 60)).scaled(scale)
    settings = {"start_time": "00:00", "end_time": "24:00", "max_calls_per_day": None}
    with World(seed, replace(shape, settings=settings)) as world:
        world.live(shape.opens_at)
        furthest = world.clock.now()
        for _ in range(max(10, round(200 * scale))):
            world.live(world.clock.now() + world.draws.choice([0.4, 0.7, 1, 2]) * MINUTE)
            furthest = max(furthest, world.clock.now())
            world.do(set_clock(world.draws.choice(_STEPS)))
            if world.draws.random() < 0.3:
                world.do(_wakes_ahead)
        world.tick()  # or a clock that is set back and forward at once was right whenever anybody looked
        world.do(set_clock(max(furthest - world.clock.now(), timedelta())))
        world.live(world.clock.now() + 2 * MINUTE)
        if left := next(nobody_is_left_off_the_stage(world), None):  # which the edits below would mend
            return broken(world, [SET], left)
        for campaign_id in world.campaign_ids:
            world.do(_crowded, campaign_id)
        return settled(world, [SET], dispatch_stops)


def _wakes_ahead(world: World, campaign_id: str) -> None:  # noqa: ARG001 - it is about the clock
    """Have the machine start by a clock that is ahead, a dispatcher die at once, and the clock set right."""
    for hand in list(world.hands):
        world.bury(hand)
    ahead = world.draws.choice([HOUR, DAY])
    world.do(set_clock(ahead))
    world.hire()
    world.fate.moments = world.draws.randint(4, 16)
    world.tick()
    for hand in list(world.hands):
        world.bury(hand)
    world.do(set_clock(-ahead))


def dispatch_stops(world: World) -> Iterator[str]:
    """A dispatcher under which the clock was set by seconds sends nothing more."""
    stopped: set[str] = set()
    for kind, what in world.network.log:
        if kind == "clock" and abs(what[0]) > MOST_DRIFT:
            stopped |= what[1]
        elif kind == "request" and what.sender in stopped:
            yield f"{what.key} was requested at {what.at} by a dispatcher under which the clock was set"


def _crowded(world: World, campaign_id: str) -> None:
    """Have a campaign call all who are left within minutes, so that it is soon over."""
    changes = {"start_time": "10:00", "end_time": "10:20", "calls_per_second": None}
    world.update(campaign_id, changes)


ROWS = [
    Row(23, "S", "clock set", _clock_is_set, 10_000),
    Row(25, "S", "midnight, leap day, year's end", _at_midnight, 10_000),
]
