"""What drives batches: threads in real time, steps in simulated time; dispatch_due has Prefect's tasks."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, Protocol

from flows.clock import Clock
from flows.placing import Batch, run_batch

PLACING_THREADS = 32
"""How many batches are under way side by side; each mostly waits for its slots and its answers."""

Outcome = tuple[Batch, BaseException | None]
"""A batch that is done, and what it failed with."""


class Pool(Protocol):
    """Has batches placed and says which are done."""

    def start(self, batch: Batch) -> None:
        """Begin with a batch."""
        ...

    def finished(self) -> list[Outcome]:
        """Return the batches that were done since this was asked last."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether no batch is under way."""
        ...

    def wait_until(self, instant: datetime) -> None:
        """Return once ``instant`` has come; batches go on meanwhile."""
        ...


class ThreadPool:
    """Places batches in threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(PLACING_THREADS, thread_name_prefix="placing")
        self._under_way: list[tuple[Batch, Future[None]]] = []

    def start(self, batch: Batch) -> None:
        """Begin with a batch in a thread."""
        self._under_way.append((batch, self._threads.submit(run_batch, batch, self._clock)))

    def finished(self) -> list[Outcome]:
        """Return the batches that were done since this was asked last."""
        done = [(batch, future) for batch, future in self._under_way if future.done()]
        self._under_way = [started for started in self._under_way if started not in done]
        return [(batch, future.exception()) for batch, future in done]

    @property
    def is_empty(self) -> bool:
        """Whether no batch is under way."""
        return not self._under_way

    def wait_until(self, instant: datetime) -> None:
        """Sleep until ``instant``."""
        self._clock.wait_until(instant)


class AtOnce(Executor):
    """Does what it is given before it returns, for simulated time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call ``fn`` and return what came of it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class SteppedPool:
    """Takes batches through their steps itself, in the order of their moments, for simulated time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wakes: list[tuple[datetime, int, Batch]] = []
        self._started = 0
        self._finished: list[Outcome] = []

    def start(self, batch: Batch) -> None:
        """Take the first step of a batch."""
        self._started += 1
        self._step(batch, self._started)

    def finished(self) -> list[Outcome]:
        """Return the batches that were done since this was asked last."""
        found, self._finished = self._finished, []
        return found

    @property
    def is_empty(self) -> bool:
        """Whether no batch is under way."""
        return not self._wakes and not self._finished

    def wait_until(self, instant: datetime) -> None:
        """Take every step whose moment comes before ``instant``, then let the rest of the time pass."""
        while self._wakes and min(self._wakes)[0] <= instant:
            wakes_at, number, batch = min(self._wakes)
            self._wakes.remove((wakes_at, number, batch))
            self._clock.wait_until(wakes_at)
            self._step(batch, number)
            if self._finished:
                return
        self._clock.wait_until(instant)

    def _step(self, batch: Batch, number: int) -> None:
        try:
            wakes_at = batch.step(self._clock.now())
        except Exception as error:
            self._finished.append((batch, error))
            return
        if wakes_at is None:
            self._finished.append((batch, None))
        else:
            self._wakes.append((wakes_at, number, batch))
