"""A preview: the plan that a campaign would get, written to a folder, with nothing stored."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.contact_loading import contacts_for_preview
from flows.errors import InputError
from flows.home import refuse_pattern
from flows.plan_store import write_companion
from flows.progress import Progress, silent
from flows.publishing import WrittenPlan, refuse_empty, write_checked_plan
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.preflight import ASSUMED_CALL
from transforms.schemas import EXCLUDED
from transforms.wall_clock import TZDATA_VERSION


def preview(
    campaign: Campaign,
    contacts_file: Path,
    out: Path,
    region: str | None,
    headers: Mapping[str, str],
    now: datetime,
    progress: Progress = silent,
    call_lasts: timedelta = ASSUMED_CALL,
) -> WrittenPlan:
    """Write ``plan.parquet``, ``excluded.parquet`` and ``summary.json`` to ``out``, each whole or not at all.

    ``excluded.parquet`` has everyone who is not planned, also the rows of the file that were set aside.

    Raises:
        InputError: the contacts cannot be read, there are none, or ``out`` is not a folder.
        WorkError: the contacts do not fit.
    """
    refuse_pattern(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"--out: {out} is not a folder")
    contacts, rejects, digest = contacts_for_preview(contacts_file, region, headers, progress)
    out.mkdir(parents=True, exist_ok=True)
    starts_at = campaign.starts_at(now)
    written = write_checked_plan(
        out / ".plan.parquet.part",
        contacts,
        digest,
        campaign,
        Brief(starts_at=starts_at, from_at=starts_at),
        progress,
        call_lasts=call_lasts,
    )
    refuse_empty(written)
    aside = rejects.select("contact_id", "line", "reason") if rejects.height else EXCLUDED.to_frame()
    excluded = pl.concat([written.excluded, aside]).sort("line")
    write_companion(excluded.lazy(), out / ".excluded.parquet.part")
    summary = out / ".summary.json.part"
    summary.write_text(json.dumps(summarised(campaign, written, excluded), indent=2) + "\n")
    for name in ("plan.parquet", "excluded.parquet", "summary.json"):
        (out / f".{name}.part").replace(out / name)
    return replace(written, file=out / "plan.parquet")


def summarised(campaign: Campaign, written: WrittenPlan, excluded: pl.DataFrame) -> dict[str, Any]:
    """Return what a machine wants to know of a plan; instants are ISO 8601 in UTC."""
    return {
        "campaign": campaign.name,
        "planned": written.rows,
        "excluded": excluded.height,
        "first_at": written.first_at and written.first_at.isoformat(),
        "last_at": written.last_at and written.last_at.isoformat(),
        "calls_per_date": {
            str(day): calls
            for day, calls in zip(written.per_date["call_date"], written.per_date["calls"], strict=True)
        },
        "preflight": {
            "call_seconds": written.preflight.call_seconds,
            "finishes_on": written.preflight.finishes_on and str(written.preflight.finishes_on),
            "share_per_date": {
                str(day): share
                for day, share in written.preflight.dates.select("call_date", "share").iter_rows()
            },
        },
        "checks": {check.rule: check.broken for check in written.checks},
        "settings_hash": campaign.settings_hash(),
        "contacts_hash": written.contacts_hash,
        "tzdata_version": TZDATA_VERSION,
    }


def summary_of(out: Path) -> dict[str, Any]:
    """Return the summary that a preview wrote to ``out``."""
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary
