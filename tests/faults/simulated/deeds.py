"""What people do to the campaigns of a world, and what happens to its dispatchers and its clock.

Each deed counts in ``World.met`` how often it met what it is about: a skip that comes too late is none.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from flows import campaigns, pausing, scheduling
from flows.campaigns import StoredCampaign, find_campaign
from flows.dialers.dialer import REPORTS
from flows.journal import Journal
from flows.standing import known_contacts
from tests.faults.simulated.agenda import Died
from tests.faults.simulated.shape import RETRIES
from tests.faults.simulated.world import DAY, HOUR, MINUTE, Deed, World
from tests.people import NUMBERS
from transforms.campaign import Campaign
from transforms.wall_clock import to_local

PAUSED = "claims were in hand when their campaign was paused"
SKIPPED = "a contact was skipped who was planned and not dialled yet"
EDITED = "a call was claimed when an edit of its campaign began"
FORGED = "a report was forged"
DIED = "a process died while it published"
CLOSED = "the window closed while a campaign was held back or nobody dispatched"
ABSENT = "nobody dispatched for a while"
SET = "the clock was set under a dispatcher"


# ------------------------------------------------------------ holding back


def pause(world: World, campaign_id: str) -> None:
    """Pause a campaign."""
    claims = _claims(world, campaign_id)
    pausing.pause(world.home, world.ledger, campaign_id, world.clock.now())
    world.note("paused", campaign_id)
    world.meet(PAUSED, int(claims > 0))


def resume(world: World, campaign_id: str) -> None:
    """Let a campaign go on."""
    campaigns.resume(world.ledger, campaign_id, world.clock.now())
    world.note("resumed", campaign_id)


def resume_any(world: World, campaign_id: str) -> None:  # noqa: ARG001 - any that is held
    """Let every campaign go on that is held back."""
    world.resume_all()


def cancel(world: World, campaign_id: str) -> None:
    """End a campaign for good."""
    pausing.cancel(world.home, world.ledger, campaign_id, world.clock.now())
    world.note("paused", campaign_id)


def skip(world: World, campaign_id: str) -> None:
    """Take up to twenty people out of a campaign."""
    with world.ledger.session() as session:
        stored = find_campaign(session, campaign_id)
        calls = session.read("list_calls", campaign_id=campaign_id)
        out = session.read("list_skips", campaign_id=campaign_id)["contact_id"]
        known = known_contacts(world.home, session, stored, _drawn(world, stored))
    ids = known["contact_id"]
    pausing.skip(world.home, world.ledger, campaign_id, ids, "do not call", world.clock.now())
    for contact_id in known["contact_id"]:
        world.note("skipped", (campaign_id, contact_id))
    planned = known.filter("is_planned")["contact_id"]
    noted = calls.filter(pl.col("noted_at").is_not_null())["contact_id"]
    world.meet(SKIPPED, len(set(planned) - set(noted) - set(out)))


def _drawn(world: World, stored: StoredCampaign) -> pl.Series:
    count = world.listed[stored.settings.contact_list or ""]
    return pl.Series([f"c{world.draws.randrange(count)}" for _ in range(world.draws.randint(1, 20))]).unique()


def _claims(world: World, campaign_id: str) -> int:
    with world.ledger.session() as session:
        return session.read("list_claims_of_campaign", campaign_id=campaign_id, stopped_at=None).height


# ------------------------------------------------------------ changing

EDITS: list[Callable[[World, Campaign], dict[str, Any]]] = [
    lambda world, _: {"phone_numbers": NUMBERS[world.draws.randint(0, 1) : world.draws.randint(2, 3)]},
    lambda world, _: {"phone_rotation_strategy": world.draws.choice(["round_robin", "sequential", "random"])},
    lambda world, _: {"max_calls_per_day": _share_of_a_day(world, 3, 2, 1)},
    lambda world, _: {"max_calls_per_number_per_day": _share_of_a_day(world, 4, 2)},
    lambda world, _: {"max_concurrent_calls": world.draws.choice([2, *world.shape.in_flight])},
    lambda world, _: {"calls_per_second": world.draws.choice([0.5, 1, *world.shape.paces])},
    lambda world, _: {"working_days": world.draws.choice([[1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7]])},
    lambda world, old: {"end_time": _later(old.end_time, world.draws.choice([-3, -1, 4]), old.start_time)},
    lambda world, old: {"start_time": _later(old.start_time, world.draws.choice([-4, 1, 2]), "")},
    lambda world, _: {"retry": world.draws.choice(RETRIES)},
    lambda world, old: {
        "blackout_dates": [(to_local(old.timezone, world.clock.now()).date() + DAY).isoformat()]
    },
    lambda world, _: {"seed": world.draws.randint(0, 9)},
]


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
    """Change a setting of a campaign that is paused and resumed meanwhile, so that its claims go back."""

    def hold_back(_: str) -> None:
        pause(world, campaign_id)
        resume(world, campaign_id)

    changed_meanwhile(world, campaign_id, hold_back)


def changed_meanwhile(world: World, campaign_id: str, progress: Callable[[str], None]) -> None:
    """Change a setting of a campaign, and have something happen at each step of computing its plan."""
    with world.ledger.session() as session:
        old = find_campaign(session, campaign_id).settings
    claims = _claims(world, campaign_id)
    changes = world.draws.choice(EDITS)(world, old)
    keep = world.draws.random() < 0.4
    edited = scheduling.update(
        world.home, world.ledger, campaign_id, changes, world.clock.now(), keep=keep, progress=progress
    )
    world.remember(campaign_id)
    if edited.written is not None:
        world.note("replaced", (campaign_id, int(edited.written.file.stem)))
    world.meet(EDITED, claims if edited.written else 0)


def late(world: World, campaign_id: str) -> None:
    """Have contacts come to a campaign's list, and schedule them."""
    with world.ledger.session() as session:
        name = find_campaign(session, campaign_id).settings.contact_list or ""
    world.load(name, world.listed[name] + world.draws.randint(1, 2))
    scheduling.schedule(world.home, world.ledger, campaign_id, world.clock.now())
    world.remember(campaign_id)


