"""Placing a batch of claimed calls: each at its own slot, checked, noted in the journal, and only then sent.

A batch works in steps, each of which takes as long as its reads and writes and never waits. Whoever drives it
waits for the moment that a step names: a task in real time, or simulated time.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from flows.changes import Changes
from flows.clock import Clock
from flows.dialers.dialer import ANSWERS, GOES_BACK, REQUESTS, UNSENT, Dialer, Exchange, answers_alike
from flows.journal import NOTES, Journal, Writer
from flows.ledger import Ledger
from flows.owners import Owner
from transforms.pace import LOOKS_BACK, within_pace

SLICE = timedelta(milliseconds=50)
"""The calls of this much time are noted together: one sync covers them, and none starts later for it."""

SLICE_CALLS = 100
"""How many are noted together at most: a pause waits until all of them have left."""

ALONE = timedelta(seconds=1)
"""How long the next replay waits for the answer to the one before."""

_CALL = ["campaign_id", "contact_id", "attempt"]


@dataclass(frozen=True)
class Line:
    """What all batches of one dispatcher share."""

    clock: Clock
    ledger: Ledger
    journal: Journal
    changes: Changes
    owner: Owner
    late_limit: timedelta
    refuse_moved_clock: Callable[[], None]
    """Raises when the clock was set since the dispatcher started."""


class Batch:
    """Calls of one dialer that were claimed together, on their way.

    Takes ``requests`` (``REQUESTS``) in the order in which they are to go, and what number the changes had
    when they were claimed. Replays go one by one: should the process die over one of them, it is known which,
    and the others have gone. ``placed`` counts the calls that were sent, repeated dials and those that came
    back apart.
    """

    def __init__(self, line: Line, dialer: Dialer, requests: pl.DataFrame, claimed_at_change: int) -> None:
        self._line = line
        self._dialer = dialer
        self._waiting = requests.select(*REQUESTS.names(), goes_at="scheduled_at")
        self._one_by_one = bool(requests["replays"].any())
        self._change = claimed_at_change
        self._last_slice_at = datetime.min.replace(tzinfo=UTC)
        self._open: list[Exchange] = []
        self._stepping = threading.Lock()
        self._is_given_up = False
        self.calls = requests.height
        self.placed = 0

    def step(self, now: datetime) -> datetime | None:
        """Send what is due, take in what was answered, and return when to come back; None when all is done.

        Raises:
            OSError: the journal cannot be written, so nothing that it would have noted was sent.
            MovedClockError: the clock was set.
        """
        with self._stepping:
            return None if self._is_given_up else self._step(now)

    def give_up(self) -> None:
        """Take no further step, whoever drives it; when this returns none is under way."""
        with self._stepping:
            self._is_given_up = True

    def _step(self, now: datetime) -> datetime | None:
        self._take_in(now)
        if self._waiting.height:
            self._line.refuse_moved_clock()  # by a clock that was set back, its slots may be hours away
        if self._is_due(now):
            self._send_slice(now)
        moments = [exchange.wakes_at(now) for exchange in self._open]
        if self._waiting.height:
            moments.append(max(self._next_moment(), self._next_slice_at()))
        return min(moments, default=None)

    def _is_due(self, now: datetime) -> bool:
        if self._waiting.is_empty() or self._next_moment() > now:
            return False
        follows = self._one_by_one and bool(self._open)
        return not follows or self._next_slice_at() <= now

    def _next_moment(self) -> datetime:
        """Return when the first call may go, or has to go back because its time is past."""
        moment = self._waiting.select(pl.min_horizontal("goes_at", self._leaves_before()).min()).item()
        assert isinstance(moment, datetime)  # noqa: S101 - the columns have no nulls
        return moment

    def _next_slice_at(self) -> datetime:
        """Return when the next slice may go: a replay waits a while for the answer to the one before."""
        return self._last_slice_at + (ALONE if self._one_by_one and self._open else SLICE)

    def _take_in(self, now: datetime) -> None:
        answered = [exchange.replies(now) for exchange in self._open]
        self._open = [exchange for exchange in self._open if exchange.is_open]
        answers = pl.concat([ANSWERS.to_frame(), *answered])
        if not self._one_by_one:
            self.placed -= answers.filter(pl.col("state").is_in(GOES_BACK)).height
        self._add_answers(_of_repeated(answers) if self._one_by_one else answers)

    def _add_answers(self, answers: pl.DataFrame) -> None:
        if not answers.is_empty():
            with self._line.journal.writing() as page:
                page.add("answer", answers)

    def _send_slice(self, now: datetime) -> None:
        """Check, note and send what is due, under the lock that a pause waits for."""
        with self._line.owner.slice():
            self._line.refuse_moved_clock()
            forbidden = self._forbidden(now)
            with self._line.journal.writing() as page:
                now = max(now, self._line.clock.now())  # the locks may have taken time
                self._give_back(page, forbidden, now, "its campaign or contact may not be called any more")
                too_late = self._waiting.filter(self._is_too_late(now))
                self._give_back(page, too_late, now, "its time was past before it could be dialled")
                due = self._waiting.filter(pl.col("goes_at") <= now)
                allowed = self._allowed(page, due.head(1 if self._one_by_one else SLICE_CALLS), now)
                if not allowed.is_empty():
                    page.note(notes(allowed, now))
                    self._take_out(allowed)
                    allowed = self._still_open(page, allowed)
            if not allowed.is_empty():
                closes_at = pl.lit(now) + pl.duration(
                    minutes="max_call_minutes"
                )  # a call of which nothing is known
                in_time = allowed.with_columns(
                    not_after=pl.min_horizontal(self._leaves_before(), closes_at)
                ).select(REQUESTS.names())
                self._open.append(self._dialer.send(in_time, now))
                self.placed += in_time.filter(~pl.col("replays")).height
        self._last_slice_at = now

    def _leaves_before(self) -> pl.Expr:
        """When it is too late for a call: its window closes, or, for a first dial, its slot is long past."""
        first = pl.min_horizontal("not_after", pl.col("scheduled_at") + self._line.late_limit)
        return pl.when(pl.col("replays")).then("not_after").otherwise(first)

    def _is_too_late(self, now: datetime) -> pl.Expr:
        """Whether it is too late for a call."""
        return self._leaves_before() <= now

    def _take_out(self, calls: pl.DataFrame) -> None:
        self._waiting = self._waiting.join(calls, on=_CALL, how="anti", maintain_order="left")

    def _give_back(self, page: Writer, calls: pl.DataFrame, now: datetime, reason: str) -> None:
        """Say in the journal that calls were not dialled; the ledger puts back those that are claimed."""
        if not calls.is_empty():
            page.add("answer", answers_alike(calls, UNSENT, reason, now))
            self._take_out(calls)

    def _still_open(self, page: Writer, noted: pl.DataFrame) -> pl.DataFrame:
        """Return the calls whose time is not past yet: a disk may stall, a process be stopped for long."""
        now = self._line.clock.now()
        too_late = noted.filter(self._is_too_late(now))
        self._give_back(page, too_late, now, "its time was past before it could be dialled")
        return noted.filter(~self._is_too_late(now))

    def _allowed(self, page: Writer, due: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return what pace and budget allow to start now, and hold back the rest."""
        if due.is_empty():
            return due
        allowed, held = within_pace(due, page.notes_since(now - LOOKS_BACK), now)
        self._hold(held)
        budget = self._dialer.budget
        if budget is None or allowed.is_empty():
            return allowed
        granted = budget.take_to_place(allowed.height, now)
        if granted < allowed.height:
            free_at = max(budget.free_at(now), now + SLICE)
            self._hold(self._waiting.select("campaign_id", free_at=pl.lit(free_at)).unique())
        return allowed.head(granted)

    def _hold(self, held: pl.DataFrame) -> None:
        """Have calls of the campaigns that limits hold (``HELD``) wait until those let go of them."""
        if not held.is_empty():
            waiting = self._waiting.join(held, on="campaign_id", how="left", maintain_order="left")
            waiting = waiting.with_columns(goes_at=pl.max_horizontal("goes_at", "free_at"))
            self._waiting = waiting.drop("free_at")

    def _forbidden(self, now: datetime) -> pl.DataFrame:
        """Return the waiting calls that may not be made any more, as the ledger changed since the claim.

        The others go at the pace that their campaigns have now. A call whose dial is to be repeated may also
        have ended meanwhile, of which no change tells.
        """
        if self._line.changes.number() == self._change and not self._one_by_one:
            return self._waiting.clear()
        with self._line.ledger.session() as session:
            self._change = self._line.changes.number()
            wanted = self._waiting.select(*_CALL, "lease_id")
            allowed = session.read("list_callable_claims", ("wanted", wanted), now=now)
        forbidden = self._waiting.join(allowed, on=_CALL, how="anti", maintain_order="left")
        self._waiting = self._waiting.update(allowed, on=_CALL, how="left", include_nulls=True)
        return forbidden


def notes(requests: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the notes (``NOTES``) of dialling ``requests`` (``REQUESTS``) at ``now``."""
    return requests.with_columns(
        noted_at=pl.lit(now), deadline_at=pl.lit(now) + pl.duration(minutes="max_call_minutes")
    ).select(NOTES.names())


def _of_repeated(answers: pl.DataFrame) -> pl.DataFrame:
    """Return what answers (``ANSWERS``) to repeated dials say of their calls.

    One that failed without becoming a call leaves open whether the dial before it rang.
    """
    is_open = (pl.col("state") == "failed") & pl.col("provider_call_id").is_null()
    return answers.with_columns(state=pl.when(is_open).then(pl.lit("unknown")).otherwise("state"))


def run_batch(batch: Batch, clock: Clock) -> None:
    """Take a batch through all its steps, waiting in between."""
    while (wakes_at := batch.step(clock.now())) is not None:
        clock.wait_until(wakes_at)
