"""Recovering a lost or damaged ledger from what outlives it: plan files, the dial journal, the lists.

Every campaign that had a plan comes back paused, so that a person looks before anybody is called; one that a
person had cancelled comes back cancelled. Drafts are nowhere else and are lost.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.applying import apply_journal
from flows.campaigns import add_campaign, chosen_dialer, complete_campaigns, find_campaign, set_state
from flows.contact_store import snapshot_with_hash
from flows.database import DatabaseFile, locked
from flows.errors import WorkError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger, Session
from flows.owners import living
from flows.plan_store import (
    EXCLUDED_SUFFIX,
    STANDING_SUFFIX,
    PlanFile,
    companion,
    facts_of,
    plan_files,
    planned_rows,
    sha256_of,
)
from flows.progress import Progress, silent
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.days import first_day_cap
from transforms.replan import latest_versions
from transforms.schemas import STANDING
from transforms.wall_clock import to_local

_ATTEMPT = ["contact_id", "attempt"]
_REASON = "its ledger was recovered"
_NOT_COUNTED = 1 << 40
"""More contacts than any campaign has, so that none is complete before it is counted."""


@dataclass(frozen=True)
class _Version:
    """A plan file and what its metadata says."""

    file: Path
    brief: Brief
    campaign: Campaign
    contacts_hash: str

    @property
    def kind(self) -> str:
        """Whether it replaced what was planned before: only then the list was planned from its beginning."""
        return "replaces" if self.brief.fresh_from == 0 and self.brief.fresh_until != 0 else "adds"


@dataclass(frozen=True)
class Recovered:
    """What came back: campaigns, their versions, and the calls that the journal knows of."""

    campaigns: int
    versions: int
    calls: int
    set_aside: Path | None


def recover(home: Home, now: datetime, progress: Progress = silent) -> Recovered:
    """Build the ledger anew and put it in the place of the old one, which is set aside.

    Raises:
        WorkError: a dispatcher is running, the journal is damaged, or a list is gone.
        BusyError: somebody else is recovering it.
        InputError: a campaign's dialer is not known; ``CALLPLAN_DIALER`` can name it.
    """
    running = living(home.owners)
    if running:
        raise WorkError(f"{running[0]} is running; end it before the ledger is recovered")
    with locked(home.path / "recovering.lock", waits=False):
        part = home.path / "ledger-recovered.duckdb"
        DatabaseFile(part).remove()
        campaigns, versions, calls = _build(home, Ledger(part), now, progress)
        aside = home.ledger.with_name(f"{home.ledger.stem}.before-{now:%Y%m%dT%H%M%S}.duckdb")
        was_there = DatabaseFile(home.ledger).replace_with(DatabaseFile(part), aside)
        DatabaseFile(part).remove()
    return Recovered(campaigns, versions, calls, aside if was_there else None)


def _build(home: Home, ledger: Ledger, now: datetime, progress: Progress) -> tuple[int, int, int]:
    """Fill a new ledger; return how many campaigns, versions and calls came back."""
    journal = Journal(home.journal)
    found = {folder.name: _versions(folder) for folder in sorted(home.plans.glob("*")) if folder.is_dir()}
    campaigns = {name: versions for name, versions in found.items() if versions}
    with ledger.session() as session:
        for name, versions in campaigns.items():
            progress(f"campaign {name}")
            _add(session, name, versions, now)
            _hold_back(session, home, name, versions, now)
        progress("calls of the dial journal")
        apply_journal(session, journal, now, _lost(journal, campaigns, progress))
        _end_owners(session, now)
        for name, versions in campaigns.items():
            _add_waiting(session, name, _current(versions), now)
            _count(session, name, _current(versions))
        complete_campaigns(session, now)
        calls = session.read("copy_call").height
    return len(campaigns), sum(map(len, campaigns.values())), calls


def _lost(journal: Journal, found: Collection[str], progress: Progress) -> set[str]:
    """Return the campaigns of which the journal knows a plan, but no plan is there; they are named."""
    changes = [entry.rows["campaign_id"] for entry in journal.entries_after(0) if entry.kind == "change"]
    lost = {campaign_id for campaigns in changes for campaign_id in campaigns} - set(found)
    for campaign_id in sorted(lost):
        progress(f"campaign {campaign_id} does not come back: its plans are gone")
    return lost


def _end_owners(session: Session, now: datetime) -> None:
    """Note that whoever has a call open has stopped: nobody lives, or there would be no recovery."""
    for owner_id in session.read("list_claim_owners")["owner_id"]:
        session.write("add_owner", owner_id=owner_id, host="", pid=0, boot_id="", now=now)
        session.write("end_owner", owner_id=owner_id, now=now)


def _versions(folder: Path) -> list[_Version]:
    found = []
    for file in plan_files(folder):
        facts = facts_of(file)
        brief = Brief.from_texts(facts, STANDING.to_frame().lazy())
        campaign = Campaign.model_validate_json(facts["settings"])
        found.append(_Version(file, brief, campaign, facts["contacts_hash"]))
    return found


def _current(versions: list[_Version]) -> list[_Version]:
    last = max(place for place, version in enumerate(versions) if version.kind == "replaces")
    return versions[last:]


def _add(session: Session, campaign_id: str, versions: list[_Version], now: datetime) -> None:
    add_campaign(session, campaign_id, versions[-1].campaign, now)
    before = 0
    for version in versions:
        rows = pl.scan_parquet(version.file).select(
            pl.len(), first=pl.col("scheduled_at").min(), last=pl.col("scheduled_at").max()
        )
        published = PlanFile(
            f"{campaign_id}/{version.file.name}", sha256_of(version.file), *rows.collect().row(0)
        )
        number = version.brief.edition.plan_version
        session.write(
            "add_plan_version",
            campaign_id=campaign_id,
            plan_version=number,
            based_on=before,
            kind=version.kind,
            file=published.name,
            sha256=published.sha256,
            contacts_hash=version.contacts_hash,
            row_count=published.rows,
            first_at=published.first_at,
            last_at=published.last_at,
            published_at=now,
        )
        before = number
    skipped = versions[-1].brief.skipped.with_columns(
        campaign_id=pl.lit(campaign_id), skipped_at=pl.lit(now), plan_version=pl.lit(None, pl.Int32)
    )
    session.write("take_up_skips", ("skipped", skipped))


def _rows(current: list[_Version]) -> pl.LazyFrame:
    return planned_rows({version.brief.edition.plan_version: version.file for version in current})


def _add_waiting(session: Session, campaign_id: str, current: list[_Version], now: datetime) -> None:
    """Note which version's slot counts where it is not that of the last replacing one."""
    rows = _rows(current)
    first = current[0].brief.edition.plan_version
    called = session.read("list_standing_calls", campaign_id=campaign_id, from_date=None)
    later = (
        latest_versions(rows)
        .filter((pl.col("plan_version") > first) | (pl.col("attempt") > 1))
        .join(called.lazy(), on=_ATTEMPT, how="anti")
        .collect()
    )
    session.write("delete_waiting", ("planned", later), campaign_id=campaign_id)
    slotless = _went_back(current, rows, called)
    for (number,), planned in [*later.group_by("plan_version"), ((None,), slotless)]:
        session.write(
            "add_waiting", ("planned", planned), campaign_id=campaign_id, plan_version=number, ripe_at=now
        )
    session.write("delete_skipped_pending", campaign_id=campaign_id)


