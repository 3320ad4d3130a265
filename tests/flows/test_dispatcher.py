"""The dispatcher in simulated time: on an in-memory ledger, with the very code that runs in real time."""

from contextlib import contextmanager
from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns
from flows.abandoned import OWNERS_KEPT, forget_owners, take_over
from flows.archiving import archive_closed_days
from flows.budget import RequestBudget
from flows.campaigns import LATE_LIMIT
from flows.clock import MovedClockError, SimulatedClock
from flows.dialers.replied import Replied
from flows.dialers.simulated import SimulatedDialer
from flows.journal import Journal
from flows.owners import Owner
from flows.placing import notes
from tests.people import campaign, contacts
from tests.world import DAY, START, Kept, World

pytestmark = pytest.mark.scenario

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_a_campaign_is_called_to_the_last_contact_each_once(home):
    world = World(home, contacts(12), max_calls_per_day=5, max_concurrent_calls=2)
    assert world.state == "scheduled"
    tally = world.run(START + 10 * DAY)
    calls = world.calls
    assert world.state == "completed"
    assert (tally.placed, tally.finished, tally.errors) == (12, 12, [])
    assert tally.most_in_flight <= 2
    assert calls["contact_id"].n_unique() == 12
    assert (calls["noted_at"] >= calls["scheduled_at"]).all()
    assert (calls["noted_at"] < calls["not_after"]).all()
    assert calls["finished_at"].null_count() == 0
    assert calls.group_by("call_date").len()["len"].max() == 5


def test_every_change_of_state_is_an_event(home):
    world = World(home, contacts(3))
    world.run(START + DAY)
    events = world.read("copy_event").sort("happened_at")
    of_campaign = events.filter(pl.col("contact_id").is_null())["to_state"].to_list()
    assert of_campaign == ["draft", "scheduled", "active", "completed"]
    of_call = events.filter(pl.col("contact_id") == "c0").select("from_state", "to_state").rows()
    assert of_call[:2] == [("scheduled", "claimed"), ("claimed", "in_progress")]
    assert of_call[2][0] == "in_progress"
    assert len(of_call) == 3


def test_nothing_is_claimed_before_its_slot(home):
    world = World(home, contacts(10))
    world.run(START)
    assert world.calls.is_empty()


def test_a_claim_is_made_at_the_instant_at_which_the_ledger_was_free(home, monkeypatch):
    world = World(home, contacts(1), end_time="10:02")
    world.clock.wait_until(START)
    with Owner(world.home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, Kept)
        claim, session = dispatcher._claim, world.ledger.session

        @contextmanager
        def after_the_window():
            with session() as ledger:
                world.clock.wait_until(START + 3 * MINUTE)
                yield ledger

        def claim_late():
            monkeypatch.setattr(world.ledger, "session", after_the_window)
            claim()

        monkeypatch.setattr(dispatcher, "_claim", claim_late)
        dispatcher.tick()
    assert world.clock.now() == START + 3 * MINUTE
    assert world.calls.is_empty()


def test_never_more_in_flight_than_allowed_and_nobody_is_left_out(home):
    # 8 calls in two minutes with calls of up to five minutes: slots must wait, and some are missed each day.
    world = World(home, contacts(8), end_time="10:02", max_concurrent_calls=3)
    tally = world.run(START + timedelta(minutes=30))
    assert tally.most_in_flight == 3
    assert 0 < world.calls.height < 8
    assert world.state == "active"
    world.run(START + 30 * DAY)
    calls = world.calls
    assert (calls["noted_at"] < calls["not_after"]).all()
    assert calls["contact_id"].n_unique() == calls.height == 8
    assert world.state == "completed"


