"""A store of several campaigns that fall due by the machine's own clock, for dispatchers that are commands.

All campaigns call the same list, so that a person rings once for each. They live in a zone where it is noon,
so that no trial meets a midnight, after which slots are planned anew.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flows import scheduling
from flows.campaigns import create_campaign
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.truedy import idempotency_key
from flows.home import Home
from flows.ledger import Ledger
from tests.faults.real.judging import judged
from tests.faults.real.recovering import state_of
from tests.faults.real.running import forked_provider
from tests.faults.real.sharing import notes_of, too_fast
from tests.faults.real.shop import API, REQUESTS_PER_MINUTE, ShiftedClock, Shop, scratch_folder
from tests.faults.real.starting import Cold, Command, stove
from tests.people import campaign, contacts
from tests.provider.record import REQUESTS, RINGS
from tests.provider.running import RunningProvider
from transforms.schemas import REJECTS

_ATTEMPTS = (1, 2, 3)
_LAST_WORDS = 2_000
_SOON = timedelta(seconds=1.5)


@dataclass(frozen=True)
class _Share:
    """What a provider's record has under some keys."""

    provider: RunningProvider
    keys: frozenset[str]

    def rings(self) -> list[dict[str, Any]]:
        return [ring for ring in self.provider.rings() if ring["key"] in self.keys]

    def requests(self) -> list[dict[str, Any]]:
        return [post for post in self.provider.requests() if post["key"] in self.keys]


@dataclass
class Live:
    """A store with a list of ``people``, and the provider that its dispatchers call.

    ``prefect`` points its commands at a Prefect server; without it they dispatch by themselves.
    """

    home: Home
    provider: RunningProvider
    people: int
    prefect: Mapping[str, str]
    shops: dict[str, Shop] = field(default_factory=dict)
    paces: dict[str, float] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What tells a command of this store and its provider."""
        return {
            "CALLPLAN_HOME": str(self.home.path),
            "TRUEDY_BASE_URL": self.provider.address + API,
            "TRUEDY_API_KEY": "good",
            "TRUEDY_REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE),
        }

    @property
    def log(self) -> Path:
        """What the commands said."""
        return self.home.path.parent / "said"

    def open_campaign(
        self, within: timedelta, closes_after: timedelta | None = None, **settings: object
    ) -> str:
        """Schedule a campaign whose slots are spread over the time ``within`` from just ahead.

        ``closes_after`` is how long after its last slot it ends; without, it is open until midnight.
        """
        now = datetime.now(UTC)
        starts_at = now + _SOON
        asked = campaign(
            name=f"Campaign {len(self.shops)}",
            dialer="truedy",
            timezone=f"Etc/GMT{now.hour - 12:+d}",
            scheduled_at=starts_at.isoformat(),
            ends_at=(starts_at + within).isoformat(),
            start_time="00:00",
            end_time="24:00",
            working_days=[1, 2, 3, 4, 5, 6, 7],
            **{"max_concurrent_calls": 1000} | settings,
        )
        ends_at = None if closes_after is None else (starts_at + within + closes_after).isoformat()
        ledger = Ledger(self.home.ledger)
        with patch.dict(os.environ, self.environment):
            campaign_id = create_campaign(ledger, asked, now)
            scheduling.schedule(self.home, ledger, campaign_id, now)
            # The early end has crowded the slots; with a later one the last of them may start late, too.
            scheduling.update(self.home, ledger, campaign_id, {"ends_at": ends_at}, now, keep=True)
        keys = (
            idempotency_key(campaign_id, f"c{n}", attempt)
            for n in range(self.people)
            for attempt in _ATTEMPTS
        )
        share: Any = _Share(self.provider, frozenset(keys))
        self.shops[campaign_id] = Shop(self.home, campaign_id, self.people, ShiftedClock(timedelta()), share)
        if asked.calls_per_second is not None:
            self.paces[campaign_id] = asked.calls_per_second
        return campaign_id

    def start(self, *arguments: str) -> Command:
        """Start a command of callplan, forked from a process that has imported it."""
        prefect = tuple(sorted(self.prefect.items()))
        return stove(prefect).start(list(arguments), self.environment, self.log)

    def start_cold(self, *arguments: str) -> Command:
        """Start a command of callplan as a person does."""
        return Cold(list(arguments), {**self.environment, **self.prefect}, self.log)

    def is_through(self) -> bool:
        """Whether every campaign is completed."""
        return all(state_of(shop) == "completed" for shop in self.shops.values())

    def heard_bytes(self) -> int:
        """Return how long the provider's record is: it grows as soon as it is asked to call anybody."""
        files = [self.provider.folder / name for name in (RINGS, REQUESTS)]
        return sum(file.stat().st_size for file in files if file.exists())

    def said(self) -> str:
        """Return the last that commands said."""
        return self.log.read_text(errors="replace")[-_LAST_WORDS:] if self.log.exists() else ""

    def judged(self, *, all_ring: bool = True) -> str | None:
        """Return what of I1 to I6 broke in any campaign, or None."""
        known = {key for shop in self.shops.values() for key in shop.provider.keys}
        strangers = [ring["key"] for ring in self.provider.rings() if ring["key"] not in known]
        if strangers:
            return f"I1: a ring under an unknown key {strangers[0]}"
        for name, shop in self.shops.items():
            broken = judged(shop, all_ring=all_ring) or self._too_fast(name, shop)
            if broken:
                return broken
        return None

    def _too_fast(self, name: str, shop: Shop) -> str | None:
        """I4: the pace of a campaign that has one is kept over all of its dispatchers."""
        if name not in self.paces:
            return None
        notes = notes_of(shop)
        return too_fast(notes.filter(notes["campaign_id"] == name), self.paces[name])


@contextmanager
def open_live(
    people: int, *, seed: int, prefect: Mapping[str, str] | None = None, **provider: Any
) -> Iterator[Live]:
    """Yield a store whose list has ``people``; ``provider`` has settings of the provider it calls."""
    folder = scratch_folder()
    try:
        home = Home(folder / "store").make()
        with open_contacts(home) as store:
            source = SourceFile("people.csv", "people.csv", "{}")
            store.add("people", source, contacts(people).collect(), REJECTS.to_frame(), datetime.now(UTC))
            store.publish_snapshot("people")
        with forked_provider(folder / "provider", seed, **provider) as running:
            yield Live(home, running, people, prefect or {})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
