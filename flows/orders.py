"""Orders from the server's forms that let calls start: carried out in time, or not at all.

What was ordered while the runner was away is carried out once it is back, in no certain order. What holds
calls back may come however late; what lets them start must be ordered again.
"""

from datetime import datetime, timedelta

from prefect.client.schemas import FlowRun
from prefect.context import FlowRunContext

from flows.errors import WorkError

HOLDS_FOR = timedelta(minutes=5)
"""How long after its time an order is still carried out: time enough for a run to start."""


def refuse_late() -> None:
    """Raise WorkError where the run that is running began so late that nobody expects it any more."""
    if began_after(_order()) > HOLDS_FOR:
        raise WorkError(
            f"this run began more than {HOLDS_FOR.seconds // 60} minutes after its time, which a retry does "
            "not change, and did nothing; order it anew if it is still meant"
        )


def ordered_at(now: datetime) -> datetime:
    """Return when the run that is running was ordered; ``now`` is when it began, by this machine's clock."""
    return given_at(_order(), now)


def began_after(order: FlowRun) -> timedelta:
    """Return how long after the time that it was meant for a run began."""
    return _begun_at(order) - _said(order.expected_start_time)


def given_at(order: FlowRun, now: datetime) -> datetime:
    """Return when a run that began at ``now`` was ordered; one by a schedule is ordered for its time.

    The server's clock may be another: of what both say it is the earlier instant, which more pauses follow.
    """
    given = _said(order.expected_start_time if order.auto_scheduled else order.created)
    return min(given, now - (_begun_at(order) - given))


def _begun_at(order: FlowRun) -> datetime:
    return _said(None if order.state is None else order.state.timestamp)


def _said(instant: datetime | None) -> datetime:
    if instant is None:
        raise WorkError("this run does not say when it was ordered or began, and did nothing")
    return instant


def _order() -> FlowRun:
    """Return the run that is running, as the server knows it."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise WorkError("only a flow run is an order")
    return context.flow_run
