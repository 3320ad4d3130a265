"""A world under a seed: campaigns in one ledger, dispatchers that come and go, people who meddle.

Everything random comes from the seed, names included, so that a failing trial can be repeated.
"""

import random
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

import polars as pl

from flows import campaigns, scheduling
from flows.budget import RequestBudget
from flows.campaigns import LATE_LIMIT, create_campaign, find_campaign
from flows.checking import CheckResult, PlanUnderTest, check_plan
from flows.clock import SimulatedClock
from flows.contact_store import SourceFile, open_contacts
from flows.dispatcher import Dispatcher
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.owners import Owner
from flows.progress import silent
from flows.scheduling import Edit
from tests.faults.simulated.agenda import Agenda, AgendaPool, Died, Fate, MortalLedger
from tests.faults.simulated.network import Line, Network, Weather
from tests.faults.simulated.shape import Shape
from tests.people import campaign, contacts
from transforms.campaign import Campaign
from transforms.schemas import REJECTS

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MEMORY = Path("/dev/shm")
"""Where a world's files lie: in memory, because what is tried here is not the disk."""

CONTACT_ZONES = (None, "America/New_York", None, "America/Chicago", "Europe/Berlin", None, "Mars/Olympus")
"""The zones of people in turn, where a campaign asks for them; in the last one nobody is called."""

MOST_TICKS_TO_SETTLE = 1_500
"""A world that has not come to its end after so many is judged as it is."""

Deed = Callable[["World", str], None]
"""What somebody does to a campaign, or to the world beside it (``deeds.py``)."""


@dataclass
class Hand:
    """A dispatcher that lives."""

    owner: Owner
    dispatcher: Dispatcher
    pool: AgendaPool


def allow_more(world: "World", campaign_id: str) -> None:
    """Raise limits that edits have made so low that days would not be enough, and let the campaign go on."""
    with world.ledger.session() as session:
        settings = find_campaign(session, campaign_id).settings
    changes: dict[str, Any] = {}
    is_slow = settings.calls_per_second is not None and settings.calls_per_second < 1
    if is_slow or settings.max_concurrent_calls < min(world.shape.in_flight):
        changes |= {"max_concurrent_calls": max(world.shape.in_flight), "calls_per_second": None}
    if settings.ends_at is not None:
        changes |= {"ends_at": None}
    if changes:
        world.update(campaign_id, changes)


def _named_by(draws: random.Random) -> uuid.UUID:
    return uuid.UUID(int=draws.getrandbits(128), version=4)


