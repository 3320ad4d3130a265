"""How fast and how punctual the dispatcher is: ``python -m tests.benchmarks.dispatch``.

A dispatcher in a process of its own, over HTTP, against the test provider, which answers at once and keeps a
synced record of every ring. What counts is that record: afterwards every contact must have rung exactly once.
Its memory is watched only where ``--memory-minutes`` says for how long: an hour is what shows anything.

Beside it the same number of empty jobs is deferred and finished by procrastinate on a PostgreSQL that is
started for it. The two take turns; what counts is the median of the rounds. Without PostgreSQL's programs
(Debian: ``apt-get install postgresql``) that row says so.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from flows.campaigns import create_campaign
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.truedy import idempotency_key
from flows.home import Home
from flows.ledger import Ledger
from flows.scheduling import schedule, update
from tests.benchmarks.postgres import programs, running_postgres
from tests.people import contacts
from tests.provider.running import RunningProvider, running_provider
from transforms.campaign import Campaign
from transforms.schemas import REJECTS

_TELL = Console(stderr=True)
_ROOT = Path(__file__).parents[2]
_STARTS_IN = timedelta(seconds=10)
_PREPARING = timedelta(seconds=4)
_MOST_IN_FLIGHT = 1000
_CAMPAIGNS = 10
_CONCURRENCY = 30
"""How many jobs procrastinate's worker has in hand at once; more do not make it faster, nor do fewer."""

_SAMPLED_EVERY = 5
"""Seconds between two looks at a dispatcher's memory."""

_PARTS = 5

_CROWDED_PER_SECOND = 10_000
"""More calls than can be placed: a dispatcher that is behind works as fast as it can."""

_SLOWEST_PER_SECOND = 400
"""What a dispatcher that is behind places at least, so that it is given time enough."""


@contextmanager
def dispatched(
    folder: Path, calls: int, campaigns: int, seconds: int, after_seconds: int = 3
) -> Iterator[dict[str, Any]]:
    """Spread ``calls`` of several campaigns over some seconds, dispatch them, and yield what was found.

    The dispatcher works for ``after_seconds`` beyond the last slot.
    """
    home = Home(folder / "store").make()
    with running_provider(folder / "provider", answer_final=True) as provider:
        os.environ.update(
            CALLPLAN_HOME=str(home.path),
            TRUEDY_BASE_URL=f"{provider.address}/api/public/v1",
            TRUEDY_API_KEY="good",
            TRUEDY_REQUESTS_PER_MINUTE="1000000",
        )
        _load(home, contacts(calls // campaigns).collect())
        begun = time.monotonic()
        starts_at = datetime.now(UTC) + _STARTS_IN + campaigns * _PREPARING
        ids = [_scheduled(home, number, starts_at, seconds) for number in range(campaigns)]
        scheduling = time.monotonic() - begun
        wait = (starts_at - datetime.now(UTC)).total_seconds()
        if wait < 3:
            raise SystemExit(f"preparing took {-wait + 3:.0f} seconds too long")
        usage = _dispatch(int(wait) + seconds + after_seconds)
        yield {"usage": usage, "scheduling": scheduling} | _judged(home, provider, ids, calls)


def _load(home: Home, people: pl.DataFrame) -> None:
    with open_contacts(home) as store:
        store.add(
            "people", SourceFile("people.csv", "1", "{}"), people, REJECTS.to_frame(), datetime.now(UTC)
        )
        store.publish_snapshot("people")


def _scheduled(home: Home, number: int, starts_at: datetime, seconds: int) -> str:
    now = datetime.now(UTC)
    campaign = Campaign.from_mapping(
        {
            "name": f"Measured {number}",
            "agent_id": "agent",
            "contact_list": "people",
            "dialer": "truedy",
            "phone_numbers": ["+12125550190"],
            "schedule_type": "scheduled",
            "scheduled_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(seconds=seconds)).isoformat(),
            "start_time": "00:00",
            "end_time": "24:00",
            "working_days": [1, 2, 3, 4, 5, 6, 7],
            "max_concurrent_calls": _MOST_IN_FLIGHT,
        }
    )
    ledger = Ledger(home.ledger)
    campaign_id = create_campaign(ledger, campaign, now)
    schedule(home, ledger, campaign_id, now)
    # The early end has crowded the slots; without it the last of them may start a moment late, too.
    update(home, ledger, campaign_id, {"ends_at": None}, now, keep=True)
    return campaign_id


def _dispatch(seconds: int) -> dict[str, Any]:
    """Run the command line's dispatcher; return its CPU seconds, its peak and its own megabytes over time."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", "dispatch", "--for", f"{seconds}s"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    own_mb: list[float] = []
    with subprocess.Popen(
        [*command, "--json"], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while True:
            try:
                out, err = process.communicate(timeout=_SAMPLED_EVERY)
                break
            except subprocess.TimeoutExpired:
                own_mb += _own_megabytes(process.pid)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(err)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": cpu, "peak_mb": after.ru_maxrss / 1024, "own_mb": own_mb} | json.loads(out)


def _own_megabytes(pid: int) -> list[float]:
    """Return what a process holds without mapped files, where the system (Linux) tells; else nothing."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return [int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")]


