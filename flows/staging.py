"""Staging: copying the slots of the next while from the plan files into the ledger."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.archiving import past_calls
from flows.campaigns import LATE_LIMIT, fail
from flows.contact_store import current_snapshot
from flows.errors import CallplanError
from flows.home import Home
from flows.ledger import Ledger
from flows.plan_store import first_slot_from, proven
from transforms.campaign import Campaign
from transforms.staging import staged_slots

STAGE_AHEAD = timedelta(minutes=30)
"""How far ahead slots are copied from the plan files into the ledger."""

STAGE_MARGIN = timedelta(minutes=10)
"""Slots are staged again once no more than this is missing of ``STAGE_AHEAD``."""


class Stage:
    """The staged slots of a store."""

    def __init__(self, home: Home, ledger: Ledger) -> None:
        self._home = home
        self._ledger = ledger
        self._proven: set[tuple[str, str]] = set()

    def fill(self, now: datetime) -> list[str]:
        """Stage the slots of the next while; the plan files are read without holding the ledger.

        Returns what went wrong: a campaign whose plan or list is lost or damaged has failed.
        """
        errors = []
        with self._ledger.session() as session:
            wanting = session.read("list_unstaged", until=now + STAGE_AHEAD - STAGE_MARGIN)
            made = {
                campaign_id: past_calls(self._home, session, campaign_id).select("contact_id", "attempt")
                for campaign_id in wanting["campaign_id"].unique()
            }
        for version in wanting.iter_rows(named=True):
            try:
                plan = self._proven_plan(version)
                snapshot = current_snapshot(self._home, version["contact_list"])
            except CallplanError as error:
                errors.append(str(error))
                fail(self._ledger, version["campaign_id"], str(error), now)
                continue
            slots = pl.scan_parquet(plan).join(
                made[version["campaign_id"]], on=["contact_id", "attempt"], how="anti", maintain_order="left"
            )
            self._fill_version(version, slots, pl.scan_parquet(snapshot), now)
        return errors

    def _fill_version(
        self, version: Mapping[str, Any], plan: pl.LazyFrame, contacts: pl.LazyFrame, now: datetime
    ) -> None:
        """Stage a version's slots; those whose time is long past are passed over and planned anew."""
        campaign, until = Campaign.model_validate_json(version["settings"]), now + STAGE_AHEAD
        callable_from = now - LATE_LIMIT
        staged_from = max(version["staged_until"], callable_from)
        staged = staged_slots(plan, contacts, campaign, staged_from, until).collect()
        staged_until = until if staged.height else first_slot_from(plan, until) or until
        with self._ledger.session() as session:
            moved = session.write(
                "move_stage",
                campaign_id=version["campaign_id"],
                plan_version=version["plan_version"],
                staged_from=version["staged_until"],
                staged_until=staged_until,
                missed_from=version["staged_until"] if version["staged_until"] < callable_from else None,
            )
            if moved and staged.height:
                session.write("add_slots", ("staged", staged))

    def _proven_plan(self, version: Mapping[str, str]) -> Path:
        """Return a version's plan file, its bytes compared with what was published, once per file."""
        key = (version["file"], version["sha256"])
        if key not in self._proven:
            proven(self._home.plans, *key)
            self._proven.add(key)
        return self._home.plans / version["file"]
