"""The flow that previews a plan: computed, proven and shown, and nothing stored."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import flow, get_run_logger
from pydantic import AwareDatetime

from flows.contact_store import current_snapshot
from flows.errors import InputError
from flows.home import Home, find_home
from flows.load_contacts import KNOWN_HEADERS
from flows.previewing import preview
from flows.publishing import WrittenPlan
from flows.runs import living_run
from flows.telling.plans import show_plan
from transforms.campaign import Campaign


@flow(name="plan-campaign", retries=0, flow_run_name="plan {settings.name}")
def plan_campaign(
    settings: Campaign,
    contacts: str = "",
    region: str = "",
    headers: dict[str, str] = KNOWN_HEADERS,
    out: str = "",
    now: AwareDatetime | None = None,
) -> int:
    """Compute the plan that a campaign would get and show it; return how many calls are planned.

    Args:
        settings: The campaign.
        contacts: A file of contacts; without one, the list that the settings name.
        region: Country of the file's numbers without a country code, such as US.
        headers: Fields of a contact and the headers they have in the file, where those are not known, such as
            {"phone": "Number 1"}.
        out: A folder for plan.parquet, excluded.parquet and summary.json; without one nothing is kept.
        now: The moment of planning, with an offset; without one, the present.
    """
    home = find_home().make()
    with living_run(home), TemporaryDirectory() as scratch:
        written = preview(
            settings,
            Path(contacts) if contacts else _list_of(home, settings),
            Path(out or scratch),
            region or None,
            headers,
            now or datetime.now(UTC),
            get_run_logger().info,
        )
        _tell(written, settings)
    return written.rows


def _list_of(home: Home, settings: Campaign) -> Path:
    if settings.contact_list is None:
        raise InputError("contact_list: name a loaded list, or give a file of contacts")
    return current_snapshot(home, settings.contact_list)


def _tell(written: WrittenPlan, settings: Campaign) -> None:
    get_run_logger().info("%d calls planned from %s to %s", written.rows, written.first_at, written.last_at)
    show_plan(written, settings, "preview", f"{settings.name}, a preview")