@pytest.mark.parametrize(
    ("lowered", "of", "most"),
    [
        ({"max_calls_per_day": 4}, ["call_date"], 4),
        ({"max_calls_per_number_per_day": 1}, ["call_date", "from_number"], 1),
    ],
)
def test_caps_hold_at_the_claim_whatever_the_plan_says(home, lowered, of, most):
    window = {"max_calls_per_day": 6, "end_time": "10:02", "phone_rotation_strategy": "round_robin"}
    world = World(home, contacts(12), **window)
    settings = campaign(scheduled_at=START.isoformat(), **window | lowered)
    with world.ledger.session() as session:
        campaigns.set_settings(session, world.campaign_id, settings)  # without planning anew
    second_date = (START + DAY).date()
    planned = world.waiting.filter(call_date=second_date).group_by(of).len()
    assert planned["len"].min() > most
    world.run(START + DAY + timedelta(minutes=3))
    made = world.calls.filter(call_date=second_date).group_by(of).len()
    assert made["len"].to_list() == [most] * planned.height


def test_the_cap_of_the_first_day_holds_at_the_claim_whatever_the_plan_says(home):
    world = World(home, contacts(12), max_calls_per_day=6, end_time="10:02")
    with world.ledger.session() as session:
        session._connection.execute("update campaign set first_date_cap = 2")  # without planning anew
    assert world.waiting.filter(call_date=START.date()).height == 6
    world.run(START + timedelta(minutes=2))
    assert world.calls.height == 2


def test_an_attempt_that_waits_for_another_slot_is_not_called_at_its_old_one(home):
    world = World(home, contacts(3), end_time="10:06")
    waits = pl.DataFrame({"contact_id": ["c1"], "attempt": [1]})
    of = {"campaign_id": world.campaign_id, "plan_version": None}
    with world.ledger.session() as session:
        session.write("add_waiting", ("planned", waits), ripe_at=START, **of)
    world.run(START + 2 * DAY)
    made = world.calls.select("contact_id", "plan_version").rows()
    assert sorted(made) == [("c0", 1), ("c1", 2), ("c2", 1)]


def test_calls_start_within_the_pace(home):
    # 100 calls in ten seconds of open time, one a second allowed: at most 1 in any second, 5 in any five.
    world = World(home, contacts(100), end_time="10:01", calls_per_second=1, max_concurrent_calls=1000)
    world.run(START + timedelta(seconds=12))
    starts = world.calls.sort("noted_at")["noted_at"]
    assert starts.len() > 8
    assert starts.diff().drop_nulls().min() >= timedelta(seconds=1)


def test_a_slow_pace_leaves_its_time_between_two_calls(home):
    world = World(home, contacts(100), end_time="10:01", calls_per_second=0.1, max_concurrent_calls=1000)
    world.run(START + timedelta(seconds=23))
    gaps = world.calls.sort("noted_at")["noted_at"].diff().drop_nulls()
    assert gaps.len() == 2
    assert timedelta(seconds=10) < gaps.min() <= gaps.max() < timedelta(seconds=12)


def test_the_slowest_pace_is_one_call_a_day(home):
    world = World(home, contacts(2), end_time="10:01", calls_per_second=1e-300)
    world.run(START + timedelta(seconds=32))
    assert world.calls.height == 1
    assert world.held() == ["calls_per_second is reached"]


def test_a_slow_pace_rests_over_midnight(home):
    settings = {"start_time": "00:00", "end_time": "24:00", "max_calls_per_day": 1}
    world = World(home, contacts(2), calls_per_second=1 / 80_000, **settings)
    midnight = START + timedelta(hours=14)
    world.run(midnight - timedelta(seconds=1))
    assert archive_closed_days(home, world.ledger, midnight) == []
    world.run(midnight + timedelta(seconds=30))
    assert world.calls["contact_id"].to_list() == ["c0"]
    assert world.held() == ["calls_per_second is reached"]


def test_a_note_of_a_clock_that_ran_ahead_does_not_hold_a_slow_pace(home):
    world = World(home, contacts(6), end_time="10:01", calls_per_second=0.1, max_concurrent_calls=1000)
    world.run(START + timedelta(seconds=5))
    world.ledger._kept.execute("update call set noted_at = not_after - interval 1 second")
    world.run(START + timedelta(seconds=15))
    assert world.calls.height == 2


