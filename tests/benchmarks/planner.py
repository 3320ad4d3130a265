"""How fast the planner is, beside what it is measured against: ``python -m tests.benchmarks.planner``.

All sides of a row take turns, each in a fresh process; what counts is the median of the rounds' ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from tests.benchmarks.lists import settings, write_csv, write_list
from tests.benchmarks.sides import brief_of
from transforms.campaign import Campaign
from transforms.schemas import STANDING

_TELL = Console(stderr=True)


@dataclass
class Row:
    """One comparison: what is measured, what beside, the wanted ratio, and what the rounds found."""

    work: str
    beside: str
    wanted: str
    seconds: list[float] = field(default_factory=list)
    other_seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    scale: float = 1.0
    note: str = ""

    @property
    def ratio(self) -> float:
        """Return the median of the rounds' ratios."""
        return median(
            mine * self.scale / other for mine, other in zip(self.seconds, self.other_seconds, strict=True)
        )


class Bench:
    """The files of a run, and the sides that work on them."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder, self.rounds = folder, rounds

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, side: str, **arguments: Any) -> dict[str, float]:
        """Run a side in a process of its own and return its seconds and megabytes."""
        arguments = {
            name: value.model_dump(mode="json") if isinstance(value, Campaign) else value
            for name, value in arguments.items()
        }
        command = [sys.executable, "-m", "tests.benchmarks.sides", side, json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{side} failed:\n{done.stderr}")
        return json.loads(done.stdout)

    def list_of(self, count: int) -> str:
        file = self.file(f"contacts-{count}.parquet")
        if not Path(file).exists():
            write_list(count, Path(file))
        return file

    def compare(
        self, row: Row, mine: tuple[str, dict], other: tuple[str, dict], rounds: int | None = None
    ) -> Row:
        """Let two sides take turns."""
        for _ in range(rounds or self.rounds):
            _TELL.print(f"… {row.work} | {row.beside}")
            of_mine = self.run(mine[0], **mine[1])
            of_other = self.run(other[0], **other[1])
            row.seconds.append(of_mine["seconds"])
            row.other_seconds.append(of_other["seconds"])
            row.megabytes.append(of_mine["megabytes"])
        return row


def planning(bench: Bench, count: int, *, own_zones: bool, wanted: str) -> Row:
    """Compare planning with rewriting the plan."""
    campaign, kind = settings(count, own_zones=own_zones), "seven zones" if own_zones else "one zone"
    out = bench.file(f"plan-{count}-{'own' if own_zones else 'one'}.parquet")
    arguments = {"contacts": bench.list_of(count), "campaign": campaign, "out": out}
    bench.run("plan", **arguments)
    return bench.compare(
        Row(f"plan {count:,} contacts, {kind}", "rewrite the plan", wanted),
        ("plan", arguments),
        ("rewrite", {"file": out, "out": bench.file("again.parquet")}),
    )


def checking(bench: Bench, count: int, *, own_zones: bool) -> Row:
    """Compare all checks with rewriting the plan."""
    out = bench.file(f"plan-{count}-{'own' if own_zones else 'one'}.parquet")
    campaign, kind = settings(count, own_zones=own_zones), "seven zones" if own_zones else "one zone"
    return bench.compare(
        Row(f"all checks, {count:,} rows, {kind}", "rewrite the plan", "≤ 3"),
        ("checks", {"file": out, "contacts": bench.list_of(count), "campaign": campaign}),
        ("rewrite", {"file": out, "out": bench.file("again.parquet")}),
    )


def peers(bench: Bench, count: int) -> list[Row]:
    """Compare planning with planning by other means; the slowest plans a tenth and is scaled."""
    rows = []
    for name, words, wanted, part in (
        ("with_duckdb", "the same plan in DuckDB SQL", "≥ 3", 1),
        ("with_pandas", "the same plan in pandas", "≥ 4", 1),
        ("row_by_row", "the same plan row by row", "≥ 40", 10),
    ):
        fewer = count // part
        campaign, contacts = settings(fewer, own_zones=False), bench.list_of(fewer)
        mine = {"contacts": bench.list_of(count), "campaign": settings(count, own_zones=False)}
        dates = _dates(bench, fewer, campaign)
        other = {"name": name, "contacts": contacts, "dates": dates, "campaign": campaign}
        row = Row(words, f"plan {count:,} contacts, one zone", wanted, scale=part)
        row.note = f"on a tenth, times {part}" if part > 1 else ""
        bench.compare(
            row,
            ("peer", other | {"out": bench.file("peer.parquet")}),
            ("plan", mine | {"out": bench.file("mine.parquet")}),
        )
        _refuse_other_plan(bench.file("peer.parquet"), bench.file(f"plan-{fewer}-one.parquet"))
        rows.append(row)
    return rows


def _dates(bench: Bench, count: int, campaign: Campaign) -> str:
    """Write the table of dates that the other means are handed, taken from the finished plan."""
    plan = bench.file(f"plan-{count}-one.parquet")
    if not Path(plan).exists():
        bench.run("plan", contacts=bench.list_of(count), campaign=campaign, out=plan)
    dates = bench.file(f"dates-{count}.parquet")
    pl.scan_parquet(plan).group_by("call_date").agg(
        calls=pl.len().cast(pl.Int64),
        opens_us=pl.col("scheduled_at").min().dt.epoch("us"),
        closes_us=pl.col("not_after").max().dt.epoch("us"),
    ).sort("call_date").with_columns(first_row=pl.col("calls").cum_sum() - pl.col("calls")).sink_parquet(
        dates
    )
    return dates


def _refuse_other_plan(file: str, expected: str) -> None:
    columns = ("contact_id", "from_number", "scheduled_at", "not_after", "call_date", "slot_index")
    same = pl.read_parquet(file, columns=list(columns)).equals(
        pl.read_parquet(expected, columns=list(columns))
    )
    if not same:
        raise SystemExit(f"{file} is not the same plan as {expected}")


def replanning(bench: Bench, count: int) -> Row:
    """Compare planning again, half of the calls made, with planning all of them."""
    campaign, contacts = settings(count, own_zones=False), bench.list_of(count)
    first, standing = bench.file("first.parquet"), bench.file("standing.parquet")
    bench.run("plan", contacts=contacts, campaign=campaign, out=first)
    pl.scan_parquet(first).head(count // 2).with_columns(kind=pl.lit("started")).select(
        pl.col(name).cast(dtype) for name, dtype in STANDING.items()
    ).sink_parquet(standing)
    if brief_of(campaign, standing).from_at <= campaign.starts_at(brief_of(campaign).starts_at):
        raise SystemExit("nothing was made")
    arguments = {"contacts": contacts, "campaign": campaign}
    return bench.compare(
        Row(f"replan {count:,}, half of them done", f"plan {count:,}", "≤ 1"),
        ("plan", arguments | {"out": bench.file("again.parquet"), "standing": standing}),
        ("plan", arguments | {"out": first}),
    )


def loading(bench: Bench, count: int) -> Row:
    """Compare loading a list with DuckDB's bare reading of the file."""
    file = bench.file("people.csv")
    write_csv(count, Path(file))
    return bench.compare(
        Row(f"load {count:,} rows of CSV", "DuckDB read_csv into a table", "≤ 3"),
        ("load", {"file": file}),
        ("bare_load", {"file": file}),
    )


