"""Rows 17 and 18: several dispatchers share a campaign, and one is stopped by a signal in the midst."""

import math
import os
import random
import signal
import time
from datetime import timedelta
from multiprocessing.process import BaseProcess

import polars as pl

from flows.database import StuckError
from flows.journal import NOTES, Journal
from flows.owners import living
from flows.processes import is_stopped
from tests.faults.real.child import (
    APPLIED,
    CHECKED,
    CLAIMED,
    COMMITTED,
    COMMITTING,
    NOTED,
    SENT,
    End,
    job_of,
)
from tests.faults.real.judging import judged
from tests.faults.real.recovering import ended, recover, start, word
from tests.faults.real.shop import Shop, open_shop
from tests.faults.row import Row

_CALLS = 16
_PER_SECOND = 8.0


def together(seed: int) -> str | None:
    """Row 17: two or more begin at once, under a limit of calls in flight and a pace."""
    draw = random.Random(seed)
    dispatchers = draw.choice([2, 2, 2, 3, 5, 10])
    with open_shop(_CALLS, seed=seed, max_concurrent_calls=3, calls_per_second=_PER_SECOND) as shop:
        running = [start(job_of(shop, 3.0)) for _ in range(dispatchers)]
        if draw.random() < 0.3:
            time.sleep(draw.uniform(0.3, 1.5))
            running.pop().kill()
        for process in running:
            code = ended(process, 60)
            if code:
                return f"a dispatcher ended with {code}: {word(shop)}"
        recover(shop)
        return judged(shop) or too_fast(notes_of(shop), _PER_SECOND)


def notes_of(shop: Shop) -> pl.DataFrame:
    """Return every note in the journal."""
    entries = Journal(shop.home.journal).entries_after(0)
    return pl.concat([NOTES.to_frame(), *(entry.rows for entry in entries if entry.kind == "note")])


def too_fast(notes: pl.DataFrame, per_second: float) -> str | None:
    """I4: no second has more notes than the pace allows, nor five seconds more than five times that."""
    at = notes["noted_at"].sort().to_list()
    for seconds in (1, 5):
        most = math.ceil(per_second * seconds)
        for place in range(len(at) - most):
            if at[place + most] - at[place] < timedelta(seconds=seconds):
                return f"I4: more than {most} calls were noted within {seconds} s"
    return None


def stopped(seed: int) -> str | None:
    """Row 18: one is stopped by a signal while others go on, and later continues as if nothing had been."""
    draw = random.Random(seed)
    end = End(
        draw.choice([CLAIMED, CHECKED, NOTED, SENT, COMMITTING, COMMITTED, APPLIED]),
        draw.randint(1, 2),
        None,
        signal.SIGSTOP,
    )
    with open_shop(_CALLS, seed=seed) as shop:
        first = start(job_of(shop, 2.0, end))
        _wait_until_stopped(first)
        was_stopped = [owner for owner in living(shop.home.owners) if owner.is_stopped]
        before = _notes_meanwhile(shop)
        second = start(job_of(shop, 1.5))
        time.sleep(draw.uniform(0.5, 1.5))
        after = _notes_meanwhile(shop)
        if was_stopped and before is not None and after is not None:
            broken = _taken_from(was_stopped[0].owner_id, before, after)
            if broken:
                return broken
        if was_stopped:
            os.kill(first.pid, signal.SIGCONT)
        for process in (first, second):
            code = ended(process)
            refused = process is second and "StuckError" in word(shop)  # the first held the ledger's lock
            if code and not refused:
                return f"a dispatcher ended with {code}: {word(shop)}"
        recover(shop)
        return judged(shop)


def _notes_meanwhile(shop: Shop) -> pl.DataFrame | None:
    """Return every note, or nothing where the one that is stopped holds the journal: then nobody dials."""
    try:
        return notes_of(shop)
    except StuckError:
        return None


def _wait_until_stopped(process: BaseProcess) -> None:
    """Wait until a process was stopped by a signal or came to its end without."""
    while process.is_alive() and not is_stopped(process.pid or 0):
        time.sleep(0.01)


def _taken_from(owner_id: str, before: pl.DataFrame, after: pl.DataFrame) -> str | None:
    """What a stopped dispatcher had noted is dialled by nobody else."""
    its_own = before.filter(pl.col("owner_id") == owner_id)
    again = after.filter(pl.col("owner_id") != owner_id).join(
        its_own, on=["contact_id", "attempt"], how="semi"
    )
    return f"I6: {again['contact_id'][0]} was taken from a stopped dispatcher" if again.height else None


ROWS = [
    Row(17, "R", "two dispatchers start together; ten share a campaign", together, 100),
    Row(18, "R", "SIGSTOP past the lease, then SIGCONT", stopped, 100),
]
