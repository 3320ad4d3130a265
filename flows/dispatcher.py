"""The dispatcher: records what came back, claims what falls due, and has the claimed calls placed.

Clock, dialer and ledger are handed in, and so is what places a batch of calls, so that the same code runs in
real time as a Prefect flow and in simulated time in a demo or a test.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.campaigns import LATE_LIMIT, activate_campaigns, complete_campaigns, fail, hinder
from flows.clock import Clock
from flows.contact_store import current_snapshot
from flows.dialers.dialer import ANSWERS, Dialer
from flows.errors import CallplanError, WorkError
from flows.home import Home
from flows.ledger import Ledger
from flows.owners import Owner, is_dead
from flows.plan_store import first_slot_from, proven
from flows.replanning import LOOK_AGAIN, campaigns_to_replan, replan
from transforms.campaign import Campaign
from transforms.staging import staged_slots

TICK = timedelta(seconds=1)
"""How often a dispatcher in real time looks."""

STAGE_AHEAD = timedelta(minutes=30)
"""How far ahead slots are copied from the plan files into the ledger."""

_STAGE_MARGIN = timedelta(minutes=10)
_POLL_EVERY = timedelta(minutes=1)
BATCH_CALLS = 50
"""How many calls one task places: few enough to spread, many enough that a task's own cost does not count."""


@dataclass(frozen=True)
class Batch:
    """Calls that one task places: their dialer and one request per row (``REQUESTS``)."""

    dialer: Dialer
    requests: pl.DataFrame


PlaceAll = Callable[[list[Batch], datetime], list[pl.DataFrame | BaseException]]
"""Places batches side by side and returns for each its answers (``ANSWERS``), or what it failed with."""


@dataclass
class Tally:
    """What a dispatcher has done: counts of calls, and the errors it met."""

    ticks: int = 0
    placed: int = 0
    finished: int = 0
    replanned: int = 0
    most_in_flight: int = 0
    errors: list[str] = field(default_factory=list)


