"""A dispatcher in a process of its own that dies at a named moment, between two instructions, by SIGKILL.

The moments are those at which the dispatcher hands something to what it was given: the ledger, the journal's
sync, the dialer, its budget. The dispatcher itself is the real one and knows nothing of it.
"""

import errno
import os
import random
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

import polars as pl

from flows.dialers.dialer import Exchange
from flows.dialers.truedy import TruedyAccess, TruedyDialer
from flows.dispatcher import Dispatcher, Tally
from flows.home import Home
from flows.ledger import Ledger, Session
from flows.owners import Owner
from flows.pools import ThreadPool
from tests.faults.real.guards import missing, without
from tests.faults.real.shop import ShiftedClock, Shop

TICK = timedelta(milliseconds=100)
"""Ticks in trials are short, so that a trial is."""

REACH = timedelta(milliseconds=200)

CLAIM_WRITTEN, CLAIMED = "claim written", "claimed"
CHECKED, NOTE_WRITTEN, NOTED = "checked", "note written", "noted"
SENDING, SENT, ANSWERED = "sending", "sent", "answered"
COMMITTING, COMMITTED = "committing", "committed"
APPLYING, APPLIED = "applying", "applied"
TAKING_OVER, TAKEN_OVER = "taking over", "taken over"
SYNCING = "syncing"
TAKING_IN = "taking in"
"""A copy that has the ledger's log in it is there, and has not taken the ledger's place."""

_LOG_BYTES = 1_000
"""Trials are small: their ledger's log is taken in although it is."""

_STATEMENTS = {
    "claim_due": (CLAIM_WRITTEN, CLAIMED),
    "set_journal_sequence": (APPLYING, APPLIED),
    "list_claim_owners": (TAKING_OVER, TAKEN_OVER),
}
"""Which statement makes a transaction what, before and after its commit."""

MOMENTS = (
    CLAIM_WRITTEN,
    CLAIMED,
    CHECKED,
    NOTE_WRITTEN,
    NOTED,
    SENDING,
    SENT,
    ANSWERED,
    COMMITTING,
    COMMITTED,
    APPLYING,
    APPLIED,
    TAKING_OVER,
    TAKEN_OVER,
    SYNCING,
    TAKING_IN,
)
"""Every moment at which a dispatcher can be killed by name."""


@dataclass(frozen=True)
class End:
    """How a dispatcher ends: at the ``nth`` time it comes to ``moment``, or ``seconds`` after it begins.

    ``signal`` is what it does to itself there.
    """

    moment: str | None = None
    nth: int = 1
    seconds: float | None = None
    signal: int = signal.SIGKILL


class Fate:
    """Counts the moments and ends the process at the one that was named."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._left = end.nth
        self._one_at_a_time = threading.Lock()

    def begin(self) -> None:
        """Count the seconds from here on."""
        if self._end.seconds is not None:
            threading.Thread(target=self._die_later, args=(self._end.seconds,), daemon=True).start()

    def _die_later(self, seconds: float) -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), self._end.signal)

    def come_to(self, moment: str) -> None:
        """Go on, or end here."""
        if moment != self._end.moment:
            return
        with self._one_at_a_time:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), self._end.signal)


@dataclass(frozen=True)
class Job:
    """What a dispatcher in a process of its own is to do.

    From its sync number ``full_from`` on, ``full_times`` syncs of the journal find the disk full, with
    ``notes_only`` of those after a note; no file grows beyond ``file_bytes``. ``without`` names guards that
    are taken out. Between note and request it dawdles for up to ``slow_seconds``. It dies by SIGKILL when it
    is to send a request of the contact ``deadly``.
    """

    store: Path
    access: TruedyAccess
    shift: timedelta
    lasts: timedelta
    end: End = End()
    tick: timedelta = TICK
    reach: timedelta = REACH
    full_from: int | None = None
    full_times: int = 1_000_000
    notes_only: bool = False
    file_bytes: int | None = None
    without: tuple[str, ...] = ()
    slow_seconds: float = 0.0
    deadly: str | None = None


class WatchedSession(Session):
    """A session that remembers which statements it ran."""

    def __init__(self, session: Session) -> None:
        super().__init__(session._connection, session._changes)
        self.ran: list[str] = []

    def read(
        self, name: str, /, relation: tuple[str, pl.DataFrame] | None = None, **parameters: object
    ) -> pl.DataFrame:
        """Read as ever."""
        self.ran.append(name)
        return super().read(name, relation, **parameters)

    def write(
        self, name: str, /, relation: tuple[str, pl.DataFrame] | None = None, **parameters: object
    ) -> int:
        """Write as ever."""
        changed = super().write(name, relation, **parameters)
        if changed or name != "claim_due":
            self.ran.append(name)
        return changed


class WatchedLedger(Ledger):
    """A ledger before and after whose commits a process may end."""

    def __init__(self, file: Path, fate: Fate) -> None:
        super().__init__(file)
        self.fate = fate
        finish, successor = self._database._finish_replacing, self._database._successor

        def watched() -> None:
            if successor.exists():
                fate.come_to(TAKING_IN)
            finish()

        self._database._finish_replacing = watched

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session as ever."""
        with super().session() as session:
            watched = WatchedSession(session)
            yield watched
            moments = [_STATEMENTS[name] for name in watched.ran if name in _STATEMENTS]
            for before, _ in moments:
                self.fate.come_to(before)
            self.fate.come_to(COMMITTING)
        self.fate.come_to(COMMITTED)
        for _, after in moments:
            self.fate.come_to(after)


