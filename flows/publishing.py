"""Publishing a plan: computed, written, proven rule by rule, renamed, and then named by the ledger."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import polars as pl

from flows.applying import apply_journal
from flows.checking import CheckResult, PlanUnderTest, check_plan
from flows.committing import OutdatedError, Publication, commit, fates
from flows.contact_store import snapshot_hash
from flows.database import BusyError, locked
from flows.errors import WorkError
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger
from flows.outbox import tell_soon
from flows.plan_store import (
    EXCLUDED_SUFFIX,
    STANDING_SUFFIX,
    companion,
    publish_file,
    set_aside_orphans,
    sha256_of,
    version_name,
    write_companion,
    write_plan,
)
from flows.planning import ComputedPlan, compute_plan, judged_contacts
from flows.progress import Progress
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.plan import metadata
from transforms.preflight import ASSUMED_CALL, Preflight, preflight
from transforms.schemas import CONTACTS
from transforms.standing import counted_elsewhere
from transforms.wall_clock import TZDATA_VERSION

Done = TypeVar("Done")


class NobodyPlacedError(WorkError):
    """All who wait for a slot have waited before, and none finds a date: a version would say nothing new."""


MOST_TRIES = 5
"""How often a publication is computed again because something else came in between."""


@dataclass(frozen=True)
class WrittenPlan:
    """A plan file that holds every rule, with what a person wants to know of it; instants are UTC.

    ``first_at`` and ``last_at`` are None where it has no row. ``left`` counts those who found no date.
    """

    file: Path
    rows: int
    excluded: pl.DataFrame
    first_at: datetime | None
    last_at: datetime | None
    checks: list[CheckResult]
    first_rows: pl.DataFrame
    per_date: pl.DataFrame
    contacts_hash: str
    left: int
    preflight: Preflight


def write_checked_plan(
    file: Path,
    contacts: pl.LazyFrame,
    contacts_hash: str,
    campaign: Campaign,
    brief: Brief,
    progress: Progress,
    *,
    standing_file: Path | None = None,
    partly: bool = False,
    call_lasts: timedelta = ASSUMED_CALL,
) -> WrittenPlan:
    """Compute a plan, write it and what it found standing, and prove every rule over every row.

    Raises:
        WorkError: the contacts do not fit, or the plan breaks a rule; ``file`` is then removed.
    """
    progress("computing the plan")
    computed = compute_plan(contacts, campaign, brief, partly=partly)
    progress(f"writing {computed.contacts:,} slots")
    facts = _facts(campaign, contacts_hash, brief) | _write_standing(brief, computed, standing_file)
    write_plan(computed.rows, file, facts)
    try:
        _refuse_lost(file, computed)
        checks = check_plan(
            PlanUnderTest(file, campaign, brief, expected_rows(contacts, campaign, brief, file)),
            lambda rule: progress(f"checking {rule}"),
        )
        refuse_broken(checks)
    except BaseException:
        file.unlink()
        raise
    return _described(file, computed, checks, contacts_hash, campaign, call_lasts)


def refuse_empty(written: WrittenPlan) -> None:
    """Remove a plan without rows and raise WorkError; a campaign that calls nobody is not begun."""
    if not written.rows:
        written.file.unlink()
        raise WorkError(f"nobody can be called: all {written.excluded.height:,} contacts are excluded")


def _refuse_lost(file: Path, computed: ComputedPlan) -> None:
    rows = pl.scan_parquet(file).select(pl.len()).collect().item()
    if rows != computed.contacts:
        raise WorkError(f"the plan has {rows:,} rows instead of {computed.contacts:,}")


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


def publish(
    home: Home, ledger: Ledger, publication: Publication, now: datetime, progress: Progress
) -> WrittenPlan:
    """Write, prove and commit a version of a campaign's plan.

    The caller holds the campaign's publishing lock.

    Raises:
        NobodyPlacedError: it would say nothing new; its files are removed.
        OutdatedError: something came in between, so it must be computed again.
        WorkError: the contacts do not fit, or the plan breaks a rule.
    """
    brief = publication.brief
    name = version_name(brief.edition.campaign_id, brief.edition.plan_version)
    target = home.plans / name
    written = write_checked_plan(
        target.with_name(f".{target.stem}.part"),
        pl.scan_parquet(publication.snapshot).select(CONTACTS.names()),
        snapshot_hash(publication.snapshot),
        publication.settings,
        brief,
        progress,
        standing_file=companion(target, STANDING_SUFFIX),
        partly=publication.partly,
        call_lasts=publication.call_lasts,
    )
    if publication.stored.state == "draft":
        refuse_empty(written)
    fate = fates(brief, pl.scan_parquet(written.file), written.excluded)
    if fate.leave_all_waiting(publication.waiting):
        written.file.unlink()
        companion(target, STANDING_SUFFIX).unlink(missing_ok=True)
        raise NobodyPlacedError(fate.hindrance or "nobody waits for a slot")
    write_companion(written.excluded.lazy(), companion(target, EXCLUDED_SUFFIX))
    try:
        published = publish_file(written.file, home.plans, name)
    except FileExistsError as error:
        raise OutdatedError from error
    with ledger.session() as session:
        apply_journal(session, Journal(home.journal), now)  # it may know of a skip that the ledger does not
        commit(session, publication, published, fate, written.excluded, written.contacts_hash, now)
    tell_soon(home, ledger, now, progress)
    return replace(written, file=target)


def publishing(
    home: Home,
    ledger: Ledger,
    campaign_id: str,
    now: datetime,
    attempt: Callable[[], Done],
    *,
    waits: bool = True,
) -> Done:
    """Run ``attempt`` under the campaign's publishing lock, and again while it turns out to be outdated.

    Before each try the journal is applied, and plan files that no version names are set aside; also once it
    has failed.

    Raises:
        BusyError: somebody else is publishing, where nobody ``waits`` for that.
        OutdatedLedgerError: the ledger is an older copy, so that plans it does not know are in use.
    """
    with locked(_lock_of(home, campaign_id), waits=waits):
        try:
            for _ in range(MOST_TRIES - 1):
                _set_aside_orphans(home, ledger, campaign_id, now)
                try:
                    return attempt()
                except OutdatedError:
                    continue
            _set_aside_orphans(home, ledger, campaign_id, now)
            return attempt()
        except Exception:
            _set_aside_orphans(home, ledger, campaign_id, now)  # or a recovery might take up what was refused
            raise


def set_aside_left_over(home: Home, ledger: Ledger, campaign_id: str, now: datetime) -> None:
    """Set aside what a killed publication left, lest a recovery takes it up over what was changed since.

    Nothing is done while somebody is publishing, who has done it.
    """
    try:
        with locked(_lock_of(home, campaign_id), waits=False):
            _set_aside_orphans(home, ledger, campaign_id, now)
    except BusyError:
        return


def _lock_of(home: Home, campaign_id: str) -> Path:
    folder = home.plans / campaign_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder / ".publishing.lock"


def _set_aside_orphans(home: Home, ledger: Ledger, campaign_id: str, now: datetime) -> None:
    with ledger.session() as session:
        apply_journal(session, Journal(home.journal), now)
        known = set(session.read("list_versions", campaign_id=campaign_id)["file"])
    set_aside_orphans(home.plans, campaign_id, known)


def expected_rows(contacts: pl.LazyFrame, campaign: Campaign, brief: Brief, file: Path) -> pl.DataFrame:
    """Return whom a plan has to have, with ``attempt``, ``position``, and the ``reason`` of who is left out.

    Of a plan on top of others, those without a row found no date; how many they may be is judged where it
    is computed.
    """
    expected = judged_contacts(contacts, campaign, brief).select(
        "contact_id", "attempt", "position", "reason"
    )
    if brief.fresh_until != 0:
        return expected.collect()
    slots = pl.scan_parquet(file).select("contact_id", "attempt", has_slot=pl.lit(True))
    no_date = pl.when(pl.col("has_slot").is_null()).then(pl.lit("found no date"))
    return (
        expected.join(slots, on=["contact_id", "attempt"], how="left", maintain_order="left")
        .with_columns(reason=pl.coalesce("reason", no_date))
        .drop("has_slot")
        .collect()
    )


def _write_standing(brief: Brief, computed: ComputedPlan, file: Path | None) -> dict[str, str]:
    """Write what a plan found standing beside it, where anything did; return the metadata that names it."""
    if file is None or brief.standing.head(1).collect().is_empty():
        return {}
    write_companion(counted_elsewhere(brief.standing, computed.dates), file)
    return {"callplan.standing_sha256": sha256_of(file)}


def _facts(campaign: Campaign, contacts_hash: str, brief: Brief) -> dict[str, str]:
    return metadata(
        campaign,
        contacts_hash,
        brief,
        {"tzdata_version": TZDATA_VERSION, "callplan_version": version("callplan")},
    )


def _described(
    file: Path,
    computed: ComputedPlan,
    checks: list[CheckResult],
    contacts_hash: str,
    campaign: Campaign,
    call_lasts: timedelta,
) -> WrittenPlan:
    rows = pl.scan_parquet(file)
    first_at, last_at = (
        rows.select(first_at=pl.col("scheduled_at").first(), last_at=pl.col("scheduled_at").last())
        .collect()
        .row(0)
        if computed.contacts
        else (None, None)
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
        computed.left,
        preflight(rows, campaign, call_lasts),
    )
