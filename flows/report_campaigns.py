"""The daily flow that reports on all campaigns."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from flows.home import find_home
from flows.ledger import Ledger
from flows.runs import living_run
from flows.standing import Standing, reasons, standing
from flows.telling.dispatches import show_progress
from flows.telling.events import tell_changes
from flows.telling.markdown import table

_COUNTS = {
    "contacts": "contact_count",
    "final": "final_count",
    "in flight": "in_flight_count",
    "waiting": "waiting_count",
    "skipped": "skipped_count",
    "unknown": "unknown_count",
}


@flow(name="report-campaigns", flow_run_name="report")
def report_campaigns() -> None:
    """Show where every campaign stands and why nothing is delivered, if nothing is."""
    home, now = find_home().require(), datetime.now(UTC)
    with living_run(home):
        found = standing(home, Ledger(home.ledger), now)
        create_markdown_artifact(
            "\n".join(described(found, now)), key="report", description="Where campaigns stand"
        )
        show_progress(found)
        tell_changes(home)
        get_run_logger().info("%d campaigns reported on", found.campaigns.height)


def described(found: Standing, now: datetime) -> list[str]:
    """Return the lines, in Markdown, that say where campaigns stand."""
    return [
        f"# Campaigns at {now:%Y-%m-%d %H:%M} UTC",
        "",
        *table(
            ("campaign", "state", *_COUNTS, ""),
            (
                (
                    row["name"],
                    row["state"],
                    *(row[count] for count in _COUNTS.values()),
                    "; ".join(reasons(row, found, now)),
                )
                for row in found.campaigns.to_dicts()
            ),
        ),
    ]
