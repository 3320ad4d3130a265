"""The flow that lets a paused campaign go on."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows import campaigns
from flows.home import find_home
from flows.ledger import Ledger
from flows.orders import ordered_at, refuse_late
from flows.runs import living_run
from flows.telling.events import tell_changes
from flows.telling.names import name_run
from flows.telling.possibly import if_possible


@flow(name="resume-campaign", retries=0, flow_run_name="resume {campaign}")
def resume_campaign(campaign: str) -> str:
    """Let a paused campaign go on, and return its state.

    Args:
        campaign: Id of the campaign, or its name where that is unique.

    Raises:
        WorkError: it comes too late, or the campaign was paused after this was ordered.
    """
    given_at = ordered_at(datetime.now(UTC))
    home = find_home().require()
    refuse_late()
    with living_run(home):
        ledger = Ledger(home.ledger)
        stored = campaigns.stored_campaign(ledger, campaign)
        state = campaigns.resume(ledger, campaign, datetime.now(UTC), given_at)
        get_run_logger().info("%s is %s", stored.name, state)
        with if_possible():
            name_run("resume", stored.name, stored.latest_version)
            tell_changes(home)
    return state