def large(bench: Bench, count: int) -> list[Row]:
    """Compare ten times as many contacts with a tenth of them."""
    campaigns = {size: settings(size, own_zones=False) for size in (count, count // 10)}
    sides = [
        ("plan", {"contacts": bench.list_of(size), "campaign": campaign, "out": bench.file("large.parquet")})
        for size, campaign in campaigns.items()
    ]
    return [bench.compare(Row(f"plan {count:,}, one zone", f"plan {count // 10:,}", "≤ 11"), *sides)]


def _show(rows: list[Row]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("work", "beside", "ratio", "to reach", "seconds", "beside it", "peak MB", ""):
        table.add_column(
            heading, justify="right" if heading in ("ratio", "seconds", "beside it", "peak MB") else "left"
        )
    for row in rows:
        table.add_row(
            row.work,
            row.beside,
            f"{row.ratio:.2f}",
            row.wanted,
            f"{median(row.seconds):.2f}",
            f"{median(row.other_seconds):.2f}",
            f"{median(row.megabytes):,.0f}",
            row.note,
        )
    Console(width=200).print(table)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="ten times as many contacts")
    parser.add_argument("--contacts", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("polars", "duckdb", "pandas"))
    Console(width=200).print(f"{os.cpu_count()} cores, {versions}; medians of {chosen.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), chosen.rounds)
        if chosen.large:
            _show(large(bench, chosen.contacts * 10))
            return
        count = chosen.contacts
        rows = [
            planning(bench, count, own_zones=False, wanted="≤ 1.5, 800 MB"),
            planning(bench, count, own_zones=True, wanted="≤ 2.5, 1,000 MB"),
            *peers(bench, count),
            checking(bench, count, own_zones=False),
            checking(bench, count, own_zones=True),
            replanning(bench, count // 10),
            loading(bench, count // 10),
        ]
        _show(rows)


if __name__ == "__main__":
    main()
