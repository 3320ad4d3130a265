"""The flow that creates a campaign, plans it and publishes the plan."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger
from pydantic import AwareDatetime

from flows.campaigns import draft_campaign
from flows.dialers.truedy_block import take_up_credentials
from flows.home import find_home
from flows.ledger import Ledger
from flows.orders import refuse_late
from flows.publishing import WrittenPlan
from flows.runs import living_run
from flows.scheduling import schedule
from flows.telling.events import tell_changes
from flows.telling.plans import show_published
from flows.telling.possibly import if_possible
from transforms.campaign import Campaign


@flow(name="schedule-campaign", retries=0, flow_run_name="schedule {settings.name}")
def schedule_campaign(settings: Campaign, now: AwareDatetime | None = None) -> WrittenPlan:
    """Create a campaign, plan a call for everyone on its list, and have them dispatched when they fall due.

    A draft of the same name is taken up with these settings; a campaign that was scheduled is not.

    Args:
        settings: The campaign.
        now: The moment of scheduling, with an offset; without one, the present.

    Raises:
        WorkError: it comes too late.
    """
    home = find_home().require()
    refuse_late()
    with living_run(home):
        take_up_credentials()
        ledger, at, logger = Ledger(home.ledger), now or datetime.now(UTC), get_run_logger()
        campaign_id = draft_campaign(ledger, settings, at)
        written = schedule(home, ledger, campaign_id, at, logger.info)
        logger.info("%d calls planned from %s to %s", written.rows, written.first_at, written.last_at)
        with if_possible():
            show_published("schedule", written, settings, campaign_id)
            tell_changes(home)
    return written