def _went_back(current: list[_Version], rows: pl.LazyFrame, called: pl.DataFrame) -> pl.DataFrame:
    """Return the attempts that were claimed when a version was planned and have neither a call nor a slot.

    They went back: all that was ever dialled is in the journal, and so among the calls.
    """
    files = [companion(version.file, STANDING_SUFFIX) for version in current]
    standing = pl.concat(
        [STANDING.to_frame().lazy(), *(pl.scan_parquet(file) for file in files if file.is_file())]
    )
    most = current[-1].campaign.retry.max_attempts
    begun = standing.filter(pl.col("kind") == "started", pl.col("attempt") <= most)
    return (
        begun.select(_ATTEMPT)
        .unique()
        .join(called.lazy(), on=_ATTEMPT, how="anti")
        .join(rows, on=_ATTEMPT, how="anti")
        .sort(_ATTEMPT)
        .collect()
    )


def _hold_back(
    session: Session, home: Home, campaign_id: str, versions: list[_Version], now: datetime
) -> None:
    """Schedule a campaign and leave it paused; whom it calls is counted once its calls are there."""
    campaign, starts_at = versions[-1].campaign, versions[-1].brief.starts_at
    excluded = pl.concat(
        [pl.scan_parquet(companion(version.file, EXCLUDED_SUFFIX)) for version in _current(versions)]
    )
    first_date = to_local(campaign.timezone, starts_at).date()
    session.write(
        "set_schedule",
        campaign_id=campaign_id,
        seen="draft",
        state="scheduled",
        starts_at=starts_at,
        dialer=chosen_dialer(campaign).value,
        contact_count=_NOT_COUNTED,
        excluded_count=excluded.select(pl.len()).collect().item(),
        listed_count=_listed(home, versions),
        first_date=first_date,
        first_date_cap=first_day_cap(campaign, first_date, starts_at),
        hindrance=None,
        now=now,
    )
    set_state(session, find_campaign(session, campaign_id), "paused", now, _REASON)


def _count(session: Session, campaign_id: str, current: list[_Version]) -> None:
    """Note how many contacts the campaign calls; a skip of somebody whom it plans no more counts for none."""
    planned = _rows(current).filter(pl.col("attempt") == 1)
    called = session.read("list_standing_calls", campaign_id=campaign_id, from_date=None)
    waiting = session.read("list_pending", campaign_id=campaign_id).filter(pl.col("attempt") == 1)
    those = [planned, called.lazy(), waiting.lazy()]
    contacts = pl.concat([some.select("contact_id") for some in those]).unique()
    count = contacts.select(pl.len()).collect().item()
    session.write("set_contact_count", campaign_id=campaign_id, contact_count=count)
    skips = session.read("list_skips", campaign_id=campaign_id).lazy().select("contact_id")
    unplanned = skips.join(planned, on="contact_id", how="anti").collect()
    session.write("settle_skips", ("known_skip", unplanned), campaign_id=campaign_id)


def _listed(home: Home, versions: list[_Version]) -> int:
    """Return how many of its list belong to the campaign: up to where a version has read it."""
    last = next(version for version in reversed(versions) if version.brief.fresh_until != 0)
    if last.brief.fresh_until is not None:
        return last.brief.fresh_until
    snapshot = snapshot_with_hash(home, last.contacts_hash)
    if snapshot is None:
        raise WorkError(f"{last.file}: the list that this plan was computed from is gone")
    return int(pl.scan_parquet(snapshot).select(pl.len()).collect().item())
