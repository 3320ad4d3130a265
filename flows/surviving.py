"""What outlives a ledger: the plans that are whole, and since which entry of the dial journal they count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.contact_store import snapshot_with_hash
from flows.damage import refuse_unreadable
from flows.errors import DamagedFileError, InputError, WorkError
from flows.home import Home
from flows.journal import CHANGES, Entry
from flows.plan_store import EXCLUDED_SUFFIX, companion, facts_of, plan_files, what_stood
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.schemas import EXCLUDED, PLAN, STANDING

_PLAN = ["campaign_id", "plan_version"]
_KNOWING = ("change", "note", "skip")
"""The kinds of entry that name a version of a plan."""


@dataclass(frozen=True)
class Version:
    """A plan file, and what it says of itself.

    ``known_from`` is the sequence of the first entry of the dial journal that knows it or a later version,
    None where none does: it came into force just before.
    """

    file: Path
    brief: Brief
    campaign: Campaign
    contacts_hash: str
    known_from: int | None

    @property
    def number(self) -> int:
        """Its number among the versions of its campaign, from 1 on."""
        return self.brief.edition.plan_version

    @property
    def name(self) -> str:
        """Its name in the plans folder."""
        return f"{self.file.parent.name}/{self.file.name}"

    @property
    def kind(self) -> str:
        """Whether it replaced what was planned before: only then the list was planned from its beginning."""
        return "replaces" if self.brief.fresh_from == 0 and self.brief.fresh_until != 0 else "adds"

    @property
    def excluded(self) -> pl.LazyFrame:
        """Whom it leaves out (``EXCLUDED``)."""
        return pl.scan_parquet(companion(self.file, EXCLUDED_SUFFIX))


@dataclass(frozen=True)
class SurvivingPlan:
    """The plan of a campaign: all its versions, and how many of its list belong to the campaign."""

    campaign_id: str
    versions: list[Version]
    listed_count: int

    @property
    def current(self) -> list[Version]:
        """The versions that make up the current plan: the last replacing one and those added since."""
        last = max(place for place, version in enumerate(self.versions) if version.kind == "replaces")
        return self.versions[last:]


def surviving_plans(home: Home, entries: Sequence[Entry]) -> tuple[list[SurvivingPlan], dict[str, str]]:
    """Return the plans that are whole, by campaign, and why others are lost.

    Takes all entries of the dial journal. A plan that it does not know was never dispatched: whoever does
    tells the journal before.

    Raises:
        WorkError: there are plans, but the journal knows of none.
    """
    known = _first_known(entries)
    lost = dict.fromkeys(known["campaign_id"].unique().sort(), "its plans are gone")
    found = []
    for folder in sorted(folder for folder in home.plans.glob("*") if folder.is_dir()):
        if not plan_files(folder):
            continue
        if known.is_empty():
            raise lacking_calls(f"{home.journal}: the dial journal knows of no plan, but there is {folder}")
        of_campaign = known.filter(pl.col("campaign_id") == folder.name)
        known_from = dict(of_campaign.select("plan_version", "sequence").iter_rows())
        try:
            found.append(_plan(home, folder, known_from))
        except (InputError, DamagedFileError) as error:
            lost[folder.name] = str(error)
        else:
            lost.pop(folder.name, None)
    return found, lost


def lacking_calls(why: str) -> WorkError:
    """Return what is raised where the journal lacks calls."""
    return WorkError(
        f"{why}: such calls would be made again, so nothing is recovered; put the whole journal back"
    )


def _first_known(entries: Sequence[Entry]) -> pl.DataFrame:
    """Return which versions the journal names (``campaign_id``, ``plan_version``) and the first entry to."""
    naming = [
        entry.rows.select(*_PLAN, sequence=pl.lit(entry.sequence))
        for entry in entries
        if entry.kind in _KNOWING
    ]
    none = CHANGES.to_frame().select(*_PLAN, sequence=pl.lit(0))
    return (
        pl.concat([none, *naming])
        .filter(pl.col("plan_version") > 0)
        .group_by(_PLAN)
        .agg(pl.col("sequence").min())
    )


def _plan(home: Home, folder: Path, known_from: Mapping[int, int]) -> SurvivingPlan:
    """Return the plan in a campaign's folder.

    Raises:
        InputError, DamagedFileError: a version, what belongs to it or the list is gone or damaged.
    """
    numbers = [*range(1, max(known_from, default=0) + 1)]
    versions = []
    for place, file in enumerate(plan_files(folder), start=1):
        later = [sequence for number, sequence in known_from.items() if number >= place]
        version = _version(file, min(later, default=None))
        if version.brief.edition.campaign_id != folder.name:
            raise InputError(f"{file}: is of the campaign {version.brief.edition.campaign_id}")
        versions.append(version)
    gone = sorted({*numbers, *range(1, versions[-1].number)} - {version.number for version in versions})
    if gone:
        raise InputError(f"{folder}: version {gone[0]} of its plan is gone")
    return SurvivingPlan(folder.name, versions, _listed(home, versions))


def _version(file: Path, known_from: int | None) -> Version:
    facts = facts_of(file)
    try:
        brief = Brief.from_texts(facts, what_stood(file, facts))
        campaign = Campaign.model_validate_json(facts["settings"])
        version = Version(file, brief, campaign, facts["contacts_hash"], known_from)
    except (KeyError, ValueError) as error:
        raise InputError(f"{file}: was not written by a callplan that this one knows ({error})") from error
    refuse_unreadable(file, PLAN)
    refuse_unreadable(companion(file, EXCLUDED_SUFFIX), EXCLUDED)
    return version


def _listed(home: Home, versions: list[Version]) -> int:
    """Return how many of its list belong to the campaign: up to where a version has read it."""
    last = next(version for version in reversed(versions) if version.brief.fresh_until != 0)
    if last.brief.fresh_until is not None:
        return last.brief.fresh_until
    snapshot = snapshot_with_hash(home, last.contacts_hash)
    if snapshot is None:
        raise InputError(f"{last.file}: the list that this plan was computed from is gone")
    return int(pl.scan_parquet(snapshot).select(pl.len()).collect().item())


def looked_for(versions: Sequence[Version]) -> pl.DataFrame:
    """Return for which attempts some of the versions looked for a slot that was not theirs before.

    Grain: one row per ``contact_id`` and ``attempt``, with ``looked_for_by``, the last such version.
    """
    due = [
        version.brief.standing.filter(pl.col("kind") == "due").select(
            "contact_id", "attempt", looked_for_by=pl.lit(version.number, pl.Int32)
        )
        for version in versions
    ]
    none = STANDING.to_frame().lazy().select("contact_id", "attempt", looked_for_by=pl.lit(0, pl.Int32))
    return (
        pl.concat([none, *due]).group_by("contact_id", "attempt").agg(pl.col("looked_for_by").max()).collect()
    )
