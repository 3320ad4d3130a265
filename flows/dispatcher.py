"""The dispatcher: records what came back, claims what falls due, and has the claimed calls placed.

Clock, dialers, ledger and pool are handed in, so that the same code runs in real time as a Prefect flow and
in simulated time in a demo or a test.
"""

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import duckdb
import polars as pl

from flows.abandoned import doubt_other_clock, forget_owners, settle_failed, take_over
from flows.applying import apply_journal
from flows.archiving import archive_closed_days, archive_journal
from flows.campaigns import LATE_LIMIT, activate_campaigns, complete_campaigns
from flows.clock import Clock, ClockGuard, MovedClockError
from flows.dialers.dialer import Dialer
from flows.errors import WorkError
from flows.home import Home
from flows.inquiries import CLOSE_GRACE, Inquiries
from flows.instants import read_instant, write_instant
from flows.journal import DamagedJournalError, Journal
from flows.ledger import Ledger, Session
from flows.outbox import tell_journal
from flows.owners import Owner
from flows.placing import Batch, Line
from flows.pools import AtOnce, Pool
from flows.replanning import (
    LOOK_AGAIN,
    LOOK_AGAIN_HINDERED,
    LookedAfter,
    Replanned,
    campaigns_to_replan,
    look_after,
)
from flows.staging import STAGE_AHEAD, STAGE_MARGIN, Stage
from transforms.pace import LOOKS_BACK

TICK = timedelta(seconds=1)
"""How often a dispatcher in real time looks, and how far ahead of its slot a call is claimed."""

BATCH_CALLS = 50
"""How many calls one task places: few enough to spread, many enough that a task's own cost does not count."""

MOST_BATCHES = 5
"""How many tasks a claim makes at most; each adds a slice of its own, with a sync, to every 50 ms."""

_ARCHIVE_EVERY = timedelta(hours=1)
_TAKE_OVER_EVERY = timedelta(minutes=1)
REPLAY_EVERY = timedelta(minutes=2)
_REPLAY_MARGIN = timedelta(minutes=2)
"""How long before a provider may forget a key the last repeat is made: it may place it a while after."""
MOST_DIALS = 3
"""How often one call is dialled, always under its key: a dispatcher that dies over it each time ends here."""
_SOON = timedelta(minutes=1)
_HELD_AGAIN = timedelta(seconds=5)
_DRAIN_STEP = timedelta(milliseconds=20)
_UNKNOWN_CHANGE = -1
"""No change has this number: a batch that was claimed at it reads the ledger before it sends anything."""
_FATAL = (OSError, MovedClockError, DamagedJournalError)
"""What a dispatcher cannot go on after: it could not record a call that it places."""


Leaves = Callable[[datetime], bool]
"""Whether a dispatcher is to claim nothing more from an instant on."""


def until_the_end(_: datetime) -> bool:
    """Never leave early."""
    return False


@dataclass
class Tally:
    """What a dispatcher has done: counts of calls, the errors it met, and the plans it published.

    ``placed`` are those that it dialled and that did not go back, ``finished`` all outcomes it recorded.
    ``plans`` has, by campaign, the last version in which missed slots or further attempts were planned.
    """

    ticks: int = 0
    placed: int = 0
    finished: int = 0
    replanned: int = 0
    most_in_flight: int = 0
    errors: list[str] = field(default_factory=list)
    plans: dict[str, Replanned] = field(default_factory=dict, repr=False)

    def figures(self) -> dict[str, Any]:
        """Return the counts and the errors by name."""
        return {name: value for name, value in vars(self).items() if name != "plans"}


