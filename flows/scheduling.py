"""Scheduling and changing a campaign: its first plan, contacts that come later, edits."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from flows.applying import apply_journal
from flows.briefing import (
    calls_on_other_dates,
    edit_brief,
    find,
    first_brief,
    late_brief,
    slots_not_started,
)
from flows.campaigns import (
    StoredCampaign,
    chosen_dialer,
    find_campaign,
    set_settings,
    state_once_published,
)
from flows.committing import Publication
from flows.comparing import Difference, compare
from flows.contact_store import current_snapshot, snapshot_hash
from flows.damage import naming_damage
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger
from flows.outbox import tell_soon
from flows.progress import Progress, silent
from flows.publishing import (
    WrittenPlan,
    publish,
    publishing,
    set_aside_left_over,
    write_checked_plan,
)
from transforms.campaign import Campaign, DialerName
from transforms.mistakes import InvalidSettingsError
from transforms.schemas import CONTACTS

CHANGE_LASTS = timedelta(minutes=4)
"""How long an edit holds its campaign's claims at most: less than slots may be late."""

_LIVE = ("scheduled", "active", "paused")
_FIXED = ("dialer", "contact_list")
"""Settings that stay as they were when the campaign was scheduled."""
_NOT_PLANNED = ("name", "agent_id", "max_concurrent_calls", "max_call_minutes", "calls_per_second")
"""Settings that change nothing in the plan."""
_START = ("schedule_type", "scheduled_at")


def schedule(
    home: Home, ledger: Ledger, named: str, now: datetime, progress: Progress = silent
) -> WrittenPlan:
    """Publish the plan of a draft campaign, or of the contacts that came to its list since.

    Raises:
        InputError: the campaign is final, lacks what scheduling needs (all that is missing is named), or no
            contact is new.
        WorkError: the contacts do not fit, or somebody else keeps coming in between.
    """
    with ledger.session() as session:
        stored = find_campaign(session, named)
    campaign_id = stored.campaign_id
    with naming_damage(home, ledger, campaign_id):
        return publishing(
            home, ledger, campaign_id, now, lambda: _schedule(home, ledger, campaign_id, now, progress)
        )


def _schedule(home: Home, ledger: Ledger, campaign_id: str, now: datetime, progress: Progress) -> WrittenPlan:
    with ledger.session() as session:
        stored = find_campaign(session, campaign_id)
        found = find(home, session, stored, now, looking_ahead=True)
    dialer, snapshot, contacts = _ready(home, stored)
    is_first = stored.state == "draft"
    settings = stored.settings.model_copy(update={"dialer": DialerName(dialer)})  # it stays this one
    starts_at = stored.starts_at or stored.settings.starts_at(now)
    if not is_first and contacts <= stored.listed_count:
        raise InputError(
            f"{stored.name}: is {stored.state}, and no contact has come to its list since; "
            f"load more, or use callplan update to change it"
        )
    publication = Publication(
        stored=stored,
        settings=settings if is_first else stored.settings,
        brief=first_brief(found, starts_at) if is_first else late_brief(home, found, starts_at, now),
        kind="replaces" if is_first else "adds",
        based_on=found.last_version,
        snapshot=snapshot,
        dialer=dialer,
        next_state=state_once_published(stored.state),
        listed_count=contacts,
        call_lasts=found.call_lasts,
        past_files=found.past_files,
    )
    return publish(home, ledger, publication, now, progress)


