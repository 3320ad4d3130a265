"""The past: calls of closed days leave the ledger for Parquet files, so that it stays small.

A day is closed when it has been over for 27 hours by the campaign's clock and no call of it is in flight: it
has nothing in common with today then, on whatever clock an edit gives the campaign, nor with the rests of its
pace. Its files are on the disk before the ledger lets go of the rows. Files that no day of the ledger names
are as good as not there, but none is written over: an earlier ledger may have named them.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.applying import apply_journal
from flows.database import BusyError, StuckError, locked
from flows.home import Home
from flows.journal import Journal
from flows.ledger import Ledger, Session
from flows.plan_store import sync_folder, write_companion
from transforms.schemas import INSTANT
from transforms.wall_clock import to_local

PAST_CALLS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "plan_version": pl.Int32(),
        "phone": pl.String(),
        "from_number": pl.String(),
        "variables": pl.String(),
        "timezone": pl.String(),
        "scheduled_at": INSTANT,
        "not_after": INSTANT,
        "call_date": pl.Date(),
        "slot_index": pl.Int64(),
        "state": pl.String(),
        "previous_state": pl.String(),
        "owner_id": pl.String(),
        "lease_id": pl.String(),
        "claimed_at": INSTANT,
        "noted_at": INSTANT,
        "answered_at": INSTANT,
        "finished_at": INSTANT,
        "deadline_at": INSTANT,
        "changed_at": INSTANT,
        "provider_call_id": pl.String(),
        "provider_status": pl.String(),
        "reason": pl.String(),
    }
)
"""One row per call of a closed day, in ``scheduled_at`` order: the ledger's columns, without ``dials``."""

PAST_EVENTS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "happened_at": INSTANT,
        "from_state": pl.String(),
        "to_state": pl.String(),
        "owner_id": pl.String(),
        "reason": pl.String(),
    }
)
"""One row per change of state of those calls, as it happened."""

_STAYS = timedelta(hours=27)
"""How long a day that is over stays in the ledger: longer than any day lasts."""

_CALL = ["campaign_id", "contact_id", "attempt"]


class ChangedError(Exception):
    """A call of a closed day changed while it was exported; the day is left for the next time."""


def archive_closed_days(home: Home, ledger: Ledger, now: datetime) -> list[str]:
    """Export the calls of closed days and take them off the ledger, unless somebody else is about it.

    Returns what went wrong: a day whose files cannot be written stays in the ledger.
    """
    try:
        with locked(home.archived.with_suffix(".lock"), waits=False):
            return _archive_days(home, ledger, now)
    except BusyError:
        return []
    except StuckError as error:
        return [str(error)]


def _archive_days(home: Home, ledger: Ledger, now: datetime) -> list[str]:
    with ledger.session() as session:
        days = session.read("list_closed_days", ("open_day", _open_since(session, now)))
    errors = []
    for campaign_id, day, part in days.iter_rows():
        try:
            _archive(home, ledger, campaign_id, day, part, now)
        except ChangedError:
            continue
        except (OSError, pl.exceptions.PolarsError) as error:
            errors.append(f"{home.past / campaign_id}: the calls of {day} cannot be archived: {error}")
    return errors


def archive_journal(ledger: Ledger, journal: Journal) -> int:
    """Move the full files of the journal whose calls have all ended; return how many that were."""
    with ledger.session() as session:
        open_calls = session.read("list_open_calls")
        return journal.set_aside(lambda notes: notes.join(open_calls, on=_CALL, how="semi").is_empty())


def past_calls(home: Home, session: Session, campaign_id: str, from_date: date | None = None) -> pl.LazyFrame:
    """Return the calls (``PAST_CALLS``) of a campaign's closed days, on or after a date if one is given."""
    days = session.read("list_past_days", campaign_id=campaign_id, from_date=from_date)
    files = [home.past / name for name in days["calls_file"]]
    return pl.scan_parquet(files) if files else PAST_CALLS.to_frame().lazy()


def past_files(session: Session, campaign_id: str) -> int:
    """Return how many files hold calls of a campaign that left the ledger; it grows whenever some leave."""
    return session.read("list_past_days", campaign_id=campaign_id, from_date=None).height


def _open_since(session: Session, now: datetime) -> pl.DataFrame:
    """Return ``campaign_id`` and ``open_since``: its first date that is not closed, by its own clock."""
    zones = session.read("copy_campaign").select("campaign_id", "timezone")
    dates = [to_local(zone, now - _STAYS).date() for zone in zones["timezone"]]
    return zones.select("campaign_id", open_since=pl.Series(dates, dtype=pl.Date))


def _archive(home: Home, ledger: Ledger, campaign_id: str, day: date, part: int, now: datetime) -> None:
    of_day: dict[str, Any] = {"campaign_id": campaign_id, "call_date": day}
    with ledger.session() as session:
        calls = _as(session.read("list_closed_calls", **of_day), PAST_CALLS)
        events = _as(session.read("list_closed_events", ("leaving", calls)), PAST_EVENTS)
    for left in (home.past / campaign_id).glob("*.part"):  # by a process that died
        left.unlink()
    part, names = _free_names(home.past, campaign_id, day, part)
    for rows, name in ((calls, names["calls_file"]), (events, names["events_file"])):
        written = (home.past / name).with_suffix(".part")
        write_companion(rows.lazy(), written)
        written.rename(home.past / name)
    sync_folder((home.past / names["calls_file"]).parent)
    with ledger.session() as session:
        apply_journal(session, Journal(home.journal), now)  # of a skip, too: it is settled below
        if session.write("delete_archived_calls", ("leaving", calls)) != calls.height:
            raise ChangedError
        session.write("delete_archived_events", ("leaving", calls))
        session.write("add_past_day", ("leaving", calls), **of_day, part=part, **names, now=now)
        known = calls.select("contact_id").unique()
        session.write("settle_skips", ("known_skip", known), campaign_id=campaign_id)


def _free_names(past: Path, campaign_id: str, day: date, part: int) -> tuple[int, dict[str, str]]:
    """Return the first part from ``part`` on of which no file is there, and the names of its files.

    A recovered ledger does not know the parts that an earlier one wrote.
    """
    while True:
        names = {
            f"{kind}_file": f"{campaign_id}/{day:%Y-%m-%d}-{part:03d}.{kind}.parquet"
            for kind in ("calls", "events")
        }
        if not any((past / name).exists() for name in names.values()):
            return part, names
        part += 1


def _as(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
