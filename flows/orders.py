"""Orders from the server's forms that let calls start: carried out in time, or not at all.

What was ordered while runner or server were away is carried out once they are back, in no certain order. What
holds calls back may come however late; what lets them start must be ordered again.
"""

from datetime import datetime, timedelta

from prefect.client.schemas import FlowRun
from prefect.context import FlowRunContext

from flows.campaigns import StoredCampaign
from flows.errors import WorkError
from flows.ledger import Ledger

HOLDS_FOR = timedelta(minutes=5)
"""How long after its time an order is still carried out: time enough for a run to start."""


def refuse_late() -> None:
    """Raise WorkError where the run that is running began so late that nobody expects it any more.

    Both instants are the server's, whose clock may not be that of this machine.
    """
    order = _order()
    ordered_for, state = order.expected_start_time, order.state
    if ordered_for is None or state is None or state.timestamp - ordered_for > HOLDS_FOR:
        raise WorkError(
            f"this was ordered for {_told(ordered_for)} and did not begin within "
            f"{HOLDS_FOR.seconds // 60} minutes, so this run did nothing; order it again if it is still meant"
        )


def refuse_overtaken(ledger: Ledger, campaign: StoredCampaign) -> None:
    """Raise WorkError where a campaign was paused after the order that would let it go on was given."""
    order = _order()
    ordered_at = order.expected_start_time if order.auto_scheduled else order.created
    with ledger.session() as session:
        changes = session.read("list_campaign_changes", after=ordered_at)
    paused = changes.filter(campaign_id=campaign.campaign_id, to_state="paused")
    if ordered_at is None or not paused.is_empty():
        raise WorkError(
            f"{campaign.name}: it was paused after this was ordered, at {_told(ordered_at)}, and stays so; "
            "callplan resume lets it go on, or another order"
        )


def _order() -> FlowRun:
    """Return the run that is running, as the server knows it."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise WorkError("only a flow run is an order")
    return context.flow_run


def _told(instant: datetime | None) -> str:
    return "an unknown time" if instant is None else instant.isoformat(timespec="seconds")
