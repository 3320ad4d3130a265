"""Recovering a lost or damaged ledger from what outlives it: plan files, the dial journal, the lists.

Every campaign that had a plan comes back paused, so that a person looks before anybody is called; one that
had ended comes back ended. Drafts are nowhere else and are lost. What the journal does not know would be
called again: where anything says that it lacks calls, nothing is recovered.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from flows.applying import apply_journal
from flows.campaigns import add_campaign, chosen_dialer, complete_campaigns, find_campaign, set_state
from flows.contact_store import snapshot_with_hash
from flows.database import DatabaseFile, locked
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.journal import CHANGES, DamagedJournalError, Journal
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
from transforms.standing import redated
from transforms.wall_clock import to_local

_ATTEMPT = ["contact_id", "attempt"]
_PLAN = ["campaign_id", "plan_version"]
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
    """What came back: campaigns, their versions, and the calls that the journal knows of.

    ``lost`` says which campaigns do not come back, and why.
    """

    campaigns: int
    versions: int
    calls: int
    lost: list[str]
    set_aside: Path | None


def recover(home: Home, now: datetime, progress: Progress = silent) -> Recovered:
    """Build the ledger anew and put it in the place of the old one, which is set aside.

    Raises:
        WorkError: a dispatcher is running, the journal is damaged or lacks calls that were made, or a list is
            gone.
        BusyError: somebody else is recovering it.
        InputError: a campaign's dialer is not known; ``CALLPLAN_DIALER`` can name it.
    """
    _refuse_running(home)
    with locked(home.path / "recovering.lock", waits=False):
        journal = Journal(home.journal)
        _refuse_shorter(home, journal)
        part = home.path / "ledger-recovered.duckdb"
        DatabaseFile(part).remove()
        try:
            campaigns, lost, calls = _build(home, journal, Ledger(part), now, progress)
            aside = home.ledger.with_name(f"{home.ledger.stem}.before-{now:%Y%m%dT%H%M%S.%f}.duckdb")
            was_there = DatabaseFile(home.ledger).replace_with(
                DatabaseFile(part), aside, lambda: _refuse_running(home)
            )
        finally:
            DatabaseFile(part).remove()
    versions = sum(map(len, campaigns.values()))
    return Recovered(len(campaigns), versions, calls, lost, aside if was_there else None)


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
        raise _lacking_calls(str(error)) from error


def _lacking_calls(why: str) -> WorkError:
    return WorkError(
        f"{why}: such calls would be made again, so nothing is recovered; put the whole journal back"
    )


def _build(
    home: Home, journal: Journal, ledger: Ledger, now: datetime, progress: Progress
) -> tuple[dict[str, list[_Version]], list[str], int]:
    """Fill a new ledger; return each campaign's versions, which ones are lost, and how many calls it has."""
    campaigns, lost = _plans(home, journal)
    with ledger.session() as session:
        for name, versions in campaigns.items():
            progress(f"campaign {name}")
            _add(session, name, versions, now)
            _hold_back(session, home, name, versions, now)
        progress("calls of the dial journal")
        apply_journal(session, journal, now, lost)
        _end_owners(session, now)
        for name, versions in campaigns.items():
            _refuse_unknown_past(session, home, name)
            _redate(session, name, versions[-1].campaign.timezone)
            if find_campaign(session, name).state != "completed":
                _add_waiting(session, name, versions, now)
            _count(session, name, _current(versions))
        complete_campaigns(session, now)
        calls = session.read("copy_call").height
    told = [f"campaign {name} does not come back: {why}" for name, why in lost.items()]
    for sentence in told:
        progress(sentence)
    return campaigns, told, calls


def _plans(home: Home, journal: Journal) -> tuple[dict[str, list[_Version]], dict[str, str]]:
    """Return the versions of each campaign whose plan is whole, and why the others are lost.

    A plan that the journal does not know was never dispatched: whoever does tells the journal before.

    Raises:
        WorkError: there are plans, but the journal is empty.
    """
    known = _known_versions(journal)
    found: dict[str, list[_Version]] = {}
    lost = dict.fromkeys(known, "its plans are gone")
    for folder in sorted(folder for folder in home.plans.glob("*") if folder.is_dir()):
        if not plan_files(folder):
            continue
        if not known:
            raise _lacking_calls(f"{home.journal}: the dial journal knows of no plan, but there is {folder}")
        try:
            versions = _versions(folder)
        except InputError as error:
            lost[folder.name] = str(error)
            continue
        last = versions[-1].brief.edition.plan_version
        if last < known.get(folder.name, 0):
            lost[folder.name] = f"{folder}: version {known[folder.name]} of its plan is gone"
        elif not any(version.kind == "replaces" for version in versions):
            lost[folder.name] = f"{folder}: the version that its plan begins with is gone"
        else:
            found[folder.name] = versions
            lost.pop(folder.name, None)
    return found, lost


