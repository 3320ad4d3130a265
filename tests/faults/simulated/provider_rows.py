"""Rows 8 to 16: a provider that does not answer, errs, limits, refuses, or says little."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from tests.faults.row import Row, Tried
from tests.faults.simulated.deeds import FORGED, TEN_MINUTES, absent, forge, look_up_and_settle
from tests.faults.simulated.judging import calls_made, closed_after_a_look_up
from tests.faults.simulated.network import Weather
from tests.faults.simulated.trials import PLAIN, broken, lives, settled, shaped
from tests.faults.simulated.world import DAY, MINUTE, World

_TIMEOUTS = {"timeout_placed": 0.25, "timeout_late": 0.25, "timeout_not": 0.2}
_FAINT = {"failed_body": 0.2, "no_id": 0.2, "html": 0.2}
_REPORTS = {"lost": 0.3, "late": 0.2, "repeated": 0.2, "contradicted": 0.1}


def no_early_retry(world: World) -> Iterator[str]:
    """After a 429 nothing is asked before the moment it names, as far as that is sensible."""
    free_at = timedelta()
    holds = iter(sorted(world.network.holds))
    coming = next(holds, None)
    for request in world.network.requests:
        while coming is not None and coming[0] < request.since_boot:
            free_at = max(free_at, coming[1])
            coming = next(holds, None)
        if request.since_boot < free_at:
            yield f"{request.key} was requested {free_at - request.since_boot} too early for the provider"


def endless_calls_are_reaped(world: World) -> Iterator[str]:
    """A call that goes on for ever is closed after its longest duration and a look-up, and not much later."""
    endless = {call.key for call in world.network.rings if call.ends_at > timedelta(days=365)}
    for campaign_id in world.campaign_ids:
        for call in calls_made(world, campaign_id).iter_rows(named=True):
            if (campaign_id, call["contact_id"], call["attempt"]) not in endless:
                continue
            if call["state"] != "unknown" or call["finished_at"] is None:
                yield f"{call['contact_id']} goes on for ever and is {call['state']}"
            elif not call["deadline_at"] <= call["finished_at"] <= call["deadline_at"] + 17 * MINUTE:
                yield f"{call['contact_id']} was closed at {call['finished_at']}, not {call['deadline_at']}"


def _timed_out(seed: int, scale: float = 1.0) -> Tried:
    """Dials time out, and once a day nobody dispatches for about as long as the provider knows a key."""
    shape = _REPLAYED.scaled(scale)
    with World(seed, shape) as world:
        for day in range(shape.days):
            world.live(shape.opens_at + day * DAY + world.draws.uniform(3, 7) * MINUTE)
            world.do(absent(world.draws.uniform(7, 12) * MINUTE))
        world.live(shape.opens_at + shape.days * DAY)
        return settled(world, list(_TIMEOUTS))


def _unavailable(seed: int, scale: float = 1.0) -> Tried:
    """503 for half an hour, from a moment while campaigns are open."""
    shape = replace(PLAIN, open_minutes=50, days=1, settings={"calls_per_second": 5}, lists=1).scaled(scale)
    with World(seed, shape) as world:
        world.live(shape.opens_at + world.draws.random() * 15 * MINUTE)
        world.network.weather = Weather(calls={"unavailable": 1.0})
        world.live(world.clock.now() + 30 * MINUTE)
        world.network.weather = Weather()
        world.live(shape.opens_at + shape.days * DAY)
        return settled(world, ["unavailable"])


def _refused(seed: int, scale: float = 1.0) -> Tried:
    """401, 402 or 403 to every request, again and again: each campaign is paused, its contacts wait."""
    shape = replace(PLAIN, campaigns=20, contacts=40).scaled(scale)
    with World(seed, shape) as world:
        world.network.weather = Weather(calls={"refused": 1.0})
        world.live(shape.opens_at)
        for _ in range(4):
            asked = len(world.network.requests)
            world.live(world.clock.now() + MINUTE)
            world.pass_time(_READ_WITHIN)
            for hand in world.hands:
                hand.dispatcher._record(world.clock.now())
            found = next(_untouched(world, asked), None)
            if found:
                return broken(world, ["refused"], found)
            world.resume_all()
        return settled(world, ["refused"])


_READ_WITHIN = timedelta(seconds=2)
"""How long an answer takes to come in, at most."""


def _untouched(world: World, asked: int) -> Iterator[str]:
    refused: dict[str, timedelta] = {}
    for request in world.network.requests[asked:]:
        since = refused.setdefault(request.key[0], request.since_boot)
        if request.since_boot > since + world.shape.tick + _READ_WITHIN:
            yield f"{request.key} was requested after its campaign was refused"
    with world.ledger.session() as session:
        campaigns = {row["campaign_id"]: row for row in session.read("copy_campaign").to_dicts()}
        calls = session.read("copy_call").to_dicts()
    for campaign_id, since in refused.items():
        if since + _READ_WITHIN > world.clock.since_boot():
            continue
        if campaigns[campaign_id]["state"] != "paused" or not campaigns[campaign_id]["reason"]:
            yield f"{campaign_id} was refused and is {campaigns[campaign_id]['state']}"
    for call in calls:
        if call["state"] != "claimed":
            yield f"{call['contact_id']} is {call['state']} although its request was refused"


_REPLAYED = shaped(
    _TIMEOUTS,
    open_minutes=20,
    in_flight=(20, 60, 200),
    call_minutes=(4, 11, 25, 25),
    deeds={look_up_and_settle: 0.2},
)
"""Windows and most deadlines are longer than a key lives: its age keeps a dial from being repeated."""

_LIMITED = replace(
    PLAIN,
    campaigns=2,
    contacts=400,
    open_minutes=20,
    requests_per_minute=3_000,
    weather=Weather({"limited": 0.3}, {"limited": 0.3}),
)
"""Many calls wait for the end of a hold, and meet the next one together."""

_REPORTED = replace(
    PLAIN, dispatchers=2, deeds={forge: 2.0}, weather=Weather({"timeout_placed": 0.2}, _REPORTS)
)

_ENDLESS = replace(
    PLAIN, in_flight=(200,), open_minutes=30, deeds={TEN_MINUTES: 0.15}, weather=Weather(endless=0.4)
)
"""Calls go on for ever, and now and then their deadline comes while nobody looks."""

ROWS = [
    Row(8, "S", "time-outs", _timed_out, 10_000),
    Row(9, "S", "500, 502, 504", lives(shaped({"error": 0.7}), ["error"]), 10_000),
    Row(10, "S", "429", lives(_LIMITED, ["limited", "look_up limited"], no_early_retry), 10_000),
    Row(11, "S", "503 for half an hour", _unavailable, 1_000),
    Row(13, "S", "201 that says little", lives(shaped(_FAINT), list(_FAINT)), 1_000),
    Row(14, "S", "402, 401, 403", _refused, 300),
    Row(
        15,
        "S",
        "reports lost, repeated, forged",
        lives(_REPORTED, [FORGED, *(f"look_up {kind}" for kind in _REPORTS)]),
        10_000,
    ),
    Row(
        16,
        "S",
        "a call in progress for ever",
        lives(_ENDLESS, ["endless"], endless_calls_are_reaped, closed_after_a_look_up),
        1_000,
    ),
]
