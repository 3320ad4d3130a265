"""A world under a seed: many campaigns in one ledger, dispatchers that come and go, people who meddle.

Everything random comes from the seed, names included, so that a failing trial can be repeated.
"""

import random
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

import polars as pl

from flows import campaigns, pausing, scheduling
from flows.budget import RequestBudget
from flows.campaigns import LATE_LIMIT, create_campaign, find_campaign
from flows.checking import CheckResult, PlanUnderTest, check_plan
from flows.clock import SimulatedClock
from flows.contact_store import SourceFile, open_contacts
from flows.dialers.dialer import REPORTS
from flows.dispatcher import Dispatcher
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.journal import Journal
from flows.owners import Owner
from flows.standing import known_contacts
from tests.faults.simulated.agenda import Agenda, AgendaPool, Died, Fate, MortalLedger
from tests.faults.simulated.network import Line, Network, Weather
from tests.people import NUMBERS, campaign, contacts
from transforms.campaign import Campaign
from transforms.schemas import REJECTS
from transforms.wall_clock import to_local

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MEMORY = Path("/dev/shm")
"""Where a world's files lie: in memory, because what is tried here is not the disk."""


RETRIES: list[dict[str, Any]] = [
    {},
    {},
    {},
    {"max_attempts": 2, "delay_minutes": {"busy": 1, "no_answer": 3}},
    {"max_attempts": 3, "delay_minutes": {"busy": 1, "no_answer": 60, "failed": 0}},
    {"max_attempts": 3, "delay_minutes": {"voicemail": 1440, "failed": 2}},
]


@dataclass(frozen=True)
class Shape:
    """What a world is made of.

    ``tick`` is how often dispatchers look, and how far ahead they claim. ``open_minutes`` is how long
    campaigns are open a day, from ``opens_at`` on. ``deeds`` are what people do, and how often a minute;
    ``deaths`` how many dispatchers die a minute. ``settings`` are those of every campaign, beside drawn ones.
    """

    campaigns: int = 12
    contacts: int = 20
    lists: int = 3
    days: int = 2
    opens_at: datetime = datetime(2026, 3, 24, 14, tzinfo=UTC)
    open_minutes: int = 6
    tick: timedelta = timedelta(seconds=30)
    dispatchers: int = 1
    requests_per_minute: int = 600
    call_lasts: tuple[float, float] = (2, 50)
    weather: Weather = field(default_factory=Weather)
    deeds: Mapping[str, float] = field(default_factory=dict)
    deaths: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    zones: tuple[str, ...] = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "UTC")


@dataclass
class Hand:
    """A dispatcher that lives."""

    owner: Owner
    dispatcher: Dispatcher
    pool: AgendaPool


def _named_by(draws: random.Random) -> uuid.UUID:
    return uuid.UUID(int=draws.getrandbits(128), version=4)


