"""Where campaigns and calls stand, and why nothing is being delivered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from flows.applying import refuse_outdated
from flows.archiving import past_calls
from flows.briefing import current_plan
from flows.campaigns import LATE_LIMIT, StoredCampaign
from flows.contact_store import current_lists
from flows.damage import UNREADABLE, refuse_without_plans
from flows.dialers import unready_dialers
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger, Session
from flows.owners import Living, is_lost, living
from flows.plan_store import EXCLUDED_SUFFIX, companion
from flows.settling import OUTCOMES
from transforms.replan import counting_slots, latest_versions
from transforms.schemas import CONTACTS
from transforms.wall_clock import to_local

CALL_STATES = ("scheduled", "claimed", "in_progress", *OUTCOMES, "unknown", "skipped", "cancelled")
"""The states in which calls are listed."""

_ALL_READY: Mapping[str, str] = {}

OVERDUE = timedelta(minutes=1)
"""How long a call that nothing holds back may wait before ``status`` tells of it."""


@dataclass(frozen=True)
class Standing:
    """Every campaign's counts (``campaigns``, one row each), the held slots and the living dispatchers.

    ``held`` (``campaign_id``, ``held_because``, ``slots``) counts the due slots that something holds back.
    ``gone_back`` (``campaign_id``, ``calls``, ``reason``) counts calls that were claimed and not made lately.
    ``overdue`` (``campaign_id``, ``slots``, ``unread_since``) is what nobody has looked after for long.
    ``lost`` names those who have calls open, but of whom nobody can tell whether they live. ``refusal`` says
    why nothing at all may be dispatched; ``untaken`` why the ledger's log could not be taken in;
    ``unready`` why dialers cannot be used here, by name.
    """

    campaigns: pl.DataFrame
    held: pl.DataFrame
    gone_back: pl.DataFrame
    overdue: pl.DataFrame
    dispatchers: list[Living]
    lost: list[str]
    refusal: str | None
    untaken: str | None
    unready: dict[str, str]

    @property
    def stopped(self) -> list[Living]:
        """The dispatchers whose process a signal has stopped."""
        return [owner for owner in self.dispatchers if owner.is_stopped]


def standing(home: Home, ledger: Ledger, now: datetime) -> Standing:
    """Return where all campaigns stand at ``now``."""
    with ledger.session() as session:
        counts = session.read("list_campaigns")
        held = held_back(session, now)
        gone_back = session.read("list_gone_back", since=now - LATE_LIMIT)
        overdue = session.read("list_overdue", now=now, since=now - OVERDUE, late_limit=LATE_LIMIT)
        refusal = _refusal(home, session, any_planned=counts["plan_version"].count() > 0)
        owners = session.read("list_claim_owners").filter(~pl.col("has_ended"))["owner_id"]
    lost = [owner_id for owner_id in owners if is_lost(home.owners, owner_id)]
    of_campaign = held.group_by("campaign_id", maintain_order=True).agg(
        pl.col("held_because").first(), held_count=pl.col("slots").sum()
    )
    campaigns = counts.join(of_campaign, on="campaign_id", how="left", maintain_order="left").with_columns(
        pl.col("held_count").fill_null(0)
    )
    dispatchers, unready = living(home.owners), unready_dialers()
    return Standing(campaigns, held, gone_back, overdue, dispatchers, lost, refusal, ledger.untaken, unready)


def _refusal(home: Home, session: Session, *, any_planned: bool) -> str | None:
    """Return why the dial journal and the ledger do not go together, or that the plans are away."""
    try:
        refuse_outdated(session, Journal(home.journal))
        if any_planned:
            refuse_without_plans(home)
    except WorkError as error:
        return str(error)
    return None


def held_back(session: Session, now: datetime, unready: Mapping[str, str] = _ALL_READY) -> pl.DataFrame:
    """Count the due calls that something holds back, as ``due_calls`` has them.

    Grain: one row per campaign and reason, ``campaign_id``, ``held_because`` and ``slots``. Order: campaign,
    the most first.
    """
    due = due_calls(session, now, unready)
    return (
        due.filter(pl.col("held_because").is_not_null())
        .group_by("campaign_id", "held_because")
        .agg(slots=pl.len())
        .sort("campaign_id", "slots", descending=[False, True])
    )


_COUNTS_NO_MORE = (
    "its plan version was replaced",
    "a later version plans it anew",
    "it waits for another slot",
    "this attempt has been made",
    "the contact is skipped",
)
"""What ``due_slots`` says of slots that nobody waits for: they are not held back."""


def due_calls(session: Session, now: datetime, unready: Mapping[str, str] = _ALL_READY) -> pl.DataFrame:
    """Return what has fallen due, and what holds it back, as ``list_due`` does, but for slots of the past.

    Calls through a dialer that is ``unready``, by its name and why, are held for that.
    """
    due = session.read("list_due", now=now, late_limit=LATE_LIMIT)
    counts = due.filter(~pl.col("held_because").is_in(_COUNTS_NO_MORE).fill_null(value=False))
    of_dialer = {name: f"its dialer {name} {why}" for name, why in unready.items()}
    because = pl.col("dialer").replace_strict(of_dialer, default=None, return_dtype=pl.String)
    return counts.with_columns(pl.coalesce("held_because", because)).drop("dialer")


def reasons(campaign: dict[str, object], found: Standing, now: datetime) -> list[str]:
    """Return why nothing is being delivered for a campaign, or what will be next; a sentence each."""
    state = campaign["state"]
    if state == "draft":
        return ["it is a draft: callplan schedule plans it"]
    if state == "paused":
        why = f" because {campaign['reason']}" if campaign["reason"] else ""
        return [f"it is paused{why}: callplan resume lets it go on", *_open_questions(campaign)]
    if state in ("completed", "cancelled", "failed"):
        return [f"it is {state}" + (f": {campaign['reason']}" if campaign["reason"] else "")]
    told = [] if found.refusal is None else [found.refusal]
    if found.untaken is not None:
        told.append(
            f"the ledger's log cannot be taken in and slows every tick while it grows: {found.untaken}"
        )
    dialer = str(campaign["dialer"])
    if dialer in found.unready:
        told.append(f"its dialer {dialer} {found.unready[dialer]}")
    if not found.dispatchers:
        told.append("no dispatcher is running: callplan dispatch places what is due")
    told += _overdue(campaign, found)
    told += [f"{owner} is stopped; the calls it has in hand wait for it" for owner in found.stopped]
    lost = found.lost if campaign["in_flight_count"] else []
    told += [
        f"dispatcher {owner_id[:8]} has calls open and no file in the store's folder owners: whether it "
        "lives cannot be told, so they wait; end every dispatcher and use callplan recover"
        for owner_id in lost
    ]
    told += _open_questions(campaign)
    mine = found.held.filter(pl.col("campaign_id") == campaign["campaign_id"])
    told += [
        f"{slots:,} due calls are held: {why}"
        for why, slots in zip(mine["held_because"], mine["slots"], strict=True)
    ]
    back = found.gone_back.filter(pl.col("campaign_id") == campaign["campaign_id"])
    told += [
        f"{calls:,} calls went back to their slots in the last five minutes: {why}"
        for calls, why in back.select("calls", "reason").iter_rows()
    ]
    if campaign["hindrance"]:
        told.append(str(campaign["hindrance"]))
    first_at = campaign["first_at"]
    if isinstance(first_at, datetime) and now < first_at:
        told.append(f"its {'next' if campaign['final_count'] else 'first'} slot has not fallen due")
    return told


def _overdue(campaign: dict[str, object], found: Standing) -> list[str]:
    """Return what the dispatchers that run do not look after, and what that can come from."""
    if not found.dispatchers:
        return []
    told, they = [], " or ".join(map(str, found.dispatchers))
    mine = found.overdue.filter(pl.col("campaign_id") == campaign["campaign_id"])
    for slots, unread_since in mine.select("slots", "unread_since").iter_rows():
        if slots:
            told.append(
                f"{slots:,} calls have been due for more than a minute, and nobody has claimed them: {they} "
                f"has only just begun, has no access to {campaign['dialer']}, or hangs"
            )
        if unread_since is not None:
            since = to_local(str(campaign["timezone"]), unread_since)
            told.append(
                f"nobody has looked for its slots after {since:%Y-%m-%d %H:%M%z}: {they} has only just "
                "begun, or hangs"
            )
    return told


def _open_questions(campaign: dict[str, object]) -> list[str]:
    deadline_at = campaign["unknown_until"]
    if not isinstance(deadline_at, datetime):
        return []
    until = to_local(str(campaign["timezone"]), deadline_at)
    return [f"{campaign['open_count']:,} calls are unknown; the last is closed at {until:%Y-%m-%d %H:%M%z}"]


def calls_of(home: Home, ledger: Ledger, campaign: StoredCampaign) -> pl.LazyFrame:
    """Return every call of a campaign, made or planned.

    Grain: one row per contact and attempt. Order: ``scheduled_at``. ``state`` is ``scheduled``, or
    ``skipped`` or ``cancelled``, until the call is claimed; its ``phone`` is that of the list as it is now,
    which is what would be dialled. A further attempt that missed its slot and found no other is not made, and
    has no row. Of a campaign that has failed only the calls made are listed: its plan may be gone.
    """
    with ledger.session() as session:
        versions = session.read("list_current_versions", campaign_id=campaign.campaign_id)
        now_there = session.read("list_calls", campaign_id=campaign.campaign_id)
        past = past_calls(home, session, campaign.campaign_id).select(now_there.columns).collect()
        made = pl.concat([past, now_there.cast(past.schema)])
        skips = session.read("list_skips", campaign_id=campaign.campaign_id)
        pending = session.read("list_pending", campaign_id=campaign.campaign_id)
    columns = [*_CALL_COLUMNS, "state", "noted_at", "finished_at", "reason"]
    if versions.is_empty() or campaign.state == "failed":
        return made.lazy().select(columns).sort("scheduled_at")
    waiting = pl.lit("cancelled" if campaign.state == "cancelled" else "scheduled")
    plan = current_plan(home, versions)
    # Who is skipped waits no more, so that nothing else says which of their slots counts.
    out = latest_versions(plan.join(skips.lazy(), on="contact_id", how="semi"))
    replaced = pl.concat([pending.lazy().select(out.collect_schema().names()), out])
    planned = (
        counting_slots(plan, made.lazy(), replaced)
        .join(skips.lazy().select("contact_id", "reason", skipped=pl.lit(1)), on="contact_id", how="left")
        .join(pending.lazy().select("contact_id", "attempt", waits=pl.lit(1)), on=_ATTEMPT, how="left")
        .filter((pl.col("attempt") == 1) | pl.col("waits").is_not_null() | pl.col("skipped").is_not_null())
        .with_columns(
            state=pl.when(pl.col("skipped").is_not_null()).then(pl.lit("skipped")).otherwise(waiting),
            noted_at=pl.lit(None, made.schema["noted_at"]),
            finished_at=pl.lit(None, made.schema["finished_at"]),
        )
    )
    return pl.concat(
        [made.lazy().select(columns), _renumbered(planned, home, campaign).select(columns)]
    ).sort("scheduled_at")


def _renumbered(planned: pl.LazyFrame, home: Home, campaign: StoredCampaign) -> pl.LazyFrame:
    """Have each planned call go to the number that its contact has in the list now, if that can be read."""
    snapshot = current_lists(home).get(campaign.settings.contact_list or "")
    if snapshot is None or campaign.state in ("completed", "cancelled"):
        return planned
    try:
        now_listed = pl.scan_parquet(snapshot).select("contact_id", listed_phone="phone").collect()
    except UNREADABLE:
        return planned
    return planned.join(now_listed.lazy(), on="contact_id", how="left").with_columns(
        phone=pl.coalesce("listed_phone", "phone")
    )


_ATTEMPT = ["contact_id", "attempt"]
_CALL_COLUMNS = (
    "contact_id",
    "attempt",
    "phone",
    "from_number",
    "timezone",
    "scheduled_at",
    "not_after",
    "call_date",
    "slot_index",
)


def why_not_planned(home: Home, ledger: Ledger, campaign: StoredCampaign, contact_id: str) -> str:
    """Return why a contact has no call in a campaign.

    Raises:
        InputError: the campaign's list has no such contact.
    """
    if campaign.state == "failed":  # its files may be gone
        return "not called: the campaign has failed"
    with ledger.session() as session:
        versions = session.read("list_current_versions", campaign_id=campaign.campaign_id)
    for name in versions.filter(pl.col("excluded_count").ne_missing(0))["file"]:
        file = companion(home.plans / name, EXCLUDED_SUFFIX)
        found = pl.scan_parquet(file).filter(pl.col("contact_id") == contact_id).collect()
        if not found.is_empty():
            return f"not planned: {found['reason'][0]}"
    snapshot = current_lists(home).get(campaign.settings.contact_list or "")
    if snapshot is not None:
        places = pl.scan_parquet(snapshot).select("contact_id").with_row_index("place")
        for place in places.filter(pl.col("contact_id") == contact_id).collect()["place"]:
            if versions.is_empty():
                return "not planned: the campaign is a draft"
            if place < campaign.listed_count:
                return "not planned: its slot has passed, and it waits for another"
            return "not planned: the contact came to the list later; callplan schedule plans it"
    raise InputError(
        f"--contact: {contact_id!r} is no contact of the list; callplan lists NAME shows rows set aside"
    )


def known_contacts(home: Home, session: Session, campaign: StoredCampaign, ids: pl.Series) -> pl.DataFrame:
    """Return those of ``ids`` that are contacts of the campaign's list.

    Grain: one row per contact, ``contact_id`` and ``is_planned``, whether the campaign counts it among those
    whom it calls and no call of it is past: the current plan has it, or its call is open or waits for a slot.
    Where a file is lost or damaged, nobody is kept from being skipped by it; a skip too few that counts keeps
    a campaign from being completed, one too many would end it before everybody was called.
    """
    of_campaign = campaign.campaign_id
    snapshot = current_lists(home).get(campaign.settings.contact_list or "")
    versions = session.read("list_current_versions", campaign_id=of_campaign)
    contacts = CONTACTS.to_frame().lazy() if snapshot is None else pl.scan_parquet(snapshot)
    listed = _those_in(lambda: contacts, ids, unread=ids)
    planned = _those_in(lambda: current_plan(home, versions), ids, unread=ids.clear())
    past = _those_in(lambda: past_calls(home, session, of_campaign), ids, unread=ids)
    begun = [session.read(name, campaign_id=of_campaign) for name in ("list_calls", "list_pending")]
    counted = pl.concat([planned, *(rows["contact_id"] for rows in begun)])
    return pl.DataFrame({"contact_id": listed}).with_columns(
        is_planned=pl.col("contact_id").is_in(counted.implode()) & ~pl.col("contact_id").is_in(past.implode())
    )


def _those_in(rows: Callable[[], pl.LazyFrame], ids: pl.Series, unread: pl.Series) -> pl.Series:
    """Return those of ``ids`` that are in rows of files, or ``unread`` where these cannot be read."""
    try:
        found = rows().select("contact_id").filter(pl.col("contact_id").is_in(ids.implode()))
        return found.unique().collect()["contact_id"]
    except UNREADABLE:
        return unread