def _ready(home: Home, stored: StoredCampaign) -> tuple[str, Path, int]:
    """Return the dialer, the snapshot of the list and its length, or refuse with all that is missing."""
    if stored.state not in ("draft", *_LIVE, "completed"):
        raise InputError(f"{stored.name}: is {stored.state}, which is final; create another campaign")
    problems = stored.settings.missing_for_scheduling()
    dialer, snapshot, contacts = stored.dialer or "", Path(), 0
    try:
        dialer = dialer or chosen_dialer(stored.settings).value
    except InputError as error:
        problems += error.problems
    if stored.settings.contact_list is not None:
        try:
            snapshot = current_snapshot(home, stored.settings.contact_list)
            contacts = int(pl.scan_parquet(snapshot).select(pl.len()).collect().item())
            if not contacts:
                problems.append(f"contact_list: the list {stored.settings.contact_list!r} has no contact")
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*(f"{stored.name}: {problem}" for problem in problems))
    return dialer, snapshot, contacts


@dataclass(frozen=True)
class Edit:
    """What an edit does, or would do: the fields it changes and, where the plan changes, how.

    ``written`` and ``difference`` are None where the plan stays as it is.
    """

    campaign: Campaign
    fields: list[str]
    written: WrittenPlan | None
    difference: Difference | None


