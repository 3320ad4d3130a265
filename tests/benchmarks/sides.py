"""One side of a measurement: ``python -m tests.benchmarks.sides NAME JSON`` prints seconds and megabytes.

Imports and settings are read before the clock starts, for every side alike.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from flows.checking import PlanUnderTest, check_plan
from flows.contact_loading import load_list
from flows.home import Home
from flows.plan_store import write_plan
from flows.planning import compute_plan
from flows.publishing import expected_rows
from tests.benchmarks import peers
from transforms.brief import Brief
from transforms.campaign import Campaign
from transforms.schemas import CONTACTS

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def brief_of(campaign: Campaign, standing: str | None = None) -> Brief:
    """Return the brief of a first plan, or of one on top of the calls in a ``standing`` file."""
    starts_at = campaign.starts_at(_NOW)
    if standing is None:
        return Brief(starts_at=starts_at, from_at=starts_at)
    rows = pl.scan_parquet(standing)
    last_at = rows.select(pl.col("scheduled_at").max()).collect().item()
    return Brief(starts_at=starts_at, from_at=last_at, standing=rows)


def plan(contacts: str, campaign: Campaign, out: str, standing: str | None = None) -> None:
    """From a list's Parquet file to a plan's."""
    listed = pl.scan_parquet(contacts).select(CONTACTS.names())
    write_plan(compute_plan(listed, campaign, brief_of(campaign, standing)).rows, Path(out), {})


def rewrite(file: str, out: str) -> None:
    """Read a plan file and write it again: the floor."""
    write_plan(pl.scan_parquet(file), Path(out), {})


def checks(file: str, contacts: str, campaign: Campaign) -> None:
    """Run every rule over every row."""
    listed, brief = pl.scan_parquet(contacts).select(CONTACTS.names()), brief_of(campaign)
    results = check_plan(
        PlanUnderTest(Path(file), campaign, brief, expected_rows(listed, campaign, brief, Path(file)))
    )
    if any(result.broken for result in results):
        raise SystemExit(f"the plan breaks a rule: {results}")


def peer(name: str, contacts: str, dates: str, campaign: Campaign, out: str) -> None:
    """The same plan by other means."""
    getattr(peers, name)(Path(contacts), pl.read_parquet(dates), campaign, Path(out))


def load(file: str) -> None:
    """From a CSV file to a list in DuckDB: parsed, numbers read, duplicates and rejects set aside."""
    with tempfile.TemporaryDirectory() as folder:
        load_list(Home(Path(folder) / "store").make(), Path(file), "people", "US", {}, _NOW)


def bare_load(file: str) -> None:
    """From a CSV file to a table in DuckDB, as it is."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(Path(folder) / "bare.duckdb") as connection:
        connection.execute("create table people as select * from read_csv($file)", {"file": file})


_SIDES = {side.__name__: side for side in (plan, rewrite, checks, peer, load, bare_load)}


def _peak_megabytes() -> float:
    """Return the most memory this process ever had resident."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1_000


def main() -> None:
    """Run the side that the command line names."""
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    if "campaign" in arguments:
        arguments["campaign"] = Campaign.model_validate(arguments["campaign"])
    started = time.perf_counter()
    _SIDES[name](**arguments)
    result = {"seconds": time.perf_counter() - started, "megabytes": _peak_megabytes()}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