def die_publishing(world: World, campaign_id: str) -> None:
    """Edit a campaign or schedule late contacts in a process that dies on the way, and leave it at that."""
    world.fate.moments = world.draws.randint(0, 14)
    try:
        world.draws.choice([edit, late])(world, campaign_id)
    except Died:
        world.meet(DIED)
    finally:
        world.fate.moments = None
    world.remember(campaign_id)


# ------------------------------------------------------------ false words, absences, the clock


def forge(world: World, campaign_id: str) -> None:
    """Have reports come in that nobody asked for: of calls that ended or do not exist."""
    with world.ledger.session() as session:
        calls = session.read("list_calls", campaign_id=campaign_id)
    known = calls.filter(pl.col("state").is_in(["claimed", "in_progress", "unknown"]).not_())
    named = [(row["contact_id"], row["attempt"]) for row in known.iter_rows(named=True)]
    world.draws.shuffle(named)
    reports = [
        {
            "campaign_id": campaign,
            "contact_id": contact,
            "attempt": attempt,
            "state": world.draws.choice(["completed", "no_answer", "busy", "failed", None]),
            "provider_status": world.draws.choice(["completed", "nonsense"]),
            "reported_at": world.clock.now() + world.draws.choice([-1, 0, 1]) * DAY,
            "reason": "forged",
        }
        for campaign, contact, attempt in [
            *((campaign_id, *name) for name in named[:10]),
            (campaign_id, "nobody", 1),
            (campaign_id, "c0", 9),
            ("no-campaign", "c0", 1),
        ]
    ]
    world.draws.shuffle(reports)
    with Journal(world.home.journal).writing() as page:
        page.add("report", pl.DataFrame(reports, schema=REPORTS))
    world.meet(FORGED, len(reports))


def absent(length: timedelta) -> Deed:
    """Return the deed that nobody dispatches for a while."""

    def be_absent(world: World, campaign_id: str) -> None:  # noqa: ARG001 - it is about dispatchers
        for hand in list(world.hands):
            world.bury(hand)
        begins = world.clock.now()
        world.clock.wait_until(begins + length)
        world.meet(ABSENT)
        if closes_between(world, begins, world.clock.now()):
            world.meet(CLOSED, len(world.those_in("scheduled", "active")))

    return be_absent


def closes_between(world: World, begins: datetime, ends: datetime) -> bool:
    """Whether windows closed in a stretch of time, as the shape of the world has them."""
    closes_at = world.shape.opens_at + world.shape.open_minutes * MINUTE
    return (ends - closes_at) // DAY > (begins - closes_at) // DAY


def set_clock(step: timedelta) -> Deed:
    """Return the deed that somebody sets the clock."""

    def be_set(world: World, campaign_id: str) -> None:  # noqa: ARG001 - it is about the clock
        world.clock.set_by(step)
        world.note("clock", (step, {hand.owner.owner_id for hand in world.hands}))
        world.meet(SET, len(world.hands))

    return be_set


TEN_MINUTES, AN_HOUR, A_WEEK = absent(10 * MINUTE), absent(HOUR), absent(7 * DAY)
