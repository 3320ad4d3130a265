"""The life of a campaign: found, created, paused, resumed, cancelled, and single contacts skipped."""

import json
import os
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from flows.dialers.truedy_access import TruedyAccess
from flows.errors import InputError, WorkError
from flows.ledger import Ledger, Session
from transforms.campaign import Campaign, DialerName

LATE_LIMIT = timedelta(minutes=5)
"""A slot this long past its time is no longer called but missed."""

_FINAL = {"completed", "cancelled", "failed"}

_PAUSABLE = ("scheduled", "active", "paused")
"""Who is paused once more stays so, whatever was ordered before that and comes late."""


@dataclass(frozen=True)
class StoredCampaign:
    """A campaign as the ledger has it; ``latest_version`` of its plan is None before it is scheduled.

    ``changed_at`` is when it got the state that it has, or was paused last.
    """

    campaign_id: str
    name: str
    state: str
    settings: Campaign
    starts_at: datetime | None
    changed_at: datetime
    contact_count: int
    excluded_count: int
    listed_count: int
    dialer: str | None
    latest_version: int | None


def find_campaign(session: Session, named: str) -> StoredCampaign:
    """Return the campaign of an id, or of a name that is unique.

    Raises:
        InputError: there is none, or several have the name.
    """
    found = session.read("find_campaigns", named=named)
    if found.is_empty():
        raise InputError(f"{named}: there is no campaign of this id or name; callplan status lists them")
    if named in found["campaign_id"]:
        found = found.filter(pl.col("campaign_id") == named)  # whoever else is called by this id
    if found.height > 1:
        ids = ", ".join(found["campaign_id"])
        raise InputError(f"{named}: several campaigns have this name; use an id: {ids}")
    row = found.row(0, named=True)
    return StoredCampaign(
        row["campaign_id"],
        row["name"],
        row["state"],
        Campaign.model_validate_json(row["settings"]),
        row["starts_at"],
        row["changed_at"],
        row["contact_count"],
        row["excluded_count"],
        row["listed_count"],
        row["dialer"],
        row["latest_version"],
    )


def stored_campaign(ledger: Ledger, named: str) -> StoredCampaign:
    """Return what ``find_campaign`` finds, in a session of its own."""
    with ledger.session() as session:
        return find_campaign(session, named)


def create_campaign(ledger: Ledger, campaign: Campaign, now: datetime) -> str:
    """Keep a campaign as a draft and return its id, a new UUID."""
    campaign_id = str(uuid.uuid4())
    with ledger.session() as session:
        add_campaign(session, campaign_id, campaign, now)
    return campaign_id


def draft_campaign(ledger: Ledger, campaign: Campaign, now: datetime) -> str:
    """Keep a campaign as a draft, in place of a draft of the same name if there is one; return its id.

    Raises:
        InputError: a campaign of this name is there already and is no draft.
    """
    with ledger.session() as session:
        known = session.read("find_campaigns", named=campaign.name)
        if known.is_empty():
            campaign_id = str(uuid.uuid4())
            add_campaign(session, campaign_id, campaign, now)
            return campaign_id
        if known.height > 1 or known["state"][0] != "draft":
            raise InputError(
                f"name: {campaign.name!r} is the name of a campaign that is {known['state'][0]}; "
                "update that one, or choose another name"
            )
        set_settings(session, known["campaign_id"][0], campaign)
        return str(known["campaign_id"][0])


def add_campaign(session: Session, campaign_id: str, campaign: Campaign, now: datetime) -> None:
    """Keep a campaign as a draft under a given id."""
    session.write("add_campaign", campaign_id=campaign_id, now=now, **_columns(campaign))
    session.write("add_campaign_events", changed_at=now)


def set_settings(session: Session, campaign_id: str, campaign: Campaign) -> None:
    """Give a campaign other settings."""
    session.announce()
    session.write("set_settings", campaign_id=campaign_id, **_columns(campaign))


def _columns(campaign: Campaign) -> dict[str, Any]:
    """Return the settings as the ledger has them: all as JSON, and those that dispatch reads by name."""
    return {
        "name": campaign.name,
        "settings": campaign.canonical_json(),
        "dialer": None if campaign.dialer is None else campaign.dialer.value,
        "contact_list": campaign.contact_list,
        "timezone": campaign.timezone,
        "max_concurrent_calls": campaign.max_concurrent_calls,
        "max_call_minutes": campaign.max_call_minutes,
        "calls_per_second": campaign.calls_per_second,
        "max_calls_per_day": campaign.max_calls_per_day,
        "max_calls_per_number_per_day": campaign.max_calls_per_number_per_day,
        "max_attempts": campaign.retry.max_attempts,
        "retry_minutes": json.dumps(
            {name.value: wait for name, wait in campaign.retry.delay_minutes.items()}
        ),
    }


