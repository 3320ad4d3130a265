"""Row 33: an edit or a dispatcher that plans anew is killed between a plan file's rename and its commit."""

import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import polars as pl

from flows import scheduling
from flows.campaigns import find_campaign
from flows.errors import WorkError
from flows.home import Home
from flows.standing import calls_of
from tests.faults.real.child import COMMITTED, COMMITTING, TAKEN_OVER, End, Fate, Job, WatchedLedger, job_of
from tests.faults.real.judging import judged
from tests.faults.real.recovering import ended, recover, run_to_its_end
from tests.faults.real.shop import ShiftedClock, Shop, open_shop
from tests.faults.row import Row
from tests.forking import fork
from tests.people import NUMBERS

_CALLS = 12
_HOLD_IS_OVER = timedelta(minutes=4, seconds=1)
_MISSED = timedelta(minutes=6)
_NTH = 6
"""How many transactions an edit makes, at most."""


def an_edit_is_killed(seed: int) -> str | None:
    """Kill an edit anywhere; it is made again once its hold on the claims has lapsed."""
    draw = random.Random(seed)
    with open_shop(_CALLS, seed=seed) as shop:
        end = End(draw.choice([COMMITTING, COMMITTED]), draw.randint(1, _NTH))
        changes = {"phone_numbers": NUMBERS[:2]}
        job = job_of(shop, end=end)
        ended(fork(edit, job, shop.campaign_id, changes))
        if draw.random() < 0.5:
            ended(fork(edit, replace(job, end=End()), shop.campaign_id, changes))
        shop = later(shop, _HOLD_IS_OVER)
        with suppress(WorkError):
            scheduling.update(
                shop.home, shop.ledger(), shop.campaign_id, changes, shop.clock.now(), keep=True
            )
        recover(shop, 2.0)
        return judged(shop, all_ring=False) or _orphans(shop) or _unplanned(shop) or _wrong_number(shop)


def edit(job: Job, campaign_id: str, changes: dict) -> None:
    """Change a campaign in a process of its own."""
    home, clock = Home(job.store), ShiftedClock(job.shift)
    with suppress(WorkError):
        scheduling.update(
            home, WatchedLedger(home.ledger, Fate(job.end)), campaign_id, changes, clock.now(), keep=True
        )


def later(shop: Shop, passed: timedelta) -> Shop:
    """Return the shop after a while in which nobody lived."""
    return replace(shop, clock=ShiftedClock(shop.clock.shift + passed))


def planning_anew_is_killed(seed: int) -> str | None:
    """Begin when every slot is missed, and kill the dispatcher while it looks for others."""
    draw = random.Random(seed)
    with open_shop(_CALLS, seed=seed) as shop:
        shop = later(shop, _MISSED)
        for _ in range(draw.randint(1, 3)):
            end = End(draw.choice([COMMITTING, COMMITTED, TAKEN_OVER]), draw.randint(1, 12))
            run_to_its_end(job_of(shop, 0.8, end))
        recover(shop, 1.5)
        return judged(shop, all_ring=False) or _orphans(shop) or _unplanned(shop)


def _orphans(shop: Shop) -> str | None:
    """Every plan file in its place is named by a version."""
    with shop.ledger().session() as session:
        known = set(session.read("list_versions", campaign_id=shop.campaign_id)["file"])
    found = {
        f"{shop.campaign_id}/{file.name}"
        for file in (shop.home.plans / shop.campaign_id).glob("[0-9]*.parquet")
        if file.name.count(".") == 1
    }
    return f"orphans: {sorted(found - known)}" if found - known else None


def _wrong_number(shop: Shop) -> str | None:
    wrong = [ring for ring in shop.provider.rings() if ring["from_number"] not in NUMBERS[:2]]
    return f"{len(wrong)} calls came from a number that was taken out" if wrong else None


def _unplanned(shop: Shop) -> str | None:
    """Everybody has exactly one call, made or planned."""
    with shop.ledger().session() as session:
        stored = find_campaign(session, shop.campaign_id)
    calls = calls_of(shop.home, shop.ledger(), stored).collect()
    if calls.height != _CALLS or calls["contact_id"].n_unique() != _CALLS:
        return f"I2: {calls.height} calls for {calls['contact_id'].n_unique()} of {_CALLS} contacts"
    long_past = pl.col("scheduled_at") < shop.clock.now() - timedelta(minutes=5)
    missed = calls.filter((pl.col("state") == "scheduled") & long_past)
    return f"{missed.height} missed slots were not planned anew" if missed.height else None


def trial(seed: int) -> str | None:
    """Do one or the other."""
    return planning_anew_is_killed(seed) if seed % 2 else an_edit_is_killed(seed)


ROWS = [Row(33, "R", "crash between a plan file's rename and its commit", trial, 100)]
