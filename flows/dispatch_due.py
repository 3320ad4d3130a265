"""The recurring flow: dispatch what falls due, for a while, in a concurrency-limited map of tasks."""

from datetime import datetime, timedelta

import polars as pl
from prefect import flow, get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from flows.clock import SystemClock
from flows.dispatcher import Batch, Tally
from flows.dispatching import PLACING_THREADS, dispatch_for
from flows.errors import WorkError
from flows.home import find_home


@task(name="place-calls", cache_policy=NO_CACHE, task_run_name="place {batch.requests.height} calls")
def place_calls(batch: Batch, now: datetime) -> pl.DataFrame:
    """Place the calls of one batch and return what was answered; a task is never tried again."""
    return batch.dialer.place(batch.requests, now)


def place_by_tasks(batches: list[Batch], now: datetime) -> list[pl.DataFrame | BaseException]:
    """Place batches in a map of Prefect tasks and return the answers or the error of each."""
    futures = place_calls.map(batches, unmapped(now))
    return [future.result(raise_on_failure=False) for future in futures]


@flow(name="dispatch-due", task_runner=ThreadPoolTaskRunner(max_workers=PLACING_THREADS))  # type: ignore[arg-type]
def dispatch_due(for_seconds: float = 50.0) -> None:
    """Dispatch the calls of the store for ``for_seconds``, counted from the first tick.

    Raises:
        WorkError: something went wrong on the way; what could be done was done all the same.
    """
    tally = dispatch_for(find_home().require(), SystemClock(), timedelta(seconds=for_seconds), place_by_tasks)
    get_run_logger().info(
        "%d calls placed, %d outcomes recorded in %d ticks", tally.placed, tally.finished, tally.ticks
    )
    refuse_errors(tally)


def refuse_errors(tally: Tally) -> None:
    """Raise WorkError with every error that a dispatcher met, so that no failed task goes unseen."""
    if tally.errors:
        raise WorkError(*tally.errors)