def test_calls_that_are_claimed_long_before_keep_up_with_the_pace(home):
    # 50 calls in a minute of open time, one every 1.2 seconds: a pace of one a second holds back none.
    world = World(home, contacts(50), end_time="10:01", calls_per_second=1, max_concurrent_calls=1000)
    world.run(START + MINUTE, tick=MINUTE, reach=MINUTE)
    assert world.calls.height == 50
    assert world.calls["noted_at"].equals(world.calls["scheduled_at"])


def test_a_campaign_that_its_pace_holds_does_not_hold_another(home):
    world = World(home, contacts(30), end_time="10:01", calls_per_second=0.3, max_concurrent_calls=1000)
    free = world.add_campaign(name="Free", end_time="10:01", max_concurrent_calls=1000)
    world.run(START + MINUTE, tick=MINUTE, reach=MINUTE)
    assert world.calls["noted_at"].drop_nulls().len() == 18
    assert world.calls_of(free).height == 30
    assert world.calls_of(free)["noted_at"].equals(world.calls_of(free)["scheduled_at"])


class Failing(SimulatedDialer):
    """A dialer whose every request fails before anything is known."""

    keys_live = timedelta()

    def send(self, requests, now):  # noqa: ARG002
        raise ValueError("no line")


def test_a_call_of_which_nothing_is_known_is_unknown_and_never_dialled_again(home):
    world = World(home, contacts(2), dialer=Failing(), max_call_minutes=10)
    tally = world.run(START + DAY)
    assert tally.errors == ["placing 1 calls failed: ValueError('no line')"] * 2
    calls = world.calls
    assert calls["state"].to_list() == ["unknown", "unknown"]
    assert (calls["finished_at"] - calls["claimed_at"] >= timedelta(minutes=10)).all()
    assert world.state == "completed"


class Stalling(RequestBudget):
    """A budget that, the first time, takes so long that the slots of those who wait for it are past."""

    def __init__(self, file, clock):
        super().__init__(file, 100)
        self._clock = clock
        self._stalls = True

    def take_to_place(self, wanted, now):
        if self._stalls:
            self._clock.wait_until(now + LATE_LIMIT)
        self._stalls = False
        return super().take_to_place(wanted, now)


class Recording(SimulatedDialer):
    """A dialer that keeps what it was asked to send."""

    def __init__(self):
        super().__init__(5)
        self.prepared, self.sent = [], []

    def prepare(self, requests):
        self.prepared.append((requests, len(self.sent)))

    def send(self, requests, now):
        self.sent.append(requests)
        return super().send(requests, now)


def test_a_call_that_is_held_up_past_its_time_is_not_sent(home, tmp_path):
    world = World(home, contacts(3), dialer=Recording())
    world.dialer.budget = Stalling(tmp_path / "budget.json", world.clock)
    world.run(START + DAY)
    sent = pl.concat(world.dialer.sent)
    assert sent["contact_id"].to_list() == ["c0", "c1", "c2"]
    assert sent["scheduled_at"][0] >= START + LATE_LIMIT  # it was planned anew
    assert world.state == "completed"


def test_a_dialer_is_told_of_requests_before_they_are_due(home):
    world = World(home, contacts(3), dialer=Recording())
    world.run(START + DAY)
    assert sum(requests for requests, _ in world.dialer.prepared) == 3
    assert world.dialer.prepared[0] == (1, 0)


def test_a_request_may_leave_as_long_as_its_slot_counts(home):
    world = World(home, contacts(3), dialer=Recording())
    world.run(START + DAY)
    sent = pl.concat(world.dialer.sent)
    assert (sent["not_after"] == sent["scheduled_at"] + LATE_LIMIT).all()
    assert (world.calls["not_after"] > sent["not_after"]).all()


def test_a_call_that_is_held_goes_back_as_soon_as_its_slot_is_past(home, tmp_path):
    world = World(home, contacts(1), dialer=Recording())
    world.dialer.budget = RequestBudget(tmp_path / "budget.json", 100)
    world.dialer.budget.hold(START + LATE_LIMIT + timedelta(minutes=1), START)
    world.run(START + timedelta(seconds=1))
    assert world.clock.now() - START - LATE_LIMIT < timedelta(seconds=1)
    assert not world.dialer.sent
    assert world.calls.is_empty()
    world.run(START + DAY)
    assert world.state == "completed"


