"""Verifying a plan file: every rule over every row, and the plan computed again and compared byte by byte."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.checking import CheckResult, PlanUnderTest, check_plan
from flows.contact_store import contacts_hash, snapshot_with_hash
from flows.errors import InputError
from flows.home import Home
from flows.plan_store import facts_of, sha256_of, what_stood, write_plan
from flows.planning import compute_plan
from flows.progress import Progress, silent
from flows.publishing import expected_rows
from transforms.brief import Brief
from transforms.campaign import Campaign
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
    brief = Brief.from_texts(facts, what_stood(plan_file, facts))
    contacts = _its_contacts(plan_file, contacts, facts["contacts_hash"], home)
    checks = check_plan(
        PlanUnderTest(
            plan_file,
            campaign,
            brief,
            None if contacts is None else expected_rows(contacts, campaign, brief, plan_file),
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
        computed = compute_plan(contacts, campaign, brief, partly=True)
        write_plan(computed.rows, again, {f"callplan.{key}": value for key, value in facts.items()})
        return Verdict(checks, sha256_of(again) == sha256_of(plan_file), [])


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
