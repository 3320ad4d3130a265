"""The flow that changes settings of a campaign."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger

from flows.campaigns import stored_campaign
from flows.dialers.truedy_block import take_up_credentials
from flows.home import find_home
from flows.ledger import Ledger
from flows.orders import refuse_late
from flows.runs import living_run
from flows.scheduling import Edit, update
from flows.telling.events import tell_changes
from flows.telling.plans import show_published
from flows.telling.possibly import if_possible
from transforms.changes import Changes, ClearedField

NOTHING: list[ClearedField] = []
"""What a form says where no setting is to be taken away."""


@flow(name="update-campaign", retries=0, flow_run_name="update {campaign}")
def update_campaign(
    campaign: str,
    changes: Changes,
    clear: list[ClearedField] = NOTHING,
    keep: bool = False,
    dry_run: bool = False,
) -> None:
    """Change settings of a campaign; the calls that have not started are planned again.

    Args:
        campaign: Id of the campaign, or its name where that is unique.
        changes: The settings to change; what is left empty stays as it is.
        clear: Settings to take away, so that there is no such limit any more.
        keep: Move only the slots that the new settings make impossible.
        dry_run: Only say what would change.

    Raises:
        WorkError: it comes too late.
    """
    home = find_home().require()
    refuse_late()
    with living_run(home):
        take_up_credentials()
        ledger, logger = Ledger(home.ledger), get_run_logger()
        stored = stored_campaign(ledger, campaign)
        edit = update(
            home,
            ledger,
            stored.campaign_id,
            changes.as_given() | dict.fromkeys(clear),
            datetime.now(UTC),
            keep=keep,
            dry_run=dry_run,
            progress=logger.info,
        )
        logger.info("%s: %s", stored.name, _told(edit, dry_run=dry_run))
        with if_possible():
            if edit.written is not None and not dry_run:
                show_published("update", edit.written, edit.campaign, stored.campaign_id)
            tell_changes(home)


def _told(edit: Edit, *, dry_run: bool) -> str:
    said = f"{', '.join(edit.fields) or 'nothing'} {'would change' if dry_run else 'changed'}"
    found = edit.difference
    if found is None:
        return said
    return (
        f"{said}: {found.moved:,} moved, {found.added:,} added, {found.dropped:,} dropped, "
        f"{found.renumbered:,} from another number, {found.unchanged:,} unchanged; "
        f"the last slot is {found.finish_after}, it was {found.finish_before}"
    )
