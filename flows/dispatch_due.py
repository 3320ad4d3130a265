"""The recurring flow: dispatch what falls due, for a while, in a concurrency-limited map of tasks."""

from datetime import datetime, timedelta

from prefect import flow, get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows.clock import Clock, SystemClock
from flows.dialers.truedy_block import take_up_credentials
from flows.dispatcher import Tally
from flows.dispatching import dispatch_for
from flows.errors import WorkError
from flows.home import find_home
from flows.placing import Batch, run_batch
from flows.pools import PLACING_THREADS, Outcome
from flows.runs import living_run


@task(name="place-calls", retries=0, cache_policy=NO_CACHE, task_run_name="place {batch.calls} calls")
def place_calls(batch: Batch, clock: Clock) -> None:
    """Place the calls of one batch, each at its slot; a task is never tried again."""
    run_batch(batch, clock)


class TaskPool:
    """Places batches in Prefect tasks, as many side by side as the flow's task runner allows.

    With ``at_once`` a batch is done when ``start`` returns, so that simulated time does not run ahead of it.
    """

    def __init__(self, clock: Clock, *, at_once: bool = False) -> None:
        self._clock = clock
        self._at_once = at_once
        self._under_way: list[tuple[Batch, PrefectFuture[None]]] = []
        self._done: set[Batch] = set()

    def start(self, batch: Batch) -> None:
        """Begin with a batch in a task."""
        (future,) = place_calls.map([batch], unmapped(self._clock))
        future.add_done_callback(lambda _: self._done.add(batch))  # its state is asked of the server
        self._under_way.append((batch, future))
        if self._at_once:
            future.wait()

    def finished(self) -> list[Outcome]:
        """Return the batches that were done since this was asked last, with what their task failed with."""
        done = [(batch, future) for batch, future in self._under_way if batch in self._done]
        self._under_way = [started for started in self._under_way if started not in done]
        self._done -= {batch for batch, _ in done}
        return [(batch, _failure(future)) for batch, future in done]

    @property
    def is_empty(self) -> bool:
        """Whether no batch is under way."""
        return not self._under_way

    def wait_until(self, instant: datetime) -> None:
        """Wait until ``instant``."""
        self._clock.wait_until(instant)


def _failure(future: PrefectFuture[None]) -> BaseException | None:
    result: object = future.result(raise_on_failure=False)
    return result if isinstance(result, BaseException) else None


@flow(name="dispatch-due", retries=0, task_runner=ThreadPoolTaskRunner(max_workers=PLACING_THREADS))  # type: ignore[arg-type]
def dispatch_due(for_seconds: float = 50.0) -> Tally:
    """Dispatch the calls of the store for ``for_seconds``, counted from the first tick; return what was done.

    Raises:
        WorkError: something went wrong on the way; what could be done was done all the same.
    """
    home, clock = find_home().require(), SystemClock()
    with living_run(home):
        take_up_credentials()
        tally = dispatch_for(home, clock, timedelta(seconds=for_seconds), TaskPool(clock))
    get_run_logger().info(
        "%d calls placed, %d outcomes recorded in %d ticks", tally.placed, tally.finished, tally.ticks
    )
    refuse_errors(tally)
    return tally


def refuse_errors(tally: Tally) -> None:
    """Raise WorkError with every error that a dispatcher met, so that no failed task goes unseen."""
    if tally.errors:
        raise WorkError(*tally.errors)
