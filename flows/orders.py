"""Orders from the server's forms that let calls start: carried out in time, or not at all.

What was ordered while runner or server were away is carried out once they are back, in no certain order. What
holds calls back may come however late; what lets them start must be ordered again.
"""

from datetime import datetime, timedelta

from prefect.runtime import flow_run

from flows.campaigns import StoredCampaign
from flows.errors import WorkError
from flows.ledger import Ledger

HOLDS_FOR = timedelta(minutes=5)
"""How long after its time an order is still carried out: time enough for a run to start."""


def refuse_late(now: datetime) -> None:
    """Raise WorkError where the run that is running should have run so long ago that nobody expects it."""
    ordered_for = flow_run.scheduled_start_time
    if now - ordered_for > HOLDS_FOR:
        raise WorkError(
            f"this was ordered for {ordered_for.isoformat(timespec='seconds')} and could not be carried out "
            f"within {HOLDS_FOR.seconds // 60} minutes: nothing was done; order it again if it is still meant"
        )


def refuse_overtaken(ledger: Ledger, campaign: StoredCampaign) -> None:
    """Raise WorkError where a campaign was paused after the order that would let it go on."""
    with ledger.session() as session:
        changes = session.read("list_campaign_changes", after=flow_run.scheduled_start_time)
    paused = changes.filter(campaign_id=campaign.campaign_id, to_state="paused")
    if not paused.is_empty():
        raise WorkError(
            f"{campaign.name}: it was paused at {paused['happened_at'][-1].isoformat(timespec='seconds')}, "
            "after this was ordered, and stays so; resume it again if that is meant"
        )