def _judged(home: Home, provider: RunningProvider, ids: list[str], calls: int) -> dict[str, Any]:
    """Compare the provider's record with the plans: everybody once, nobody early, how late."""
    plan = pl.concat(pl.read_parquet(home.plans / name / "000002.parquet") for name in ids)
    keys = [idempotency_key(*row) for row in plan.select("campaign_id", "contact_id", "attempt").iter_rows()]
    rings = (
        pl.DataFrame(provider.rings(), infer_schema_length=None)
        .group_by("key")
        .agg(pl.len().alias("times"), pl.col("started_at").min())
    )
    found = plan.with_columns(key=pl.Series(keys)).join(rings, on="key", how="left")
    late = found["started_at"] - found["scheduled_at"].dt.epoch("us") / 1e6
    return {
        "wanted": calls,
        "rung": found["times"].is_not_null().sum(),
        "doubled": (found["times"] > 1).sum(),
        "late_ms": {share: late.quantile(share) * 1e3 for share in (0.0, 0.5, 0.99, 1.0)},
        "span": rings["started_at"].max() - rings["started_at"].min(),
    }


def idle(folder: Path, planned: int, ticks: int) -> list[float]:
    """Tick with nothing due beside a campaign of ``planned`` contacts; return the milliseconds of each."""
    from tests.benchmarks.idle import idle_ticks

    return idle_ticks(Home(folder / "store").make(), planned, ticks)


def beside_procrastinate(folder: Path, calls: int, rounds: int) -> str:
    """Place ``calls`` as fast as can be and let procrastinate finish as many jobs, in turns: the ratio."""
    where = programs()
    if where is None or find_spec("procrastinate") is None:
        return f"skipped: {'PostgreSQL' if where is None else 'procrastinate'} is not installed"
    mine, other = [], []
    for number in range(rounds):
        _TELL.print(f"… {calls:,} calls beside {calls:,} jobs, round {number + 1} of {rounds}")
        mine.append(_crowded(folder / f"crowded-{number}", calls))
        with running_postgres(where) as database:
            other.append(_jobs(database, calls))
    placing = median(theirs["finishing"] / ours["span"] for ours, theirs in zip(mine, other, strict=True))
    in_all = median(
        (theirs["deferring"] + theirs["finishing"]) / (ours["scheduling"] + ours["span"])
        for ours, theirs in zip(mine, other, strict=True)
    )
    return (
        f"{calls / median(found['span'] for found in mine):,.0f} calls a second beside "
        f"{calls / median(found['finishing'] for found in other):,.0f} jobs a second: {placing:.2f} times; "
        f"with scheduling and deferring {in_all:.2f} times"
    )