def _known_versions(journal: Journal) -> dict[str, int]:
    """Return the last version of each campaign's plan that the journal knows."""
    entries = journal.entries_after(0)
    of_plans = [entry.rows for entry in entries if entry.kind in ("change", "note")]
    last = (
        pl.concat([CHANGES.to_frame().select(_PLAN), *(rows.select(_PLAN) for rows in of_plans)])
        .filter(pl.col("plan_version") > 0)
        .group_by("campaign_id")
        .agg(pl.col("plan_version").max())
        .sort("campaign_id")
    )
    return dict(last.iter_rows())


def _refuse_unknown_past(session: Session, home: Home, campaign_id: str) -> None:
    """Refuse a journal that lacks calls of days that are over: they are archived elsewhere."""
    files = sorted((home.past / campaign_id).glob("*.calls.parquet"))
    if not files:
        return
    made = pl.scan_parquet(files).select(_ATTEMPT)
    called = session.read("list_standing_calls", campaign_id=campaign_id, from_date=None)
    if not made.join(called.lazy(), on=_ATTEMPT, how="anti").head(1).collect().is_empty():
        raise _lacking_calls(f"{home.journal}: the dial journal lacks calls that {files[0].parent} has")


def _redate(session: Session, campaign_id: str, zone: str) -> None:
    """Put the calls on the dates of the campaign's clock: they were noted by the one that it had then."""
    called = session.read("list_standing_calls", campaign_id=campaign_id, from_date=None)
    session.write(
        "redate_calls",
        ("redated", redated(called, zone).select(*_ATTEMPT, "call_date")),
        campaign_id=campaign_id,
    )


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


def _add_waiting(session: Session, campaign_id: str, versions: list[_Version], now: datetime) -> None:
    """Note which version's slot counts where it is not that of the last replacing one."""
    current = _current(versions)
    rows = _rows(current)
    first = current[0].brief.edition.plan_version
    called = session.read("list_standing_calls", campaign_id=campaign_id, from_date=None)
    later = (
        latest_versions(rows)
        .filter((pl.col("plan_version") > first) | (pl.col("attempt") > 1))
        .join(called.lazy(), on=_ATTEMPT, how="anti")
        .collect()
    )
    slotless = _went_back(current, rows, called)
    dropped = _not_tried_again(session.read("list_retries_of", campaign_id=campaign_id), versions)
    for those in (later, slotless, dropped):
        session.write("delete_waiting", ("planned", those), campaign_id=campaign_id)
    for (number,), planned in [*later.group_by("plan_version"), ((None,), slotless)]:
        session.write(
            "add_waiting", ("planned", planned), campaign_id=campaign_id, plan_version=number, ripe_at=now
        )
    session.write("delete_skipped_pending", campaign_id=campaign_id)


def _not_tried_again(retries: pl.DataFrame, versions: list[_Version]) -> pl.DataFrame:
    """Return the further attempts that are not made: those that lapsed, and those that no setting asked for.

    The journal's outcomes were judged by the settings as they are now; calls that ended before these came are
    judged by those of their version. An attempt for which a version looked in vain has lapsed.
    """
    lapsed = retries.join(_standing(versions, "due").collect(), on=_ATTEMPT, how="semi")
    brief = _current(versions)[0].brief
    if brief.from_at <= brief.starts_at:  # of an edit that moved the start nobody can tell when it was made
        return lapsed.select(_ATTEMPT)
    asked_for = pl.DataFrame(
        [
            (version.brief.edition.plan_version, outcome.value, version.campaign.retry.max_attempts)
            for version in versions
            for outcome in version.campaign.retry.delay_minutes
        ],
        schema={"plan_version": pl.Int32(), "state": pl.String(), "max_attempts": pl.UInt8()},
        orient="row",
    )
    known = [version.brief.edition.plan_version for version in versions]
    unasked = (
        retries.filter(pl.col("finished_at") <= brief.from_at, pl.col("plan_version").is_in(known))
        .join(asked_for, on=["plan_version", "state"], how="left")
        .filter(pl.col("attempt") > pl.col("max_attempts").fill_null(0))
    )
    return pl.concat([lapsed.select(_ATTEMPT), unasked.select(_ATTEMPT)]).unique()


def _standing(versions: list[_Version], kind: str) -> pl.LazyFrame:
    """Return the attempts that stood so when one of the versions was planned."""
    files = [companion(version.file, STANDING_SUFFIX) for version in versions]
    found = [STANDING.to_frame().lazy(), *(pl.scan_parquet(file) for file in files if file.is_file())]
    return pl.concat(found).filter(pl.col("kind") == kind).select(_ATTEMPT).unique()


def _went_back(current: list[_Version], rows: pl.LazyFrame, called: pl.DataFrame) -> pl.DataFrame:
    """Return the attempts that were claimed when a version was planned and have neither a call nor a slot.

    They went back: all that was ever dialled is in the journal, and so among the calls.
    """
    most = current[-1].campaign.retry.max_attempts
    return (
        _standing(current, "started")
        .filter(pl.col("attempt") <= most)
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
        dialer=(campaign.dialer or chosen_dialer(campaign)).value,
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
