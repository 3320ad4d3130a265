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


def show_dispatch(home: Home, tally: Tally, since: datetime, now: datetime) -> None:
    """Show a dispatch run from ``since`` to ``now``: calls placed, held back and why, by campaign."""
    found = standing(home, Ledger(home.ledger), now)
    create_markdown_artifact(
        "\n".join(described(found, tally, since, now)),
        key="dispatch",
        description="What this run dispatched",
    )
    show_progress(found, since)


def show_progress(found: Standing, since: datetime) -> None:
    """Show for each campaign that was live at some time after ``since`` which share of it is through."""
    for row in _live_since(found, since):
        if row["contact_count"]:
            share = 100 * (row["final_count"] + row["skipped_count"]) / row["contact_count"]
            create_progress_artifact(
                min(share, 100.0),
                key=key_of("progress", row["name"], row["campaign_id"]),
                description=_progress_of(row),
            )


def _live_since(found: Standing, since: datetime) -> list[dict[str, Any]]:
    rows = found.campaigns.to_dicts()
    return [
        row
        for row in rows
        if row["state"] in _LIVE or (row["finished_at"] is not None and row["finished_at"] >= since)
    ]


def _progress_of(row: dict[str, Any]) -> str:
    return (
        f"{row['name']} is {row['state']}: {row['final_count']:,} of {row['contact_count']:,} contacts "
        f"final, {row['in_flight_count']:,} in flight, {row['skipped_count']:,} skipped, "
        f"{row['unknown_count']:,} unknown"
    )


def described(found: Standing, tally: Tally, since: datetime, now: datetime) -> list[str]:
    """Return the lines, in Markdown, that describe a dispatch run from ``since`` to ``now``."""
    rows = _live_since(found, since)
    held = sum(row["held_count"] for row in rows)
    return [
        f"{tally.placed + held:,} calls were due: **{tally.placed:,} calls placed**, {held:,} held back.",
        f"{tally.finished:,} outcomes recorded, {tally.replanned:,} slots planned anew, "
        f"never more than {tally.most_in_flight:,} in flight.",
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
