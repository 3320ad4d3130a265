"""A store whose slots fall due within a moment of the present, and a provider that its dispatcher calls.

A store is built once for each set of settings and copied for every trial, which takes milliseconds. Its slots
stay where they were planned; the clock of a trial is real time, shifted so that they fall due when the trial
begins.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from flows import scheduling
from flows.campaigns import create_campaign
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.truedy import TruedyAccess
from flows.home import Home
from flows.ledger import Ledger
from tests.faults.real.running import forked_provider
from tests.people import campaign, contacts
from tests.provider.running import RunningProvider
from transforms.schemas import REJECTS

FIRST_SLOT = datetime(2026, 3, 23, 12, tzinfo=UTC)
"""When the first slot of every store is planned."""

LEAD = timedelta(milliseconds=350)
"""How long before its first slot a trial begins: a dispatcher is up by then."""

API = "/api/public/v1"
REQUESTS_PER_MINUTE = 100_000

_ON_RAM = Path("/dev/shm")
_EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def scratch_folder() -> Path:
    """Return a new folder in memory where there is such a place: a trial's syncs then cost nothing."""
    return Path(tempfile.mkdtemp(prefix="callplan-faults-", dir=_ON_RAM if _ON_RAM.is_dir() else None))


class ShiftedClock:
    """Real time plus a constant."""

    def __init__(self, shift: timedelta) -> None:
        self.shift = shift

    def now(self) -> datetime:
        """Return the present instant, shifted."""
        return datetime.now(UTC) + self.shift

    def since_boot(self) -> timedelta:
        """Return the time since the machine started, shifted as well: time has passed, no clock was set."""
        return timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME)) + self.shift

    def wait_until(self, instant: datetime) -> None:
        """Sleep until ``instant``."""
        time.sleep(max(0.0, (instant - self.now()).total_seconds()))


@dataclass(frozen=True)
class Shop:
    """A store, its one campaign of ``calls`` contacts, the clock of its trial, and the provider it calls."""

    home: Home
    campaign_id: str
    calls: int
    clock: ShiftedClock
    provider: RunningProvider

    @property
    def access(self) -> TruedyAccess:
        """The way to the provider."""
        return TruedyAccess(self.provider.address + API, "good", REQUESTS_PER_MINUTE)

    def ledger(self) -> Ledger:
        """Open the ledger as any process does."""
        return Ledger(self.home.ledger)


@dataclass(frozen=True)
class _Template:
    store: Path
    campaign_id: str


@contextmanager
def open_shop(
    calls: int = 8,
    within: timedelta = timedelta(milliseconds=250),
    *,
    seed: int = 0,
    provider: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Shop]:
    """Yield a shop whose ``calls`` slots are spread over the time ``within`` from just ahead.

    ``provider`` has settings of the provider, ``settings`` those of the campaign.
    """
    template = _template(calls, within, tuple(sorted(settings.items())))
    folder = scratch_folder()
    try:
        shutil.copytree(template.store, folder / "store")
        with forked_provider(folder / "provider", seed, **(provider or {})) as running:
            clock = ShiftedClock(FIRST_SLOT - LEAD - datetime.now(UTC))
            yield Shop(Home(folder / "store"), template.campaign_id, calls, clock, running)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _template(calls: int, within: timedelta, settings: tuple[tuple[str, Any], ...]) -> _Template:
    """Build a store; an early end crowds the slots, and an edit then gives them the whole day."""
    home, now = Home(scratch_folder()).make(), FIRST_SLOT - timedelta(hours=1)
    atexit.register(shutil.rmtree, home.path, ignore_errors=True)
    ledger = Ledger(home.ledger)
    with open_contacts(home) as store:
        source = SourceFile("people.csv", "people.csv", "{}")
        store.add("people", source, contacts(calls).collect(), REJECTS.to_frame(), now)
        store.publish_snapshot("people")
    asked = campaign(
        timezone="UTC",
        scheduled_at=FIRST_SLOT.isoformat(),
        ends_at=(FIRST_SLOT + within).isoformat(),
        start_time="00:00",
        end_time="24:00",
        working_days=_EVERY_DAY,
        **{"max_concurrent_calls": 1000} | dict(settings),
    )
    campaign_id = create_campaign(ledger, asked, now)
    scheduling.schedule(home, ledger, campaign_id, now)
    scheduling.update(home, ledger, campaign_id, {"ends_at": None}, now, keep=True)
    return _Template(home.path, campaign_id)


def snapshot_rows(shop: Shop) -> pl.DataFrame:
    """Return the calls of the campaign as the ledger has them."""
    with shop.ledger().session() as session:
        return session.read("list_calls", campaign_id=shop.campaign_id)
