"""What outlives a ledger: the plans that are whole, and since which entry of the dial journal they count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.archiving import PAST_CALLS
from flows.contact_store import snapshot_with_hash
from flows.damage import archived_files, refuse_unreadable
from flows.dialers.dialer import GOES_BACK
from flows.errors import DamagedFileError, InputError, WorkError
from flows.home import Home
from flows.journal import CHANGES, NOTES, SKIPS, Entry
from flows.plan_store import (
    EXCLUDED_SUFFIX,
    companion,
    facts_of,
    plan_files,
    proven,
    version_name,
    what_stood,
)
from flows.progress import Progress
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.schemas import CONTACTS, EXCLUDED, PLAN, STANDING

_PLAN = ["campaign_id", "plan_version"]
_CALL = ["campaign_id", "contact_id", "attempt"]
_SKIPPED = pl.Schema({name: SKIPS[name] for name in ("campaign_id", "contact_id", "plan_version")})
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


@dataclass(frozen=True)
class Surviving:
    """The plans that are whole, why others are ``lost``, and what is ``left_out`` of the former."""

    plans: list[SurvivingPlan]
    lost: dict[str, str]
    left_out: list[str]


def surviving_plans(home: Home, entries: Sequence[Entry], progress: Progress) -> Surviving:
    """Return which plans are whole; takes all entries of the dial journal.

    Raises:
        WorkError: there are plans, but the journal knows of none.
    """
    known, noted, published = _first_known(entries), _last_noted(entries), _published(entries)
    made, skipped = _made(entries), _skipped(entries)
    lost = dict.fromkeys(known["campaign_id"].unique().sort(), "its plans are gone")
    found = Surviving([], lost, [])
    for folder in sorted(folder for folder in home.plans.glob("*") if folder.is_dir()):
        if not plan_files(folder):
            continue
        if known.is_empty():
            raise lacking_calls(f"{home.journal}: the dial journal knows of no plan, but there is {folder}")
        of_campaign = known.filter(pl.col("campaign_id") == folder.name)
        known_from = dict(of_campaign.select("plan_version", "sequence").iter_rows())
        try:
            for name, sha256 in published.get(folder.name, {}).items():
                proven(home.plans, name, sha256)
            versions = _versions(folder, known_from, progress)
            stored, others = _stored(versions, noted.get(folder.name), made, skipped)
            _refuse_damaged_past(home, folder.name)
            found.plans.append(SurvivingPlan(folder.name, stored, _listed(home, stored)))
        except (InputError, DamagedFileError) as error:
            lost[folder.name] = str(error)
        else:
            lost.pop(folder.name, None)
            found.left_out.extend(
                f"{version.file}: is left out, as it was not stored before calls went on"
                for version in others
            )
    return found


def lacking_calls(why: str) -> WorkError:
    """Return what is raised where the journal lacks calls."""
    return WorkError(
        f"{why}: such calls would be made again, so nothing is recovered; put the whole journal back"
    )


def _first_known(entries: Sequence[Entry]) -> pl.DataFrame:
    """Return which versions the journal names (``campaign_id``, ``plan_version``) and the first entry to.

    A skip that an older callplan noted does not say of which version: there was one.
    """
    naming = [
        entry.rows.select("campaign_id", pl.col("plan_version").fill_null(1), sequence=pl.lit(entry.sequence))
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


def _last_noted(entries: Sequence[Entry]) -> dict[str, datetime]:
    """Return when the last dial of each campaign was noted that the journal was ever told a version of.

    An older callplan did not tell.
    """
    told = [entry.rows["campaign_id"] for entry in entries if entry.kind == "change"]
    noted = [entry.rows.select("campaign_id", "noted_at") for entry in entries if entry.kind == "note"]
    none = NOTES.to_frame().select("campaign_id", "noted_at")
    return dict(
        pl.concat([none, *noted])
        .filter(pl.col("campaign_id").is_in(pl.concat([none["campaign_id"], *told]).implode()))
        .group_by("campaign_id")
        .agg(pl.col("noted_at").max())
        .iter_rows()
    )


def _published(entries: Sequence[Entry]) -> dict[str, dict[str, str]]:
    """Return by campaign which versions the journal was told, by name, and what their bytes hash to."""
    told = [entry.rows.select("campaign_id", "published") for entry in entries if entry.kind == "change"]
    rows = pl.concat([CHANGES.to_frame().select("campaign_id", "published"), *told]).explode("published")
    published: dict[str, dict[str, str]] = {}
    for campaign_id, version, sha256 in rows.drop_nulls("published").unnest("published").iter_rows():
        published.setdefault(campaign_id, {})[version_name(campaign_id, version)] = sha256
    return published


def _versions(folder: Path, known_from: Mapping[int, int], progress: Progress) -> list[Version]:
    """Return the versions in a campaign's folder, in order.

    Raises:
        InputError, DamagedFileError: one, or what belongs to it, is gone or damaged.
    """
    versions = []
    for file in plan_files(folder):
        progress(f"reading {file}")
        versions.append(_version(file, known_from))
    numbers = {version.number for version in versions}
    gone = set(range(1, max({*known_from, *numbers}) + 1)) - numbers
    if gone:
        raise InputError(f"{folder}: version {min(gone)} of its plan is gone")
    return versions


def _made(entries: Sequence[Entry]) -> pl.DataFrame:
    """Return the attempts (``_CALL``) that were noted and never went back."""
    noted = [entry.rows.select(_CALL) for entry in entries if entry.kind == "note"]
    back = [
        entry.rows.filter(pl.col("state").is_in(GOES_BACK)).select(_CALL)
        for entry in entries
        if entry.kind == "answer"
    ]
    none = NOTES.to_frame().select(_CALL)
    return pl.concat([none, *noted]).join(pl.concat([none, *back]), on=_CALL, how="anti")


def _skipped(entries: Sequence[Entry]) -> pl.DataFrame:
    """Return who was skipped (``campaign_id``, ``contact_id``), and which version was the last by then.

    0 is for those whom the plan did not call anyway. An older callplan did not say.
    """
    skips = [entry.rows.select(*_SKIPPED.names()) for entry in entries if entry.kind == "skip"]
    return pl.concat([_SKIPPED.to_frame(), *skips]).drop_nulls()


def _stored(
    versions: list[Version], noted_at: datetime | None, made: pl.DataFrame, skipped: pl.DataFrame
) -> tuple[list[Version], list[Version]]:
    """Return which versions were stored, and which were not.

    A dispatcher tells the journal of what is stored before it dials. Where a dial was noted after a version
    was computed, ``noted_at`` being the last, and the journal does not know it, somebody was killed over it.
    So it is where such a version plans what is ``made``, or does not know who was ``skipped`` from the plan
    before: it was not stored before, and could not be after.
    """
    for place, version in enumerate(versions):
        if version.known_from is not None:
            continue
        went_on = noted_at is not None and version.brief.from_at < noted_at
        if went_on or _plans_any(version, made) or _ignores_any(version, skipped):
            return versions[:place], versions[place:]
    return versions, []


def _plans_any(version: Version, attempts: pl.DataFrame) -> bool:
    planned = pl.scan_parquet(version.file).join(attempts.lazy(), on=_CALL, how="semi")
    return not planned.head(1).collect().is_empty()


def _ignores_any(version: Version, skipped: pl.DataFrame) -> bool:
    unknown = skipped.filter(
        pl.col("campaign_id") == version.brief.edition.campaign_id,
        ~pl.col("contact_id").is_in(version.brief.skipped["contact_id"].implode()),
    )
    if not unknown.filter(pl.col("plan_version").is_between(1, version.number - 1)).is_empty():
        return True
    planned = pl.scan_parquet(version.file).join(unknown.lazy(), on="contact_id", how="semi")
    return not planned.head(1).collect().is_empty()


def _version(file: Path, known_from: Mapping[int, int]) -> Version:
    facts = facts_of(file)
    try:
        brief = Brief.from_texts(facts, what_stood(file, facts))
        campaign = Campaign.model_validate_json(facts["settings"])
        later = [sequence for number, sequence in known_from.items() if number >= brief.edition.plan_version]
        version = Version(file, brief, campaign, facts["contacts_hash"], min(later, default=None))
    except (KeyError, ValueError) as error:
        raise InputError(f"{file}: was not written by a callplan that this one knows ({error})") from error
    name = version_name(brief.edition.campaign_id, version.number)
    if version.name != name:
        raise InputError(f"{file}: is not where it was published, which is {name}")
    refuse_unreadable(file, PLAN)
    refuse_unreadable(companion(file, EXCLUDED_SUFFIX), EXCLUDED)
    return version


def _refuse_damaged_past(home: Home, campaign_id: str) -> None:
    for file in archived_files(home, campaign_id):
        refuse_unreadable(file, PAST_CALLS)


def _listed(home: Home, versions: list[Version]) -> int:
    """Return how many of its list belong to the campaign: up to where a version has read it."""
    last = next(version for version in reversed(versions) if version.brief.fresh_until != 0)
    if last.brief.fresh_until is not None:
        return last.brief.fresh_until
    snapshot = snapshot_with_hash(home, last.contacts_hash)
    if snapshot is None:
        raise InputError(f"{last.file}: the list that this plan was computed from is gone")
    refuse_unreadable(snapshot, CONTACTS)
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
