"""Publishing a plan: computed, written, proven rule by rule, renamed, and then named by the ledger."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl

from flows.campaigns import StoredCampaign, chosen_dialer, find_campaign
from flows.checking import CheckResult, PlanUnderTest, check_plan
from flows.contact_store import current_snapshot, snapshot_hash
from flows.database import locked
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.ledger import Ledger, Session
from flows.plan_store import PlanFile, publish_file, set_aside_orphans, version_name, write_plan
from flows.planning import ComputedPlan, compute_plan
from flows.progress import Progress, silent
from transforms.campaign import Campaign
from transforms.days import first_day_cap
from transforms.eligibility import with_zone, without_skipped
from transforms.plan import Edition, metadata
from transforms.schemas import CONTACTS
from transforms.wall_clock import TZDATA_VERSION, to_local


@dataclass(frozen=True)
class WrittenPlan:
    """A plan file that holds every rule, with what a person wants to know of it; instants are UTC."""

    file: Path
    rows: int
    excluded: pl.DataFrame
    first_at: datetime
    last_at: datetime
    checks: list[CheckResult]
    first_rows: pl.DataFrame
    per_date: pl.DataFrame
    contacts_hash: str


def write_checked_plan(
    file: Path,
    contacts: pl.LazyFrame,
    contacts_hash: str,
    campaign: Campaign,
    starts_at: datetime,
    edition: Edition,
    skipped: pl.DataFrame,
    progress: Progress,
) -> WrittenPlan:
    """Compute a plan, write it to ``file`` and prove every rule over every row.

    Raises:
        WorkError: nobody can be called, the contacts do not fit, or the plan breaks a rule; ``file`` is
            then removed.
    """
    progress("computing the plan")
    computed = compute_plan(contacts, campaign, starts_at, edition, skipped)
    if not computed.contacts:
        raise WorkError(f"nobody can be called: all {computed.excluded.height:,} contacts are excluded")
    progress(f"writing {computed.contacts:,} slots")
    write_plan(computed.rows, file, _facts(campaign, contacts_hash, computed, skipped))
    try:
        checks = check_plan(
            PlanUnderTest(file, campaign, starts_at, edition, judged(contacts, campaign, skipped)),
            lambda rule: progress(f"checking {rule}"),
        )
        refuse_broken(checks)
    except BaseException:
        file.unlink()
        raise
    return _described(file, computed, checks, contacts_hash)


def judged(contacts: pl.LazyFrame, campaign: Campaign, skipped: pl.DataFrame) -> pl.DataFrame:
    """Return every contact's ``contact_id``, ``position`` in the list and ``reason`` not to be called."""
    zoned = without_skipped(with_zone(contacts, campaign), skipped.lazy())
    return zoned.select("contact_id", "position", "reason").collect()


def refuse_broken(checks: list[CheckResult]) -> None:
    """Raise WorkError when a rule is broken, naming the rule and the first offending rows."""
    broken = [check for check in checks if check.broken]
    if broken:
        raise WorkError(
            *(
                f"{check.rule}: {check.broken:,} rows break this rule, "
                f"first {example['contact_id'] or 'a date'}: {example['problem']}"
                for check in broken
                for example in check.examples[:1]
            )
        )


def schedule(
    home: Home, ledger: Ledger, named: str, now: datetime, progress: Progress = silent
) -> WrittenPlan:
    """Plan a draft campaign from its list and publish the plan; the campaign is then scheduled.

    Raises:
        InputError: the campaign is no draft, or lacks what scheduling needs; all that is missing is named.
        WorkError: the contacts do not fit, or another publication came first.
    """
    with ledger.session() as session:
        stored = find_campaign(session, named)
        skipped = session.read("list_skips", campaign_id=stored.campaign_id)
    dialer = _ready(home, stored)
    campaign = stored.settings
    snapshot = current_snapshot(home, campaign.contact_list or "")
    starts_at = campaign.starts_at(now)
    edition = Edition(stored.campaign_id, plan_version=1)
    folder = home.plans / stored.campaign_id
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".publishing.lock"):
        with ledger.session() as session:
            _set_aside_orphans(session, home, stored.campaign_id)
        name = version_name(stored.campaign_id, edition.plan_version)
        written = write_checked_plan(
            folder / f".{edition.plan_version:06d}.part",
            pl.scan_parquet(snapshot).select(CONTACTS.names()),
            snapshot_hash(snapshot),
            campaign,
            starts_at,
            edition,
            skipped,
            progress,
        )
        write_excluded(written.excluded, home.plans / name.replace(".parquet", ".excluded.parquet"))
        published = publish_file(written.file, home.plans, name)
        with ledger.session() as session:
            _commit(session, stored, dialer, published, written, snapshot, now, starts_at)
    return written


