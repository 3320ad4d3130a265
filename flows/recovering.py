"""Recovering a lost or damaged ledger from what outlives it: plan files, the dial journal, the lists.

What happened happens again: the entries of the journal are applied in order, and every version of a plan is
taken up where the journal first knows of it, by the same statements as then. Every campaign that had a plan
comes back paused, so that a person looks before anybody is called; one that had ended comes back ended.
Drafts are nowhere else and are lost. What the journal does not know would be called again: where anything
says that it lacks calls, nothing is recovered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows.applying import apply_entries
from flows.campaigns import (
    LATE_LIMIT,
    add_campaign,
    chosen_dialer,
    complete_campaigns,
    find_campaign,
    set_settings,
    set_state,
    state_once_published,
)
from flows.changes import Changes
from flows.committing import Publication, fates, take_up
from flows.damage import archived_files
from flows.database import DatabaseFile, locked
from flows.errors import WorkError
from flows.home import Home
from flows.journal import DamagedJournalError, Entry, Journal
from flows.ledger import Ledger, Session
from flows.owners import living
from flows.plan_store import described, planned_rows
from flows.progress import Progress, silent
from flows.surviving import Surviving, SurvivingPlan, Version, lacking_calls, looked_for, surviving_plans
from transforms.replan import counting_slots
from transforms.standing import redated

_ATTEMPT = ["contact_id", "attempt"]
_LIVE = ("scheduled", "active", "paused")
_TOLD = {"campaign_id": pl.String(), "plan_version": pl.Int32()}
_REASON = "its ledger was recovered"


@dataclass(frozen=True)
class Recovered:
    """What came back: campaigns, their versions, and the calls that the journal knows of.

    ``lost`` says which campaigns do not come back, and why; ``left_out`` which plan files of the others are
    not taken up.
    """

    campaigns: int
    versions: int
    calls: int
    lost: list[str]
    left_out: list[str]
    set_aside: Path | None


def recover(home: Home, now: datetime, progress: Progress = silent) -> Recovered:
    """Build the ledger anew and put it in the place of the old one, which is set aside.

    Raises:
        WorkError: a dispatcher is running, somebody changes something meanwhile, or the journal is damaged or
            lacks calls that were made.
        BusyError: somebody else is recovering it.
        InputError: a campaign's dialer is not known; ``CALLPLAN_DIALER`` can name it.
    """
    _refuse_running(home)
    with locked(home.path / "recovering.lock", waits=False):
        journal = Journal(home.journal)
        _refuse_shorter(home, journal)
        entries, files = journal.entries_after(0), _plan_files(home)
        found = surviving_plans(home, entries, progress)
        part = home.path / "ledger-recovered.duckdb"
        DatabaseFile(part).remove()
        try:
            with Ledger(part, changes=Changes(None)).session() as session:  # nobody waits for its changes
                _build(session, home, entries, found, now, progress)
                calls = session.read("copy_call").height
            aside = home.ledger.with_name(f"{home.ledger.stem}.before-{now:%Y%m%dT%H%M%S.%f}.duckdb")
            was_there = DatabaseFile(home.ledger).replace_with(
                DatabaseFile(part), aside, lambda: _refuse_changed(home, journal, entries, files)
            )
        finally:
            DatabaseFile(part).remove()
    lost = [f"campaign {campaign_id} does not come back: {why}" for campaign_id, why in found.lost.items()]
    for sentence in [*found.left_out, *lost]:
        progress(sentence)
    versions = sum(len(plan.versions) for plan in found.plans)
    return Recovered(len(found.plans), versions, calls, lost, found.left_out, aside if was_there else None)


def _refuse_running(home: Home) -> None:
    running = living(home.owners)
    if running:
        raise WorkError(f"{running[0]} is running; end it before the ledger is recovered")


def _refuse_shorter(home: Home, journal: Journal) -> None:
    """Refuse a journal that lacks entries which the old ledger, as far as it can be read, has applied."""
    if not home.ledger.exists():
        return
    try:
        with Ledger(home.ledger).session() as session:
            applied = int(session.read("find_version")["journal_sequence"].item())
    except (WorkError, duckdb.Error, OSError):  # it is damaged, which is why it is recovered
        return
    try:
        journal.entries_after(applied)
    except DamagedJournalError as error:
        raise lacking_calls(str(error)) from error


def _plan_files(home: Home) -> list[Path]:
    return sorted(home.plans.glob("*/*.parquet"))


def _refuse_changed(home: Home, journal: Journal, entries: list[Entry], files: list[Path]) -> None:
    """Refuse where a dispatcher, or a change of a person, came since ``entries`` and ``files`` were read."""
    _refuse_running(home)
    if journal.entries_after(entries[-1].sequence if entries else 0) or _plan_files(home) != files:
        raise WorkError("something was changed while the ledger was recovered; nothing is lost, try again")


def _build(
    session: Session,
    home: Home,
    entries: list[Entry],
    found: Surviving,
    now: datetime,
    progress: Progress,
) -> None:
    """Fill a new ledger."""
    for plan in found.plans:
        add_campaign(session, plan.campaign_id, plan.versions[0].campaign, now)
    progress(f"going through {len(entries):,} entries of the dial journal")
    told: dict[str, int] = {}
    for happened, came in _in_order(entries, found.plans):
        if happened:  # what they tell of the versions so far is newer than these
            session.write("set_told", ("told", pl.DataFrame([*told.items()], schema=_TOLD, orient="row")))
            apply_entries(session, happened, now, found.lost)
        for plan, version in came:
            _take_up(session, plan, version, now)
            told[plan.campaign_id] = version.number
    _end_owners(session, now)
    for plan in found.plans:
        _refuse_unknown_past(session, home, plan.campaign_id)
        _redate(session, plan)
        if find_campaign(session, plan.campaign_id).state in _LIVE:
            _pass_over(session, plan, now)
    complete_campaigns(session, now)


def _in_order(
    entries: list[Entry], plans: list[SurvivingPlan]
) -> Iterator[tuple[list[Entry], list[tuple[SurvivingPlan, Version]]]]:
    """Yield entries of the journal with the versions that came into force after them, in order."""
    first = entries[0].sequence if entries else 0
    came: dict[int, list[tuple[SurvivingPlan, Version]]] = {}
    for plan in plans:
        for version in plan.versions:
            place = len(entries) if version.known_from is None else version.known_from - first
            came.setdefault(place, []).append((plan, version))
    begun = 0
    for place in sorted(came):
        yield entries[begun:place], came[place]
        begun = place
    yield entries[begun:], []


def _take_up(session: Session, plan: SurvivingPlan, version: Version, now: datetime) -> None:
    """Take a version up as when it was published, and hold its campaign back."""
    brief, campaign_id = version.brief, plan.campaign_id
    skipped = brief.skipped.with_columns(
        campaign_id=pl.lit(campaign_id), skipped_at=pl.lit(now), plan_version=pl.lit(None, pl.Int32)
    )
    session.write("take_up_skips", ("skipped", skipped))  # the journal may not have been told of some
    stored = find_campaign(session, campaign_id)
    publication = Publication(
        stored=stored,
        settings=version.campaign,
        brief=brief,
        kind=version.kind,
        based_on=version.number - 1,
        snapshot=Path(),  # it is written already
        dialer=(version.campaign.dialer or chosen_dialer(version.campaign)).value,
        next_state=state_once_published(stored.state),
        listed_count=plan.listed_count,
    )
    excluded = version.excluded.collect()
    fate = fates(brief, pl.scan_parquet(version.file), excluded)
    set_settings(session, campaign_id, version.campaign)
    take_up(
        session,
        publication,
        described(version.file, version.name),
        fate,
        excluded.height,
        version.contacts_hash,
        published_at=brief.from_at,
        now=now,
    )
    if version.kind == "replaces":
        _return_claims(session, version, now)
    if publication.next_state != stored.state:
        set_state(session, find_campaign(session, campaign_id), "paused", now, _REASON)


def _return_claims(session: Session, version: Version, now: datetime) -> None:
    """Have those wait for a slot who were claimed when a version replaced theirs, and were not dialled.

    All that was ever dialled is in the journal. A dial that it notes later is no claim any more by then.
    """
    of: dict[str, Any] = {"campaign_id": version.brief.edition.campaign_id}
    called = session.read("list_standing_calls", **of)
    skipped = session.read("list_skips", **of)
    claimed = (
        version.brief.standing.filter(
            pl.col("kind") == "started", pl.col("attempt") <= version.campaign.retry.max_attempts
        )
        .join(called.lazy(), on=_ATTEMPT, how="anti")
        .join(skipped.lazy(), on="contact_id", how="anti")
        .select(_ATTEMPT)
        .collect()
    )
    session.write("delete_waiting", ("planned", claimed), **of)
    session.write("add_waiting", ("planned", claimed), **of, plan_version=None, ripe_at=now)
    count = find_campaign(session, of["campaign_id"]).contact_count
    first = claimed.filter(pl.col("attempt") == 1).height
    session.write("set_contact_count", **of, contact_count=count + first)


def _refuse_unknown_past(session: Session, home: Home, campaign_id: str) -> None:
    """Refuse a journal that lacks calls of days that are over: they are archived elsewhere."""
    files = archived_files(home, campaign_id)
    if not files:
        return
    made = pl.scan_parquet(files).select(_ATTEMPT)
    called = session.read("list_standing_calls", campaign_id=campaign_id)
    if not made.join(called.lazy(), on=_ATTEMPT, how="anti").head(1).collect().is_empty():
        raise lacking_calls(f"{home.journal}: the dial journal lacks calls that {files[0].parent} has")


def _redate(session: Session, plan: SurvivingPlan) -> None:
    """Put the calls on the dates of the campaign's clock: they were noted by the one that it had then."""
    called = session.read("list_standing_calls", campaign_id=plan.campaign_id)
    session.write(
        "redate_calls",
        ("redated", redated(called, plan.versions[-1].campaign.timezone).select(*_ATTEMPT, "call_date")),
        campaign_id=plan.campaign_id,
    )


