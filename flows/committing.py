"""Committing a publication: one transaction that names its file and says what becomes of every contact."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from flows.archiving import past_files
from flows.campaigns import LATE_LIMIT, StoredCampaign, complete_campaigns, find_campaign, set_settings
from flows.errors import WorkError
from flows.ledger import Session
from flows.plan_store import PlanFile
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.days import first_day_cap
from transforms.preflight import ASSUMED_CALL
from transforms.standing import carried_slots, waiting_for_slots
from transforms.wall_clock import to_local

_ATTEMPT = ["contact_id", "attempt"]


class OutdatedError(WorkError):
    """Something came between computing a publication and committing it, so it has to be computed again."""


@dataclass(frozen=True)
class Publication:
    """A version of a campaign's plan that is to be written and committed.

    ``kind`` is ``replaces`` or ``adds``; ``snapshot`` the contacts of the list; ``next_state`` what the
    campaign is afterwards; ``listed_count`` how many of the list, from its beginning, belong to the campaign
    then. ``change_id`` names the hold on its claims that an edit has taken. ``redated`` has the calls
    (``contact_id``, ``attempt``) that are on another ``call_date`` by the clock of the new settings.
    ``looked_after`` (``plan_version``, ``missed_from``, ``staged_until``) has the versions whose passed-over
    slots it plans anew. ``partly`` allows that some find no date; ``waiting`` (``contact_id``, ``attempt``)
    are those of whom that is known already. ``call_lasts`` is how long a call is taken to last.
    ``past_files`` says into how many files calls had left when it was computed.
    """

    stored: StoredCampaign
    settings: Campaign
    brief: Brief
    kind: str
    based_on: int
    snapshot: Path
    dialer: str
    next_state: str
    listed_count: int
    change_id: str | None = None
    redated: pl.DataFrame | None = None
    looked_after: pl.DataFrame | None = None
    partly: bool = False
    waiting: pl.DataFrame | None = None
    call_lasts: timedelta = ASSUMED_CALL
    past_files: int = 0


@dataclass(frozen=True)
class Fates:
    """What a version makes of those who were due; frames of ``contact_id`` and ``attempt``.

    ``placed`` have a slot in it, ``left`` found no date, ``dropped`` cannot be called any more; ``first``
    counts its first attempts, ``fresh`` those of contacts who are new to the plan.
    """

    placed: pl.DataFrame
    left: pl.DataFrame
    dropped: pl.DataFrame
    first: int
    fresh: int

    def leave_all_waiting(self, waiting: pl.DataFrame | None) -> bool:
        """Return whether nothing becomes of anybody, but that those who are ``waiting`` wait on."""
        if waiting is None or not self.placed.is_empty() or not self.dropped.is_empty():
            return False
        return self.left.join(waiting, on=_ATTEMPT, how="anti").is_empty()

    @property
    def hindrance(self) -> str | None:
        """Return what keeps those without a slot from getting one, in words."""
        waiting = _first(self.left).height
        return f"{waiting:,} contacts missed their slot and no date has room for them" if waiting else None


def fates(brief: Brief, plan: pl.LazyFrame, excluded: pl.DataFrame) -> Fates:
    """Return what a version with the rows ``plan`` makes of those whom its brief was to place."""
    due = waiting_for_slots(brief.standing).collect()
    carried = carried_slots(brief.standing).select(_ATTEMPT).collect()
    waiting = pl.concat([due, carried])
    slots = plan.select(_ATTEMPT).join(waiting.lazy(), on=_ATTEMPT, how="semi").collect()
    without = due.join(slots, on=_ATTEMPT, how="anti")
    first = plan.filter(pl.col("attempt") == 1).select(pl.len()).collect().item()
    return Fates(
        placed=slots,
        left=without.join(excluded, on="contact_id", how="anti"),
        dropped=without.join(excluded, on="contact_id", how="semi"),
        first=first,
        fresh=first - slots.filter(pl.col("attempt") == 1).height,
    )


def commit(
    session: Session,
    publication: Publication,
    published: PlanFile,
    fate: Fates,
    excluded: pl.DataFrame,
    contacts_hash: str,
    now: datetime,
) -> None:
    """Make a published file a version of its campaign.

    Raises:
        OutdatedError: another version, a skip, a change of state or of settings, or a call came since it was
            computed, or calls were archived.
    """
    _refuse_outdated(session, publication, fate)
    take_up(session, publication, published, fate, excluded.height, contacts_hash, published_at=now, now=now)
    complete_campaigns(session, now)


def take_up(
    session: Session,
    publication: Publication,
    published: PlanFile,
    fate: Fates,
    excluded: int,
    contacts_hash: str,
    *,
    published_at: datetime,
    now: datetime,
) -> None:
    """Have the ledger know a version, and what it makes of everybody; a recovery does the same again.

    ``published_at`` is the time of the clock by which it was computed: it may have been ahead.

    Raises:
        OutdatedError: another version came meanwhile, or the campaign is in another state.
    """
    stored = publication.stored
    _add_version(session, publication, published, excluded, contacts_hash, published_at)
    if publication.kind == "replaces":
        set_settings(session, stored.campaign_id, publication.settings)
        _replace(session, publication)
        session.announce()  # claims of the versions before are not to be dialled any more
    _note_waiting(session, publication, fate, now)
    _note_schedule(session, publication, fate, excluded, now)
    if publication.looked_after is not None:
        settle_passed_over(session, stored.campaign_id, publication.looked_after, now)
    session.write("delete_skipped_pending", campaign_id=stored.campaign_id)
    session.write("add_campaign_events", changed_at=now)


def settle_passed_over(session: Session, campaign_id: str, versions: pl.DataFrame, now: datetime) -> None:
    """Note that the passed-over slots of ``versions`` have been looked after."""
    seen = versions.select("plan_version", "missed_from", "staged_until")
    session.write(
        "settle_passed_over", ("looked_after", seen), campaign_id=campaign_id, callable_from=now - LATE_LIMIT
    )


def _refuse_outdated(session: Session, publication: Publication, fate: Fates) -> None:
    stored, campaign_id = publication.stored, publication.stored.campaign_id
    skips = session.read("list_skips", campaign_id=campaign_id).height
    if skips != publication.brief.skipped.height:
        raise OutdatedError(f"{stored.name}: somebody was skipped meanwhile")
    handled = pl.concat([fate.placed, fate.left, fate.dropped])
    started = session.read("count_started", ("planned", handled), campaign_id=campaign_id).item()
    if started:
        raise OutdatedError(f"{stored.name}: a call was started meanwhile")
    if past_files(session, campaign_id) != publication.past_files:
        raise OutdatedError(f"{stored.name}: calls were archived meanwhile")
    if find_campaign(session, campaign_id).settings != stored.settings:
        raise OutdatedError(f"{stored.name}: its settings were changed meanwhile")
    if publication.kind == "replaces":
        _refuse_other_calls(session, publication)
    if publication.change_id is not None and not session.write(
        "end_change", campaign_id=campaign_id, change_id=publication.change_id
    ):
        raise OutdatedError(f"{stored.name}: somebody else began to change it meanwhile")


def _refuse_other_calls(session: Session, publication: Publication) -> None:
    """Refuse a plan that leaves somebody out, or plans somebody twice, because claims changed meanwhile.

    A claim that goes back leaves its contact to a slot of a version that is being replaced, and the new one
    took the call for started. When the hold on the claims lapses, others begin.
    """
    name, campaign_id = publication.stored.name, publication.stored.campaign_id
    started = publication.brief.standing.filter(pl.col("kind") == "started").select(_ATTEMPT).collect()
    calls = session.read("list_standing_calls", campaign_id=campaign_id)
    waiting = session.read("list_pending", campaign_id=campaign_id)
    if not waiting.join(started, on=_ATTEMPT, how="semi").is_empty():
        raise OutdatedError(f"{name}: a call went back to its slot meanwhile")
    if not calls.join(started, on=_ATTEMPT, how="anti").is_empty():
        raise OutdatedError(f"{name}: a call was claimed meanwhile")


def _add_version(
    session: Session,
    publication: Publication,
    published: PlanFile,
    excluded: int,
    contacts_hash: str,
    published_at: datetime,
) -> None:
    added = session.write(
        "add_plan_version",
        campaign_id=publication.stored.campaign_id,
        plan_version=publication.brief.edition.plan_version,
        based_on=publication.based_on,
        kind=publication.kind,
        file=published.name,
        sha256=published.sha256,
        contacts_hash=contacts_hash,
        row_count=published.rows,
        excluded_count=excluded,
        first_at=published.first_at,
        last_at=published.last_at,
        published_at=published_at,
    )
    if not added:
        raise OutdatedError(f"{publication.stored.name}: another version was published meanwhile")


def _replace(session: Session, publication: Publication) -> None:
    """Take everything off the stage and the waiting list that the new version plans anew or no more."""
    campaign_id = publication.stored.campaign_id
    session.write("delete_slots", campaign_id=campaign_id)
    session.write("delete_first_waiting", campaign_id=campaign_id)
    session.write("delete_beyond_attempts", campaign_id=campaign_id)
    known = publication.brief.skipped.select("contact_id")
    session.write("settle_skips", ("known_skip", known), campaign_id=campaign_id)
    if publication.redated is not None:
        session.write("redate_calls", ("redated", publication.redated), campaign_id=campaign_id)


def _note_waiting(session: Session, publication: Publication, fate: Fates, now: datetime) -> None:
    """Note whose slot counts from now on, who waits on, and whose further attempt is not made."""
    campaign_id, number = publication.stored.campaign_id, publication.brief.edition.plan_version
    handled = pl.concat([fate.placed, fate.left, fate.dropped])
    if handled.is_empty():
        return
    session.write("delete_replanned", ("planned", handled), campaign_id=campaign_id, plan_version=number)
    session.write("delete_waiting", ("planned", handled), campaign_id=campaign_id)
    again = fate.placed if publication.kind == "adds" else fate.placed.filter(pl.col("attempt") > 1)
    for planned, plan_version in ((again, number), (_first(fate.left), None)):
        session.write(
            "add_waiting",
            ("planned", planned),
            campaign_id=campaign_id,
            plan_version=plan_version,
            ripe_at=now,
        )
    for lapsed, reason in (
        (fate.left, "no date has room for a further attempt"),
        (fate.dropped, "the contact cannot be called any more"),
    ):
        further = lapsed.filter(pl.col("attempt") > 1)
        session.write(
            "add_lapsed_events", ("lapsed", further), campaign_id=campaign_id, reason=reason, now=now
        )


def _first(attempts: pl.DataFrame) -> pl.DataFrame:
    return attempts.filter(pl.col("attempt") == 1)


def _note_schedule(
    session: Session, publication: Publication, fate: Fates, excluded: int, now: datetime
) -> None:
    stored, campaign, starts_at = publication.stored, publication.settings, publication.brief.starts_at
    first_date = to_local(campaign.timezone, starts_at).date()
    if publication.kind == "replaces":
        called = int(session.read("count_called", campaign_id=stored.campaign_id).item())
        contacts = called + fate.first
    else:
        contacts = stored.contact_count + fate.fresh - _first(fate.dropped).height
        excluded += stored.excluded_count
    noted = session.write(
        "set_schedule",
        campaign_id=stored.campaign_id,
        seen=stored.state,
        state=publication.next_state,
        starts_at=starts_at,
        dialer=publication.dialer,
        contact_count=contacts,
        excluded_count=excluded,
        listed_count=publication.listed_count,
        first_date=first_date,
        first_date_cap=first_day_cap(campaign, first_date, starts_at),
        hindrance=fate.hindrance,
        now=now,
    )
    if not noted:
        raise OutdatedError(f"{stored.name}: its state changed meanwhile")
