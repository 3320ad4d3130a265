"""What people change of the campaigns of a world, and of their lists, while calls are made."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from flows import scheduling
from flows.campaigns import find_campaign
from tests.faults.simulated.agenda import Died
from tests.faults.simulated.deeds import claims_of, pause, resume
from tests.faults.simulated.shape import RETRIES
from tests.faults.simulated.world import DAY, MINUTE, World
from tests.people import NUMBERS
from transforms.campaign import Campaign
from transforms.wall_clock import to_local

EDITED = "a call was claimed when an edit of its campaign began"
DIED = "a process died while it published"

Changes = dict[str, Any]


def _zone(world: World, old: Campaign) -> Changes:
    """Read the same hours on another clock."""
    zone = world.draws.choice([zone for zone in world.shape.zones if zone != old.timezone])
    now = world.clock.now()
    ahead = to_local(zone, now).replace(tzinfo=None) - to_local(old.timezone, now).replace(tzinfo=None)
    hours = [_later(wall, ahead // MINUTE, "") for wall in (old.start_time, old.end_time)]
    return {"timezone": zone, "start_time": hours[0], "end_time": hours[1], "windows": None}


def _windows(world: World, old: Campaign) -> Changes:
    """Have a break in the hours, or have none."""
    if old.windows is not None:
        return {"windows": None}
    breaks = _later(old.start_time, world.draws.randint(1, 3), "")
    goes_on = _later(breaks, world.draws.randint(1, 2), "")
    windows = [
        {"start_time": old.start_time, "end_time": breaks},
        {"start_time": goes_on, "end_time": max(old.end_time, _later(goes_on, 1, ""))},
    ]
    return {"windows": windows}


def _start(world: World, _: Campaign) -> Changes:
    """Begin later, within the hours or on another day, or now."""
    later = world.draws.choice([-MINUTE, MINUTE, 3 * MINUTE, DAY])
    return {"scheduled_at": (world.clock.now() + later).isoformat()}


def _end(world: World, _: Campaign) -> Changes:
    """End in some days, or never."""
    ends_at = world.clock.now() + world.draws.choice([2, 3, 5]) * DAY
    return {"ends_at": world.draws.choice([ends_at.isoformat(), None])}


LASTING: list[Callable[[World, Campaign], Changes]] = [
    lambda world, _: {"phone_numbers": NUMBERS[world.draws.randint(0, 1) : world.draws.randint(2, 3)]},
    lambda world, _: {"phone_rotation_strategy": world.draws.choice(["round_robin", "sequential", "random"])},
    lambda world, _: {"max_calls_per_day": _share_of_a_day(world, 3, 2, 1)},
    lambda world, _: {"max_calls_per_number_per_day": _share_of_a_day(world, 4, 2)},
    lambda world, _: {"max_concurrent_calls": world.draws.choice([2, *world.shape.in_flight])},
    lambda world, _: {"max_call_minutes": world.draws.choice(world.shape.call_minutes)},
    lambda world, _: {"calls_per_second": world.draws.choice([0.5, 1, *world.shape.paces])},
    lambda world, _: {"working_days": world.draws.choice([[1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7]])},
    lambda world, old: {"end_time": _later(old.end_time, world.draws.choice([-3, -1, 4]), old.start_time)},
    lambda world, old: {"start_time": _later(old.start_time, world.draws.choice([-4, 1, 2]), "")},
    lambda world, _: {"retry": world.draws.choice(RETRIES)},
    lambda world, old: {
        "blackout_dates": [(to_local(old.timezone, world.clock.now()).date() + DAY).isoformat()]
    },
    lambda world, _: {"contact_timezone": world.draws.choice(["campaign", "campaign", "contact", "phone"])},
    lambda world, _: {"first_day_cap": world.draws.choice(["full", "prorated"])},
    lambda world, _: {"seed": world.draws.randint(0, 9)},
    _zone,
    _windows,
    _start,
]


"""Edits with which a campaign can come to its end."""

EDITS = [*LASTING, _end]


def _share_of_a_day(world: World, *parts: int) -> int | None:
    part = world.draws.choice([*parts, None])
    return None if part is None else max(2, world.shape.per_day // part)


def _later(wall: str, minutes: int, not_before: str) -> str:
    at = (
        datetime.strptime("23:59" if wall == "24:00" else wall, "%H:%M").replace(tzinfo=UTC)
        + minutes * MINUTE
    )
    return max(f"{at:%H:%M}", _later(not_before, 1, "") if not_before else "")


def edit(world: World, campaign_id: str) -> None:
    """Change a setting of a campaign, while time passes and others go on."""
    changed_meanwhile(world, campaign_id, lambda _: world.goes_on())


def edit_held_back(world: World, campaign_id: str) -> None:
    """Change a setting of a campaign that is paused and resumed meanwhile, so that its claims go back.

    Settling the world asks for no later edit, which could mend what this one loses.
    """

    def hold_back(_: str) -> None:
        pause(world, campaign_id)
        resume(world, campaign_id)

    changed_meanwhile(world, campaign_id, hold_back, LASTING)


def changed_meanwhile(
    world: World,
    campaign_id: str,
    progress: Callable[[str], None],
    edits: Sequence[Callable[[World, Campaign], Changes]] = EDITS,
) -> None:
    """Change a setting of a campaign, and have something happen at each step of computing its plan."""
    with world.ledger.session() as session:
        old = find_campaign(session, campaign_id).settings
    claims = claims_of(world, campaign_id)
    changes = world.draws.choice(edits)(world, old)
    edited = world.update(campaign_id, changes, keep=world.draws.random() < 0.4, progress=progress)
    world.meet(EDITED, claims if edited.written else 0)


def renumber(world: World, campaign_id: str) -> None:
    """Load a list in which some people have another number, and plan a campaign of it anew."""
    name = world.list_of(campaign_id)
    world.renumber(name, [world.draws.randrange(world.listed[name]) for _ in range(20)])
    edit(world, campaign_id)


def late(world: World, campaign_id: str) -> None:
    """Have contacts come to a campaign's list, and schedule them."""
    name = world.list_of(campaign_id)
    world.load(name, world.listed[name] + world.draws.randint(1, 2))
    was_completed = world.state(campaign_id) == "completed"
    with world.publishing():
        scheduling.schedule(world.home, world.ledger, campaign_id, world.clock.now())
    if was_completed:
        world.note("resumed", campaign_id)  # who was paused before is held back no more
    world.remember(campaign_id)


def die_publishing(world: World, campaign_id: str) -> None:
    """Edit a campaign or schedule late contacts in a process that dies on the way, and leave it at that."""
    world.dies_in = world.draws.randint(0, 13)
    try:
        world.draws.choice([edit_alone, late])(world, campaign_id)
    except Died:
        world.meet(DIED)
    finally:
        world.dies_in = None
    world.remember(campaign_id)


def edit_alone(world: World, campaign_id: str) -> None:
    """Change a setting of a campaign while nothing else happens."""
    changed_meanwhile(world, campaign_id, lambda _: None)
