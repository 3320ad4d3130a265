"""Verifying a plan file: every rule over every row, and the plan computed again and compared byte by byte."""

import json
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.checking import CheckResult, PlanUnderTest, check_plan
from flows.contact_store import contacts_hash, snapshot_with_hash
from flows.errors import InputError
from flows.home import Home
from flows.plan_store import facts_of, sha256_of, write_plan
from flows.planning import compute_plan
from flows.progress import Progress, silent
from flows.publishing import judged
from transforms.campaign import Campaign
from transforms.plan import Edition
from transforms.schemas import CONTACTS
from transforms.wall_clock import TZDATA_VERSION


@dataclass(frozen=True)
class Verdict:
    """What verifying found; ``replayed`` is None where the plan could not be computed again."""

    checks: list[CheckResult]
    replayed: bool | None
    not_checked: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing that was checked is broken."""
        return self.replayed is not False and not any(check.broken for check in self.checks)


def verify(
    plan_file: Path, contacts: pl.LazyFrame | None, home: Home, progress: Progress = silent
) -> Verdict:
    """Check a plan file; with its contacts, given or still in the store, also compute it again.

    Raises:
        InputError: the file is no plan, or the contacts given are not those it was computed from.
    """
    facts = facts_of(plan_file)
    campaign = Campaign.model_validate_json(facts["settings"])
    starts_at = datetime.fromisoformat(facts["starts_at"])
    skipped = _skipped(facts)
    contacts = _its_contacts(plan_file, contacts, facts["contacts_hash"], home)
    edition = _edition(plan_file)
    checks = check_plan(
        PlanUnderTest(
            plan_file,
            campaign,
            starts_at,
            edition,
            None if contacts is None else judged(contacts, campaign, skipped),
        ),
        lambda rule: progress(f"checking {rule}"),
    )
    if contacts is None:
        why = "its contacts were not given and are not in the store"
        return Verdict(checks, None, [f"who is planned: {why}", f"the replay: {why}"])
    if facts["tzdata_version"] != TZDATA_VERSION:
        why = f"it was computed with tzdata {facts['tzdata_version']}, here is {TZDATA_VERSION}"
        return Verdict(checks, None, [f"the replay: {why}"])
    progress("computing the plan again")
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again.parquet"
        computed = compute_plan(contacts, campaign, starts_at, edition, skipped)
        write_plan(computed.rows, again, {f"callplan.{key}": value for key, value in facts.items()})
        return Verdict(checks, sha256_of(again) == sha256_of(plan_file), [])


def _skipped(facts: dict[str, str]) -> pl.DataFrame:
    reasons = json.loads(facts["skipped"])
    return pl.DataFrame(
        {"contact_id": list(reasons), "reason": list(reasons.values())},
        schema={"contact_id": pl.String(), "reason": pl.String()},
    )


def _edition(plan_file: Path) -> Edition:
    first = pl.scan_parquet(plan_file).select("campaign_id", "plan_version", "attempt").head(1).collect()
    return Edition(*first.row(0)) if first.height else Edition()


def _its_contacts(
    plan_file: Path, given: pl.LazyFrame | None, wanted: str, home: Home
) -> pl.LazyFrame | None:
    if given is None:
        snapshot = snapshot_with_hash(home, wanted)
        return None if snapshot is None else pl.scan_parquet(snapshot).select(CONTACTS.names())
    found = contacts_hash(given.collect())
    if found != wanted:
        raise InputError(
            f"--contacts: these are not the contacts that {plan_file} was computed from "
            f"(hash {found[:16]}, the plan says {wanted[:16]}); give the same file, --region and --map"
        )
    return given