class World:
    """A store, its campaigns, and what happens to them. Use it as a context manager."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.seed, self.shape = seed, shape
        self.draws = random.Random(seed)
        self.clock = SimulatedClock(shape.opens_at - timedelta(hours=1))
        self.network = Network(seed, self.clock, shape.call_lasts)
        self.fate = Fate()
        self.agenda = Agenda(self.clock)
        self.hands: list[Hand] = []
        self.campaign_ids: list[str] = []
        self.settings: dict[tuple[str, int], Campaign] = {}
        """The settings under which each version of a campaign was planned."""
        self.limits: dict[str, list[tuple[timedelta, int]]] = {}
        """How many calls of a campaign may be in flight, each with the time since boot it holds from."""
        self.listed: dict[str, int] = {}
        self.errors: list[str] = []
        self.refused: list[str] = []
        self.deaths = 0

    def __enter__(self) -> Self:
        """Make the store and schedule its campaigns."""
        names = random.Random(f"{self.seed}:names")
        self._uuids = mock.patch("uuid.uuid4", partial(_named_by, names))
        self._uuids.start()
        self._checks = mock.patch("flows.publishing.check_plan", self._check_some)
        self._checks.start()
        self.folder = Path(tempfile.mkdtemp(prefix="callplan-", dir=MEMORY if MEMORY.is_dir() else None))
        self.home = Home(self.folder / "store").make()
        self.ledger = MortalLedger(self.fate)
        self.budget = RequestBudget(self.home.budgets / "network.json", self.shape.requests_per_minute)
        for place in range(self.shape.lists):
            self.load(f"people{place}", self.shape.contacts)
        for place in range(self.shape.campaigns):
            self.add_campaign(f"Campaign {place}", f"people{place % self.shape.lists}")
        return self

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
        with open_contacts(self.home) as store:
            source = SourceFile(f"{name}-{count}", f"{name}-{count}", "{}")
            store.add(name, source, contacts(count).collect(), REJECTS.to_frame(), self.clock.now())
            store.publish_snapshot(name)

    def add_campaign(self, name: str, list_name: str) -> str:
        """Create and schedule a campaign with drawn settings."""
        settings = campaign(**(self._drawn_settings() | {"name": name, "contact_list": list_name}))
        campaign_id = create_campaign(self.ledger, settings, self.clock.now())
        self.campaign_ids.append(campaign_id)
        scheduling.schedule(self.home, self.ledger, campaign_id, self.clock.now())
        self.remember(campaign_id)
        return campaign_id

    def _drawn_settings(self) -> dict[str, Any]:
        draws, shape = self.draws, self.shape
        zone = draws.choice(shape.zones)
        opens_local = to_local(zone, shape.opens_at)
        closes_local = opens_local + shape.open_minutes * MINUTE
        start, end = f"{opens_local:%H:%M}", f"{closes_local:%H:%M}"
        per_day = max(1, round(shape.contacts / shape.days))
        drawn = {
            "timezone": zone,
            "start_time": start,
            "end_time": "24:00" if end == "00:00" else end,
            "scheduled_at": shape.opens_at.isoformat(),
            "working_days": draws.choice([[1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7], [1, 2, 4, 5, 7]]),
            "phone_numbers": NUMBERS[: draws.randint(1, 3)],
            "phone_rotation_strategy": draws.choice(["round_robin", "sequential", "random"]),
            "max_calls_per_day": draws.choice([None, per_day, per_day + 1, per_day + 3]),
            "max_calls_per_number_per_day": draws.choice([None, None, per_day + 1]),
            "max_concurrent_calls": draws.choice([2, 4, 7, 20]),
            "max_call_minutes": draws.choice([2, 4, 11]),
            "calls_per_second": draws.choice([None, None, 0.3, 1, 2.5]),
            "retry": draws.choice(RETRIES),
            "seed": draws.randint(0, 99),
        }
        return drawn | dict(shape.settings)

    def remember(self, campaign_id: str) -> None:
        """Keep under which settings a campaign's versions were planned, as the judge needs them."""
        with self.ledger.session() as session:
            settings = find_campaign(session, campaign_id).settings
            versions = session.read("list_versions", campaign_id=campaign_id)["plan_version"].to_list()
        for version in versions:
            self.settings.setdefault((campaign_id, version), settings)
        history = self.limits.setdefault(campaign_id, [])
        if not history or history[-1][1] != settings.max_concurrent_calls:
            history.append((self.clock.since_boot(), settings.max_concurrent_calls))

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

    def live(self, until: datetime) -> None:
        """Let dispatchers dispatch and people meddle until ``until``; idle time is skipped."""
        while self.clock.now() < until:
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

    def pass_time(self, length: timedelta) -> None:
        """Let what is under way go on for a while; whoever dies in it is buried."""
        if self._is_time(self.shape.deaths / 2):
            self.fate.moments = self.draws.randint(0, 8)
        self.agenda.run_until(self.clock.now() + length)
        self.fate.moments = None
        for hand in [hand for hand in self.hands if hand.pool in self.agenda.dead]:
            self.bury(hand)
        self.agenda.dead.clear()

    def tick(self) -> None:
        """Let every dispatcher look once; one that stops itself or dies is gone afterwards."""
        for hand in list(self.hands):
            if self._is_time(self.shape.deaths / 2):
                self.fate.moments = self.draws.randint(0, 30)
            try:
                hand.dispatcher.tick()
            except Died:
                self.bury(hand)
            except WorkError as error:
                self.errors.append(str(error))
                self.fate.moments = None
                self.dismiss(hand)
            self.fate.moments = None
            self.clock.wait_until(
                self.clock.now() + timedelta(milliseconds=1)
            )  # two never look at one instant
        for campaign_id in self.campaign_ids:
            self._remember_new(campaign_id)

    def _remember_new(self, campaign_id: str) -> None:
        known = len([1 for named, _ in self.settings if named == campaign_id])
        if len(list((self.home.plans / campaign_id).glob("??????.parquet"))) != known:
            self.remember(campaign_id)

    def _next_wake(self, until: datetime) -> datetime:
        moments = [hand.dispatcher._next_wake() for hand in self.hands]
        return min((moment for moment in [*moments, until] if moment is not None), default=until)

    def _is_time(self, per_minute: float) -> bool:
        return per_minute > 0 and self.draws.random() < per_minute * (self.shape.tick / MINUTE)

    def settle(self, days: int = 40) -> None:
        """Have the weather clear up, resume what is held, and live on until every campaign has ended."""
        self.network.weather = Weather()
        shape, self.shape = self.shape, Shape(tick=self.shape.tick, dispatchers=1)
        for _ in range(3):
            for campaign_id in self.those_in("paused"):
                self.do("resume", campaign_id)
        gives_up = self.clock.now() + days * DAY
        while self.clock.now() < gives_up and self.those_in("scheduled", "active", "paused"):
            for campaign_id in self.those_in("paused"):
                self.do("resume", campaign_id)
            self.live(min(self.clock.now() + DAY, gives_up))
        for hand in list(self.hands):
            self.dismiss(hand)
        self.shape = shape

    # ------------------------------------------------------------ people

    def _meddle(self) -> None:
        for deed, per_minute in self.shape.deeds.items():
            if self._is_time(per_minute):
                self.do(deed)

    def do(self, deed: str, campaign_id: str | None = None) -> None:
        """Have somebody do something to a campaign, drawn unless it is given; a refusal is kept."""
        campaign_id = campaign_id or self.draws.choice(self.campaign_ids)
        try:
            DEEDS[deed](self, campaign_id)
        except (InputError, WorkError) as refusal:
            self.refused.append(f"{deed}: {refusal}")

    def damage(self, campaign_id: str) -> tuple[str, bool]:
        """Spoil the newest plan file; return its name, and whether slots of it are still to be read."""
        with self.ledger.session() as session:
            version = (
                session.read("list_current_versions", campaign_id=campaign_id).tail(1).row(0, named=True)
            )
        file = self.home.plans / version["file"]
        written = file.read_bytes()
        place = self.draws.randrange(len(written))
        match self.draws.randrange(4):
            case 0:
                file.write_bytes(written[:place])
            case 1:
                flipped = written[place] ^ (1 << self.draws.randrange(8))
                file.write_bytes(written[:place] + bytes([flipped]) + written[place + 1 :])
            case 2:
                pl.DataFrame({"contact_id": ["c0"]}).write_parquet(file)
            case 3:
                file.rename(file.with_name(f".{file.stem}.part"))
        is_live = self.state(campaign_id) in ("scheduled", "active", "paused")
        return version["file"], is_live and version["staged_until"] <= version["last_at"]

    def _note(self, kind: str, what: object) -> None:
        self.network.log.append((kind, what))


