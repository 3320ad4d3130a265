"""What people see of a dispatch run in the Prefect UI: what it did, what is held back and why."""

from datetime import datetime
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_progress_artifact

from flows.dispatcher import Tally
from flows.home import Home
from flows.ledger import Ledger
from flows.standing import Standing, standing
from flows.telling.keys import key_of
from flows.telling.markdown import table
from flows.telling.reasons import why_of

_LIVE = ("scheduled", "active", "paused")


def show_dispatch(home: Home, tally: Tally, now: datetime) -> None:
    """Show a dispatch run that ended at ``now``: calls placed, held back and why, for each live campaign."""
    found = standing(home, Ledger(home.ledger), now)
    create_markdown_artifact(
        "\n".join(described(found, tally, now)), key="dispatch", description="What this run dispatched"
    )
    show_progress(found)


def show_progress(found: Standing) -> None:
    """Show for each live campaign which share of its contacts is through."""
    for row in found.campaigns.iter_rows(named=True):
        if row["state"] in _LIVE and row["contact_count"]:
            share = 100 * (row["final_count"] + row["skipped_count"]) / row["contact_count"]
            create_progress_artifact(
                min(share, 100.0),
                key=key_of("progress", row["name"], row["campaign_id"]),
                description=_progress_of(row),
            )


def _progress_of(row: dict[str, Any]) -> str:
    return (
        f"{row['name']} is {row['state']}: {row['final_count']:,} of {row['contact_count']:,} contacts "
        f"final, {row['in_flight_count']:,} in flight, {row['skipped_count']:,} skipped, "
        f"{row['unknown_count']:,} unknown"
    )


def described(found: Standing, tally: Tally, now: datetime) -> list[str]:
    """Return the lines, in Markdown, that describe a dispatch run."""
    rows = [row for row in found.campaigns.to_dicts() if row["state"] in _LIVE]
    return [
        f"**{tally.placed:,} calls placed**, {tally.finished:,} outcomes recorded, "
        f"{tally.replanned:,} slots planned anew, never more than {tally.most_in_flight:,} in flight.",
        "",
        *table(
            ("campaign", "state", "waiting", "in flight", "held back"),
            (
                [row[name] for name in ("name", "state", "waiting_count", "in_flight_count", "held_count")]
                for row in rows
            ),
        ),
        "",
        *why_of(rows, found, now),
        *(f"- {error}" for error in tally.errors),
    ]
