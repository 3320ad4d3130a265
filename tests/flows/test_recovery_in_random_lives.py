"""A ledger lost at any moment of a random life comes back as it was, and nobody is called twice for it."""

import random
from contextlib import contextmanager, suppress
from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns, publishing, scheduling, settling
from flows.dialers.dialer import UNSENT
from flows.dialers.replied import Replied
from flows.errors import CallplanError
from flows.owners import Owner
from tests.examples import RECOVERIES, SEED
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

HOUR = timedelta(hours=1)
STEPS = 14
ZONES = ["America/New_York", None, "America/Los_Angeles", "Asia/Kolkata"]
EDITS = [
    {"end_time": "15:00"},
    {"end_time": "16:30"},
    {"start_time": "11:00"},
    {"max_calls_per_day": 2},
    {"max_calls_per_day": 5},
    {"max_calls_per_day": None},
    {"timezone": "America/Chicago"},
    {"timezone": "Asia/Tokyo"},
    {"timezone": "America/New_York"},
    {"contact_timezone": "contact"},
    {"contact_timezone": "campaign"},
    {"working_days": [1, 3, 5]},
    {"ends_at": "2026-03-27T12:00:00"},
    {"ends_at": None},
    {"retry": {"max_attempts": 2, "delay_minutes": {"busy": 20, "no_answer": 600}}},
    {"retry": {"max_attempts": 3, "delay_minutes": {"busy": 90}}},
    {"retry": {"max_attempts": 1, "delay_minutes": {}}},
    {"retry": {"max_attempts": 3, "delay_minutes": {"no_answer": 1440}}},
]


class Killed(BaseException):
    """The process was killed."""


class Moody(Chosen):
    """A dialer that sends some calls back, and says nothing of any call while it ``is_silent``."""

    def __init__(self, rng):
        super().__init__(lambda *_: rng.choice(["busy", "no_answer", "completed"]))
        self.rng, self.is_silent, self.refuses, self.rings = rng, False, 0.0, []

    def send(self, requests, now):
        answers = super().send(requests, now).replies(now)
        states = [
            UNSENT if self.rng.random() < self.refuses else "in_progress" for _ in range(answers.height)
        ]
        answers = answers.with_columns(state=pl.Series(states, dtype=pl.String))
        rung = answers.filter(pl.col("state") != UNSENT)
        self.rings += rung.select("contact_id", "attempt").rows()
        return Replied(answers)

    def ended(self, calls, now):
        ended = super().ended(calls, now)
        return ended.clear() if self.is_silent else ended


