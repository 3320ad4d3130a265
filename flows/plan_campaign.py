"""The flow that previews a plan: computed, proven and written to a folder, and nothing stored."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, get_run_logger

from flows.previewing import preview
from flows.settings_file import read_campaign


@flow(name="plan-campaign", flow_run_name="plan {settings_file}")
def plan_campaign(
    settings_file: Path,
    contacts: Path,
    out: Path,
    region: str | None = None,
    now: datetime | None = None,
) -> int:
    """Write plan, excluded contacts and summary to the folder ``out``; return how many calls are planned."""
    campaign = read_campaign(settings_file)
    logger = get_run_logger()
    written = preview(campaign, contacts, out, region, {}, now or datetime.now(UTC), logger.info)
    logger.info("%d calls planned from %s to %s", written.rows, written.first_at, written.last_at)
    return written.rows
