"""Comparing two plans, in SQL over their files."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

import sql
from transforms.schemas import PLAN


@dataclass(frozen=True)
class Difference:
    """How two plans differ, in contacts' attempts; the finish is the last slot of each, None for no slot."""

    moved: int
    renumbered: int
    added: int
    dropped: int
    unchanged: int
    finish_before: datetime | None
    finish_after: datetime | None


def compare(old: list[Path], new: list[Path]) -> Difference:
    """Return how two plans differ; of several files, a later version's slot counts."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, files in (("old_plan", old), ("new_plan", new)):
            if files:
                connection.read_parquet([str(file) for file in files]).create_view(name)
            else:
                connection.register(name, PLAN.to_frame().to_arrow())
        found = connection.sql(sql.statement("diff/compare_plans")).pl()
    return Difference(**found.row(0, named=True))
