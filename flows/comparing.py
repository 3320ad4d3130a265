"""Comparing two plans, in SQL over their files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.campaigns import find_campaign
from flows.errors import InputError
from flows.home import Home
from flows.ledger import Ledger
from flows.plan_store import facts_of
from transforms.schemas import PLAN


@dataclass(frozen=True)
class Difference:
    """How two plans differ, in contacts' attempts.

    ``moved`` have another time, ``renumbered`` only another outbound number. The finish is the last slot of
    each plan, None where it has none.
    """

    moved: int
    renumbered: int
    added: int
    dropped: int
    unchanged: int
    finish_before: datetime | None
    finish_after: datetime | None


def compare(old: list[Path], new: list[Path]) -> Difference:
    """Return how two plans differ; of several files, a later version's slot counts."""
    with _laid(old, new) as connection:
        found = connection.sql(sql.statement("diff/compare_plans")).pl()
    return Difference(**found.row(0, named=True))


def changes(old: list[Path], new: list[Path], most: int) -> pl.DataFrame:
    """Return the first attempts that two plans treat differently.

    Grain: one row per contact and attempt, with ``change`` (``added``, ``dropped``, ``moved``,
    ``renumbered``), time and number before and after. Order: change, contact, attempt.
    """
    with _laid(old, new) as connection:
        found: pl.DataFrame = connection.sql(sql.statement("diff/list_changes"), params={"most": most}).pl()
    return found


def plan_files(home: Home, named: str) -> list[Path]:
    """Return the files of a plan: of a path, or of ``CAMPAIGN@VERSION``, the plan as it was at that version.

    Raises:
        InputError: there is no such file, campaign or version, or the file is no plan.
    """
    campaign, sign, number = named.rpartition("@")
    if not sign and not Path(named).exists():
        raise InputError(f"{named}: no such file; the plan of a campaign is named CAMPAIGN@VERSION")
    if not sign or Path(named).exists():
        facts_of(Path(named))
        return [Path(named)]
    with Ledger(home.require().ledger).session() as session:
        stored = find_campaign(session, campaign)
        versions = session.read("list_versions", campaign_id=stored.campaign_id)
    known = versions["plan_version"].to_list()
    if not number.isdecimal() or int(number) not in known:
        there = ", ".join(map(str, known)) or "none"
        raise InputError(f"{named}: {stored.name} has no version {number!r}; there are: {there}")
    until = versions.filter(pl.col("plan_version") <= int(number))
    replaced_at = until.filter(pl.col("kind") == "replaces")["plan_version"].max()
    return [home.plans / name for name in until.filter(pl.col("plan_version") >= replaced_at)["file"]]


@contextmanager
def _laid(old: list[Path], new: list[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, files in (("old_plan", old), ("new_plan", new)):
            if files:
                connection.read_parquet([str(file) for file in files]).create_view(name)
            else:
                connection.register(name, PLAN.to_frame().to_arrow())
        connection.execute(sql.statement("diff/beside"))
        yield connection
