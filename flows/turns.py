"""Turns: of the runs that dispatch on a schedule one has its turn, and at most one more waits for it.

Locked files say so, which the system lets go when a process ends: no turn outlives its run. What a run has
in hand when it passes its turn on it brings to its end beside the next one, as its own owner. A run whose
turn is over passes it on once somebody waits; until then it goes on, so that nothing stops where no next run
comes. The turn of a run that a signal has stopped is taken from it: its file is put aside, and the run that
waits locks a new one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from flows.clock import Clock
from flows.file_locks import is_locked, try_lock
from flows.processes import is_stopped

BEAT = timedelta(seconds=60)
"""How often a run is scheduled, and how long its turn lasts."""

LONGEST_TURN = timedelta(minutes=30)
"""How long a run dispatches where no next one comes, such as while the Prefect server is away."""

_LOOK_AGAIN = timedelta(milliseconds=50)


class Turn:
    """A run's turn: it ends after ``lasts``, once somebody waits, and at the latest after ``at_most``."""

    def __init__(self, turns: "Turns", begun_at: datetime, lasts: timedelta, at_most: timedelta) -> None:
        self._turns = turns
        self._ends_at, self._ends_at_most = begun_at + lasts, begun_at + at_most
        self.begun_at, self.passed_at = begun_at, begun_at
        self._asked = False

    def is_over(self, now: datetime) -> bool:
        """Return whether the turn is over at ``now``; it has been passed on then, and may not be used.

        Asked before each tick: ``begun_at`` is when it was asked first, ``passed_at`` when it was over.
        """
        if not self._asked:
            self._asked, self.begun_at = True, now
        over = now >= self._ends_at_most or (now >= self._ends_at and self._turns.somebody_waits())
        if over or self._turns.are_closed() or self._turns.was_taken():
            self._turns.pass_on()
            self.passed_at = now
            return True
        return False


class Turns:
    """The turns of one store, kept in ``folder``."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clock = clock
        self._turn_file, self._queue_file = folder / "turn.lock", folder / "queue.lock"
        self._closed_file, self._stopped_file = folder / "closed.lock", folder / "stopped.lock"
        self._turn: int | None = None

    @contextmanager
    def turn(self, lasts: timedelta, at_most: timedelta) -> Iterator[Turn | None]:
        """Wait for a turn and yield it; None where another run waits already, or the turns are closed."""
        try:
            yield Turn(self, self._clock.now(), lasts, at_most) if self._take() else None
        finally:
            self.pass_on()

    def _take(self) -> bool:
        queue = try_lock(self._queue_file)
        if queue is None:
            return False
        try:
            while not self.are_closed():
                self._turn = try_lock(self._turn_file)
                if self._turn is not None:
                    os.pwrite(self._turn, b"%-12d" % os.getpid(), 0)
                    return True
                if self._holder_is_stopped():
                    self._turn_file.replace(self._stopped_file)
                    continue
                self._clock.wait_until(self._clock.now() + _LOOK_AGAIN)
            return False
        finally:
            os.close(queue)

    def _holder_is_stopped(self) -> bool:
        """Return whether a signal has stopped the run whose turn it is: nobody waits for it then."""
        said = self._turn_file.read_bytes()[:12].strip()
        return said.isdigit() and is_stopped(int(said))

    def pass_on(self) -> None:
        """Let go of the turn, where it was not let go of before."""
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None

    def was_taken(self) -> bool:
        """Return whether the turn was taken from this run, because it was stopped when another one came."""
        if self._turn is None:
            return False
        try:
            return not os.path.samestat(os.fstat(self._turn), self._turn_file.stat())
        except FileNotFoundError:  # just put aside
            return True

    def somebody_waits(self) -> bool:
        """Return whether a run waits for its turn."""
        return is_locked(self._queue_file)

    def are_closed(self) -> bool:
        """Return whether no run may have a turn, because whoever has them run is stopping."""
        return is_locked(self._closed_file)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Have the run that has its turn end, and no other begin, until the block or this process ends."""
        closed = try_lock(self._closed_file)
        try:
            yield
        finally:
            if closed is not None:
                os.close(closed)