def chosen_dialer(campaign: Campaign) -> DialerName:
    """Return the dialer of the settings, else the one that ``CALLPLAN_DIALER`` names.

    Raises:
        InputError: neither names one, it is none that this version has, or its access is not set up.
    """
    named = campaign.dialer or os.environ.get("CALLPLAN_DIALER")
    known = ", ".join(name.value for name in DialerName)
    if not named:
        raise InputError(
            f"dialer: is required to schedule; name one of {known} in the settings or CALLPLAN_DIALER"
        )
    if named not in [name.value for name in DialerName]:
        raise InputError(f"CALLPLAN_DIALER: {named!r} is no dialer; use one of {known}")
    if named == DialerName.TRUEDY and TruedyAccess.from_environment() is None:
        raise InputError(
            "dialer: truedy needs TRUEDY_BASE_URL and TRUEDY_API_KEY in the environment, or a block"
        )
    return DialerName(named)


def pause(session: Session, named: str, now: datetime) -> StoredCampaign:
    """Store that a campaign is held back, also one that is already; return it as it was."""
    campaign = find_campaign(session, named)
    if campaign.state not in _PAUSABLE:
        raise InputError(f"{named}: is {campaign.state}; only a campaign that is under way can be paused")
    _hold(session, campaign, now)
    return campaign


def pause_all(session: Session, now: datetime) -> list[StoredCampaign]:
    """Store that every campaign that can be paused is held back; return them as they were."""
    rows = session.read("list_campaigns")
    live = rows.filter(pl.col("state").is_in(_PAUSABLE))["campaign_id"].to_list()
    found = [find_campaign(session, campaign_id) for campaign_id in live]
    for campaign in found:
        _hold(session, campaign, now)
    return found


def _hold(session: Session, campaign: StoredCampaign, now: datetime) -> None:
    """Pause a campaign; one that is paused keeps the reason, and when it was paused is ``now``."""
    if campaign.state != "paused":
        set_state(session, campaign, "paused", now)
        return
    session.write("pause_again", campaign_id=campaign.campaign_id, now=now)
    session.write("add_pause_event", campaign_id=campaign.campaign_id, now=now)


def resume(ledger: Ledger, named: str, now: datetime, ordered_at: datetime | None = None) -> str:
    """Let a paused campaign go on and return its state: active once a slot has fallen due.

    Raises:
        InputError: it is not paused.
        WorkError: it was paused after ``ordered_at``, when that was ordered, if not ``now``.
    """
    with ledger.session() as session:
        campaign = find_campaign(session, named)
        if campaign.state != "paused":
            raise InputError(f"{named}: is {campaign.state}; only a paused campaign can be resumed")
        if ordered_at is not None and ordered_at < campaign.changed_at:
            raise WorkError(
                f"{campaign.name}: it was paused after this was ordered, and stays so; "
                "order it again, or use callplan resume"
            )
        first_at = session.read("list_versions", campaign_id=campaign.campaign_id)["first_at"].min()
        begun = isinstance(first_at, datetime) and first_at <= now
        set_state(session, campaign, "active" if begun else "scheduled", now)
    return "active" if begun else "scheduled"


def cancel(session: Session, named: str, now: datetime) -> StoredCampaign:
    """Store that a campaign is ended for good; return it as it was."""
    campaign = find_campaign(session, named)
    if campaign.state in _FINAL:
        raise InputError(f"{named}: is {campaign.state} already")
    set_state(session, campaign, "cancelled", now)
    return campaign


def stop_again(session: Session, stops: pl.DataFrame, now: datetime) -> None:
    """Pause and cancel what a person has, where this ledger does not know it, because it is an older copy.

    ``stops`` has ``campaign_id``, ``state`` and ``stopped_at``. One that was resumed since stays as it is.
    """
    unknown = session.read("list_unknown_stops", ("stop", stops))
    for campaign_id, state in unknown.iter_rows():
        campaign = find_campaign(session, campaign_id)
        if campaign.state in ("scheduled", "active") or (
            state == "cancelled" and campaign.state not in _FINAL
        ):
            set_state(session, campaign, state, now, f"it was {state} after this ledger was copied")
        elif campaign.state == state == "paused":
            _hold(session, campaign, now)