def _pause(world: World, campaign_id: str) -> None:
    pausing.pause(world.home, world.ledger, campaign_id, world.clock.now())
    world._note("paused", campaign_id)


def _resume(world: World, campaign_id: str) -> None:
    campaigns.resume(world.ledger, campaign_id, world.clock.now())
    world._note("resumed", campaign_id)


def _cancel(world: World, campaign_id: str) -> None:
    pausing.cancel(world.home, world.ledger, campaign_id, world.clock.now())
    world._note("paused", campaign_id)


def _pause_a_while(world: World, campaign_id: str) -> None:
    _pause(world, campaign_id)
    if world.draws.random() < 0.5:
        world.agenda.run_until(world.clock.now() + world.draws.random() * timedelta(seconds=5))
        _resume(world, campaign_id)


def _resume_any(world: World, campaign_id: str) -> None:  # noqa: ARG001 - any that is held
    for held in world.those_in("paused"):
        _resume(world, held)


def _skip(world: World, campaign_id: str) -> None:
    with world.ledger.session() as session:
        stored = find_campaign(session, campaign_id)
    count = world.listed[stored.settings.contact_list or ""]
    named = pl.Series([f"c{world.draws.randrange(count)}" for _ in range(world.draws.randint(1, 2))]).unique()
    known = known_contacts(world.home, world.ledger, stored, named)
    pausing.skip(world.home, world.ledger, campaign_id, known, "do not call", world.clock.now())
    for contact_id in known["contact_id"]:
        world._note("skipped", (campaign_id, contact_id))


EDITS: list[Callable[[World, Campaign], dict[str, Any]]] = [
    lambda world, _: {"phone_numbers": NUMBERS[world.draws.randint(0, 1) : world.draws.randint(2, 3)]},
    lambda world, _: {"phone_rotation_strategy": world.draws.choice(["round_robin", "sequential", "random"])},
    lambda world, _: {"max_calls_per_day": world.draws.choice([2, 4, 9, None])},
    lambda world, _: {"max_calls_per_number_per_day": world.draws.choice([2, 5, None])},
    lambda world, _: {"max_concurrent_calls": world.draws.choice([1, 2, 6])},
    lambda world, _: {"calls_per_second": world.draws.choice([None, 0.3, 1, 4])},
    lambda world, _: {"working_days": world.draws.choice([[1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7]])},
    lambda world, old: {"end_time": _later(old.end_time, world.draws.choice([-3, -1, 4]), old.start_time)},
    lambda world, old: {"start_time": _later(old.start_time, world.draws.choice([-4, 1, 2]), "")},
    lambda world, _: {"retry": world.draws.choice(RETRIES)},
    lambda world, old: {
        "blackout_dates": [(to_local(old.timezone, world.clock.now()).date() + DAY).isoformat()]
    },
    lambda world, _: {"seed": world.draws.randint(0, 9)},
]


