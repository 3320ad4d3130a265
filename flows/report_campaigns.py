"""The daily flow that reports on all campaigns."""

from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from flows.dialers.truedy_block import take_up_credentials
from flows.home import find_home
from flows.ledger import Ledger
from flows.runs import living_run
from flows.standing import Standing, standing
from flows.telling.dispatches import show_progress
from flows.telling.events import tell_changes
from flows.telling.markdown import table
from flows.telling.reasons import why_of

_COUNTS = {
    "contacts": "contact_count",
    "final": "final_count",
    "in flight": "in_flight_count",
    "waiting": "waiting_count",
    "skipped": "skipped_count",
    "unknown": "unknown_count",
}


_SHOWN_FOR = timedelta(days=2)
"""How long the progress of a campaign that has ended is shown: at least once after its end."""


@flow(name="report-campaigns", retries=0, flow_run_name="report")
def report_campaigns() -> None:
    """Show where every campaign stands and why nothing is delivered, if nothing is."""
    home, now = find_home().require(), datetime.now(UTC)
    with living_run(home):
        take_up_credentials()
        found = standing(home, Ledger(home.ledger), now)
        create_markdown_artifact(
            "\n".join(described(found, now)), key="report", description="Where campaigns stand"
        )
        show_progress(found, now - _SHOWN_FOR)
        tell_changes(home)
        get_run_logger().info("%d campaigns reported on", found.campaigns.height)


def described(found: Standing, now: datetime) -> list[str]:
    """Return the lines, in Markdown, that say where campaigns stand."""
    rows = found.campaigns.to_dicts()
    return [
        f"# Campaigns at {now:%Y-%m-%d %H:%M} UTC",
        "",
        *table(
            ("campaign", "state", *_COUNTS),
            ([row["name"], row["state"], *(row[count] for count in _COUNTS.values())] for row in rows),
        ),
        "",
        *why_of(rows, found, now),
    ]
