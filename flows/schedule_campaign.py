"""The flow that plans a draft campaign and publishes the plan."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.home import find_home
from flows.ledger import Ledger
from flows.publishing import WrittenPlan
from flows.scheduling import schedule


@flow(name="schedule-campaign", flow_run_name="schedule {campaign}")
def schedule_campaign(campaign: str, now: datetime | None = None) -> WrittenPlan:
    """Plan and publish the draft ``campaign`` (an id or a name) and return what was published.

    ``now`` is the moment of scheduling, the present if it is not given.
    """
    home = find_home().require()
    logger = get_run_logger()
    written = schedule(home, Ledger(home.ledger), campaign, now or datetime.now(UTC), logger.info)
    logger.info("%d calls planned from %s to %s", written.rows, written.first_at, written.last_at)
    return written