class Refusing(SimulatedDialer):
    """A dialer of whose first dials nothing is known, and that finds fault with what it is sent again."""

    def send(self, requests, now):
        if not requests["replays"].all():
            raise ValueError("no line")
        answers = super().send(requests, now).replies(now)
        return Replied(
            answers.with_columns(
                state=pl.lit("failed"),
                provider_call_id=pl.lit(None, pl.String),
                reason=pl.lit("HTTP 422"),
            )
        )


def test_a_repeated_dial_that_is_refused_says_nothing_of_the_first(home):
    retry = {"max_attempts": 2, "delay_minutes": {"failed": 1}}
    world = World(home, contacts(1), dialer=Refusing(), retry=retry, max_call_minutes=10)
    world.run(START + DAY)
    assert world.calls.select("attempt", "state").rows() == [(1, "unknown")]
    assert world.calls["finished_at"][0] >= START + timedelta(minutes=10)
    assert world.calls["reason"].to_list() == ["HTTP 422; no outcome by the deadline"]


class Forgetful(SimulatedDialer):
    """A dialer whose first requests fail, for a provider that knows a key for ten minutes."""

    keys_live = timedelta(minutes=10)

    def __init__(self):
        super().__init__()
        self.replays = 0

    def send(self, requests, now):
        if not requests["replays"].all():
            raise ValueError("no line")
        self.replays += requests.height
        return super().send(requests, now)


@pytest.mark.parametrize("step", [timedelta(), timedelta(minutes=-9)])
def test_no_dial_is_repeated_that_is_old_by_a_clock_that_was_not_set_back(home, step):
    world = World(home, contacts(1), dialer=Forgetful(), max_call_minutes=60)
    world.run(START + timedelta(seconds=1))
    assert world.calls["state"].to_list() == ["unknown"]
    world.clock.wait_until(START + timedelta(minutes=12))
    world.clock.set_by(step)
    world.run(START + timedelta(minutes=20))
    assert world.dialer.replays == 0


@pytest.mark.parametrize("shown", [timedelta(minutes=-2), timedelta(minutes=3), timedelta(minutes=40)])
def test_no_dial_is_repeated_after_the_machine_was_started_anew(home, shown):
    world = World(home, contacts(1), dialer=Forgetful(), max_call_minutes=60)
    world.run(START + timedelta(seconds=1))
    world.clock = SimulatedClock(START + shown)  # half an hour later, by a clock that may lag
    world.clock.wait_until(START + shown + timedelta(seconds=40))
    world.run(START + timedelta(minutes=50))
    assert world.dialer.replays == 0


def test_a_dial_of_a_dispatcher_that_died_just_now_is_repeated(home):
    world = World(home, contacts(1), dialer=Forgetful(), max_call_minutes=60)
    world.run(START + timedelta(seconds=1))
    world.clock.wait_until(START + timedelta(minutes=3))
    world.run(START + timedelta(minutes=20))
    assert world.dialer.replays == 1


class Silent(SimulatedDialer):
    """A dialer that takes calls on and never tells how they end."""

    def ended(self, calls, now):
        return super().ended(calls, now).clear()


def test_a_call_without_an_outcome_is_closed_at_its_deadline(home):
    world = World(home, contacts(1), dialer=Silent(), max_call_minutes=30)
    world.run(START + DAY)
    (call,) = world.calls.to_dicts()
    assert (call["state"], call["reason"]) == ("unknown", "no outcome by the deadline")
    assert call["finished_at"] >= call["claimed_at"] + timedelta(minutes=30)


