"""Running a dispatcher on a store for a while, with or without Prefect around it."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import polars as pl

from flows.clock import Clock
from flows.dialers import all_dialers
from flows.dispatcher import Batch, Dispatcher, PlaceAll, Tally
from flows.home import Home
from flows.ledger import Ledger
from flows.owners import Owner

PLACING_THREADS = 8
"""How many batches are placed side by side."""


def dispatch_for(home: Home, clock: Clock, length: timedelta, place_all: PlaceAll) -> Tally:
    """Dispatch what falls due for ``length`` of ``clock``, counted from the first tick."""
    ledger = Ledger(home.ledger)
    with Owner(home.owners, ledger, clock) as owner:
        dispatcher = Dispatcher(home, ledger, clock, all_dialers(), place_all, owner)
        return dispatcher.run(clock.now() + length)


def place_by_threads(batches: list[Batch], now: datetime) -> list[pl.DataFrame | BaseException]:
    """Place batches side by side in threads and return the answers or the error of each."""
    with ThreadPoolExecutor(PLACING_THREADS) as threads:
        futures = [threads.submit(batch.dialer.place, batch.requests, now) for batch in batches]
        wait(futures)
    return [_outcome(future) for future in futures]


def _outcome(future: "Future[pl.DataFrame]") -> pl.DataFrame | BaseException:
    return future.exception() or future.result()
