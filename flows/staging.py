"""Staging: copying the slots of the next while from the plan files into the ledger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import polars as pl

from flows.archiving import past_calls, past_files
from flows.campaigns import LATE_LIMIT
from flows.contact_store import current_lists, current_snapshot
from flows.damage import fail_damaged, naming_damage
from flows.errors import CallplanError
from flows.home import Home
from flows.ledger import Ledger, Session
from flows.plan_store import first_slot_from, proven
from transforms.campaign import Campaign
from transforms.staging import staged_slots

STAGE_AHEAD = timedelta(minutes=30)
"""How far ahead slots are copied from the plan files into the ledger."""

STAGE_MARGIN = timedelta(minutes=10)
"""Slots are staged again once no more than this is missing of ``STAGE_AHEAD``."""


_LISTS = {"contact_list": pl.String(), "snapshot": pl.String()}
_Stat = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Past:
    """The attempts (``contact_id``, ``attempt``) of a campaign that left the ledger, in so many ``files``."""

    attempts: pl.LazyFrame
    files: int

    @classmethod
    def of(cls, home: Home, session: Session, campaign_id: str) -> Self:
        """Return what has left the ledger so far."""
        attempts = past_calls(home, session, campaign_id).select("contact_id", "attempt")
        return cls(attempts, past_files(session, campaign_id))


class Stage:
    """The staged slots of a store."""

    def __init__(self, home: Home, ledger: Ledger) -> None:
        self._home = home
        self._ledger = ledger
        self._proven: dict[tuple[str, str], _Stat | None] = {}

    def fill(self, now: datetime) -> list[str]:
        """Stage the slots of the next while; the plan files are read without holding the ledger.

        Where a clock that was ahead passed slots over, they are staged again. Returns what went wrong: a
        campaign whose plan or list is lost or damaged has failed.
        """
        errors, callable_from = [], now - LATE_LIMIT
        with self._ledger.session() as session:
            session.write("delete_slots_ahead", callable_from=callable_from)
            session.write("stage_again", callable_from=callable_from)
            wanting = session.read("list_unstaged", until=now + STAGE_AHEAD - STAGE_MARGIN)
            past = {
                campaign_id: _Past.of(self._home, session, campaign_id)
                for campaign_id in wanting["campaign_id"].unique()
            }
        for version in wanting.iter_rows(named=True):
            past_then = past[version["campaign_id"]]
            try:
                with naming_damage(self._home, self._ledger, version["campaign_id"]):
                    staged, staged_until = self._read_next(version, past_then.attempts, now)
            except CallplanError as error:
                errors.append(str(error))
                fail_damaged(self._home, self._ledger, version["campaign_id"], str(error), now)
                continue
            self._add(version, past_then, staged, staged_until, callable_from)
        return errors

    def is_outdated(self, staged_from: Collection[Mapping[str, str | None]]) -> bool:
        """Return whether a list was loaded again since slots were staged (``contact_list``, ``snapshot``)."""
        current = _current_names(self._home) if staged_from else {}
        return any(_is_old(read["snapshot"], current, read["contact_list"]) for read in staged_from)

    def lists_now(self) -> pl.DataFrame:
        """Return which snapshot each list has now (``contact_list``, ``snapshot``)."""
        names = _current_names(self._home)
        return pl.DataFrame([*names.items()], schema=_LISTS, orient="row")

    def renew(self, now: datetime) -> list[str]:
        """Read staged slots anew whose list was loaded again since; return what went wrong, as ``fill``."""
        errors = []
        current = _current_names(self._home)
        with self._ledger.session() as session:
            staged = session.read("list_staged")
        for version in staged.iter_rows(named=True):
            if not _is_old(version["snapshot"], current, version["contact_list"]):
                continue
            try:
                with naming_damage(self._home, self._ledger, version["campaign_id"]):
                    plan = pl.scan_parquet(self._proven_plan(version))
                    until = version["last_at"] + timedelta.resolution
                    slots = self._read(version, plan, version["first_at"], until)
            except CallplanError as error:
                errors.append(str(error))
                fail_damaged(self._home, self._ledger, version["campaign_id"], str(error), now)
                continue
            with self._ledger.session() as session:
                session.write("renew_slots", ("staged", slots))
        return errors

    def _read_next(
        self, version: Mapping[str, Any], made: pl.LazyFrame, now: datetime
    ) -> tuple[pl.DataFrame, datetime]:
        """Return a version's next slots that may still be called, and until when none is missing then."""
        until = now + STAGE_AHEAD
        plan = pl.scan_parquet(self._proven_plan(version)).join(
            made, on=["contact_id", "attempt"], how="anti", maintain_order="left"
        )
        staged = self._read(version, plan, max(version["staged_until"], now - LATE_LIMIT), until)
        return staged, until if staged.height else first_slot_from(plan, until) or until

    def _read(
        self, version: Mapping[str, Any], plan: pl.LazyFrame, from_at: datetime, until: datetime
    ) -> pl.DataFrame:
        snapshot = current_snapshot(self._home, version["contact_list"])
        campaign = Campaign.model_validate_json(version["settings"])
        slots = staged_slots(plan, pl.scan_parquet(snapshot), campaign, from_at, until)
        return slots.with_columns(snapshot=pl.lit(snapshot.name)).collect()

    def _add(
        self,
        version: Mapping[str, Any],
        past: _Past,
        staged: pl.DataFrame,
        staged_until: datetime,
        callable_from: datetime,
    ) -> None:
        """Stage a version's slots; those whose time is long past are passed over and planned anew.

        None is staged where calls left the ledger since the slots were read: one of them may have been of the
        same attempt. They are read again at the next look.
        """
        with self._ledger.session() as session:
            if past_files(session, version["campaign_id"]) != past.files:
                return
            moved = session.write(
                "move_stage",
                campaign_id=version["campaign_id"],
                plan_version=version["plan_version"],
                staged_from=version["staged_until"],
                staged_until=staged_until,
                callable_from=callable_from,
            )
            if moved and staged.height:
                session.write("add_slots", ("staged", staged))

    def _proven_plan(self, version: Mapping[str, str]) -> Path:
        """Return a version's plan file, its bytes compared with what was published, again once it changes."""
        key = (version["file"], version["sha256"])
        file = self._home.plans / version["file"]
        seen = _stat_of(file)
        if seen is None or self._proven.get(key) != seen:
            proven(self._home.plans, *key)
            self._proven[key] = seen
        return file


def _current_names(home: Home) -> dict[str, str]:
    return {list_name: snapshot.name for list_name, snapshot in current_lists(home).items()}


def _is_old(snapshot: str | None, current: Mapping[str, str], list_name: str | None) -> bool:
    """Return whether a snapshot is not the one that its list has now; one that is not known is old."""
    return snapshot is None or list_name is None or current.get(list_name) != snapshot


def _stat_of(file: Path) -> _Stat | None:
    """Return what tells whether a file was written to since it was seen last; None where it is gone."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
