"""A healthy dispatcher that works through what a fault has left."""

from contextlib import suppress
from datetime import timedelta

from flows.campaigns import find_campaign
from flows.dialers.truedy import TruedyDialer
from flows.dispatcher import Dispatcher
from flows.owners import Owner
from flows.pools import ThreadPool
from tests.faults.real.child import REACH, TICK, dispatch
from tests.faults.real.running import fork
from tests.faults.real.shop import Shop

MOST_SECONDS = 8.0
"""How long a healthy dispatcher may take; what is not done by then counts as lost."""

_LOOK = timedelta(milliseconds=150)


def recover(shop: Shop, most_seconds: float = MOST_SECONDS) -> list[str]:
    """Dispatch until the campaign is completed, or for ``most_seconds``; return the errors that were met."""
    ledger, clock = shop.ledger(), shop.clock
    until = clock.now() + timedelta(seconds=most_seconds)
    with (
        Owner(shop.home.owners, ledger, clock) as owner,
        TruedyDialer(shop.access, shop.home.budgets) as dialer,
    ):
        dispatcher = Dispatcher(
            shop.home, ledger, clock, {"simulated": dialer}, ThreadPool(clock), owner, REACH
        )
        while clock.now() < until and state_of(shop) not in ("completed", "cancelled", "failed"):
            dispatcher.run(clock.now() + _LOOK, TICK)
    return dispatcher.tally.errors


def state_of(shop: Shop) -> str:
    """Return the state of the campaign."""
    with shop.ledger().session() as session:
        return find_campaign(session, shop.campaign_id).state


def run_to_its_end(job, most_seconds: float = 20.0) -> int:
    """Dispatch in a process of its own and return how that ended: minus the signal, or its exit code."""
    process = fork(dispatch, job)
    process.join(most_seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError("a dispatcher did not come to its end")
    with suppress(ValueError):
        exitcode = process.exitcode
        process.close()
    return exitcode
