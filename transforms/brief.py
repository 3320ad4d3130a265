"""The brief of a publication: what a plan is computed from beside the contacts and the settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import polars as pl

from transforms.schemas import STANDING

PREVIEW = "preview"
"""The campaign id of a plan that belongs to no campaign."""

NOBODY_SKIPPED = pl.DataFrame(schema={"contact_id": pl.String(), "reason": pl.String()})


@dataclass(frozen=True)
class Edition:
    """Which publication of which campaign a plan is."""

    campaign_id: str = PREVIEW
    plan_version: int = 1


@dataclass(frozen=True)
class Brief:
    """Whom a publication places, from when on, and what stands already.

    ``starts_at`` is the start of the campaign, ``from_at`` the instant before which nothing is placed: the
    later of the start and now. Placed are the contacts at the places ``[fresh_from, fresh_until)`` of the
    list (0-based, None for its end) who are not in ``standing`` (schema ``STANDING``), with attempt 1, and
    the rows of ``standing`` that are ``due``. ``skipped`` (``contact_id``, ``reason``) is left out.
    ``last_number`` is the outbound number of the row that was planned last before.
    """

    starts_at: datetime
    from_at: datetime
    edition: Edition = field(default_factory=Edition)
    fresh_from: int = 0
    fresh_until: int | None = None
    skipped: pl.DataFrame = field(default_factory=NOBODY_SKIPPED.clone)
    standing: pl.LazyFrame = field(default_factory=lambda: STANDING.to_frame().lazy())
    last_number: str | None = None

    def as_texts(self) -> dict[str, str]:
        """Return all but what stands, as texts for a plan's metadata."""
        return {
            "campaign_id": self.edition.campaign_id,
            "plan_version": str(self.edition.plan_version),
            "starts_at": self.starts_at.isoformat(),
            "from_at": self.from_at.isoformat(),
            "fresh_from": str(self.fresh_from),
            "fresh_until": "" if self.fresh_until is None else str(self.fresh_until),
            "last_number": self.last_number or "",
            "skipped": json.dumps(
                self.skipped.select(NOBODY_SKIPPED.columns).sort("contact_id").to_dict(as_series=False)
            ),
        }

    @classmethod
    def from_texts(cls, texts: Mapping[str, str], standing: pl.LazyFrame) -> Self:
        """Return the brief that ``as_texts`` wrote, with what stood."""
        return cls(
            starts_at=datetime.fromisoformat(texts["starts_at"]),
            from_at=datetime.fromisoformat(texts["from_at"]),
            edition=Edition(texts["campaign_id"], int(texts["plan_version"])),
            fresh_from=int(texts["fresh_from"]),
            fresh_until=int(texts["fresh_until"]) if texts["fresh_until"] else None,
            skipped=_skipped_in(texts["skipped"]),
            standing=standing,
            last_number=texts["last_number"] or None,
        )


def _skipped_in(text: str) -> pl.DataFrame:
    """Return who is skipped, from a list per column; older plans have an object, a reason by contact."""
    found = json.loads(text)
    if not isinstance(found.get("contact_id"), list):
        found = {"contact_id": list(found), "reason": list(found.values())}
    return pl.DataFrame(found, schema=NOBODY_SKIPPED.schema)