class WatchedBudget:
    """A budget that is asked between the check of a call and its note."""

    def __init__(self, budget, fate: Fate) -> None:
        self._budget = budget
        self._fate = fate

    def take_to_place(self, wanted, now):
        self._fate.come_to(CHECKED)
        return self._budget.take_to_place(wanted, now)

    def take_to_ask(self, wanted, now, due_soon):
        return self._budget.take_to_ask(wanted, now, due_soon)

    def free_at(self, now):
        return self._budget.free_at(now)


class WatchedExchange:
    """An exchange whose replies may be the last thing a process hears."""

    def __init__(self, exchange: Exchange, fate: Fate) -> None:
        self._exchange = exchange
        self._fate = fate

    @property
    def is_open(self) -> bool:
        return self._exchange.is_open

    def replies(self, now):
        replies = self._exchange.replies(now)
        if not replies.is_empty():
            self._fate.come_to(ANSWERED)
        return replies

    def wakes_at(self, now):
        return self._exchange.wakes_at(now)


class WatchedDialer(TruedyDialer):
    """The real dialer, around whose requests a process may end."""

    def __init__(self, job: Job, budgets: Path, clock: ShiftedClock, fate: Fate) -> None:
        super().__init__(job.access, budgets, clock)
        self._fate = fate
        self._slow_seconds = job.slow_seconds
        self._deadly = job.deadly
        self._watched_budget = WatchedBudget(super().budget, fate)

    @property
    def budget(self):
        return self._watched_budget

    def send(self, requests, now):
        self._fate.come_to(NOTED)
        if self._deadly in requests["contact_id"]:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(random.random() * self._slow_seconds)
        if self._fate._end.moment == SENDING:
            threading.Thread(target=self._end_soon, daemon=True).start()
        exchange = super().send(requests, now)
        self._fate.come_to(SENT)
        return WatchedExchange(exchange, self._fate)

    def _end_soon(self):
        time.sleep(random.random() * 0.02)
        self._fate.come_to(SENDING)


def job_of(shop: Shop, lasts: float = 4.0, end: End | None = None, **changes) -> Job:
    """Return the job of dispatching in ``shop`` for ``lasts`` seconds, or until ``end``."""
    job = Job(shop.home.path, shop.access, shop.clock.shift, timedelta(seconds=lasts), end or End())
    return replace(job, without=missing(), **changes)


FAILED = 3
"""The exit code of a dispatcher that ended with an error; what it said is in ``said`` beside the store."""


def run_job(job: Job) -> None:
    """Dispatch, and leave word of an error."""
    try:
        with without(job.without):
            dispatch(job)
    except BaseException:
        _limit_files(resource.RLIM_INFINITY)
        with (job.store.parent / "said").open("a") as said:
            traceback.print_exc(file=said)
        sys.exit(FAILED)


def _limit_files(size_bytes: int) -> None:
    """Let no file grow beyond a size from now on."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, most))


def dispatch(job: Job) -> Tally:
    """Dispatch as ``dispatching.dispatch_for`` does, with an end that may come at any moment."""
    home, clock, fate = Home(job.store), ShiftedClock(job.shift), Fate(job.end)
    if job.file_bytes is not None:
        _limit_files(job.file_bytes)
    ledger = WatchedLedger(home.ledger, fate)
    with (
        mock.patch("flows.database._LOG_BYTES", _LOG_BYTES),
        Owner(home.owners, ledger, clock) as owner,
        WatchedDialer(job, home.budgets, clock, fate) as dialer,
    ):
        dispatcher = Dispatcher(
            home, ledger, clock, {"simulated": dialer}, ThreadPool(clock), owner, job.reach
        )
        _watch_syncs(dispatcher, fate, job)
        fate.begin()
        return dispatcher.run(clock.now() + job.lasts, job.tick)


def _watch_syncs(dispatcher: Dispatcher, fate: Fate, job: Job) -> None:
    """Let the process end before the sync of a note, or at any sync, and let syncs find the disk full."""
    journal, noting, syncs = dispatcher._journal, threading.local(), iter(range(1, 1_000_000_000))
    sync, append = journal._sync, journal._append

    def watched_append(kind, rows, *, synced):
        noting.now = kind == "note"
        try:
            return append(kind, rows, synced=synced)
        finally:
            noting.now = False

    def watched_sync(descriptor):
        fate.come_to(SYNCING)
        is_note = getattr(noting, "now", False)
        if is_note:
            fate.come_to(NOTE_WRITTEN)
        number = next(syncs) if is_note or not job.notes_only else 0
        if job.full_from is not None and job.full_from <= number < job.full_from + job.full_times:
            raise OSError(errno.ENOSPC, "no space left on device")
        sync(descriptor)

    journal._append, journal._sync = watched_append, watched_sync