def write_excluded(excluded: pl.DataFrame, file: Path) -> None:
    """Write who is not planned (``EXCLUDED``) beside a plan."""
    excluded.lazy().sink_parquet(file, compression="zstd", sync_on_close="all")


def _ready(home: Home, stored: StoredCampaign) -> str:
    if stored.state != "draft":
        raise InputError(f"{stored.name}: is {stored.state}; only a draft can be scheduled")
    problems = stored.settings.missing_for_scheduling()
    dialer = ""
    try:
        dialer = chosen_dialer(stored.settings).value
    except InputError as error:
        problems += error.problems
    if stored.settings.contact_list is not None:
        try:
            snapshot = current_snapshot(home, stored.settings.contact_list)
            if not pl.scan_parquet(snapshot).select(pl.len()).collect().item():
                problems.append(f"contact_list: the list {stored.settings.contact_list!r} has no contact")
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*(f"{stored.name}: {problem}" for problem in problems))
    return dialer


def _set_aside_orphans(session: Session, home: Home, campaign_id: str) -> None:
    known = set(session.read("list_versions", campaign_id=campaign_id)["file"])
    set_aside_orphans(home.plans, campaign_id, known)


def _commit(
    session: Session,
    stored: StoredCampaign,
    dialer: str,
    published: PlanFile,
    written: WrittenPlan,
    snapshot: Path,
    now: datetime,
    starts_at: datetime,
) -> None:
    campaign = stored.settings
    first_date = to_local(campaign.timezone, starts_at).date()
    added = session.write(
        "add_plan_version",
        campaign_id=stored.campaign_id,
        plan_version=1,
        based_on=0,
        kind="replaces",
        file=published.name,
        sha256=published.sha256,
        contacts_hash=snapshot_hash(snapshot),
        row_count=written.rows,
        first_at=written.first_at,
        last_at=written.last_at,
        published_at=now,
    )
    scheduled = session.write(
        "set_schedule",
        campaign_id=stored.campaign_id,
        starts_at=starts_at,
        dialer=dialer,
        contact_count=written.rows,
        excluded_count=written.excluded.height,
        first_date=first_date,
        first_date_cap=first_day_cap(campaign, first_date, starts_at),
        now=now,
    )
    if not added or not scheduled:
        raise WorkError(f"{stored.name}: somebody else scheduled it meanwhile")
    session.write("add_campaign_events", changed_at=now)


def _facts(
    campaign: Campaign, contacts_hash: str, computed: ComputedPlan, skipped: pl.DataFrame
) -> dict[str, str]:
    facts = metadata(
        campaign,
        contacts_hash,
        computed.starts_at.isoformat(),
        {"tzdata": TZDATA_VERSION, "callplan": version("callplan")},
    )
    gone = dict(zip(skipped["contact_id"], skipped["reason"], strict=True))
    return facts | {"callplan.skipped": json.dumps(gone, sort_keys=True)}


def _described(
    file: Path, computed: ComputedPlan, checks: list[CheckResult], contacts_hash: str
) -> WrittenPlan:
    rows = pl.scan_parquet(file)
    first_at, last_at = (
        rows.select(first_at=pl.col("scheduled_at").first(), last_at=pl.col("scheduled_at").last())
        .collect()
        .row(0)
    )
    per_date = rows.group_by("call_date").agg(calls=pl.len()).sort("call_date").collect()
    return WrittenPlan(
        file,
        computed.contacts,
        computed.excluded,
        first_at,
        last_at,
        checks,
        rows.head(5).collect(),
        per_date,
        contacts_hash,
    )
