"""Plan files: written beside their place, synced and renamed, never changed; read back by name and hash."""

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.errors import DamagedFileError, InputError
from flows.home import refuse_pattern
from transforms.replan import still_planned
from transforms.schemas import PLAN, STANDING

EXCLUDED_SUFFIX = ".excluded.parquet"
"""Ends the name of the file beside a plan that says who is not planned, and why."""

STANDING_SUFFIX = ".standing.parquet"
"""Ends the name of the file beside a plan that has the calls and slots which the plan found standing."""

_ROW_GROUP_ROWS = 100_000


@dataclass(frozen=True)
class PlanFile:
    """A published plan: its name in the plans folder, its SHA-256, its rows and their first and last instant.

    The instants are None where it has no row.
    """

    name: str
    sha256: str
    rows: int
    first_at: datetime | None
    last_at: datetime | None


def write_plan(rows: pl.LazyFrame, file: Path, facts: Mapping[str, str]) -> None:
    """Write a plan to ``file`` with ``facts`` as its key-value metadata, and sync it."""
    rows.sink_parquet(
        file,
        compression="zstd",
        compression_level=1,
        row_group_size=_ROW_GROUP_ROWS,
        metadata=dict(sorted(facts.items())),
        sync_on_close="all",
        mkdir=True,
    )


def companion(plan: Path, suffix: str) -> Path:
    """Return the file beside a plan that has the same name but for its ending."""
    return plan.with_name(plan.name.removesuffix(".parquet") + suffix)


def write_companion(rows: pl.LazyFrame, file: Path) -> None:
    """Write what belongs to a plan to a file beside it, and sync it."""
    rows.sink_parquet(file, compression="zstd", compression_level=1, sync_on_close="all", mkdir=True)


def given_up(leaving_out: Mapping[int, Path]) -> pl.DataFrame:
    """Return whom versions leave out, as the files beside them say: they are out of the current plan.

    ``leaving_out`` has the plan files, by number, of the current versions that may leave somebody out, but
    for the first, which gives nobody up. Grain: one row per contact, ``contact_id`` and ``given_up_by``, the
    last of those versions.
    """
    beside = {str(companion(file, EXCLUDED_SUFFIX)): number for number, file in leaving_out.items()}
    if not beside:
        return pl.DataFrame(schema={"contact_id": pl.String(), "given_up_by": pl.Int32()})
    return (
        pl.scan_parquet(list(beside), include_file_paths="file")
        .group_by("contact_id")
        .agg(given_up_by=pl.col("file").replace_strict(beside, return_dtype=pl.Int32()).max())
        .collect()
    )


def planned_rows(versions: Collection[Path], leaving_out: Mapping[int, Path]) -> pl.LazyFrame:
    """Return the rows of the current plan (schema ``PLAN``), slots that a later version plans anew included.

    ``versions`` has the plan file of each current version; ``leaving_out`` is what ``given_up`` takes.
    """
    if not versions:
        return PLAN.to_frame().lazy()
    return still_planned(pl.scan_parquet(list(versions)), given_up(leaving_out))


def version_name(campaign_id: str, plan_version: int) -> str:
    """Return the name of a version's file in the plans folder."""
    return f"{campaign_id}/{plan_version:06d}.parquet"


def publish_file(written: Path, plans: Path, name: str) -> PlanFile:
    """Move a written and checked plan to its name; it is durable when this returns.

    Raises:
        FileExistsError: a plan has this name already; nothing was moved.
    """
    target = plans / name
    published = described(written, name)
    target.hardlink_to(written)  # unlike a rename it never takes the place of another
    written.unlink()
    sync_folder(target.parent)
    return published


def described(file: Path, name: str) -> PlanFile:
    """Return what a ledger knows of a plan file that has, or is to have, this name in the plans folder."""
    rows = pl.scan_parquet(file).select(
        pl.len(),
        first_at=pl.col("scheduled_at").min(),
        last_at=pl.col("scheduled_at").max(),
    )
    return PlanFile(name, sha256_of(file), *rows.collect().row(0))


def sync_file(file: Path) -> None:
    """Make the content of a file durable."""
    with file.open("rb") as content:
        os.fsync(content.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def proven(plans: Path, name: str, sha256: str) -> Path:
    """Return the path of a published plan.

    Raises:
        DamagedFileError: the file is gone or its bytes are not those that were published.
    """
    file = plans / name
    if not file.is_file():
        raise DamagedFileError(f"{file}: the plan is gone")
    if sha256_of(file) != sha256:
        raise DamagedFileError(f"{file}: the plan is damaged, its SHA-256 is not the one published")
    return file


def first_slot_from(plan: pl.LazyFrame, from_at: datetime) -> datetime | None:
    """Return when the first slot of a plan at or after ``from_at`` is planned, or None."""
    later = pl.col("scheduled_at").filter(pl.col("scheduled_at") >= from_at)
    first = plan.select(later.min()).collect().item()
    return first if isinstance(first, datetime) else None


def facts_of(file: Path) -> dict[str, str]:
    """Return the key-value metadata of a plan file, without the ``callplan.`` prefix.

    Raises:
        InputError: the file is missing, is no Parquet file, or is no plan of callplan.
    """
    refuse_pattern(file)
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    try:
        written = pl.read_parquet_metadata(file)
        schema = pl.read_parquet_schema(file)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(f"{file}: this is not a readable Parquet file ({error})") from None
    if "callplan.settings" not in written or schema != dict(PLAN):
        raise InputError(f"{file}: this Parquet file is not a plan written by callplan")
    return {
        key.removeprefix("callplan."): value for key, value in written.items() if key.startswith("callplan.")
    }


def what_stood(plan: Path, facts: Mapping[str, str]) -> pl.LazyFrame:
    """Return what a plan with these ``facts`` found standing (``STANDING``), from the file beside it.

    Raises:
        InputError: that file is gone, or is not the one that was written with the plan.
    """
    wanted = facts.get("standing_sha256")
    if wanted is None:
        return STANDING.to_frame().lazy()
    file = companion(plan, STANDING_SUFFIX)
    if not file.is_file() or sha256_of(file) != wanted:
        raise InputError(f"{plan}: needs {file.name} beside it, as it was when the plan was published")
    return pl.scan_parquet(file)


def plan_files(folder: Path) -> list[Path]:
    """Return the plan files of a campaign's folder, without what lies beside them, by version."""
    beside = (EXCLUDED_SUFFIX, STANDING_SUFFIX)
    return [file for file in sorted(folder.glob("*.parquet")) if not file.name.endswith(beside)]


def set_aside_orphans(plans: Path, campaign_id: str, known: set[str]) -> list[Path]:
    """Move plan files that no version names to ``orphans/`` beside them; return where they are now."""
    folder = plans / campaign_id
    moved = []
    for file in plan_files(folder):
        if f"{campaign_id}/{file.name}" not in known:
            aside = folder / "orphans" / file.name
            aside.parent.mkdir(exist_ok=True)
            file.rename(aside)
            moved.append(aside)
    return moved
