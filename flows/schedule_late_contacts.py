"""The flow that plans the contacts that came to a campaign's list since it was planned."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.campaigns import stored_campaign
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


@flow(name="schedule-late-contacts", retries=0, flow_run_name="schedule late contacts of {campaign}")
def schedule_late_contacts(campaign: str) -> WrittenPlan:
    """Plan a call for everyone who came to the list since; the slots of the others stay.

    Args:
        campaign: Id of the campaign, or its name where that is unique.

    Raises:
        WorkError: it comes too late.
    """
    home = find_home().require()
    refuse_late()
    with living_run(home):
        take_up_credentials()
        ledger, logger = Ledger(home.ledger), get_run_logger()
        stored = stored_campaign(ledger, campaign)
        written = schedule(home, ledger, stored.campaign_id, datetime.now(UTC), logger.info)
        logger.info("%d more calls planned from %s to %s", written.rows, written.first_at, written.last_at)
        with if_possible():
            show_published(
                "schedule late contacts of", written, stored.settings, stored.campaign_id, adds=True
            )
            tell_changes(home)
    return written