def end_again(session: Session, changes: pl.DataFrame, now: datetime) -> None:
    """End campaigns that have ended by themselves, where this ledger does not know it, because it is older.

    ``changes`` has ``campaign_id``, ``plan_version`` and ``state`` in the order in which they were made; the
    last one counts. A campaign that has a later version was completed before late contacts came.
    """
    ended = changes.unique("campaign_id", keep="last").filter(pl.col("state").is_not_null())
    for campaign_id, version, state in ended.select("campaign_id", "plan_version", "state").iter_rows():
        campaign = find_campaign(session, campaign_id)
        if state == "completed" and version < (campaign.latest_version or 0):
            continue
        if campaign.state not in ("draft", *_FINAL):
            set_state(session, campaign, state, now, None if state == "completed" else "it had failed before")
            if state == "completed":  # what lapsed before it was, or came of a late outcome, is not made
                session.write("delete_all_waiting", campaign_id=campaign_id)


def take_up_settings(session: Session, changes: pl.DataFrame) -> None:
    """Give campaigns the settings that they have, where this ledger does not know them, because it is older.

    ``changes`` has ``campaign_id``, ``plan_version`` and ``settings`` in the order in which they were made.
    """
    last = changes.drop_nulls("settings").unique("campaign_id", keep="last")
    if last.is_empty():
        return
    for campaign_id, settings in session.read("list_unknown_settings", ("change", last)).iter_rows():
        set_settings(session, campaign_id, Campaign.model_validate_json(settings))


def fail(ledger: Ledger, campaign_id: str, reason: str, now: datetime) -> None:
    """End a campaign whose plan can no longer be trusted."""
    with ledger.session() as session:
        campaign = find_campaign(session, campaign_id)
        if campaign.state not in _FINAL:
            set_state(session, campaign, "failed", now, reason)


def hinder(ledger: Ledger, campaign_id: str, hindrance: str, now: datetime) -> None:
    """Note what keeps those without a slot from getting one; it is tried again later."""
    with ledger.session() as session:
        session.write("set_replanned", campaign_id=campaign_id, hindrance=hindrance, now=now)


def skip(
    session: Session, campaign: StoredCampaign, contacts: pl.DataFrame, reason: str, now: datetime
) -> int:
    """Store that contacts are out of a campaign, and return how many were not out yet.

    ``contacts`` has ``contact_id`` and ``is_planned``, whether the current plan calls them.
    """
    of: dict[str, Any] = {"campaign_id": campaign.campaign_id}
    added = session.write("add_skips", ("taken_out", contacts), **of, reason=reason, now=now)
    session.write("delete_skipped_pending", **of)
    session.announce()
    complete_campaigns(session, now)
    return added


def refuse_final(campaign: StoredCampaign) -> None:
    """Raise InputError for a campaign that calls nobody any more."""
    if campaign.state in _FINAL:
        raise InputError(f"{campaign.name}: is {campaign.state}; nobody will be called any more")


def state_once_published(state: str) -> str:
    """Return the state of a campaign once contacts of it, all or late ones, are planned; it was ``state``."""
    return {"draft": "scheduled", "completed": "active"}.get(state, state)


def activate_campaigns(session: Session, now: datetime) -> None:
    """Make the campaigns active whose first slot has fallen due."""
    if session.write("activate_campaigns", now=now):
        session.write("add_campaign_events", changed_at=now)


def complete_campaigns(session: Session, now: datetime) -> None:
    """Complete the campaigns of which every contact is final."""
    if session.write("complete_campaigns", now=now):
        session.write("add_campaign_events", changed_at=now)
        session.write("delete_final_slots")


def set_state(
    session: Session, campaign: StoredCampaign, state: str, now: datetime, reason: str | None = None
) -> None:
    """Take a campaign one step on in its life.

    Raises:
        WorkError: it is no longer in the state it was seen in.
    """
    changed = session.write(
        "set_campaign_state",
        campaign_id=campaign.campaign_id,
        seen=campaign.state,
        state=state,
        reason=reason,
        finished_at=now if state in _FINAL else None,
        now=now,
    )
    if not changed:
        raise WorkError(f"{campaign.name}: its state changed meanwhile; try again")
    session.announce()
    session.write("add_campaign_events", changed_at=now)
    if state in _FINAL:
        session.write("delete_final_slots")
