"""Events: Prefect is told of every change of a campaign's state, so that an automation can act on it.

Whoever comes next after a change tells of it, also of changes made on the command line. An event's id follows
from what it says: told twice, it is one event.
"""

import uuid
from datetime import UTC, datetime
from pathlib import Path

from prefect.events import emit_event

from flows.home import Home
from flows.ledger import Ledger

_NAMES = uuid.UUID("c1a0f4be-3d1b-5a7e-9c61-5f0f3a2d7e11")
"""The namespace of the ids of our events."""


def tell_changes(home: Home) -> int:
    """Tell Prefect of the changes of campaigns since this was done last, and return how many those were."""
    with Ledger(home.ledger).session() as session:
        changes = session.read("list_campaign_changes", after=_told_until(home.told))
    for change in changes.iter_rows(named=True):
        said = f"{change['campaign_id']} {change['happened_at'].isoformat()} {change['to_state']}"
        emit_event(
            event=f"callplan.campaign.{change['to_state']}",
            resource={
                "prefect.resource.id": f"callplan.campaign.{change['campaign_id']}",
                "prefect.resource.name": change["name"],
            },
            occurred=change["happened_at"],
            payload={"from": change["from_state"], "to": change["to_state"], "reason": change["reason"]},
            id=uuid.uuid5(_NAMES, said),
        )
    if changes.height:
        _tell_until(home.told, changes["happened_at"][-1])
    return changes.height


def _told_until(file: Path) -> datetime:
    try:
        return datetime.fromisoformat(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return datetime.min.replace(tzinfo=UTC)


def _tell_until(file: Path, instant: datetime) -> None:
    part = file.with_suffix(".part")
    part.write_text(instant.isoformat(), encoding="ascii")
    part.replace(file)