def _end_owners(session: Session, now: datetime) -> None:
    """Note that whoever has a call open has stopped: nobody lives, or there would be no recovery."""
    for owner_id in session.read("list_claim_owners")["owner_id"]:
        session.write("add_owner", owner_id=owner_id, host="", pid=0, boot_id="", now=now)
        session.write("end_owner", owner_id=owner_id, now=now)


def _pass_over(session: Session, plan: SurvivingPlan, now: datetime) -> None:
    """Have those wait for another slot whose slot is long past, and stage only what comes after.

    A version of the current plan may have looked for another slot before; a further attempt that then found
    none is not made.
    """
    of: dict[str, Any] = {"campaign_id": plan.campaign_id}
    until = now - LATE_LIMIT
    called = session.read("list_standing_calls", **of)
    waiting = session.read("list_pending", **of)
    first, *later = plan.current
    leaving_out = {version.number: version.file for version in later}
    current = planned_rows([first.file, *leaving_out.values()], leaving_out)
    missed = (
        counting_slots(current.filter(pl.col("scheduled_at") < until), called.lazy(), waiting.lazy())
        .join(looked_for(plan.current).lazy(), on=_ATTEMPT, how="left")
        .filter(pl.col("looked_for_by").fill_null(0) <= pl.col("plan_version"))
        .select(_ATTEMPT)
        .collect()
    )
    session.write("delete_waiting", ("planned", missed), **of)
    session.write("add_waiting", ("planned", missed), **of, plan_version=None, ripe_at=now)
    session.write("delete_skipped_pending", **of)
    session.write("pass_over", **of, staged_until=until)
