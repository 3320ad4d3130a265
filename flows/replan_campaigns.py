"""The flow that finds slots for those who missed theirs and for attempts that are ripe."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.errors import WorkError
from flows.home import find_home
from flows.ledger import Ledger
from flows.replanning import LookedAfter, campaigns_to_replan, look_after
from flows.runs import living_run
from flows.telling.events import tell_changes
from flows.telling.plans import show_replanned
from flows.telling.possibly import if_possible


@flow(name="replan-campaigns", retries=0, flow_run_name="replan")
def replan_campaigns() -> int:
    """Plan missed slots and ripe further attempts of all campaigns anew; return how many got a slot.

    A dispatcher does the same while it runs; this looks after them where none does.

    Raises:
        WorkError: some campaigns could not be planned; the others were.
    """
    home = find_home().require()
    with living_run(home):
        ledger, now, looked = Ledger(home.ledger), datetime.now(UTC), LookedAfter()
        look_after(home, ledger, campaigns_to_replan(ledger, now), now, looked)
        found = sum(plan.written.rows for plan in looked.plans)
        get_run_logger().info("%d slots planned anew", found)
        with if_possible():
            tell_changes(home)
            show_replanned(looked.plans)
    if looked.problems:
        raise WorkError(*looked.problems)
    return found
