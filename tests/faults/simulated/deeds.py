"""What people do to the campaigns of a world, and what happens to its dispatchers and its clock.

Deeds that a row is about count in ``World.met`` how often they met it: a skip that comes too late is none.
"""

from datetime import datetime, timedelta

import polars as pl

from flows import campaigns, pausing
from flows.applying import apply_journal
from flows.campaigns import StoredCampaign, find_campaign
from flows.dialers.dialer import REPORTS
from flows.journal import Journal
from flows.settling import OUTCOMES, settle
from flows.standing import known_contacts
from tests.faults.simulated.world import DAY, HOUR, MINUTE, Deed, World

PAUSED = "claims were in hand when their campaign was paused"
SKIPPED = "a contact was skipped who was planned and not dialled yet"
FORGED = "a report was forged"
CLOSED = "the window closed while a campaign was held back or nobody dispatched"
ABSENT = "nobody dispatched for a while"
SET = "the clock was set under a dispatcher"


# ------------------------------------------------------------ holding back


def pause(world: World, campaign_id: str) -> None:
    """Pause a campaign."""
    claims = claims_of(world, campaign_id)
    pausing.pause(world.home, world.ledger, campaign_id, world.clock.now())
    world.note("paused", campaign_id)
    world.meet(PAUSED, int(claims > 0))


def pause_all(world: World, campaign_id: str) -> None:  # noqa: ARG001 - all there are
    """Hold every campaign back: the emergency stop."""
    live = world.those_in("scheduled", "active")
    claims = [claims_of(world, each) for each in live]
    pausing.pause_all(world.home, world.ledger, world.clock.now())
    for each in live:
        world.note("paused", each)
    world.meet(PAUSED, sum(count > 0 for count in claims))


def resume(world: World, campaign_id: str) -> None:
    """Let a campaign go on."""
    campaigns.resume(world.ledger, campaign_id, world.clock.now())
    world.note("resumed", campaign_id)


def cancel(world: World, campaign_id: str) -> None:
    """End a campaign for good."""
    claims = claims_of(world, campaign_id)
    pausing.cancel(world.home, world.ledger, campaign_id, world.clock.now())
    world.note("paused", campaign_id)
    world.meet(PAUSED, int(claims > 0))


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


def claims_of(world: World, campaign_id: str) -> int:
    """Return how many calls of a campaign are claimed and not noted yet."""
    with world.ledger.session() as session:
        return session.read("list_claims_of_campaign", campaign_id=campaign_id, stopped_at=None).height


# ------------------------------------------------------------ true and false words


def look_up_and_settle(world: World, campaign_id: str) -> None:
    """Look at the provider how the unknown calls of a campaign ended, and say so of those that did.

    Now and then a person knows better than the provider.
    """
    with world.ledger.session() as session:
        apply_journal(session, Journal(world.home.journal), world.clock.now())
        calls = session.read("list_calls", campaign_id=campaign_id).filter(state="unknown")
    for contact_id, attempt in calls.select("contact_id", "attempt").iter_rows():
        key = (campaign_id, contact_id, attempt)
        outcome = world.network.ended_as(key)
        if outcome is None:
            continue
        if world.draws.random() < 0.2:
            outcome = world.draws.choice(OUTCOMES)
        settle(world.home, world.ledger, campaign_id, contact_id, outcome, world.clock.now())
        world.note("settled", (key, outcome))


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


# ------------------------------------------------------------ absences, the clock


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
