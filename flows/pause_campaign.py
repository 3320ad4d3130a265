"""The flow that holds a campaign back, or all of them."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from flows import pausing
from flows.errors import InputError
from flows.home import find_home
from flows.ledger import Ledger
from flows.runs import living_run
from flows.telling.events import tell_changes
from flows.telling.names import name_run
from flows.telling.possibly import if_possible


def _run_name() -> str:
    named = flow_run.parameters
    return "pause everything" if named.get("everything") else f"pause {named.get('campaign')}"


@flow(name="pause-campaign", retries=0, flow_run_name=_run_name)
def pause_campaign(campaign: str = "", everything: bool = False) -> None:
    """Hold a campaign back; when this ends no further call of it starts.

    Args:
        campaign: Id of the campaign, or its name where that is unique.
        everything: The emergency stop, instead of one campaign: all that are neither drafts nor over.
    """
    home = find_home().require()
    if everything == bool(campaign):
        raise InputError("pause: name one campaign, or choose everything")
    with living_run(home):
        ledger, now = Ledger(home.ledger), datetime.now(UTC)
        held = (
            pausing.pause_all(home, ledger, now) if everything else pausing.pause(home, ledger, campaign, now)
        )
        names = ", ".join(paused.name for paused in held.campaigns) or "no campaign"
        get_run_logger().info("%s paused; %d calls were still in flight", names, held.in_flight)
        with if_possible():
            if not everything:
                name_run("pause", held.campaigns[0].name, held.campaigns[0].latest_version)
            tell_changes(home)
