"""A soak: campaigns in three zones live through pauses, edits, kills and a provider that fails now and then.

``python -m tests.faults.soak --minutes 60``. Everything is real: processes, HTTP, files, time. At the end the
provider's record, the pauses that were acknowledged and the ledger have to go together.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.campaigns import create_campaign
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.truedy import idempotency_key
from flows.home import Home
from flows.ledger import Ledger
from flows.owners import living
from flows.scheduling import schedule
from tests.people import contacts
from tests.provider.running import RunningProvider, running_provider
from transforms.campaign import Campaign
from transforms.schemas import REJECTS

ZONES = ["America/New_York", "Europe/Berlin", "Asia/Tokyo"]
FAULTS = [
    {"kind": "error", "status": 500, "placed": 0.5, "share": 0.003},
    {"kind": "reset_after", "share": 0.002},
    {"kind": "timeout_placed", "seconds": 40, "share": 0.002},
    {"kind": "garbage", "share": 0.001},
    {"kind": "limited", "how": "reset_at", "seconds": 2, "share": 0.001},
    {"kind": "error", "status": 502, "share": 0.01, "on": "look_up"},
]
_ROOT = Path(__file__).parents[2]
_CALLPLAN = str(Path(sys.executable).with_name("callplan"))
_CALL_SECONDS = 20
_MORE_MINUTES = 5
_TELL = Console(stderr=True, width=200)


@dataclass
class Soak:
    """A soak that runs: its campaigns, and what was acknowledged when."""

    home: Home
    provider: RunningProvider
    draws: random.Random
    campaigns: dict[str, str]
    people: int
    pauses: list[tuple[str, float, float]] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def callplan(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of callplan."""
        return subprocess.run(
            [_CALLPLAN, *arguments],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def disturb(self) -> None:
        """Pause and resume a campaign, edit one, or skip somebody."""
        name = self.draws.choice(list(self.campaigns))
        what = self.draws.choice(["pause", "pause", "edit", "skip"])
        if what == "pause" and self.callplan("pause", name).returncode == 0:
            acknowledged_at = time.time()
            time.sleep(self.draws.uniform(5, 25))  # real time is what a soak is about
            self.pauses.append((self.campaigns[name], acknowledged_at, time.time()))
            self.callplan("resume", name)
        elif what == "edit":
            self.callplan("update", name, f"seed={self.draws.randrange(1000)}")
        elif what == "skip":
            contact = f"c{self.draws.randrange(self.people)}"
            self.callplan("skip", name, contact, "--reason", "asked not to be called")
        self.done[what] += 1

    def standing(self) -> list[dict[str, Any]]:
        """Return where the campaigns stand, as ``callplan status`` says."""
        rows: list[dict[str, Any]] = json.loads(self.callplan("status", "--json").stdout)["campaigns"]
        return rows

    def allow_more(self, minutes: int) -> None:
        """Move the end of campaigns that go on: who missed a slot just before it finds another then."""
        ends_at = datetime.now(UTC) + timedelta(minutes=minutes)
        for row in self.standing():
            if row["state"] == "active":
                self.callplan("update", row["name"], f"ends_at={ends_at.isoformat()}")


@contextmanager
def dispatching(soak: Soak) -> Iterator[None]:
    """Keep a dispatcher running: a child starts it again whenever it ends, however it ends."""
    script = "while true; do {0} dispatch --for 4m >>{1} 2>&1; done"
    log = soak.home.path.parent / "dispatch.log"
    shell = subprocess.Popen(
        ["/bin/sh", "-c", script.format(_CALLPLAN, log)], cwd=_ROOT, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def dispatcher_pid(soak: Soak) -> int | None:
    """Return the process of the dispatcher that lives.

    The lock on its file proves it: the number of one that has died may be another process's by now.
    """
    return next((owner.pid for owner in living(soak.home.owners) if owner.pid), None)


def _campaign(zone: str, starts_at: datetime, minutes: int) -> Campaign:
    return Campaign.from_mapping(
        {
            "name": zone.rpartition("/")[2],
            "agent_id": "agent",
            "contact_list": "people",
            "dialer": "truedy",
            "phone_numbers": ["+12125550190", "+12125550191"],
            "timezone": zone,
            "schedule_type": "scheduled",
            "scheduled_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(minutes=minutes)).isoformat(),
            "start_time": "00:00",
            "end_time": "24:00",
            "working_days": [1, 2, 3, 4, 5, 6, 7],
            "max_concurrent_calls": 100,
            "max_call_minutes": 5,
            "retry": {"max_attempts": 2, "delay_minutes": {"busy": 3}},
        }
    )


def broken(soak: Soak) -> list[str]:
    """Return what does not go together at the end."""
    attempts = {
        idempotency_key(campaign_id, f"c{number}", attempt): (campaign_id, f"c{number}", attempt)
        for campaign_id in soak.campaigns.values()
        for number in range(soak.people)
        for attempt in (1, 2)
    }
    rings = soak.provider.rings()
    found = [
        f"{attempts[key]} rang {times} times"
        for key, times in Counter(ring["key"] for ring in rings).items()
        if times > 1
    ]
    found += [f"nobody knows the key {ring['key']}" for ring in rings if ring["key"] not in attempts]
    for campaign_id, from_at, until in soak.pauses:
        found += [
            f"{attempts[ring['key']]} rang {ring['started_at'] - from_at:.2f} s after an acknowledged pause"
            for ring in rings
            if attempts[ring["key"]][0] == campaign_id and from_at < ring["started_at"] < until
        ]
    for row in soak.standing():
        counted = sum(row[f"{name}_count"] for name in ("final", "in_flight", "retry", "waiting", "skipped"))
        if counted != row["contact_count"]:
            found.append(f"{row['name']}: the counts add up to {counted} of {row['contact_count']}")
        if row["state"] != "completed":
            found.append(f"{row['name']} is {row['state']}: {row['why']}")
    return found


def _live(soak: Soak, until: float) -> None:
    next_kill, next_disturbance = time.time() + 90, time.time() + 20
    while time.time() < until:
        time.sleep(5)
        pid = dispatcher_pid(soak)
        if pid is not None:
            status = Path(f"/proc/{pid}/status")
            lines = status.read_text().splitlines() if status.exists() else []
            soak.megabytes += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]
        if pid is not None and time.time() > next_kill:
            os.kill(pid, signal.SIGKILL)
            soak.kills.append(time.time())
            next_kill = time.time() + soak.draws.uniform(200, 400)
        if time.time() > next_disturbance:
            soak.disturb()
            next_disturbance = time.time() + soak.draws.uniform(30, 90)


def main() -> None:
    """Soak, judge and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--people", type=int, default=2_000, help="contacts of each campaign")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else who restarts its dispatcher outlives it
    with (
        tempfile.TemporaryDirectory() as folder,
        running_provider(
            Path(folder) / "provider",
            life=[[0, "ringing"], [_CALL_SECONDS, "ended"]],
            weights={"completed": 8, "busy": 1, "voicemail": 1},
            faults=FAULTS,
        ) as provider,
    ):
        soak = begun(Path(folder), provider, chosen)
        with dispatching(soak):
            _live(soak, time.time() + chosen.minutes * 60)
            soak.allow_more(_MORE_MINUTES)
            settled_by = time.time() + 15 * 60
            while time.time() < settled_by and any("is active" in told for told in broken(soak)):
                time.sleep(10)
        _told(soak, chosen)


def begun(
    folder: Path,
    provider: RunningProvider,
    chosen: argparse.Namespace,
    zones: Sequence[str] = ZONES,
    starts_in: timedelta = timedelta(seconds=20),
) -> Soak:
    """Make a store with a campaign in each zone, whose calls are spread over the minutes from its start."""
    home = Home(folder / "store").make()
    os.environ.update(
        CALLPLAN_HOME=str(home.path),
        TRUEDY_BASE_URL=f"{provider.address}/api/public/v1",
        TRUEDY_API_KEY="good",
        TRUEDY_REQUESTS_PER_MINUTE="6000",
    )
    now = datetime.now(UTC)
    with open_contacts(home) as store:
        people = contacts(chosen.people).collect()
        store.add("people", SourceFile("people.csv", "1", "{}"), people, REJECTS.to_frame(), now)
        store.publish_snapshot("people")
    ledger = Ledger(home.ledger)
    campaigns = {}
    for zone in zones:
        campaign = _campaign(zone, now + starts_in, chosen.minutes)
        campaigns[campaign.name] = create_campaign(ledger, campaign, now)
        schedule(home, ledger, campaigns[campaign.name], now)
    return Soak(home, provider, random.Random(chosen.seed), campaigns, chosen.people)


def _back_after(soak: Soak) -> list[float]:
    """Return the seconds from each kill to the next ring."""
    rung_at = sorted(ring["started_at"] for ring in soak.provider.rings())
    nexts = [next((at for at in rung_at if at > killed_at), None) for killed_at in soak.kills]
    return [at - killed_at for at, killed_at in zip(nexts, soak.kills, strict=True) if at is not None]


def _told(soak: Soak, chosen: argparse.Namespace) -> None:
    found = broken(soak)
    back_after = [round(seconds) for seconds in _back_after(soak)]
    rows = soak.standing()
    sizes = soak.megabytes
    Console(width=200).print(
        f"{chosen.minutes} minutes, seed {chosen.seed}: {len(soak.provider.rings()):,} rings, "
        f"{len(soak.provider.requests()):,} requests, {dict(soak.done)}, "
        f"{len(soak.kills)} times kill -9 and rung again after {back_after} s, "
        f"{sum(row['unknown_count'] for row in rows):,} unknown; "
        f"dispatcher {min(sizes):.0f} to {max(sizes):.0f} MB\n"
        + "\n".join(
            f"{row['name']}: {row['state']}, {row['final_count']:,} final of {row['contact_count']:,}, "
            f"{row['skipped_count']:,} skipped, {row['retried_count']:,} further attempts"
            for row in rows
        )
        + "\n"
        + ("\n".join(found[:20]) or "everything goes together")
    )
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