class Dispatcher:
    """Works on a ledger as one owner.

    ``dialers`` has a dialer for each name that campaigns use. ``reach`` is how far ahead of its slot a call
    is claimed. ``beside`` computes new slots, which may take seconds, while calls go on.
    """

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        clock: Clock,
        dialers: Mapping[str, Dialer],
        pool: Pool,
        owner: Owner,
        reach: timedelta = TICK,
        beside: Executor | None = None,
    ) -> None:
        self._home = home
        self._ledger = ledger
        self._clock = clock
        self._dialers = dialers
        self._pool = pool
        self._owner = owner
        self._reach = reach
        self._beside = beside or AtOnce()
        self._replanning: tuple[Future[None], LookedAfter] | None = None
        self._guard = ClockGuard(clock)
        self._journal = Journal(home.journal)
        self._line = Line(
            clock, ledger, self._journal, ledger.changes, owner, LATE_LIMIT, self._guard.refuse_moved
        )
        self._stage = Stage(home, ledger)
        self._inquiries = Inquiries(self._journal, dialers)
        self._claims: dict[Batch, pl.DataFrame] = {}
        self._rests_until = clock.now()
        self._taken_over_at: datetime | None = None
        self._replayed_at: datetime | None = None
        self._archived_at: datetime | None = None
        self._all_held = False
        self.tally = Tally()

    def run(self, until: datetime, tick: timedelta | None = TICK, leaves: Leaves = until_the_end) -> Tally:
        """Tick until ``until``; every ``tick`` in real time, or, with None, whenever something is to do.

        It ends earlier where ``leaves``, which is asked before each tick, says so. What is under way is
        brought to its end before this returns.

        Raises:
            WorkError: calls can no longer be recorded, or the clock was set; nothing more is dialled.
        """
        try:
            while (begun_at := self._clock.now()) < until and not leaves(begun_at):
                self.tick()
                wakes_at = self._next_wake() if tick is None else begun_at + tick
                if wakes_at is None:
                    break
                self._pool.wait_until(min(max(wakes_at, self._clock.now()), until))
        finally:
            self._drain()
        return self.tally

    def is_idle(self) -> bool:
        """Return whether nothing is left to do, now or later."""
        return self._next_wake() is None

    def tick(self) -> None:
        """Record what came back, claim what has fallen due, and have it placed."""
        self._guard.refuse_moved()
        if not self.tally.ticks:
            self._rests_until = doubt_other_clock(
                self._home, self._ledger, self._journal, self._clock, MOST_DIALS
            )
        self.tally.ticks += 1
        self._settle_finished()
        now = self._clock.now()
        self._inquiries.take_in(now)
        work = self._record(now)
        if self._take_over_abandoned(now):
            work = self._record(now)
        if work["in_flight"]:
            self._inquire(now, int(work["due_soon"]))
            if self._inquiries.take_in(now):  # a dialer that knows at once is not asked to wait for a tick
                work = self._record(now)
        if work["unstaged"]:
            self.tally.errors += self._stage.fill(now)
            now = self._clock.now()  # that took time, and a window may have closed
            work = self._record(now)
        if self._stage.is_outdated(work["staged_from"] or ()):
            self.tally.errors += self._stage.renew(now)
            now = self._clock.now()
            work = self._record(now)
        self._archive(now)
        if _somebody_waits(work, now):
            self._replan(now)
        if self._take_in_replanned():
            now = self._clock.now()
            work = self._record(now)
        if (work["due"] or work["beginning"]) and not self._rests(now):
            self._claim()
            if self._settle_finished():
                self._record(self._clock.now())

    def _record(self, now: datetime) -> dict[str, Any]:
        """Apply the journal, close what is overdue, and return what is to do."""
        with self._ledger.session() as session:
            self.tally.finished += apply_journal(session, self._journal, now)
            work = self._find_work(session, now)
            if work["overdue"] and not self._guard.has_moved:
                self._close_overdue(session, now)
        self.tally.most_in_flight = max(self.tally.most_in_flight, int(work["in_flight"]))
        return work

    def _find_work(self, session: Session, now: datetime) -> dict[str, Any]:
        return session.read(
            "find_work",
            now=now,
            late_limit=LATE_LIMIT,
            due_until=now + self._reach,
            soon=now + _SOON,
            stage_until=now + STAGE_AHEAD - STAGE_MARGIN,
            look_again_hindered=LOOK_AGAIN_HINDERED,
        ).row(0, named=True)

    def _close_overdue(self, session: Session, now: datetime) -> None:
        asked = ("asked", self._inquiries.asked_lately(now))
        closed = session.write("close_overdue", asked, now=now, grace=CLOSE_GRACE)
        if closed:
            session.write("add_closed_events", now=now)
            complete_campaigns(session, now)
            self.tally.finished += closed

    def _inquire(self, now: datetime, due_soon: int) -> None:
        """Ask about calls that a provider knows; repeat dials of which nothing is known while it is safe."""
        with self._ledger.session() as session:
            change = self._ledger.changes.number()
            calls = session.read("list_to_look_up", now=now)
            unknown = session.read(
                "list_replayable",
                now=now,
                owner_id=self._owner.owner_id,
                most_dials=MOST_DIALS,
                replay_every=REPLAY_EVERY,
            )
        self._inquiries.ask(calls, now, due_soon)
        is_time = self._replayed_at is None or self._replayed_at + REPLAY_EVERY <= now
        if is_time and not self._rests(now):
            self._replayed_at = now
            self._replay(unknown, change, now)

    def _replay(self, unknown: pl.DataFrame, change: int, now: datetime) -> None:
        """Start dials again under their keys; one that is held past the life of its key is not made."""
        for claims in self._claims.values():
            unknown = unknown.join(
                claims, on=["campaign_id", "contact_id", "attempt"], how="anti", maintain_order="left"
            )
        for (name,), calls in unknown.group_by("dialer", maintain_order=True):
            dialer = self._dialers.get(str(name))
            if dialer is None:
                continue
            known_until = pl.col("noted_at") + dialer.keys_live - _REPLAY_MARGIN
            repeatable = calls.filter(known_until > now).with_columns(
                not_after=pl.min_horizontal("not_after", known_until, "deadline_at")
            )
            for requests in repeatable.iter_slices(BATCH_CALLS):
                self._start(dialer, requests, change)

    def _replan(self, now: datetime) -> None:
        """Begin to find slots for those who missed theirs or are to be tried again."""
        if self._replanning is None and (waiting := campaigns_to_replan(self._ledger, now)):
            looked = LookedAfter()
            future = self._beside.submit(look_after, self._home, self._ledger, waiting, now, looked)
            self._replanning = (future, looked)

    def _take_in_replanned(self) -> bool:
        """Count the slots that were found, and return whether looking for them has come to its end."""
        if self._replanning is None or not self._replanning[0].done():
            return False
        (future, looked), self._replanning = self._replanning, None
        self.tally.errors += looked.problems
        for plan in looked.plans:
            self.tally.replanned += plan.written.rows
            self.tally.plans[plan.campaign_id] = plan
        future.result()
        return True

    def _rests(self, now: datetime) -> bool:
        """Return whether no call may start yet; what lies further ahead, another clock has written."""
        return now < self._rests_until <= now + LOOKS_BACK

    def _claim(self) -> None:
        """Claim what falls due within reach and start placing it."""
        lease_id = str(uuid.uuid4())
        try:
            change, claimed = self._committed_claim(lease_id)
        except duckdb.Error:
            # The commit may have succeeded all the same: the own lease tells.
            with self._ledger.session() as session:
                change, claimed = _UNKNOWN_CHANGE, session.read("list_claimed", lease_id=lease_id)
            if claimed.is_empty():
                raise
        self._all_held = claimed.is_empty()
        for (name,), of_dialer in claimed.group_by("dialer", maintain_order=True):
            for requests in of_dialer.iter_slices(max(BATCH_CALLS, ceil(of_dialer.height / MOST_BATCHES))):
                self._start(self._dialers[str(name)], requests, change)

    def _committed_claim(self, lease_id: str) -> tuple[int, pl.DataFrame]:
        with self._ledger.session() as session:
            now = self._clock.now()  # what others have noted until it was their turn is not later than this
            change = self._ledger.changes.number()
            activate_campaigns(session, now)
            found = session.write(
                "claim_due",
                ("list_now", self._stage.lists_now()),
                now=now,
                late_limit=LATE_LIMIT,
                due_until=now + self._reach,
                owner_id=self._owner.owner_id,
                lease_id=lease_id,
                dialers=list(self._dialers),
            )
            if found:
                session.write("delete_claimed", lease_id=lease_id)
                session.write("delete_claimed_pending", lease_id=lease_id)
                session.write("add_claim_events", lease_id=lease_id)
                in_flight = int(session.read("count_all_in_flight").item())
                self.tally.most_in_flight = max(self.tally.most_in_flight, in_flight)
            claimed = session.read("list_claimed", lease_id=lease_id)
        return change, claimed

    def _start(self, dialer: Dialer, requests: pl.DataFrame, change: int) -> None:
        dialer.prepare(requests.height)
        batch = Batch(self._line, dialer, requests, change)
        self._claims[batch] = requests.select("campaign_id", "contact_id", "attempt", "lease_id")
        self._pool.start(batch)

    def _settle_finished(self) -> int:
        """Look after the batches that are done: the calls of one that failed go back or become unknown.

        Returns how many were done.

        Raises:
            WorkError: it failed in a way after which nothing more may be dialled.
        """
        fatal: BaseException | None = None
        finished = self._pool.finished()
        for batch, error in finished:
            claims = self._claims.pop(batch)
            self.tally.placed += batch.placed
            if error is None:
                continue
            self.tally.errors.append(f"placing {batch.calls} calls failed: {error!r}")
            fatal = error if isinstance(error, _FATAL) else fatal
            try:
                self._record(self._clock.now())
                settle_failed(self._ledger, self._journal, claims, self._clock.now())
            except (OSError, WorkError, duckdb.Error) as failure:  # then it is left to whoever comes after
                fatal = fatal or failure
        if fatal is not None:
            raise WorkError(f"calls can no longer be placed safely: {fatal}") from fatal
        return len(finished)

    def _take_over_abandoned(self, now: datetime) -> int:
        if self._taken_over_at is not None and self._taken_over_at + _TAKE_OVER_EVERY > now:
            return 0
        self._taken_over_at = now
        return take_over(self._home.owners, self._ledger, self._journal, self._owner.owner_id, now)

    def _archive(self, now: datetime) -> None:
        if self._archived_at is None:
            self._archived_at = read_instant(self._home.archived)
        if not self._archived_at <= now < self._archived_at + _ARCHIVE_EVERY:
            self._archived_at = now
            self.tally.errors += archive_closed_days(self._home, self._ledger, now)
            archive_journal(self._ledger, self._journal)
            forget_owners(self._home.owners, self._ledger, now)
            write_instant(self._home.archived, now)

    def _drain(self) -> None:
        """Claim nothing more, let what is under way come to its end, and record it.

        Whatever fails, every batch has ended when this returns or raises: none may outlive its owner's lock.
        """
        failure: BaseException | None = None
        if self._replanning is not None:
            self._replanning[1].is_enough = True
        while not self._pool.is_empty or self._replanning is not None:
            try:
                self._pool.wait_until(self._clock.now() + _DRAIN_STEP)
                self._take_in_replanned()
                self._settle_finished()
            except BaseException as error:  # also a signal to end: it is heeded once nothing is under way
                failure = error
        for batch in self._claims:  # a signal came just as it was started, and the pool does not know it
            batch.give_up()
        try:
            self._inquiries.take_in(self._clock.now())
            self._record(self._clock.now())
            with self._ledger.session() as session:
                tell_journal(session, self._journal, self._clock.now())
        finally:
            if failure is not None:
                raise failure

    def _next_wake(self) -> datetime | None:
        """Return when there is something to do again; None when no campaign has anything left."""
        now = self._clock.now()
        with self._ledger.session() as session:
            work = self._find_work(session, now)
        moments = [work["next_due_at"]]
        moments += [
            moment if moment > now else now + LOOK_AGAIN
            for moment in (work["ripe_at"], work["missed_at"])
            if moment is not None
        ]
        if work["due"] or not self._pool.is_empty:
            moments.append(now + (_HELD_AGAIN if self._all_held else TICK))
        if work["in_flight"]:
            deadline_at = work["next_deadline_at"]
            moments.append(self._inquiries.wakes_at(now))
            moments.append(deadline_at if deadline_at is None or deadline_at > now else now + _SOON)
        if work["unstaged_from"] is not None:
            moments.append(max(work["unstaged_from"] - STAGE_AHEAD + STAGE_MARGIN, now) + TICK)
        return min((max(moment, now) for moment in moments if moment is not None), default=None)


def _somebody_waits(work: Mapping[str, Any], now: datetime) -> bool:
    """Return whether somebody missed a slot or is to be tried again now."""
    moments = (work["ripe_at"], work["missed_at"])
    return bool(work["passed_over"]) or any(moment is not None and moment <= now for moment in moments)