class Life:
    """The life of a campaign, step by random step; ``log`` has what happened."""

    def __init__(self, home, seed):
        self.rng, self.log, self.people = random.Random(seed), [], 0
        self.people = self.rng.randint(2, 8)
        self.dialer = Moody(random.Random(seed + 1))
        self.world = World(
            home,
            contacts(self.people, ZONES),
            dialer=self.dialer,
            max_calls_per_day=self.rng.choice([2, 3, None]),
            max_call_minutes=5,
            contact_timezone=self.rng.choice(["campaign", "contact"]),
            retry=self.rng.choice(EDITS[-4:])["retry"],
        )
        self.world.clock.wait_until(START)
        often = [self.run, self.run, self.edit, self.die_with_claims] * 2
        self.steps = [*often, self.be_down, self.grow, self.skip, self.rename, self.pause, self.resume]
        self.steps += [self.change_mood, self.settle, self.cancel]
        self.steps += [self.be_killed_before_telling, self.be_killed_before_committing]

    def step(self):
        step = self.rng.choice(self.steps)
        try:
            did = step()
        except CallplanError as refusal:
            did = f"refused: {refusal}"[:120]
        self.log.append((f"{self.world.clock.now():%m-%d %H:%M}", step.__name__, did))

    def run(self, length=None):
        length = length or self.rng.choice([timedelta(minutes=12), HOUR, 4 * HOUR, DAY])
        errors = self.world.run(self.world.clock.now() + length).errors
        assert errors == []
        return length

    def be_down(self):
        length = self.rng.choice([timedelta(minutes=3), HOUR, 7 * HOUR, DAY])
        self.world.clock.wait_until(self.world.clock.now() + length)
        return length

    def grow(self):
        self.people += self.rng.randint(1, 3)
        self.world.load(contacts(self.people, ZONES), f"{self.people}.csv")
        return self.world.schedule().rows

    def skip(self):
        contact = f"c{self.rng.randrange(self.people)}"
        self.world.skip(contact)
        return contact

    def edit(self):
        changes, keep = self.rng.choice(EDITS), self.rng.random() < 0.4
        edit = self.world.update(keep=keep, **changes)
        return changes, keep, None if edit.written is None else edit.written.rows

    def rename(self):
        self.world.update(agent_id=f"agent {len(self.log)}")

    def die_with_claims(self):
        """Claim what is due next, and end before anything is noted, maybe after an edit or a skip."""
        waiting = self.world.waiting
        if not waiting.is_empty():
            self.world.clock.wait_until(max(waiting["scheduled_at"][0], self.world.clock.now()))
        owner = Owner(self.world.home.owners, self.world.ledger, self.world.clock)
        try:
            self.world.claim(owner)
            then = self.rng.choice([None, self.edit, self.edit, self.skip, self.grow])
            return then and (then.__name__, then())
        finally:
            owner.let_go()

    def pause(self):
        self.world.pause()

    def cancel(self):
        if self.rng.random() < 0.3:
            self.world.cancel()

    def resume(self):
        if self.world.state == "paused":
            campaigns.resume(self.world.ledger, self.world.campaign_id, self.world.clock.now())

    def change_mood(self):
        self.dialer.is_silent = self.rng.random() < 0.4
        self.dialer.refuses = self.rng.choice([0.0, 0.0, 0.3])
        return self.dialer.is_silent, self.dialer.refuses

    def settle(self):
        unknown = self.world.calls.filter(pl.col("state") == "unknown")["contact_id"].to_list()
        if unknown:
            world, outcome = self.world, self.rng.choice(["busy", "completed"])
            contact = self.rng.choice(unknown)
            settling.settle(world.home, world.ledger, world.campaign_id, contact, outcome, world.clock.now())
            return contact, outcome
        return None

    def be_killed_before_telling(self):
        """Change something, and be killed before the journal is told of it."""
        with replaced("tell_soon", lambda *_: None, publishing, scheduling):
            then = self.rng.choice([self.edit, self.grow])
            return then.__name__, then()

    def be_killed_before_committing(self):
        def killed(*_):
            raise Killed

        with replaced("commit", killed, publishing), suppress(Killed):
            self.world.update(end_time="15:30")
        self.rename()  # so that nobody can take it for a change that the journal was not told of

    def standing(self):
        """Return all that a recovery has to bring back, as the ledger has it."""
        world, now = self.world, self.world.clock.now()
        calls, waiting = world.calls, world.waiting
        pending = world.read("list_pending", campaign_id=world.campaign_id)
        slotless = pending.filter(pl.col("plan_version").is_null())
        claimed = pl.col("state") == "claimed"
        skips = world.read("list_skips", campaign_id=world.campaign_id)
        uncalled = skips.join(calls.filter(~claimed), on="contact_id", how="anti")
        stored, attempt = world.stored, ["contact_id", "attempt"]
        open_ones = pl.concat([some.select(attempt) for some in (waiting, slotless, calls.filter(claimed))])
        made = calls.filter(~claimed).join(self.archived(), on=attempt, how="left")
        made = made.select(
            *attempt,
            pl.col("state").replace("unknown", "in_progress"),  # that its deadline is over is seen later
            "scheduled_at",
            "noted_at",
            pl.when(pl.col("is_archived").is_null()).then(
                "call_date"
            ),  # there it is of the clock it had then
        )
        is_over = stored.state in ("completed", "cancelled", "failed")
        return {
            "state": stored.state if is_over else "live",
            "calls": sorted(made.rows()),
            "open": [] if is_over else sorted(set(open_ones.rows()) - _of(skips, open_ones)),
            "slots": sorted(
                waiting.filter(pl.col("scheduled_at") > now).select(*attempt, "scheduled_at").rows()
            ),
            "skips": sorted(skips["contact_id"]),
            "to call": stored.contact_count - uncalled.filter(pl.col("plan_version") > 0).height,
            "excluded": stored.excluded_count,
            "listed": stored.listed_count,
            "settings": stored.settings,
            "start": (stored.starts_at, stored.dialer, stored.latest_version),
        }

    def archived(self):
        files = self.world.home.past.rglob("*.calls.parquet")
        past = [pl.read_parquet(file).select("contact_id", "attempt") for file in files]
        return pl.concat([self.world.calls.select("contact_id", "attempt").clear(), *past]).with_columns(
            is_archived=True
        )

    def lose_the_ledger(self):
        state = self.world.state
        before = self.standing()
        self.world.recovered()
        after = self.standing()
        assert [
            _told(name, before[name], after[name]) for name in before if before[name] != after[name]
        ] == []
        if state in ("scheduled", "active"):
            self.resume()

    def end(self):
        """Let everything come to its end, and check that everybody was called once who is to be called."""
        world = self.world
        self.dialer.is_silent, self.dialer.refuses = False, 0.0
        for edit in ({"max_calls_per_day": None}, {"ends_at": None}):
            if world.state not in ("completed", "cancelled", "failed"):
                world.update(**edit)
        self.resume()
        for _ in range(4):
            if world.state not in ("completed", "cancelled"):
                self.run(10 * DAY)
        assert len(set(self.dialer.rings)) == len(self.dialer.rings), "somebody was rung twice"
        if world.state == "cancelled":
            return
        assert world.state == "completed"
        skipped = set(world.read("list_skips", campaign_id=world.campaign_id)["contact_id"])
        listed = {f"c{place}" for place in range(world.stored.listed_count)}
        assert listed - skipped - {contact for contact, _ in self.dialer.rings} == set(), "somebody is lost"


def _told(name, before, after):
    if not isinstance(before, list):
        return f"{name}: {before} became {after}"
    gone, new = (
        [row for row in these if row not in those] for these, those in ((before, after), (after, before))
    )
    return f"{name}: gone {gone}, new {new}"


def _of(skips, attempts):
    return set(attempts.join(skips, on="contact_id", how="semi").rows())


@contextmanager
def replaced(name, by, *modules):
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, name, by)
        yield


@pytest.mark.parametrize("number", range(RECOVERIES))
def test_a_ledger_lost_at_any_moment_of_a_random_life_comes_back_as_it_was(home, number):
    life = Life(home, SEED + number)
    lost_at = set(life.rng.sample(range(STEPS), 2))
    try:
        for step in range(STEPS):
            life.step()
            if step in lost_at:
                life.log.append("the ledger is lost")
                life.lose_the_ledger()
        life.end()
    except BaseException as error:
        error.add_note("\n".join([f"TEST_SEED={SEED + number}", *map(str, life.log)]))
        raise
