"""A campaign lives through random steps; after each, all rules hold over started and planned calls."""

import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import polars as pl
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flows import campaigns
from flows.campaigns import LATE_LIMIT
from flows.errors import InputError, WorkError
from flows.home import Home
from flows.replaying import verify
from tests.examples import LIVES, SEED
from tests.people import NUMBERS, contacts
from tests.transforms import oracle
from tests.world import DAY, Chosen, World
from transforms.draws import mixed_number

STEPS = 12
ZONES = ["America/New_York", None, "America/Los_Angeles", "Asia/Kolkata"]
OUTCOMES = ["completed", "no_answer", "busy", "completed", "voicemail", "failed"]

_edits = st.sampled_from(
    [
        {"end_time": "15:00"},
        {"end_time": "19:00", "start_time": "09:30"},
        {"max_calls_per_day": "3"},
        {"max_calls_per_day": "9", "first_day_cap": "prorated"},
        {"max_calls_per_day": None, "max_calls_per_number_per_day": "2"},
        {"phone_numbers": NUMBERS[:2]},
        {"phone_numbers": NUMBERS, "phone_rotation_strategy": "sequential"},
        {"phone_numbers": [NUMBERS[2], "+12125550193"]},
        {"phone_rotation_strategy": "random"},
        {"working_days": ["1", "3", "6"]},
        {"working_days": ["1", "2", "3", "4", "5"], "blackout_dates": ["2026-03-25", "2026-03-27"]},
        {
            "windows": [
                {"start_time": "10:00", "end_time": "12:00"},
                {"start_time": "14:00", "end_time": "16:30"},
            ]
        },
        {"windows": None},
        {"timezone": "America/Chicago"},
        {"timezone": "Europe/Berlin"},
        {"timezone": "Pacific/Kiritimati"},
        {"contact_timezone": "campaign"},
        {"contact_timezone": "contact"},
        {"ends_at": "2026-04-17T12:00:00"},
        {"ends_at": None},
        {"retry": {"max_attempts": "2", "delay_minutes": {"busy": "0", "no_answer": "600"}}},
        {"retry": {"max_attempts": "1", "delay_minutes": {}}},
        {"schedule_type": "immediate", "scheduled_at": None},
    ]
)
_hours = st.sampled_from(
    [timedelta(minutes=7), timedelta(hours=1), timedelta(hours=5), DAY, 2 * DAY, 3 * DAY]
)


def _ends_as(contact, attempt):
    return OUTCOMES[mixed_number(int(contact[1:]) * 10 + attempt) % len(OUTCOMES)]