def _later(wall: str, minutes: int, not_before: str) -> str:
    at = (
        datetime.strptime("23:59" if wall == "24:00" else wall, "%H:%M").replace(tzinfo=UTC)
        + minutes * MINUTE
    )
    return max(f"{at:%H:%M}", _later(not_before, 1, "") if not_before else "")


def _edit(world: World, campaign_id: str) -> None:
    with world.ledger.session() as session:
        old = find_campaign(session, campaign_id).settings
    changes = world.draws.choice(EDITS)(world, old)
    keep = world.draws.random() < 0.4
    scheduling.update(
        world.home,
        world.ledger,
        campaign_id,
        changes,
        world.clock.now(),
        keep=keep,
        progress=lambda _: world.goes_on(),
    )
    world.remember(campaign_id)


def _late(world: World, campaign_id: str) -> None:
    with world.ledger.session() as session:
        name = find_campaign(session, campaign_id).settings.contact_list or ""
    world.load(name, world.listed[name] + world.draws.randint(1, 2))
    scheduling.schedule(world.home, world.ledger, campaign_id, world.clock.now())
    world.remember(campaign_id)


def _die_publishing(world: World, campaign_id: str) -> None:
    """Edit a campaign or schedule late contacts in a process that dies on the way, and leave it at that."""
    world.fate.moments = world.draws.randint(0, 14)
    try:
        world.draws.choice([_edit, _late])(world, campaign_id)
    except Died:
        pass
    finally:
        world.fate.moments = None
    world.remember(campaign_id)


def _forge(world: World, campaign_id: str) -> None:
    """Have reports come in that nobody asked for: of calls that ended or do not exist."""
    with world.ledger.session() as session:
        calls = session.read("list_calls", campaign_id=campaign_id)
    known = calls.filter(pl.col("state").is_in(["claimed", "in_progress", "unknown"]).not_())
    named = [(row["contact_id"], row["attempt"]) for row in known.iter_rows(named=True)]
    world.draws.shuffle(named)
    reports = [
        {
            "campaign_id": campaign,
            "contact_id": contact,
            "attempt": attempt,
            "state": world.draws.choice(["completed", "no_answer", "busy", "failed", None]),
            "provider_status": world.draws.choice(["completed", "nonsense"]),
            "reported_at": world.clock.now() + world.draws.choice([-1, 0, 1]) * DAY,
            "reason": "forged",
        }
        for campaign, contact, attempt in [
            *((campaign_id, *name) for name in named[:10]),
            (campaign_id, "nobody", 1),
            (campaign_id, "c0", 9),
            ("no-campaign", "c0", 1),
        ]
    ]
    world.draws.shuffle(reports)
    with Journal(world.home.journal).writing() as page:
        page.add("report", pl.DataFrame(reports, schema=REPORTS))


def _absence(world: World, length: timedelta) -> None:
    """Have nobody dispatch for a while."""
    for hand in list(world.hands):
        world.bury(hand)
    world.clock.wait_until(world.clock.now() + length)


def _set_clock(world: World, step: timedelta) -> None:
    world.clock.set_by(step)
    world._note("clock", step)


DEEDS: dict[str, Callable[[World, str], None]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "pause a while": _pause_a_while,
    "resume any": _resume_any,
    "skip": _skip,
    "edit": _edit,
    "late": _late,
    "tick": lambda world, _: world.tick(),
    "forge": _forge,
    "die publishing": _die_publishing,
    "ten minutes": lambda world, _: _absence(world, 10 * MINUTE),
    "an hour": lambda world, _: _absence(world, timedelta(hours=1)),
    "a week": lambda world, _: _absence(world, 7 * DAY),
    "hour forward": lambda world, _: _set_clock(world, timedelta(hours=1)),
    "hour back": lambda world, _: _set_clock(world, timedelta(hours=-1)),
    "day forward": lambda world, _: _set_clock(world, DAY),
    "day back": lambda world, _: _set_clock(world, -DAY),
    "10 ms back": lambda world, _: _set_clock(world, timedelta(milliseconds=-10)),
    "minutes back": lambda world, _: _set_clock(world, timedelta(minutes=-4)),
}
"""What people do, by name."""