class Dispatcher:
    """Works on a ledger as one owner.

    ``dialers`` has a dialer for each name that campaigns use.
    """

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        clock: Clock,
        dialers: Mapping[str, Dialer],
        place_all: PlaceAll,
        owner: Owner,
    ) -> None:
        self._home = home
        self._ledger = ledger
        self._clock = clock
        self._dialers = dialers
        self._place_all = place_all
        self._owner = owner
        self._proven: set[tuple[str, str]] = set()
        self.tally = Tally()

    def run(self, until: datetime, tick: timedelta | None = TICK) -> Tally:
        """Tick until ``until``; every ``tick`` in real time, or, with None, whenever something is to do."""
        self._doubt_abandoned()
        while self._clock.now() < until:
            self.tick()
            wake_at = self._next_wake() if tick is None else self._clock.now() + tick
            if wake_at is None:
                break
            self._clock.wait_until(min(wake_at, until))
        return self.tally

    def is_idle(self) -> bool:
        """Return whether nothing is left to do, now or later."""
        return self._next_wake() is None

    def tick(self) -> None:
        """Record what came back, claim what has fallen due, place it and record what was answered."""
        now = self._clock.now()
        self.tally.ticks += 1
        work = self._work(now)
        if work["in_flight"] or work["overdue"]:
            self._record_reports(now)
        if work["unstaged"]:
            self._stage(now)
        if work["in_flight"] or work["overdue"] or work["unstaged"]:
            now = self._clock.now()  # that took time, and a window may have closed
            work = self._work(now)
        if _somebody_waits(work, now) and self._replan(now):
            now = self._clock.now()
            work = self._work(now)
        if work["due"] or work["beginning"]:
            lease_id, claimed = self._claim(now)
            if not claimed.is_empty():
                self._place(lease_id, claimed, now)

    def _work(self, now: datetime) -> dict[str, Any]:
        with self._ledger.session() as session:
            found = session.read(
                "find_work", now=now, late_limit=LATE_LIMIT, stage_until=now + STAGE_AHEAD - _STAGE_MARGIN
            )
        return found.row(0, named=True)

    def _record_reports(self, now: datetime) -> None:
        with self._ledger.session() as session:
            calls = session.read("list_in_progress")
        reports = [
            self._dialer(str(name)).look_up(of_dialer, now)
            for (name,), of_dialer in calls.group_by("dialer", maintain_order=True)
        ]
        with self._ledger.session() as session:
            finished = 0
            for found in reports:
                if not found.is_empty():
                    finished += session.write("record_reports", ("report", found), now=now)
            finished += session.write("close_overdue", now=now)
            if finished:
                session.write("add_call_events", changed_at=now)
                session.write("add_retries", changed_at=now)
                complete_campaigns(session, now)
        self.tally.finished += finished

    def _replan(self, now: datetime) -> int:
        """Find slots for those who missed theirs or are to be tried again; return in how many campaigns."""
        waiting = campaigns_to_replan(self._ledger, now)
        for campaign_id in waiting:
            try:
                self.tally.replanned += replan(self._home, self._ledger, campaign_id, now)
            except CallplanError as error:
                self.tally.errors.append(str(error))
                hinder(self._ledger, campaign_id, str(error), now)
        return len(waiting)

    def _stage(self, now: datetime) -> None:
        """Copy the slots of the next while from the plan files, which are read without holding the ledger."""
        with self._ledger.session() as session:
            wanting = session.read("list_unstaged", until=now + STAGE_AHEAD - _STAGE_MARGIN)
        for version in wanting.iter_rows(named=True):
            try:
                plan = self._proven_plan(version)
                snapshot = current_snapshot(self._home, version["contact_list"])
            except CallplanError as error:
                self.tally.errors.append(str(error))
                fail(self._ledger, version["campaign_id"], str(error), now)
                continue
            self._stage_version(version, pl.scan_parquet(plan), pl.scan_parquet(snapshot), now)

    def _stage_version(
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

    def _dialer(self, name: str) -> Dialer:
        if name not in self._dialers:
            raise WorkError(f"this dispatcher has no dialer {name!r}; it has {', '.join(self._dialers)}")
        return self._dialers[name]

    def _claim(self, now: datetime) -> tuple[str, pl.DataFrame]:
        lease_id = str(uuid.uuid4())
        with self._ledger.session() as session:
            activate_campaigns(session, now)
            session.write(
                "claim_due",
                now=now,
                late_limit=LATE_LIMIT,
                owner_id=self._owner.owner_id,
                lease_id=lease_id,
            )
            session.write("delete_claimed", lease_id=lease_id)
            session.write("delete_claimed_pending", lease_id=lease_id)
            session.write("add_call_events", changed_at=now)
            claimed = session.read("list_claimed", lease_id=lease_id)
            in_flight = int(session.read("count_all_in_flight").item())
        self.tally.most_in_flight = max(self.tally.most_in_flight, in_flight)
        return lease_id, claimed

    def _place(self, lease_id: str, claimed: pl.DataFrame, now: datetime) -> None:
        batches = [
            Batch(self._dialer(str(name)), requests)
            for (name,), of_dialer in claimed.group_by("dialer", maintain_order=True)
            for requests in of_dialer.drop("dialer").iter_slices(BATCH_CALLS)
        ]
        answered = [
            self._doubted(batch.requests, outcome, now) if isinstance(outcome, BaseException) else outcome
            for batch, outcome in zip(batches, self._place_all(batches, now), strict=True)
        ]
        answers = pl.concat([ANSWERS.to_frame(), *answered])
        with self._ledger.session() as session:
            self.tally.placed += session.write("record_answers", ("answer", answers), lease_id=lease_id)
            session.write("add_call_events", changed_at=now)
            session.write("add_retries", changed_at=now)
            complete_campaigns(session, now)

    def _doubted(self, requests: pl.DataFrame, error: BaseException, now: datetime) -> pl.DataFrame:
        """Nobody knows what became of a batch whose task failed, so its calls are not dialled again."""
        self.tally.errors.append(f"placing {requests.height} calls failed: {error!r}")
        return requests.with_columns(
            state=pl.lit("unknown"),
            provider_call_id=pl.lit(None, pl.String),
            noted_at=pl.lit(now),
            answered_at=pl.lit(now),
            reason=pl.lit(f"placing it failed: {type(error).__name__}"),
        ).select(pl.col(name).cast(dtype) for name, dtype in ANSWERS.items())

    def _doubt_abandoned(self) -> None:
        """Calls that a dead dispatcher had claimed may have been dialled; they become unknown."""
        now = self._clock.now()
        with self._ledger.session() as session:
            owners = session.read("list_claim_owners")["owner_id"]
            dead = [owner_id for owner_id in owners if is_dead(self._home.owners, owner_id)]
            if dead:
                session.write("doubt_abandoned", ("dead_owner", pl.DataFrame({"owner_id": dead})), now=now)
                session.write("add_call_events", changed_at=now)

    def _next_wake(self) -> datetime | None:
        """Return when there is something to do again; None when no campaign has anything left."""
        now = self._clock.now()
        work = self._work(now)
        moments = [work["next_due_at"]]
        moments += [
            moment if moment > now else now + LOOK_AGAIN
            for moment in (work["ripe_at"], work["missed_at"])
            if moment is not None
        ]
        if work["due"]:
            moments.append(now + TICK)
        if work["in_flight"]:
            moments.append(now + _POLL_EVERY)
        if work["unstaged_from"] is not None:
            moments.append(max(work["unstaged_from"] - STAGE_AHEAD + _STAGE_MARGIN, now) + TICK)
        return min((moment for moment in moments if moment is not None), default=None)


def _somebody_waits(work: Mapping[str, Any], now: datetime) -> bool:
    """Return whether somebody missed a slot or is to be tried again now."""
    moments = (work["ripe_at"], work["missed_at"])
    return bool(work["passed_over"]) or any(moment is not None and moment <= now for moment in moments)
