"""The flow that loads a contact file into a list."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, get_run_logger

from flows.contact_loading import load_list
from flows.contact_store import LoadSummary
from flows.home import find_home


@flow(name="load-contacts", flow_run_name="load {list_name}")
def load_contacts(
    file: Path, list_name: str, region: str | None = None, headers: dict[str, str] | None = None
) -> LoadSummary:
    """Load ``file`` into the list ``list_name``; numbers without a country code are of ``region``."""
    logger = get_run_logger()
    summary = load_list(
        find_home(), file, list_name, region, headers or {}, datetime.now(UTC), progress=logger.info
    )
    logger.info("%s: %d added, %d updated", list_name, summary.added, summary.updated)
    return summary
