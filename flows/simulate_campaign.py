"""The flow that lives through a campaign in simulated time, a run for each day, with the simulated dialer."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.campaigns import find_campaign
from flows.clock import SimulatedClock
from flows.dialers.simulated import SimulatedDialer
from flows.dispatch_due import TaskPool, refuse_errors
from flows.dispatcher import Dispatcher, Tally
from flows.home import find_home
from flows.ledger import Ledger
from flows.owners import Owner
from flows.pools import PLACING_THREADS
from transforms.campaign import DialerName
from transforms.wall_clock import start_of_date, to_local

MOST_DAYS = 60
"""The longest simulation."""

TellDay = Callable[[date, Tally, int], None]
"""Told after each day: the date, what was done so far, and how many calls were placed that day."""


@flow(name="simulate-campaign", retries=0, flow_run_name="simulate {campaign}", validate_parameters=False)
def simulate_campaign(campaign: str, from_at: datetime, tell_day: TellDay) -> Tally:
    """Dispatch ``campaign`` from ``from_at`` on, day by day on its own calendar, until nothing is left.

    The dispatcher is the one that dispatches in real time; only its clock is another.

    Raises:
        WorkError: something went wrong on the way.
    """
    home = find_home().require()
    clock = SimulatedClock(from_at)
    ledger = Ledger(home.ledger, keep_open=True)
    try:
        with ledger.session() as session:
            zone_name = find_campaign(session, campaign).settings.timezone
        with Owner(home.owners, ledger, clock) as owner:
            dialers = {DialerName.SIMULATED.value: SimulatedDialer()}
            dispatcher = Dispatcher(
                home, ledger, clock, dialers, TaskPool(clock, at_once=True), owner, timedelta()
            )
            first = to_local(zone_name, from_at).date()
            for day in (first + timedelta(days=offset) for offset in range(MOST_DAYS)):
                if dispatcher.is_idle():
                    break
                placed = dispatcher.tally.placed
                _dispatch_day(dispatcher, day, start_of_date(zone_name, day + timedelta(days=1)))
                tell_day(day, dispatcher.tally, dispatcher.tally.placed - placed)
    finally:
        ledger.close()
    refuse_errors(dispatcher.tally)
    return dispatcher.tally


@flow(
    name="dispatch-day",
    retries=0,
    flow_run_name="dispatch {day}",
    task_runner=ThreadPoolTaskRunner(max_workers=PLACING_THREADS),  # type: ignore[arg-type]
    validate_parameters=False,
)
def _dispatch_day(dispatcher: Dispatcher, day: date, until: datetime) -> None:  # noqa: ARG001 - names the run
    dispatcher.run(until, tick=None)
