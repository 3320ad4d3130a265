"""A healthy dispatcher that works through what a fault has left."""

from datetime import timedelta
from multiprocessing.process import BaseProcess

from flows.campaigns import find_campaign
from flows.dialers.truedy import TruedyDialer
from flows.dispatcher import Dispatcher
from flows.owners import Owner
from flows.pools import ThreadPool
from tests.faults.real.child import REACH, TICK, Job, run_job
from tests.faults.real.shop import Shop
from tests.forking import fork

MOST_SECONDS = 40.0
"""How long a healthy dispatcher may take; what is not done by then counts as lost."""

_LOOK = timedelta(milliseconds=150)
_IDLE_LOOKS = 6
"""After so many looks without anything to do, what is asked once has been asked, and has answered."""


def recover(shop: Shop, most_seconds: float = MOST_SECONDS) -> list[str]:
    """Dispatch until the campaign is completed, or for ``most_seconds``; return the errors that were met.

    It ends earlier where look after look finds nothing to do before then: all that is left was asked about,
    and is asked about again after a minute.
    """
    ledger, clock = shop.ledger(), shop.clock
    until = clock.now() + timedelta(seconds=most_seconds)
    with (
        Owner(shop.home.owners, ledger, clock) as owner,
        TruedyDialer(shop.access, shop.home.budgets, clock) as dialer,
    ):
        dispatcher = Dispatcher(
            shop.home, ledger, clock, {"simulated": dialer}, ThreadPool(clock), owner, REACH
        )
        idle_looks = 0
        while (
            clock.now() < until
            and idle_looks < _IDLE_LOOKS
            and state_of(shop) not in ("completed", "cancelled", "failed")
        ):
            dispatcher.run(clock.now() + _LOOK, TICK)
            wakes_at = dispatcher._next_wake()
            idle_looks = idle_looks + 1 if wakes_at is None or wakes_at >= until else 0
    return dispatcher.tally.errors


def state_of(shop: Shop) -> str:
    """Return the state of the campaign."""
    with shop.ledger().session() as session:
        return find_campaign(session, shop.campaign_id).state


def start(job: Job) -> BaseProcess:
    """Begin dispatching in a process of its own."""
    return fork(run_job, job)


def ended(process: BaseProcess, most_seconds: float = 30.0) -> int:
    """Wait for a process and return how it ended: minus the signal, or its exit code."""
    process.join(most_seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError("a dispatcher did not come to its end")
    return process.exitcode


def run_to_its_end(job: Job) -> int:
    """Dispatch in a process of its own and return how that ended."""
    return ended(start(job))


def word(shop: Shop) -> str:
    """Return what dispatchers said of the errors they ended with."""
    said = shop.home.path.parent / "said"
    return said.read_text().strip() if said.exists() else ""
