"""The flow that ends a campaign for good."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows import pausing
from flows.home import find_home
from flows.ledger import Ledger
from flows.runs import living_run
from flows.telling.events import tell_changes
from flows.telling.names import name_run
from flows.telling.possibly import if_possible


@flow(name="cancel-campaign", retries=0, flow_run_name="cancel {campaign}")
def cancel_campaign(campaign: str) -> None:
    """End a campaign for good; when this ends no further call of it starts.

    Args:
        campaign: Id of the campaign, or its name where that is unique.
    """
    home = find_home().require()
    with living_run(home):
        held = pausing.cancel(home, Ledger(home.ledger), campaign, datetime.now(UTC))
        get_run_logger().info(
            "%s cancelled; %d calls were still in flight", held.campaigns[0].name, held.in_flight
        )
        with if_possible():
            name_run("cancel", held.campaigns[0].name, held.campaigns[0].latest_version)
            tell_changes(home)
