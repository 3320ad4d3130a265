"""Running a dispatcher on a store for a while, with or without Prefect around it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from flows.clock import Clock
from flows.dialers import all_dialers
from flows.dispatcher import Dispatcher, Leaves, Tally, until_the_end
from flows.home import Home
from flows.ledger import Ledger
from flows.owners import Owner
from flows.pools import Pool


def dispatch_for(
    home: Home, clock: Clock, length: timedelta, pool: Pool, leaves: Leaves = until_the_end
) -> Tally:
    """Dispatch what falls due for ``length`` of ``clock``, from the first tick on, or until it leaves."""
    ledger = Ledger(home.ledger)
    with (
        Owner(home.owners, ledger, clock) as owner,
        all_dialers(home, clock) as dialers,
        ThreadPoolExecutor(1, thread_name_prefix="replanning") as beside,
    ):
        dispatcher = Dispatcher(home, ledger, clock, dialers, pool, owner, beside=beside)
        return dispatcher.run(clock.now() + length, leaves=leaves)