def update(
    home: Home,
    ledger: Ledger,
    named: str,
    changes: dict[str, Any],
    now: datetime,
    *,
    keep: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Edit:
    """Change settings of a campaign; contacts not yet started are planned again where that matters.

    With ``keep`` only those move whose slots the new settings make impossible. With ``dry_run`` nothing is
    stored. While the plan is being changed, no call of the campaign is claimed.

    Raises:
        InputError: the campaign is final, or the changes are wrong; all mistakes are named.
        WorkError: the contacts do not fit under the new settings.
    """
    with ledger.session() as session:
        apply_journal(session, Journal(home.journal), now)
        stored = find_campaign(session, named)
        campaign, fields = _changed(stored, changes)
        is_planned = stored.state != "draft" and not set(fields) <= set(_NOT_PLANNED)
        if not is_planned and fields and not dry_run:
            set_settings(session, stored.campaign_id, campaign)
    if not is_planned:
        if not dry_run:
            set_aside_left_over(home, ledger, stored.campaign_id, now)
            tell_soon(home, ledger, now, progress)
        return Edit(campaign, fields, None, None)
    edit = _Editing(home, ledger, stored.campaign_id, changes, now, keep, progress)
    with naming_damage(home, ledger, stored.campaign_id):
        if dry_run:
            return edit.tried()
        return publishing(home, ledger, stored.campaign_id, now, edit.published)


def _changed(stored: StoredCampaign, changes: dict[str, Any]) -> tuple[Campaign, list[str]]:
    """Return the settings with ``changes`` made, and the fields that differ."""
    if stored.state not in ("draft", *_LIVE):
        raise InputError(
            f"{stored.name}: is {stored.state}; only a draft, scheduled, active or paused "
            "campaign can be changed"
        )
    if stored.state != "draft" and changes.get("dialer", "") is None:
        changes = {name: value for name, value in changes.items() if name != "dialer"}  # it has one by now
    try:
        campaign = Campaign.from_mapping(stored.settings.model_dump(mode="json") | changes)
    except InvalidSettingsError as error:
        raise InputError(*error.problems) from None
    fields = [
        name for name in Campaign.model_fields if getattr(campaign, name) != getattr(stored.settings, name)
    ]
    problems = []
    if stored.state != "draft":
        problems = [
            f"{name}: stays as it is once a campaign is scheduled" for name in fields if name in _FIXED
        ]
        problems += campaign.missing_for_scheduling()
    if problems:
        raise InputError(*problems)
    return campaign, fields


def _start_of(stored: StoredCampaign, campaign: Campaign, fields: list[str], now: datetime) -> datetime:
    """Return the start: kept, unless the edit is about it.

    Another time zone moves a local start, but not one that is past by the old clock and by the new one.
    """
    if stored.starts_at is None or set(fields) & set(_START):
        return campaign.starts_at(now)
    is_local = campaign.scheduled_at is not None and campaign.scheduled_at.tzinfo is None
    if "timezone" not in fields or not is_local:
        return stored.starts_at
    moved = campaign.starts_at(now)
    return stored.starts_at if max(stored.starts_at, moved) <= now else moved


@dataclass(frozen=True)
class _Editing:
    """An edit of a campaign's plan, to be tried or to be published."""

    home: Home
    ledger: Ledger
    campaign_id: str
    changes: dict[str, Any]
    now: datetime
    keep: bool
    progress: Progress

    def published(self) -> Edit:
        """Hold the campaign's claims, publish the changed plan, and let them go.

        What it is compared with is read before anything is stored.
        """
        with (
            _claims_held(self.ledger, self.campaign_id, self.now) as change_id,
            TemporaryDirectory() as folder,
        ):
            publication, before = self._prepared(change_id, Path(folder))
            written = publish(self.home, self.ledger, publication, self.now, self.progress)
            try:
                return self._compared(publication, written, before)
            except (OSError, duckdb.Error, pl.exceptions.PolarsError) as error:
                raise WorkError(
                    f"the change is stored, as {written.file}; only comparing it with the plan before "
                    f"failed: {error}"
                ) from error

    def tried(self) -> Edit:
        """Compute the changed plan in a temporary folder and store nothing."""
        with TemporaryDirectory() as folder:
            publication, before = self._prepared(None, Path(folder))
            written = write_checked_plan(
                Path(folder) / "after.parquet",
                pl.scan_parquet(publication.snapshot).select(CONTACTS.names()),
                snapshot_hash(publication.snapshot),
                publication.settings,
                publication.brief,
                self.progress,
                call_lasts=publication.call_lasts,
            )
            return self._compared(publication, written, before)

    def _prepared(self, change_id: str | None, folder: Path) -> tuple[Publication, Path]:
        """Return the publication, and a file in ``folder`` of the slots that it replaces."""
        with self.ledger.session() as session:
            stored = find_campaign(session, self.campaign_id)
            found = find(self.home, session, stored, self.now)
        campaign, fields = _changed(stored, self.changes)
        dialer, snapshot, _ = _ready(self.home, stored)
        contacts = pl.scan_parquet(snapshot).select(CONTACTS.names())
        starts_at = _start_of(stored, campaign, fields, self.now)
        moved_clock = campaign.timezone != stored.settings.timezone
        publication = Publication(
            stored=stored,
            settings=campaign,
            brief=edit_brief(self.home, found, contacts, campaign, starts_at, self.now, keep=self.keep),
            kind="replaces",
            based_on=found.last_version,
            snapshot=snapshot,
            dialer=dialer,
            next_state=stored.state,
            listed_count=stored.listed_count,
            change_id=change_id,
            redated=calls_on_other_dates(found, campaign) if moved_clock else None,
            call_lasts=found.call_lasts,
            past_files=found.past_files,
        )
        before = folder / "before.parquet"
        slots_not_started(self.home, found).sink_parquet(before)
        return publication, before

    def _compared(self, publication: Publication, written: WrittenPlan, before: Path) -> Edit:
        fields = _changed(publication.stored, self.changes)[1]
        return Edit(publication.settings, fields, written, compare([before], [written.file]))


@contextmanager
def _claims_held(ledger: Ledger, campaign_id: str, now: datetime) -> Iterator[str]:
    """Keep a campaign's slots from being claimed during the block; yield the name of the hold.

    Committing the change ends the hold; a block that raises ends it, too.

    Raises:
        WorkError: somebody else is changing the campaign.
    """
    change_id = str(uuid.uuid4())
    hold: dict[str, Any] = {"campaign_id": campaign_id, "change_id": change_id}
    with ledger.session() as session:
        if not session.write("begin_change", **hold, now=now, changing_until=now + CHANGE_LASTS):
            raise WorkError("somebody else is changing this campaign; try again in a few minutes")
    try:
        yield change_id
    except BaseException:
        with ledger.session() as session:
            session.write("end_change", **hold)
        raise