@seed(SEED)
class Life(RuleBasedStateMachine):
    """Random steps in the life of a campaign."""

    @initialize(
        people=st.integers(4, 14),
        strategy=st.sampled_from(["round_robin", "sequential", "random"]),
        whose=st.sampled_from(["campaign", "contact"]),
        cap=st.sampled_from([None, 4, 6]),
        length=_hours,
    )
    def begin(self, people, strategy, whose, cap, length):
        self.folder = Path(tempfile.mkdtemp())
        self.people = people
        self.world = World(
            Home(self.folder / "store").make(),
            contacts(people, ZONES),
            dialer=Chosen(_ends_as),
            phone_rotation_strategy=strategy,
            contact_timezone=whose,
            max_calls_per_day=cap,
            max_calls_per_number_per_day=3,
            retry={"max_attempts": 3, "delay_minutes": {"busy": 20, "no_answer": 90}},
        )
        self.verified = 0
        self.dispatch(length)

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @property
    def is_over(self):
        return self.world.state in ("completed", "cancelled", "failed")

    @rule(length=_hours)
    def dispatch(self, length):
        assert self.world.run(self.world.clock.now() + length).errors == []

    @precondition(lambda self: self.world.state in ("scheduled", "active"))
    @rule(length=_hours, down=_hours)
    def dispatch_with_a_break(self, length, down):
        """Dispatch before and after the dispatchers were down, which is how slots are missed and found."""
        self.dispatch(length)
        self.be_down(down)
        self.dispatch(timedelta(hours=3))

    @rule(length=_hours)
    def be_down(self, length):
        self.world.clock.wait_until(self.world.clock.now() + length)

    @precondition(lambda self: not self.is_over)
    @rule(changes=_edits, keep=st.booleans())
    def edit(self, changes, keep):
        try:
            self.world.update(keep=keep, **changes)
        except (InputError, WorkError) as refusal:
            assert "do not fit" in str(refusal) or "must be" in str(refusal), refusal  # noqa: PT017

    @rule(more=st.integers(1, 5))
    def load_more_and_schedule(self, more):
        self.people += more
        self.world.load(contacts(self.people, ZONES), f"{self.people}.csv")
        try:
            self.world.schedule()
        except WorkError as refusal:
            assert "do not fit" in str(refusal), refusal  # noqa: PT017

    @precondition(lambda self: self.world.state in ("scheduled", "active"))
    @rule()
    def pause(self):
        self.world.pause()

    @precondition(lambda self: self.world.state == "paused")
    @rule()
    def resume(self):
        campaigns.resume(self.world.ledger, self.world.campaign_id, self.world.clock.now())

    @precondition(lambda self: not self.is_over)
    @rule(place=st.integers(0, 13))
    def skip(self, place):
        if place < self.people:
            self.world.skip(f"c{place}")

    @invariant()
    def nobody_is_lost_or_doubled(self):
        if not hasattr(self, "world"):
            return
        world, waiting = self.world, self.world.waiting
        listed = {f"c{place}" for place in range(self._listed())}
        pending = world.read("list_pending", campaign_id=world.campaign_id)
        slotless = pending.filter(pl.col("plan_version").is_null())
        attempts = [
            *world.calls.select("contact_id", "attempt").rows(),
            *waiting.select("contact_id", "attempt").rows(),
        ]
        assert max(Counter(attempts).values(), default=1) == 1, "an attempt is there twice"
        called, skipped = set(world.calls["contact_id"]), set(self._skips())
        accounted = (
            called | set(waiting["contact_id"]) | set(slotless["contact_id"]) | skipped | self._excluded()
        )
        assert listed - accounted == set(), "somebody is lost"
        assert accounted - skipped <= listed | skipped
        for contact, attempt in attempts:
            assert attempt == 1 or (contact, attempt - 1) in attempts, "an attempt is missing before another"

    @invariant()
    def rules_hold_over_started_and_planned_calls(self):
        if not hasattr(self, "world"):
            return
        waiting, calls, campaign = self.world.waiting, self.world.calls, self._campaign()
        instants = [*calls["scheduled_at"], *waiting["scheduled_at"]]
        assert len(set(instants)) == len(instants), "two calls at one instant"
        started = Counter(calls["call_date"])
        by_number = Counter(calls.select("call_date", "from_number").iter_rows())
        late_at = pl.min_horizontal("not_after", pl.col("scheduled_at") + LATE_LIMIT)
        callable_still = waiting.filter(late_at > self.world.clock.now())  # a missed slot gives its room away
        for (day,), rows in callable_still.group_by("call_date"):
            cap = campaign.max_calls_per_day
            assert cap is None or started[day] + rows.height <= cap, f"{day} is over its cap"
            for (number,), its in rows.group_by("from_number"):
                cap = campaign.max_calls_per_number_per_day
                assert cap is None or by_number[day, number] + its.height <= cap, f"{number} is over its cap"
                assert number in campaign.phone_numbers
        for row in waiting.iter_rows(named=True):
            stretches = oracle.open_time(
                campaign, row["timezone"], row["call_date"], oracle.BEGINNING, oracle.end_of(campaign)
            )
            ends = [closes for opens, closes in stretches if opens <= row["scheduled_at"] < closes]
            assert ends == [row["not_after"]], f"{row} lies outside the open time"
        assert (calls["noted_at"] < calls["not_after"]).all()

    @invariant()
    def versions_prove_themselves(self):
        """Every new version holds every rule when read back, and is computed to the same bytes again."""
        if not hasattr(self, "world"):
            return
        names = self.world.versions["file"].to_list()
        for name in names[self.verified :]:
            verdict = verify(self.world.home.plans / name, None, self.world.home)
            assert verdict.holds, verdict
            assert verdict.replayed
        self.verified = len(names)

    def _campaign(self):
        with self.world.ledger.session() as session:
            return campaigns.find_campaign(session, self.world.campaign_id).settings

    def _listed(self):
        with self.world.ledger.session() as session:
            return campaigns.find_campaign(session, self.world.campaign_id).listed_count

    def _skips(self):
        return self.world.read("list_skips", campaign_id=self.world.campaign_id)["contact_id"]

    def _excluded(self):
        current = self.world.read("list_current_versions", campaign_id=self.world.campaign_id)["file"]
        files = [self.world.home.plans / name.replace(".parquet", ".excluded.parquet") for name in current]
        return {contact for file in files for contact in pl.read_parquet(file)["contact_id"]}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=LIVES, stateful_step_count=STEPS, deadline=None)
