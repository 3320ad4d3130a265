"""The flow that loads a contact file into a list."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, get_run_logger

from flows.contact_loading import load_list
from flows.contact_store import LoadSummary
from flows.home import find_home
from flows.runs import living_run

KNOWN_HEADERS: dict[str, str] = {}
"""What a form says where all headers of a file are known."""


@flow(name="load-contacts", retries=0, flow_run_name="load {list_name}")
def load_contacts(
    file: Path, list_name: str, region: str = "", headers: dict[str, str] = KNOWN_HEADERS
) -> LoadSummary:
    """Load a file of contacts into a list, and return what became of its rows.

    Args:
        file: CSV, Parquet or JSON lines, on the machine where the flow runs.
        list_name: The list to load into; it is made if it is new.
        region: Country of numbers without a country code, such as US.
        headers: Fields of a contact and the headers they have in the file, where those are not known, such as
            {"phone": "Number 1"}.
    """
    home, logger = find_home().make(), get_run_logger()
    with living_run(home):
        summary = load_list(
            home, file, list_name, region or None, headers, datetime.now(UTC), progress=logger.info
        )
        logger.info("%s: %d added, %d updated", list_name, summary.added, summary.updated)
        for kind, rows in summary.set_aside.items():
            logger.info("set aside, %s: %d", kind, rows)
    return summary
