"""The flow that builds a lost or damaged ledger anew."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.errors import WorkError
from flows.home import find_home
from flows.orders import refuse_late
from flows.recovering import recover
from flows.runs import living_run


@flow(name="recover-ledger", retries=0, flow_run_name="recover")
def recover_ledger(sure: bool = False) -> None:
    """Build the ledger anew from plan files, dial journal and lists; every campaign comes back paused.

    No dispatcher may run meanwhile: pause the deployment of dispatch first, and cancel its run.

    Args:
        sure: Say that the ledger is lost or damaged; nothing is done otherwise.

    Raises:
        WorkError: it comes too late, or a campaign does not come back; the others do.
    """
    home, logger = find_home().require(), get_run_logger()
    if not sure:
        logger.info("nothing was done: choose sure to build the ledger anew")
        return
    refuse_late()
    with living_run(home):
        found = recover(home, datetime.now(UTC), logger.info)
        logger.info(
            "%d campaigns with %d plan versions and %d calls are back; the old ledger is %s",
            found.campaigns,
            found.versions,
            found.calls,
            found.set_aside or "gone",
        )
        if found.lost:
            raise WorkError(*found.lost)
