"""Events: Prefect is told of every change of a campaign's state, so that an automation can act on it.

Whoever comes next after a change tells of it, also of changes made on the command line. What was told is kept
by the id of its event, which follows from what it says: told twice, it would be one event.
"""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect.events import emit_event

from flows.database import locked
from flows.home import Home
from flows.ledger import Ledger

LOOKS_BACK = timedelta(days=1)
"""A change that nobody told of for so long is told no more."""

_NAMES = uuid.UUID("c1a0f4be-3d1b-5a7e-9c61-5f0f3a2d7e11")
"""The namespace of the ids of our events."""


def tell_changes(home: Home) -> int:
    """Tell Prefect of the changes of campaigns that it was not told of, and return how many those were."""
    with locked(home.told.with_suffix(".lock")):
        known = _known(home.told)
        with Ledger(home.ledger).session() as session:
            changes = session.read("list_campaign_changes", after=datetime.now(UTC) - LOOKS_BACK).to_dicts()
        ids = [_id_of(change) for change in changes]
        fresh = [(name, change) for name, change in zip(ids, changes, strict=True) if str(name) not in known]
        for name, change in fresh:
            _tell(name, change)
        _remember(home.told, [str(name) for name in ids])
    return len(fresh)


def _id_of(change: dict[str, object]) -> uuid.UUID:
    said = (change["campaign_id"], change["happened_at"], change["from_state"], change["to_state"])
    return uuid.uuid5(_NAMES, " ".join(map(str, said)))


def _tell(name: uuid.UUID, change: dict[str, object]) -> None:
    happened_at = change["happened_at"]
    assert isinstance(happened_at, datetime)  # noqa: S101 - the column has no nulls
    emit_event(
        event=f"callplan.campaign.{change['to_state']}",
        resource={
            "prefect.resource.id": f"callplan.campaign.{change['campaign_id']}",
            "prefect.resource.name": str(change["name"]),
        },
        occurred=happened_at,
        payload={"from": change["from_state"], "to": change["to_state"], "reason": change["reason"]},
        id=name,
    )


def _known(file: Path) -> set[str]:
    try:
        return set(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):  # at worst something is told again, under the same id
        return set()


def _remember(file: Path, ids: list[str]) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(ids), encoding="utf-8")
    part.replace(file)