def _crowded(folder: Path, calls: int) -> dict[str, Any]:
    """Let ``calls`` fall due faster than they can be placed."""
    seconds, more_seconds = max(1, calls // _CROWDED_PER_SECOND), calls // _SLOWEST_PER_SECOND
    with dispatched(folder, calls, _CAMPAIGNS, seconds, more_seconds) as found:
        if found["rung"] < calls or found["doubled"]:
            raise SystemExit(f"the dispatcher did not get through: {_counted(found)}")
        return found


def _jobs(database: str, jobs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.jobs", database, str(jobs), str(_CONCURRENCY)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    found: dict[str, float] = json.loads(done.stdout or "{}")
    if done.returncode or found["succeeded"] != jobs:
        raise SystemExit(f"procrastinate did not get through: {done.stdout}{done.stderr}")
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long calls are placed at full speed")
    parser.add_argument("--rate", type=int, default=1_100, help="calls a second at full speed")
    parser.add_argument(
        "--punctual-seconds", type=int, default=300, help="how long 20 calls a second are placed"
    )
    parser.add_argument(
        "--memory-minutes", type=int, default=0, help="how long the dispatcher's memory is watched, e.g. 60"
    )
    parser.add_argument(
        "--planned", type=int, default=10_000_000, help="contacts of the campaign beside ticks"
    )
    parser.add_argument("--ticks", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=10_000, help="calls beside as many jobs of procrastinate")
    parser.add_argument("--rounds", type=int, default=3, help="how often calls and jobs take turns")
    chosen = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "aiohttp", "polars"))
    Console(width=200).print(f"{os.cpu_count()} cores, {versions}")
    table = Table("work", "found", "to reach", box=None, pad_edge=False)
    with tempfile.TemporaryDirectory() as folder:
        _TELL.print("… full speed")
        calls = chosen.rate * chosen.seconds
        with dispatched(Path(folder) / "fast", calls, _CAMPAIGNS, chosen.seconds) as found:
            per_second = found["rung"] / max(found["span"], chosen.seconds)
            table.add_row(
                f"claim, journal, POST, record: {calls:,} calls in {chosen.seconds} s",
                f"{per_second:,.0f} a second, {_counted(found)}; {_lateness(found)}; "
                f"{found['usage']['cpu_seconds']:.0f} CPU s, {found['usage']['peak_mb']:,.0f} MB",
                "≥ 1,000 a second",
            )
        _TELL.print("… 20 calls a second")
        calls = 20 * chosen.punctual_seconds
        with dispatched(Path(folder) / "punctual", calls, 1, chosen.punctual_seconds) as found:
            table.add_row(
                f"start against slot, {calls:,} calls at 20 a second",
                f"{_lateness(found)}; {_counted(found)}",
                "p50 ≤ 50 ms, p99 ≤ 250 ms, none early",
            )
        if chosen.memory_minutes:
            _TELL.print(f"… memory, {chosen.memory_minutes} minutes")
            seconds = 60 * chosen.memory_minutes
            with dispatched(Path(folder) / "memory", 10 * seconds, 1, seconds) as found:
                table.add_row(
                    f"memory, {10 * seconds:,} calls at 10 a second",
                    f"{_over_time(found['usage']['own_mb'])} MB of its own; {_counted(found)}",
                    "flat over an hour",
                )
        _TELL.print("… ticks with nothing due")
        spent = idle(Path(folder) / "idle", chosen.planned, chosen.ticks)
        table.add_row(
            f"{chosen.ticks:,} ticks with nothing due, {chosen.planned:,} contacts planned",
            f"{_over_time(spent)} ms",
            "≤ 60 ms, no growth",
        )
        table.add_row(
            f"{chosen.jobs:,} calls that are due, beside empty jobs in procrastinate",
            beside_procrastinate(Path(folder), chosen.jobs, chosen.rounds),
            "≥ 1.0 times",
        )
    Console(width=200).print(table)


def _counted(found: dict[str, Any]) -> str:
    return f"{found['rung']:,} of {found['wanted']:,} rung, {found['doubled']:,} twice"


def _over_time(measured: list[float]) -> str:
    """Say the median of each fifth, in order, so that growth is told from a warm start."""
    if len(measured) < _PARTS:
        return "not measured"
    size = len(measured) // _PARTS
    medians = [median(measured[start : start + size]) for start in range(0, size * _PARTS, size)]
    return f"median of each fifth {', '.join(f'{value:.0f}' for value in medians)}"


def _lateness(found: dict[str, Any]) -> str:
    earliest, middle, most, latest = found["late_ms"].values()
    early = "none early" if earliest >= 0 else f"earliest {-earliest:.0f} ms too soon"
    return f"p50 {middle:.0f} ms, p99 {most:.0f} ms, latest {latest:.0f} ms, {early}"


if __name__ == "__main__":
    main()
