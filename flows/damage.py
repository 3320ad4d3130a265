"""Files that cannot be read any more: which one it is, so that its campaign alone fails for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.archiving import PAST_CALLS
from flows.campaigns import fail, find_campaign
from flows.contact_store import current_snapshot
from flows.errors import DamagedFileError, WorkError
from flows.home import Home
from flows.ledger import Ledger
from flows.plan_store import EXCLUDED_SUFFIX, companion, proven
from transforms.schemas import CONTACTS, EXCLUDED

UNREADABLE = (pl.exceptions.PolarsError, FileNotFoundError)
"""What Polars raises for files that are lost or damaged."""


@contextmanager
def naming_damage(home: Home, ledger: Ledger, campaign_id: str) -> Iterator[None]:
    """Say in the block which file of the campaign it is that cannot be read; Polars mostly does not.

    Raises:
        DamagedFileError: the block failed, and a file of the campaign is lost or damaged.
    """
    try:
        yield
    except UNREADABLE:
        _refuse_damaged(home, ledger, campaign_id)
        raise


def _refuse_damaged(home: Home, ledger: Ledger, campaign_id: str) -> None:
    with ledger.session() as session:
        settings = find_campaign(session, campaign_id).settings
        versions = session.read("list_current_versions", campaign_id=campaign_id)
        past = session.read("list_past_days", campaign_id=campaign_id, from_date=None)
    for name, sha256 in versions.select("file", "sha256").iter_rows():
        refuse_unreadable(companion(proven(home.plans, name, sha256), EXCLUDED_SUFFIX), EXCLUDED)
    if settings.contact_list is not None:
        refuse_unreadable(current_snapshot(home, settings.contact_list), CONTACTS)
    for name in past["calls_file"]:
        refuse_unreadable(home.past / name, PAST_CALLS)


def fail_damaged(home: Home, ledger: Ledger, campaign_id: str, problem: str, now: datetime) -> None:
    """End a campaign of which a file is lost or damaged.

    Raises:
        WorkError: all plans are away, as with a disk that is not mounted; nobody has failed then.
    """
    refuse_without_plans(home)
    fail(ledger, campaign_id, problem, now)


def refuse_without_plans(home: Home) -> None:
    """Raise WorkError where there is no file of any plan."""
    if not any(home.plans.glob("*/*.parquet")):
        raise WorkError(
            f"{home.plans}: the plans of all campaigns are gone, so nobody is called; bring the folder back"
        )


def refuse_unreadable(file: Path, schema: pl.Schema) -> None:
    """Raise DamagedFileError unless all of a file's columns can be read."""
    try:
        pl.scan_parquet(file).select(schema.names()).sink_ipc(os.devnull)
    except UNREADABLE as error:
        raise DamagedFileError(f"{file}: the file is lost or damaged ({type(error).__name__})") from error


def archived_files(home: Home, campaign_id: str) -> list[Path]:
    """Return the files with calls of closed days of a campaign, also of days that the ledger does not know.

    One that cannot be read, without the events beside it that were written next, is none: a process died
    over it, where an older callplan wrote it under its name at once.
    """
    files = sorted((home.past / campaign_id).glob("*.calls.parquet"))
    return [file for file in files if not _was_cut_short(file)]


def _was_cut_short(calls_file: Path) -> bool:
    if calls_file.with_name(calls_file.name.replace(".calls.", ".events.")).exists():
        return False
    try:
        refuse_unreadable(calls_file, PAST_CALLS)
    except DamagedFileError:
        return True
    return False
