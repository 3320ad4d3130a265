"""The scheduled flow: dispatch for about a minute, and hand over to the next run without a gap."""

import os
from datetime import datetime

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.clock import SystemClock
from flows.dialers.truedy_block import take_up_credentials
from flows.dispatch_due import TaskPool, refuse_errors
from flows.dispatching import dispatch_for
from flows.home import Home, find_home
from flows.pools import PLACING_THREADS
from flows.runs import living_run
from flows.serving.logs import shorten
from flows.telling.dispatches import show_dispatch
from flows.telling.events import tell_changes
from flows.telling.plans import show_replanned
from flows.telling.possibly import if_possible
from flows.turns import BEAT, LONGEST_TURN, Turns

TOO_LATE = 2 * BEAT
"""A run that starts so long after its time leaves at once: the ones after it are there."""


@flow(
    name="dispatch-in-turns",
    retries=0,
    flow_run_name="dispatch",
    task_runner=ThreadPoolTaskRunner(max_workers=PLACING_THREADS),  # type: ignore[arg-type]
)
def dispatch_in_turns() -> None:
    """Wait for the run before, dispatch until the next one waits, and leave what is late to others.

    Of all runs of a store one dispatches at a time. Whichever run ends, in order or not, the one that waits
    goes on within a tick.

    Raises:
        WorkError: something went wrong on the way; what could be done was done all the same.
    """
    home, clock = find_home().require(), SystemClock()
    if _is_late(clock.now()):
        get_run_logger().info("this run starts too late and leaves its turn to the ones after it")
        return
    with living_run(home):
        _speak_for_itself(home)
        take_up_credentials()
        _dispatch(home, clock)


def _speak_for_itself(home: Home) -> None:
    """Write to a file of the store, not to the runner, which may die before this run and take its pipe along.

    What a run logs goes to the server as ever; this is what it says to a console.
    """
    if "PREFECT__FLOW_RUN_ID" in os.environ:  # a process of its own, which a runner or worker started
        home.prefect.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = home.prefect / "dispatch.log"
        shorten(file)
        log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)


def _is_late(now: datetime) -> bool:
    planned_at = flow_run.scheduled_start_time
    return isinstance(planned_at, datetime) and now - planned_at > TOO_LATE


def _dispatch(home: Home, clock: SystemClock) -> None:
    logger = get_run_logger()
    with Turns(home.turns, clock).turn(BEAT, LONGEST_TURN) as turn:
        if turn is None:
            logger.info("another run waits for its turn already, or callplan up is stopping; this one leaves")
            return
        tally = dispatch_for(home, clock, LONGEST_TURN, TaskPool(clock), turn.is_over)
    logger.info("its turn was from %s to %s", turn.begun_at.isoformat(), turn.passed_at.isoformat())
    logger.info(
        "%d calls placed, %d outcomes recorded, %d slots planned anew in %d ticks",
        tally.placed,
        tally.finished,
        tally.replanned,
        tally.ticks,
    )
    with if_possible():
        show_dispatch(home, tally, turn.begun_at, clock.now())
        tell_changes(home)
        show_replanned(tally.plans.values())
    refuse_errors(tally)