def test_the_claims_of_a_dead_dispatcher_go_back_and_are_dialled_once(home):
    world = World(home, contacts(2), max_call_minutes=10)
    world.clock.wait_until(START)
    owner = Owner(home.owners, world.ledger, world.clock)
    world.claim(owner)
    assert world.calls["state"].to_list() == ["claimed"]
    owner.let_go()  # the process dies: its lock is free, its file stays
    world.run(START + DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c1"]
    assert "unknown" not in world.calls["state"].to_list()
    back = world.read("copy_event").filter(
        pl.col("from_state") == "claimed", pl.col("to_state") == "scheduled"
    )
    assert back["reason"].to_list() == ["its dispatcher failed before it was dialled"]


def test_what_a_dead_dispatcher_had_noted_is_unknown_and_not_dialled_again(home):
    world = World(home, contacts(1), dialer=Failing(), max_call_minutes=10)
    world.clock.wait_until(START)
    owner = Owner(home.owners, world.ledger, world.clock)
    journal = Journal(home.journal)
    world.claim(owner)
    (call,) = world.calls.to_dicts()
    claimed = world.read("list_claimed", lease_id=world.read("copy_call")["lease_id"][0])
    with journal.writing() as page:
        page.note(notes(claimed, world.clock.now()))
    owner.let_go()
    world.run(START + DAY)
    (call,) = world.calls.to_dicts()
    assert call["state"] == "unknown"
    assert call["reason"].startswith("its dispatcher failed between the note and the answer")


def test_a_dead_dispatcher_is_forgotten_with_its_files_when_nothing_of_it_is_open(home):
    world = World(home, contacts(1))
    world.clock.wait_until(START)
    dead, idle, alive = (Owner(home.owners, world.ledger, world.clock) for _ in range(3))
    world.claim(dead)
    dead.let_go()
    idle.let_go()

    def forgotten(now):
        count = forget_owners(home.owners, world.ledger, now)
        return count, {file.stem for file in home.owners.iterdir()}

    later = START + OWNERS_KEPT + MINUTE
    assert forgotten(START + MINUTE) == (0, {dead.owner_id, idle.owner_id, alive.owner_id})
    assert forgotten(later) == (1, {dead.owner_id, alive.owner_id})
    assert take_over(home.owners, world.ledger, Journal(home.journal), alive.owner_id, later) == 1
    assert forgotten(later) == (1, {alive.owner_id})
    alive.let_go()


def test_the_claims_of_a_living_dispatcher_wait(home):
    world = World(home, contacts(2))
    world.clock.wait_until(START)
    owner = Owner(home.owners, world.ledger, world.clock)
    world.claim(owner)
    world.run(START + timedelta(hours=1))
    assert world.calls["state"].to_list() == ["claimed"]
    owner.let_go()


def test_two_dispatchers_never_claim_the_same_call(home):
    world = World(home, contacts(40), end_time="10:01", max_concurrent_calls=1000)
    world.clock.wait_until(START + timedelta(seconds=30))
    one, two = (Owner(home.owners, world.ledger, world.clock) for _ in range(2))
    world.claim(one)
    world.claim(two)
    calls = world.read("copy_call")
    assert calls["owner_id"].to_list() == [one.owner_id] * 21
    assert calls["contact_id"].n_unique() == 21
    for owner in (one, two):
        owner.let_go()


def test_a_campaign_whose_dialer_is_not_at_hand_is_not_claimed(home):
    world = World(home, contacts(1))
    world.clock.wait_until(START)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.claim(owner, {"another": world.dialer})
        assert world.calls.is_empty()


def test_no_call_is_closed_by_a_clock_that_was_set(home):
    world = World(home, contacts(2), dialer=Silent(), max_call_minutes=60)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner)
        dispatcher.run(START + timedelta(seconds=1))
        world.clock.set_by(timedelta(hours=2))
        with pytest.raises(MovedClockError):
            dispatcher.run(world.clock.now() + MINUTE)
    assert world.calls["finished_at"].to_list() == [None]


def test_no_call_starts_in_the_seconds_after_the_clock_was_set(home):
    """Nobody finds by it what has started just before."""
    world = World(home, contacts(200), end_time="10:02", calls_per_second=2, max_concurrent_calls=200)
    world.run(START + 10 * SECOND)
    before = world.calls["noted_at"].max()
    world.clock.set_by(MINUTE)
    for length in (3 * SECOND, 20 * SECOND):  # two dispatchers, the second while the first had to wait
        world.run(world.clock.now() + length)
    after = world.calls["noted_at"].filter(world.calls["noted_at"] > before).min()
    assert after - MINUTE - before > 5 * SECOND
    assert world.calls["noted_at"].max() > after
