"""Rows 19 to 22, 30, 33 and 34: people who pause, edit, skip and publish, and processes that die."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from flows.plan_store import plan_files
from tests.faults.row import Row, Tried
from tests.faults.simulated.deeds import (
    A_WEEK,
    ABSENT,
    AN_HOUR,
    CLOSED,
    PAUSED,
    SKIPPED,
    TEN_MINUTES,
    cancel,
    closes_between,
    pause,
    pause_all,
    skip,
)
from tests.faults.simulated.edits import DIED, EDITED, die_publishing, edit, edit_held_back, late, renumber
from tests.faults.simulated.leaving import dialled_numbers_are_right
from tests.faults.simulated.network import Weather
from tests.faults.simulated.trials import broken, lives, settled, shaped, tried_by_people
from tests.faults.simulated.two_at_once import (
    PAST_THE_LOCK,
    TWO,
    edit_beside_another,
    edit_past_the_lock,
    plan_anew,
)
from tests.faults.simulated.world import DAY, HOUR, MINUTE, World, allow_more

ORPHAN = "a plan file was left by a process that died over it"
RETRIED = "a retry was ripe, and its campaign was edited and got a late contact in the same second"


def _held_at_any_moment(seed: int, scale: float = 1.0) -> Tried:
    """Pause and resume a hundred times a minute, while calls are claimed and placed."""
    shape = tried_by_people(campaigns=16, contacts=80, open_minutes=5).scaled(scale)
    with World(seed, shape) as world:
        for _ in range(shape.days):
            world.live(world.clock.now() + HOUR)
            ends = world.clock.now() + 4 * MINUTE
            cancels_at = world.clock.now() + world.draws.random() * 4 * MINUTE
            while world.clock.now() < ends:
                world.resume_all()
                world.tick()
                for campaign_id in world.draws.sample(world.campaign_ids, len(world.campaign_ids)):
                    world.pass_time(world.draws.random() * timedelta(seconds=1.2))
                    if world.clock.now() >= cancels_at:
                        cancels_at = ends
                        world.do(cancel, campaign_id)
                    world.do(pause_all if world.draws.random() < 0.01 else pause, campaign_id)
            world.resume_all()
            world.live(world.clock.now() + timedelta(hours=22))
        return settled(world, [PAUSED])


def _after_the_window(seed: int, scale: float = 1.0) -> Tried:
    """Campaigns are held back over a closing, and nobody dispatches for an hour or a week."""
    shape = tried_by_people(campaigns=24, contacts=60, days=6).scaled(scale)
    with World(seed, shape) as world:
        for day in range(shape.days):
            world.live(max(world.clock.now(), shape.opens_at + day * DAY) + world.draws.random() * 4 * MINUTE)
            since = world.clock.now()
            if world.draws.random() < 0.4:
                world.do(world.draws.choice([AN_HOUR, A_WEEK]))
                continue
            held = world.draws.sample(world.campaign_ids, len(world.campaign_ids) // 2)
            for campaign_id in held:
                world.do(cancel if world.draws.random() < 0.05 else pause, campaign_id)
            world.live(world.clock.now() + world.draws.choice([MINUTE, 10 * MINUTE, 10 * MINUTE, 2 * HOUR]))
            if closes_between(world, since, world.clock.now()):
                world.meet(CLOSED, len(world.those_in("paused")))
            world.resume_all()
        return settled(world, [CLOSED])


def _in_one_second(seed: int, scale: float = 1.0) -> Tried:
    """Retries that are ripe, an edit and a late contact in the same second, in the window and after it."""
    delays = dict.fromkeys(["busy", "no_answer", "failed", "voicemail"], 60)
    retry = {"max_attempts": 3, "delay_minutes": delays}
    shape = tried_by_people(settings={"retry": retry}, days=3, lists=1).scaled(scale)
    with World(seed, shape) as world:
        for day in range(shape.days):
            opens_at = shape.opens_at + day * DAY
            world.live(max(world.clock.now(), opens_at) + world.draws.random() * 2 * MINUTE)
            for campaign_id in world.draws.sample(world.campaign_ids, 2):
                _do_at_once(world, campaign_id)
            world.live(opens_at + 30 * MINUTE)
            world.pass_time(HOUR)  # nobody looks until all are ripe
            for campaign_id in world.campaign_ids:
                _do_at_once(world, campaign_id)
        return settled(world, [RETRIED])


def _do_at_once(world: World, campaign_id: str) -> None:
    """Edit a campaign, schedule a late contact and look for slots for its retries, in any order."""
    with world.ledger.session() as session:
        pending = session.read("list_pending", campaign_id=campaign_id)
    now = world.clock.now()
    ripe = sum(
        row["attempt"] > 1 and row["plan_version"] is None and row["ripe_at"] <= now
        for row in pending.iter_rows(named=True)
    )
    refused = len(world.refused)
    deeds = [edit, late, plan_anew]
    world.draws.shuffle(deeds)
    for deed in deeds:
        world.do(deed, campaign_id)
    if len(world.refused) == refused:
        world.meet(RETRIED, ripe)


def no_edit_is_overtaken(world: World) -> Iterator[str]:
    """While a plan is changed nothing of it is claimed, so no claim keeps an edit from coming to its end."""
    for refusal in world.refused:
        if "a call was claimed meanwhile" in refusal:
            yield f"an edit was refused: {refusal}"


def _edited_while_claimed(seed: int, scale: float = 1.0) -> Tried:
    """Edit campaigns while calls are claimed; at last while claims go back, with no later edit to mend it."""
    shape = _CLAIMS_GO_BACK.scaled(scale)
    with World(seed, shape) as world:
        world.live(shape.opens_at + world.draws.uniform(1, shape.open_minutes) * MINUTE)
        world.resume_all()
        for campaign_id in world.campaign_ids:
            world.do(allow_more, campaign_id)
        world.tick()
        for campaign_id in world.campaign_ids:
            world.do(edit_held_back, campaign_id)
        return settled(world, [EDITED], no_edit_is_overtaken, dialled_numbers_are_right)


def _publications(seed: int, scale: float = 1.0) -> Tried:
    """Processes that die while they publish, before and after each commit, and two that publish at once."""
    shape = shaped({}, campaigns=12, contacts=40, lists=1, deaths=0.5).scaled(scale)
    with World(seed, shape) as world:
        for day in range(shape.days):
            for minutes in (1, 2, 4):
                world.live(max(world.clock.now(), shape.opens_at + day * DAY + minutes * MINUTE))
                for deed in (*[die_publishing] * 6, *[edit_beside_another] * 3, *[edit_past_the_lock] * 2):
                    world.do(deed)
        met = [DIED, TWO, PAST_THE_LOCK, ORPHAN]
        left = [file for campaign_id in world.campaign_ids for file in _not_set_aside(world, campaign_id)]
        return broken(world, met, f"{left[0]} was not set aside") if left else settled(world, met)


def _not_set_aside(world: World, campaign_id: str) -> list[Path]:
    """Change of a campaign what no plan depends on; return the orphans that are not set aside then."""
    with world.ledger.session() as session:
        known = set(session.read("list_versions", campaign_id=campaign_id)["file"])
    folder = world.home.plans / campaign_id
    orphans = [file for file in plan_files(folder) if f"{campaign_id}/{file.name}" not in known]
    world.meet(ORPHAN, len(orphans))
    refused = len(world.refused)
    world.do(lambda world, campaign_id: world.update(campaign_id, {"max_call_minutes": 30}), campaign_id)
    if len(world.refused) > refused:  # it is over, and nothing of it is published any more
        return []
    return [file for file in orphans if file.exists() or not (folder / "orphans" / file.name).exists()]


_CLAIMS_GO_BACK = tried_by_people(
    campaigns=4,
    contacts=1_000,
    in_flight=(120, 400),
    paces=(None,),
    deeds={edit: 8.0, renumber: 1.0},
    weather=Weather(calls={"unsent": 0.4, "timeout_placed": 0.1}),
)
"""Claims are long in hand and often go back, so that they do while an edit is being computed, too."""

_ABSENT = tried_by_people(deeds={TEN_MINUTES: 0.3}, campaigns=3, contacts=100, open_minutes=240)

ROWS = [
    Row(19, "S", "pause between claim and request", _held_at_any_moment, 1_000),
    Row(20, "S", "resumed after the window, a week's outage", _after_the_window, 1_000),
    Row(21, "S", "edit while claimed", _edited_while_claimed, 10_000),
    Row(
        22,
        "S",
        "skip between plan and dial",
        lives(tried_by_people(contacts=400, deeds={skip: 12.0}), [SKIPPED]),
        10_000,
    ),
    Row(30, "S", "absent ten minutes, launched twice", lives(_ABSENT, [ABSENT]), 1_000),
    Row(33, "S", "crash while publishing, two publications at once", _publications, 1_000),
    Row(34, "S", "retry, edit and late contact at once", _in_one_second, 10_000),
]
