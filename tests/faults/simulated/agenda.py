"""What is under way of several dispatchers, stepped in the order of its moments on one simulated clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from flows.clock import SimulatedClock
from flows.ledger import Ledger, Session
from flows.placing import Batch
from flows.pools import Outcome


class Died(BaseException):
    """A dispatcher's process ended here, without a word; nothing of it runs any more."""


class Fate:
    """Counts down to the moment at which the process that is running dies; forever away until it is set."""

    def __init__(self) -> None:
        self.moments: int | None = None

    def passes(self, where: str) -> None:
        """Die if this is the moment."""
        if self.moments is None:
            return
        self.moments -= 1
        if self.moments < 0:
            self.moments = None
            raise Died(where)


class MortalLedger(Ledger):
    """A ledger in memory around whose transactions a process may die, and somebody else may act."""

    def __init__(self, fate: Fate, somebody_acts: Callable[[], None]) -> None:
        self._fate = fate
        self._somebody_acts = somebody_acts
        super().__init__(None)
        with self._connection() as connection:
            connection.execute("set threads = 1")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session; its process may die before it begins and after it is committed."""
        self._fate.passes("before a transaction")
        self._somebody_acts()
        with super().session() as session:
            yield session
        self._fate.passes("after a commit")


class Agenda:
    """The batches of all dispatchers."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.pools: list[AgendaPool] = []
        self.dead: list[AgendaPool] = []
        self._coming: list[tuple[datetime, int, AgendaPool, Batch]] = []
        self._begun = 0
        self.is_stepping = False
        """Whether a batch takes a step: a person who acts meanwhile has to wait for it."""

    def begin(self, pool: "AgendaPool", batch: Batch) -> None:
        """Take the first step of a batch."""
        self._begun += 1
        self._step(self._begun, pool, batch)

    def holds(self, pool: "AgendaPool") -> bool:
        """Say whether a batch of a pool is under way."""
        return any(of is pool for _, _, of, _ in self._coming)

    def drop(self, pool: "AgendaPool") -> None:
        """Forget the batches of a dispatcher that died."""
        self._coming = [coming for coming in self._coming if coming[2] is not pool]

    def run_until(self, instant: datetime, stops: Callable[[], bool] = lambda: False) -> None:
        """Take every step whose moment comes before ``instant``, then let the rest of the time pass."""
        while self._coming and (first := min(self._coming, key=lambda coming: coming[:2]))[0] <= instant:
            self._coming.remove(first)
            self.clock.wait_until(first[0])
            try:
                self._step(*first[1:])
            except Died:
                self.dead.append(first[2])
                self.drop(first[2])
            if stops():
                return
        self.clock.wait_until(instant)

    def _step(self, number: int, pool: "AgendaPool", batch: Batch) -> None:
        self.is_stepping = True
        try:
            wakes_at = batch.step(self.clock.now())
        except Exception as error:
            pool.done.append((batch, error))
            return
        finally:
            self.is_stepping = False
        if wakes_at is None:
            pool.done.append((batch, None))
        else:
            self._coming.append((wakes_at, number, pool, batch))


class AgendaPool:
    """One dispatcher's part of the agenda: a pool (``flows/pools.py``)."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self.done: list[Outcome] = []

    def start(self, batch: Batch) -> None:
        """Take the first step of a batch."""
        self._agenda.begin(self, batch)

    def finished(self) -> list[Outcome]:
        """Return the batches that were done since this was asked last."""
        found, self.done = self.done, []
        return found

    @property
    def is_empty(self) -> bool:
        """Whether no batch is under way."""
        return not self.done and not self._agenda.holds(self)

    def wait_until(self, instant: datetime) -> None:
        """Take steps until ``instant``, or until a batch of this dispatcher is done."""
        self._agenda.run_until(instant, lambda: bool(self.done))
