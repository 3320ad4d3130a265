"""Looking after those without a slot: missed ones are planned again, and retries whose delay is over."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from flows.briefing import Found, find, given_up_slots, replan_brief
from flows.campaigns import LATE_LIMIT, find_campaign, hinder
from flows.committing import Publication, settle_passed_over
from flows.contact_store import current_snapshot
from flows.damage import fail_damaged, naming_damage
from flows.database import BusyError
from flows.errors import CallplanError, DamagedFileError, WorkError
from flows.home import Home
from flows.ledger import Ledger
from flows.progress import silent
from flows.publishing import NobodyPlacedError, WrittenPlan, publish, publishing
from transforms.campaign import Campaign
from transforms.standing import waiting_for_slots

LOOK_AGAIN = timedelta(minutes=1)
"""How long a campaign is left alone after it was looked after."""

LOOK_AGAIN_HINDERED = timedelta(minutes=10)
"""The same where some found no date: only an edit or a skip makes room for them."""


@dataclass(frozen=True)
class Replanned:
    """A version that gave slots to those of a campaign who waited for one; ``settings`` are what it obeys."""

    campaign_id: str
    settings: Campaign
    written: WrittenPlan


@dataclass
class LookedAfter:
    """What comes of looking after campaigns: the versions that were published, and what hindered others.

    Whoever sets ``is_enough`` has the campaigns that have not begun left alone.
    """

    plans: list[Replanned] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_enough: bool = False


def campaigns_to_replan(ledger: Ledger, now: datetime) -> list[str]:
    """Return the campaigns in which somebody waits for a slot that can be looked for now."""
    with ledger.session() as session:
        found = session.read(
            "list_to_replan",
            now=now,
            late_limit=LATE_LIMIT,
            look_again=LOOK_AGAIN,
            look_again_hindered=LOOK_AGAIN_HINDERED,
        )
    return found["campaign_id"].to_list()


def replan(home: Home, ledger: Ledger, campaign_id: str, now: datetime) -> Replanned | None:
    """Publish an adding version for those of a campaign who missed their slot or are to be tried again.

    Whoever finds no date waits on, or, on a further attempt, keeps the last outcome. Nothing is published,
    and this returns None, where it turns out that nobody needs a slot, where all who do have waited before
    and still find no date, where somebody has paused or cancelled the campaign, and while somebody else
    publishes a version: nobody waits for that.

    Raises:
        DamagedFileError: a plan, a past day or the list cannot be read.
        WorkError: the list is gone, or somebody else keeps coming in between.
    """
    try:
        with naming_damage(home, ledger, campaign_id):
            return publishing(
                home, ledger, campaign_id, now, lambda: _replan(home, ledger, campaign_id, now), waits=False
            )
    except BusyError:
        return None


def look_after(
    home: Home, ledger: Ledger, campaigns: Iterable[str], now: datetime, found: LookedAfter
) -> None:
    """Replan each of the campaigns; one that cannot be is noted with the reason, and the others go on.

    What comes of it is in ``found`` as soon as it is there.
    """
    for campaign_id in campaigns:
        if found.is_enough:
            return
        try:
            replanned = replan(home, ledger, campaign_id, now)
        except Exception as error:  # whatever it was, it is told, and the others are looked after
            problem = str(error) if isinstance(error, CallplanError) else f"planning anew failed: {error!r}"
            found.problems.append(problem)
            _hold_up(home, ledger, campaign_id, error, problem, now)
        else:
            found.plans += [] if replanned is None else [replanned]


def _hold_up(
    home: Home, ledger: Ledger, campaign_id: str, error: Exception, problem: str, now: datetime
) -> None:
    """Note why a campaign could not be looked after: it has failed where a file of it is damaged."""
    if isinstance(error, DamagedFileError):
        fail_damaged(home, ledger, campaign_id, problem, now)
    else:
        hinder(ledger, campaign_id, problem, now)


def _replan(home: Home, ledger: Ledger, campaign_id: str, now: datetime) -> Replanned | None:
    with ledger.session() as session:
        stored = find_campaign(session, campaign_id)
        found = find(home, session, stored, now, looking_ahead=True)
    if stored.state not in ("scheduled", "active"):
        return None  # paused or cancelled meanwhile: nobody is to be called
    if stored.starts_at is None or stored.dialer is None or stored.settings.contact_list is None:
        raise WorkError(f"{stored.name}: was never scheduled")
    brief = replan_brief(home, found, stored.starts_at, now)
    if waiting_for_slots(brief.standing).head(1).collect().is_empty():
        _look_away(home, ledger, found, now)
        return None
    publication = Publication(
        stored=stored,
        settings=stored.settings,
        brief=brief,
        kind="adds",
        based_on=found.last_version,
        snapshot=current_snapshot(home, stored.settings.contact_list),
        dialer=stored.dialer,
        next_state=stored.state,
        listed_count=stored.listed_count,
        looked_after=found.passed_over,
        partly=True,
        waiting=found.pending.filter(pl.col("attempt") == 1, pl.col("plan_version").is_null()),
        past_files=found.past_files,
    )
    try:
        written = publish(home, ledger, publication, now, silent)
    except NobodyPlacedError as nobody:
        _look_away(home, ledger, found, now, hindrance=str(nobody))
        return None
    return Replanned(campaign_id, stored.settings, written)


def _look_away(home: Home, ledger: Ledger, found: Found, now: datetime, hindrance: str | None = None) -> None:
    campaign_id, out = found.stored.campaign_id, given_up_slots(home, found)
    with ledger.session() as session:
        if not out.is_empty():
            session.write("delete_given_up", ("given_up", out), campaign_id=campaign_id)
        settle_passed_over(session, campaign_id, found.passed_over, now)
        session.write("set_replanned", campaign_id=campaign_id, hindrance=hindrance, now=now)
