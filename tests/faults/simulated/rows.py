"""The rows of the table of faults that are tried in simulation, each with what it does to a world.

A trial lives through a world of many campaigns under its seed, in which at least ``CALLS_PER_TRIAL``
calls are made; ``trials`` counts worlds.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.row import Row
from tests.faults.simulated.judging import calls_made, judge
from tests.faults.simulated.network import Weather
from tests.faults.simulated.world import DAY, MINUTE, Shape, World

CALLS_PER_TRIAL = 100
"""How many calls of a world count towards the number of the table; most make two to four times as many."""

Judge = Callable[[World], Iterator[str]]

_PLAIN = Shape()
_HARD = Weather(
    calls={"timeout_placed": 0.05, "timeout_late": 0.05, "error": 0.05, "limited": 0.05, "unsent": 0.05},
    look_ups={"lost": 0.1, "404": 0.05, "word": 0.05, "late": 0.1, "repeated": 0.1},
    endless=0.02,
)
"""A day on which everything goes a little wrong: what people do is tried in it."""


def _lives(shape: Shape, *more: Judge) -> Callable[[int], str | None]:
    """Return a trial that lives through a world of ``shape`` in its weather, settles it and judges it."""

    def trial(seed: int) -> str | None:
        with World(seed, shape) as world:
            world.network.weather = shape.weather
            world.live(shape.opens_at + shape.days * DAY)
            world.settle()
            return _verdict(world, *more)

    return trial


def _verdict(world: World, *more: Judge) -> str | None:
    found = judge(world)
    for judges in () if found else more:
        found = found or next(judges(world), None)
    return None if found is None else f"seed {world.seed}: {found}"


def _shaped(calls: Mapping[str, float], **changes: Any) -> Shape:
    return replace(_PLAIN, weather=Weather(calls=calls), **changes)


def _tried_by_people(**changes: Any) -> Shape:
    return replace(_PLAIN, **({"weather": _HARD, "dispatchers": 2} | changes))


# ---------------------------------------------------------------- the provider


def no_early_retry(world: World) -> Iterator[str]:
    """After a 429 nothing is asked before the moment it names, as far as that is sensible."""
    for told_at, until in world.network.holds:
        for request in world.network.requests:
            if told_at < request.since_boot < until:
                yield f"{request.key} was requested {until - request.since_boot} too early for the provider"


def endless_calls_are_reaped(world: World) -> Iterator[str]:
    """A call that goes on for ever is closed after its longest duration and a look-up, and not much later."""
    endless = {call.key for call in world.network.rings if call.ends_at > timedelta(days=365)}
    for campaign_id in world.campaign_ids:
        for call in calls_made(world, campaign_id).iter_rows(named=True):
            if (campaign_id, call["contact_id"], call["attempt"]) not in endless:
                continue
            if call["state"] != "unknown" or call["finished_at"] is None:
                yield f"{call['contact_id']} goes on for ever and is {call['state']}"
            elif not call["deadline_at"] <= call["finished_at"] <= call["deadline_at"] + 7 * MINUTE:
                yield f"{call['contact_id']} was closed at {call['finished_at']}, not {call['deadline_at']}"


def _unavailable(seed: int) -> str | None:
    """503 for half an hour, from a moment while campaigns are open."""
    shape = replace(_PLAIN, open_minutes=50, settings={"calls_per_second": 0.5}, days=2, contacts=40)
    with World(seed, shape) as world:
        world.live(shape.opens_at + world.draws.random() * 15 * MINUTE)
        world.network.weather = Weather(calls={"unavailable": 1.0})
        world.live(world.clock.now() + 30 * MINUTE)
        world.network.weather = Weather()
        world.live(shape.opens_at + shape.days * DAY)
        world.settle()
        return _verdict(world)


def _refused(seed: int) -> str | None:
    """401, 402 or 403 to every request: each campaign is paused with the reason, its contacts wait."""
    with World(seed, _PLAIN) as world:
        world.network.weather = Weather(calls={"refused": 1.0})
        world.live(_PLAIN.opens_at + world.draws.random() * DAY)
        found = next(_untouched(world), None)
        world.settle()
        return f"seed {seed}: {found}" if found else _verdict(world)


def _untouched(world: World) -> Iterator[str]:
    refused: dict[str, timedelta] = {}
    for request in world.network.requests:
        since = refused.setdefault(request.key[0], request.since_boot)
        if request.since_boot > since + world.shape.tick + timedelta(seconds=2):
            yield f"{request.key} was requested after its campaign was refused"
    with world.ledger.session() as session:
        campaigns = {row["campaign_id"]: row for row in session.read("copy_campaign").to_dicts()}
        calls = session.read("copy_call").to_dicts()
    for campaign_id in refused:
        if campaigns[campaign_id]["state"] != "paused" or not campaigns[campaign_id]["reason"]:
            yield f"{campaign_id} was refused and is {campaigns[campaign_id]['state']}"
    for call in calls:
        if call["state"] != "claimed":
            yield f"{call['contact_id']} is {call['state']} although its request was refused"


# ---------------------------------------------------------------- people and processes


def _held_at_any_moment(seed: int) -> str | None:
    """Pause and resume a hundred times a minute, while calls are claimed and placed."""
    shape = replace(_tried_by_people(campaigns=8, contacts=20, days=2), open_minutes=5)
    with World(seed, shape) as world:
        world.network.weather = shape.weather
        for _ in range(shape.days):
            world.live(world.clock.now() + timedelta(hours=1))
            ends = world.clock.now() + 4 * MINUTE
            while world.clock.now() < ends:
                world.do("pause", world.draws.choice(world.campaign_ids))
                world.pass_time(world.draws.random() * timedelta(seconds=1.2))
                world.do("resume any")
                if world.draws.random() < 0.1:
                    world.tick()
            world.do("resume any")
            world.live(world.clock.now() + timedelta(hours=22))
        world.settle()
        return _verdict(world)


def _in_one_second(seed: int) -> str | None:
    """A retry that is ripe, an edit and a late contact in the same second."""
    retry = {"max_attempts": 3, "delay_minutes": {"busy": 0, "no_answer": 0, "failed": 0, "voicemail": 0}}
    shape = _tried_by_people(settings={"retry": retry}, campaigns=16)
    with World(seed, shape) as world:
        world.network.weather = shape.weather
        for day in range(shape.days):
            opens_at = shape.opens_at + day * DAY
            for _ in range(3):
                world.live(max(world.clock.now(), opens_at) + world.draws.random() * 2 * MINUTE)
                for campaign_id in world.draws.sample(world.campaign_ids, 4):
                    deeds = ["edit", "late", "tick"]
                    world.draws.shuffle(deeds)
                    for deed in deeds:
                        world.do(deed, campaign_id)
        world.settle()
        return _verdict(world)


def _crashing_publications(seed: int) -> str | None:
    """Processes that die while they publish: before and after the rename, before and after the commit."""
    shape = replace(_PLAIN, campaigns=12, contacts=20, deaths=0.5)
    with World(seed, shape) as world:
        for day in range(shape.days):
            for minutes in (1, 2, 4):
                world.live(max(world.clock.now(), shape.opens_at + day * DAY + minutes * MINUTE))
                for _ in range(4):
                    world.do("die publishing")
        world.settle()
        return _verdict(world)


def _damaged_plans(seed: int) -> str | None:
    """A plan file cut short, with a bit flipped, of another schema, or gone: refused by name, 0 rings."""
    shape = replace(_PLAIN, campaigns=24, contacts=12)
    with World(seed, shape) as world:
        if world.draws.random() < 0.5:
            world.live(shape.opens_at + 6 * timedelta(hours=1))
        damaged = {campaign_id: world.damage(campaign_id) for campaign_id in world.campaign_ids[::2]}
        rang = len(world.network.requests)
        world.live(shape.opens_at + shape.days * DAY)
        world.settle()
        for request in world.network.requests[rang:]:
            file, unstaged = damaged.get(request.key[0], ("", False))
            if unstaged:
                return f"seed {seed}: {request.key} was requested from {file}, which is damaged"
        for campaign_id, (file, unstaged) in damaged.items():
            if unstaged and world.state(campaign_id) != "failed":
                return f"seed {seed}: {file} is damaged and its campaign is {world.state(campaign_id)}"
            if unstaged and not any(file in error for error in world.errors):
                return f"seed {seed}: nobody was told of {file}"
        return _verdict(world)


_claims_go_back = _tried_by_people(
    campaigns=6,
    contacts=40,
    days=1,
    tick=MINUTE,
    deeds={"edit": 8.0},
    weather=Weather(calls={"unsent": 0.4, "timeout_placed": 0.1}),
)
"""Claims are long in hand and often go back, so that they do while an edit is being computed, too."""


# ---------------------------------------------------------------- the calendar


def _at_midnight(seed: int) -> str | None:
    """Windows on both sides of midnight, at a leap day and at the end of a year, under caps per date."""
    draws = random.Random(f"{seed}:date")
    day = draws.choice([datetime(2027, 12, 31, tzinfo=UTC), datetime(2028, 2, 28, tzinfo=UTC)])
    zone = draws.choice(["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"])
    windows = [{"start_time": "23:56", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "00:04"}]
    settings = {
        "windows": windows,
        "start_time": "09:00",
        "end_time": "18:00",
        "working_days": [1, 2, 3, 4, 5, 6, 7],
        "max_calls_per_day": 7,
        "timezone": zone,
    }
    shape = replace(
        _tried_by_people(campaigns=24, contacts=30, days=3, settings=settings), opens_at=day, zones=(zone,)
    )
    return _lives(shape)(seed)


# ---------------------------------------------------------------- the table

_CLOCK = {"hour forward": 0.05, "hour back": 0.05, "day forward": 0.03, "day back": 0.03, "10 ms back": 0.6}

ROWS = [
    Row(
        8,
        "S",
        "time-outs",
        _lives(_shaped({"timeout_placed": 0.25, "timeout_late": 0.25, "timeout_not": 0.2})),
        10_000 // CALLS_PER_TRIAL,
    ),
    Row(9, "S", "500, 502, 504", _lives(_shaped({"error": 0.7})), 10_000 // CALLS_PER_TRIAL),
    Row(
        10,
        "S",
        "429",
        _lives(_shaped({"limited": 0.3}, requests_per_minute=100), no_early_retry),
        10_000 // CALLS_PER_TRIAL,
    ),
    Row(11, "S", "503 for half an hour", _unavailable, 1_000 // CALLS_PER_TRIAL),
    Row(
        13,
        "S",
        "201 that says little",
        _lives(_shaped({"failed_body": 0.2, "no_id": 0.2, "html": 0.2})),
        1_000 // CALLS_PER_TRIAL,
    ),
    Row(14, "S", "402, 401, 403", _refused, 300 // CALLS_PER_TRIAL),
    Row(
        15,
        "S",
        "reports lost, repeated, forged",
        _lives(
            replace(
                _PLAIN,
                dispatchers=2,
                deeds={"forge": 4.0},
                weather=Weather({"timeout_placed": 0.2}, {"lost": 0.3, "late": 0.2, "repeated": 0.3}),
            )
        ),
        10_000 // CALLS_PER_TRIAL,
    ),
    Row(
        16,
        "S",
        "a call in progress for ever",
        _lives(replace(_PLAIN, weather=Weather(endless=0.4)), endless_calls_are_reaped),
        1_000 // CALLS_PER_TRIAL,
    ),
    Row(19, "S", "pause between claim and request", _held_at_any_moment, 1_000 // CALLS_PER_TRIAL),
    Row(
        20,
        "S",
        "resumed after the window, a week's outage",
        _lives(_tried_by_people(deeds={"pause": 1.5, "resume any": 0.1, "a week": 0.02, "an hour": 0.05})),
        1_000 // CALLS_PER_TRIAL,
    ),
    Row(21, "S", "edit while claimed", _lives(_claims_go_back), 10_000 // CALLS_PER_TRIAL),
    Row(
        22,
        "S",
        "skip between plan and dial",
        _lives(_tried_by_people(deeds={"skip": 12.0})),
        10_000 // CALLS_PER_TRIAL,
    ),
    Row(23, "S", "clock set", _lives(_tried_by_people(deeds=_CLOCK)), 10_000 // CALLS_PER_TRIAL),
    Row(25, "S", "midnight, leap day, year's end", _at_midnight, 10_000 // CALLS_PER_TRIAL),
    Row(29, "S", "damaged plan file", _damaged_plans, 1_000 // CALLS_PER_TRIAL),
    Row(
        30,
        "S",
        "absent ten minutes, launched twice",
        _lives(_tried_by_people(deeds={"ten minutes": 0.3}, open_minutes=25, days=2)),
        1_000 // CALLS_PER_TRIAL,
    ),
    Row(33, "S", "crash while publishing", _crashing_publications, 1_000 // CALLS_PER_TRIAL),
    Row(34, "S", "retry, edit and late contact at once", _in_one_second, 10_000 // CALLS_PER_TRIAL),
]