class World:
    """A store, its campaigns, and what happens to them. Use it as a context manager."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.seed, self.shape = seed, shape
        self.draws = random.Random(seed)
        self.clock = SimulatedClock(shape.opens_at - HOUR)
        self.network = Network(seed, self.clock, shape.call_lasts)
        self.network.weather = shape.weather
        self.fate = Fate()
        self.dies_in: int | None = None
        """How many moments of a publication its process lives, where that was drawn."""
        self.agenda = Agenda(self.clock)
        self.hands: list[Hand] = []
        self.campaign_ids: list[str] = []
        self.settings: dict[tuple[str, int], Campaign] = {}
        """The settings under which each version of a campaign was planned."""
        self.starts: dict[tuple[str, int], datetime] = {}
        """When the campaign begins in each of its versions."""
        self.numbered: dict[tuple[str, int], int] = {}
        """How many numbers had changed when each version was planned."""
        self.limits: dict[str, list[tuple[timedelta, int]]] = {}
        """How many calls of a campaign may be in flight, each with the time since boot it holds from."""
        self.listed: dict[str, int] = {}
        self.renumbered: list[tuple[str, str, str]] = []
        """Who got another number, in order: list, contact, number."""
        self.damaged: set[str] = set()
        """The campaigns whose plan files somebody spoilt."""
        self.errors: list[str] = []
        self.refused: list[str] = []
        self.deaths = 0
        self.ticked: list[tuple[datetime, int]] = []
        """When all dispatchers had looked, and how many numbers had changed by then."""
        self._newest: dict[str, int] = {}
        self.looking: Hand | None = None
        """The dispatcher that takes its look just now."""
        self.interrupted: Hand | None = None
        """The one between whose transactions somebody acts."""

    def __enter__(self) -> Self:
        """Make the store and schedule its campaigns."""
        names = random.Random(f"{self.seed}:names")
        self._uuids = mock.patch("uuid.uuid4", partial(_named_by, names))
        self._uuids.start()
        self._checks = mock.patch("flows.publishing.check_plan", self._check_some)
        self._checks.start()
        self.folder = Path(tempfile.mkdtemp(prefix="callplan-", dir=MEMORY if MEMORY.is_dir() else None))
        self.home = Home(self.folder / "store").make()
        self.ledger = MortalLedger(self.fate, self._act_between)
        self.budget = RequestBudget(self.home.budgets / "network.json", self.shape.requests_per_minute)
        self.populate()
        return self

    def populate(self) -> None:
        """Load the lists and schedule the campaigns."""
        for place in range(self.shape.lists):
            self.load(f"people{place}", self.shape.contacts)
        for place in range(self.shape.campaigns):
            self.add_campaign(f"Campaign {place}", f"people{place % self.shape.lists}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of everything."""
        for hand in self.hands:
            hand.owner.let_go()
        self.ledger.close()
        self._checks.stop()
        self._uuids.stop()
        shutil.rmtree(self.folder)

    def _check_some(self, plan: PlanUnderTest, tells: Callable[[str], None]) -> list[CheckResult]:
        """Prove one plan in ten: proving takes most of a publication, and plans have tests of their own."""
        return check_plan(plan, tells) if self.draws.random() < 0.1 else []

    # ------------------------------------------------------------ what there is

    def load(self, name: str, count: int) -> None:
        """Have the first ``count`` people in a list."""
        self.listed[name] = count
        numbers = {contact: phone for of, contact, phone in self.renumbered if of == name}
        people = contacts(count, CONTACT_ZONES).with_columns(
            phone=pl.col("contact_id").replace_strict(numbers, default=pl.col("phone"))
        )
        file = f"{name}-{count}-{len(self.renumbered)}"
        with open_contacts(self.home) as store:
            store.add(
                name, SourceFile(file, file, "{}"), people.collect(), REJECTS.to_frame(), self.clock.now()
            )
            store.publish_snapshot(name)

    def renumber(self, name: str, places: list[int]) -> None:
        """Have the people at these places of a list loaded with other numbers."""
        for place in places:
            number = f"+1{len(self.renumbered) + 2_125_570_000}"
            self.renumbered.append((name, f"c{place}", number))
            self.note("renumbered", self.renumbered[-1])
        self.load(name, self.listed[name])

    def list_of(self, campaign_id: str) -> str:
        """Return the name of a campaign's list."""
        with self.ledger.session() as session:
            return find_campaign(session, campaign_id).settings.contact_list or ""

    def add_campaign(self, name: str, list_name: str, **changes: Any) -> str:
        """Create and schedule a campaign with drawn settings and ``changes`` of them."""
        drawn = self.shape.drawn_settings(self.draws) | {"name": name, "contact_list": list_name} | changes
        campaign_id = create_campaign(self.ledger, campaign(**drawn), self.clock.now())
        self.campaign_ids.append(campaign_id)
        scheduling.schedule(self.home, self.ledger, campaign_id, self.clock.now())
        self.remember(campaign_id)
        return campaign_id

    def remember(self, campaign_id: str) -> None:
        """Keep under which settings a campaign's versions were planned, as the judge needs them."""
        with self.ledger.session() as session:
            stored = find_campaign(session, campaign_id)
            versions = session.read("list_versions", campaign_id=campaign_id)["plan_version"].to_list()
        settings = stored.settings
        assert stored.starts_at is not None, "it has a plan"
        for version in versions:
            self.settings.setdefault((campaign_id, version), settings)
            self.starts.setdefault((campaign_id, version), stored.starts_at)
            self.numbered.setdefault((campaign_id, version), len(self.renumbered))
        self._newest[campaign_id] = max(versions)
        history = self.limits.setdefault(campaign_id, [])
        if not history or history[-1][1] != settings.max_concurrent_calls:
            history.append((self.clock.since_boot(), settings.max_concurrent_calls))

    def update(
        self,
        campaign_id: str,
        changes: dict[str, Any],
        *,
        keep: bool = False,
        progress: Callable[[str], None] = silent,
    ) -> Edit:
        """Change settings of a campaign; no claim of a version that this replaces is dialled any more."""
        with self.publishing():
            edit = scheduling.update(
                self.home, self.ledger, campaign_id, changes, self.clock.now(), keep=keep, progress=progress
            )
        self.remember(campaign_id)
        if edit.written is not None:
            self.note("replaced", (campaign_id, int(edit.written.file.stem)))
        return edit

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Have the process die that publishes meanwhile, where that was drawn."""
        if self.dies_in is None:
            yield
            return
        self.fate.moments = self.dies_in
        try:
            yield
        finally:
            self.fate.moments = None

    def _remember_new(self, campaign_id: str) -> None:
        files = (self.home.plans / campaign_id).glob("??????.parquet")
        if max((int(file.stem) for file in files), default=0) != self._newest[campaign_id]:
            self.remember(campaign_id)

    def most_in_flight(self, campaign_id: str, since_boot: timedelta) -> int:
        """Return how many calls could be in flight at most, by the settings under which they were claimed."""
        history = self.limits[campaign_id]
        ends = [at for at, _ in history[1:]] + [timedelta.max]
        claimed_from = since_boot - LATE_LIMIT - 2 * MINUTE
        return max(
            most
            for (at, most), end in zip(history, ends, strict=True)
            if at <= since_boot and end >= claimed_from
        )

    def goes_on(self) -> None:
        """Have a little time pass in which other processes go on, while this one computes a plan."""
        self.agenda.run_until(self.clock.now() + self.draws.random() * timedelta(seconds=3))
        for hand in self.hands:
            hand.dispatcher._record(self.clock.now())
            hand.dispatcher._claim()

    def state(self, campaign_id: str) -> str:
        """Return the state of a campaign."""
        with self.ledger.session() as session:
            return find_campaign(session, campaign_id).state

    def those_in(self, *states: str) -> list[str]:
        """Return the campaigns in one of these states."""
        with self.ledger.session() as session:
            found = (
                session.read("copy_campaign").filter(pl.col("state").is_in(states))["campaign_id"].to_list()
            )
        return [campaign_id for campaign_id in self.campaign_ids if campaign_id in found]

    # ------------------------------------------------------------ dispatchers

    def hire(self) -> Hand:
        """Start a dispatcher."""
        owner = Owner(self.home.owners, self.ledger, self.clock)
        pool = AgendaPool(self.agenda)
        line = Line(self.network, self.budget, owner.owner_id, self.fate.passes)
        dispatcher = Dispatcher(
            self.home, self.ledger, self.clock, {"simulated": line}, pool, owner, self.shape.tick
        )
        hand = Hand(owner, dispatcher, pool)
        self.hands.append(hand)
        return hand

    def bury(self, hand: Hand) -> None:
        """End a dispatcher as the system does: its files are let go, nothing is said or recorded."""
        self.agenda.drop(hand.pool)
        hand.owner.let_go()
        self.errors += hand.dispatcher.tally.errors
        self.hands.remove(hand)
        self.deaths += 1

    def dismiss(self, hand: Hand) -> None:
        """End a dispatcher in order: what is under way is brought to its end and recorded."""
        self.hands.remove(hand)
        with hand.owner:
            try:
                hand.dispatcher.run(self.clock.now())
            except WorkError as error:
                self.errors.append(str(error))
        self.agenda.drop(hand.pool)
        self.errors += hand.dispatcher.tally.errors

    # ------------------------------------------------------------ time

    def live(self, until: datetime, most_ticks: int = sys.maxsize) -> int:
        """Let dispatchers dispatch and people meddle until ``until``; idle time is skipped.

        Returns how many of ``most_ticks`` are left.
        """
        while self.clock.now() < until and most_ticks > 0:
            most_ticks -= 1
            while len(self.hands) < self.shape.dispatchers:
                self.hire()
            self.tick()
            wakes_at = self._next_wake(until)
            if wakes_at > self.clock.now() + 3 * self.shape.tick:
                self.pass_time(wakes_at - self.clock.now())
                continue
            part = self.draws.random() * self.shape.tick
            self.pass_time(part)
            self._meddle()
            self.pass_time(self.shape.tick - part)
        return most_ticks

    def pass_time(self, length: timedelta) -> None:
        """Let what is under way go on for a while; whoever dies in it is buried."""
        if self._times(self.shape.deaths / 2):
            self.fate.moments = self.draws.randint(0, 8)
        self.agenda.run_until(self.clock.now() + length)
        self.fate.moments = None
        for hand in [hand for hand in self.hands if hand.pool in self.agenda.dead]:
            self.bury(hand)
        self.agenda.dead.clear()

    def tick(self) -> None:
        """Let every dispatcher look once; one that stops itself or dies is gone afterwards."""
        for hand in list(self.hands):
            if hand not in self.hands:
                continue
            if self._times(self.shape.deaths / 2):
                self.fate.moments = self.draws.randint(0, 30)
            self.looking = hand
            self.look(hand)
            self.looking = None
            self._pass_a_moment()
        for campaign_id in self.campaign_ids:
            self._remember_new(campaign_id)
        self.ticked.append((self.clock.now(), len(self.renumbered)))

    def look(self, hand: Hand) -> None:
        """Let a dispatcher look once."""
        try:
            hand.dispatcher.tick()
        except Died:
            self.bury(hand)
        except WorkError as error:
            self.errors.append(str(error))
            self.fate.moments = None
            self.dismiss(hand)
        self.fate.moments = None

    def _pass_a_moment(self) -> None:
        """Let a millisecond pass: no two look or act at one instant."""
        self.clock.wait_until(self.clock.now() + timedelta(milliseconds=1))

    def _act_between(self) -> None:
        """Have somebody act before a transaction of a dispatcher that is looking, where that is drawn."""
        if self.looking is None or self.agenda.is_stepping:
            return
        drawn = [deed for deed, chance in self.shape.between.items() if self.draws.random() < chance]
        if not drawn:
            return
        moments, self.fate.moments = self.fate.moments, None
        self.interrupted, self.looking = self.looking, None
        for campaign_id in self.campaign_ids:
            self._remember_new(campaign_id)
        for deed in drawn:
            self._pass_a_moment()
            self.do(deed)
        self._pass_a_moment()
        self.interrupted, self.looking = None, self.interrupted
        self.fate.moments = moments

    def _next_wake(self, until: datetime) -> datetime:
        moments = [hand.dispatcher._next_wake() for hand in self.hands]
        return min((moment for moment in [*moments, until] if moment is not None), default=until)

    def _times(self, per_minute: float) -> int:
        """Return how often something that happens so often a minute happens in a tick."""
        if not per_minute:
            return 0
        expected = per_minute * (self.shape.tick / MINUTE)
        return int(expected) + (self.draws.random() < expected - int(expected))

    def settle(self, days: int = 80) -> None:
        """Have the weather clear up, resume what is held, and live on until every campaign has ended.

        Where edits leave too little allowed, more is, day by day: some are made meanwhile.
        """
        self.network.weather = Weather(all_talk=True)
        shape, self.shape = self.shape, replace(self.shape, dispatchers=1, deeds={}, deaths=0.0)
        gives_up, ticks = self.clock.now() + days * DAY, MOST_TICKS_TO_SETTLE
        while self.clock.now() < gives_up and ticks > 0 and self._is_under_way():
            self.resume_all()
            for campaign_id in self.those_in("scheduled", "active"):
                self.do(allow_more, campaign_id)
            ticks = self.live(min(self.clock.now() + DAY, gives_up), ticks)
        for hand in list(self.hands):
            self.dismiss(hand)
        self.shape = shape

    def _is_under_way(self) -> bool:
        """Say whether a campaign has not ended, or a call of one that was ended before."""
        with self.ledger.session() as session:
            in_flight = session.read("count_all_in_flight").item()
        return bool(in_flight) or bool(self.those_in("scheduled", "active", "paused"))

    # ------------------------------------------------------------ people

    def _meddle(self) -> None:
        for deed, per_minute in self.shape.deeds.items():
            for _ in range(self._times(per_minute)):
                self.do(deed)

    def do(self, deed: Deed, campaign_id: str | None = None) -> None:
        """Have somebody do something to a campaign, drawn unless it is given; a refusal is kept."""
        campaign_id = campaign_id or self.draws.choice(self.campaign_ids)
        try:
            deed(self, campaign_id)
        except (InputError, WorkError) as refusal:
            self.refused.append(str(refusal))

    def resume_all(self) -> None:
        """Let every campaign go on that is held back."""
        for campaign_id in self.those_in("paused"):
            campaigns.resume(self.ledger, campaign_id, self.clock.now())
            self.note("resumed", campaign_id)

    def note(self, kind: str, what: object) -> None:
        """Note what somebody did, between the requests before it and after it."""
        self.network.log.append((kind, what))

    def meet(self, fault: str, times: int = 1) -> None:
        """Count how often a fault was met."""
        self.network.met[fault] += times

    def met(self, *faults: str) -> int:
        """Return how often these faults were met."""
        return sum(self.network.met[fault] for fault in faults)
