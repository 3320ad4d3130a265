"""A campaign whose plan grows while it is called: retries and missed slots."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from flows import campaigns, replanning
from flows.database import locked
from flows.owners import Owner
from flows.staging import Stage
from tests.people import contacts
from tests.world import DAY, START, Chosen, World, proven

pytestmark = pytest.mark.scenario

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RETRY = {"max_attempts": 3, "delay_minutes": {"busy": 30, "no_answer": 90}}


def _counts(world):
    return world.calls.group_by("attempt").len().sort("attempt").rows()


def test_a_busy_contact_is_tried_again_after_its_delay_and_no_more_often_than_allowed(home):
    dialer = Chosen(lambda contact, _: "busy" if contact == "c1" else "completed")
    world = World(home, contacts(4), dialer=dialer, retry=RETRY)
    tally = world.run(START + 2 * DAY)
    assert _counts(world) == [(1, 4), (2, 1), (3, 1)]
    assert tally.plans[world.campaign_id].written.file == world.home.plans / world.versions["file"].last()
    attempts = world.calls.filter(pl.col("contact_id") == "c1").sort("attempt")
    waits = (attempts["noted_at"].tail(-1) - attempts["finished_at"].head(-1)).to_list()
    assert all(wait >= 30 * MINUTE for wait in waits)
    assert (attempts["noted_at"] < attempts["not_after"]).all()
    assert world.state == "completed"
    assert proven(world)


class Absurd(Chosen):
    """A dialer whose provider says that its calls have ended long before they began."""

    def ended(self, calls, now):
        return super().ended(calls, now).with_columns(reported_at=pl.lit(datetime(1970, 1, 1, tzinfo=UTC)))


def test_the_delay_of_a_further_attempt_counts_from_the_dial_where_the_outcome_is_said_to_be_earlier(home):
    world = World(home, contacts(2), dialer=Absurd(lambda *_: "busy"), retry=RETRY | {"max_attempts": 2})
    world.run(START + 2 * DAY)
    calls = world.calls.sort("contact_id", "attempt")
    dialled = calls.partition_by("contact_id", maintain_order=True)
    assert all(rows["noted_at"][1] - rows["noted_at"][0] >= 30 * MINUTE for rows in dialled)
    assert (calls["finished_at"] >= calls["noted_at"]).all()


def test_an_outcome_that_is_not_named_is_not_tried_again(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "voicemail"), retry=RETRY)
    world.run(START + 2 * DAY)
    assert _counts(world) == [(1, 2)]
    assert world.state == "completed"


def test_retries_count_against_the_caps_of_their_date(home):
    world = World(home, contacts(3), dialer=Chosen(lambda *_: "no_answer"), retry=RETRY, max_calls_per_day=2)
    world.run(START + 20 * DAY)
    assert _counts(world) == [(1, 3), (2, 3), (3, 3)]
    assert world.calls.group_by("call_date").len()["len"].max() == 2
    assert world.calls["scheduled_at"].n_unique() == 9
    assert world.state == "completed"
    assert proven(world)


def test_a_retry_that_finds_no_room_before_the_end_is_not_made(home):
    world = World(
        home,
        contacts(2),
        dialer=Chosen(lambda *_: "busy"),
        retry=RETRY,
        ends_at="2026-03-23T10:40:00",
    )
    world.run(START + 2 * DAY)
    assert _counts(world)[0] == (1, 2)
    assert world.state == "completed"
    lapsed = world.read("copy_event").filter(pl.col("to_state") == "lapsed")
    assert lapsed["reason"].unique().to_list() == ["no date has room for a further attempt"]
    assert set(lapsed["contact_id"]) == {"c0", "c1"}


def test_a_version_that_finds_every_date_full_is_computed_again_to_the_same_bytes(home):
    busy_at_first = Chosen(lambda _, attempt: "busy" if attempt == 1 else "completed")
    world = World(
        home, contacts(5), busy_at_first, retry=RETRY, max_calls_per_day=2, ends_at="2026-03-26T00:00"
    )
    world.run(START + 4 * DAY)
    assert _counts(world) == [(1, 5), (2, 1)]
    assert 0 in world.versions["row_count"]
    assert proven(world)


def test_nobody_who_is_skipped_is_tried_again(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=RETRY)
    world.run(START + 10 * MINUTE)
    world.skip("c0")
    world.run(START + 2 * DAY)
    assert world.calls.filter(pl.col("contact_id") == "c0").height == 1
    assert world.calls.filter(pl.col("contact_id") == "c1").height == 3
    assert world.state == "completed"


def test_an_outage_of_a_week_is_caught_up_inside_the_windows_and_without_a_burst(home):
    world = World(home, contacts(7), max_calls_per_day=3)
    world.run(START + HOUR)
    made = world.calls.height
    world.clock.wait_until(START + 9 * DAY)
    world.run(START + 20 * DAY)
    calls = world.calls
    assert calls["contact_id"].n_unique() == calls.height == 7
    assert made < 3
    assert calls.group_by("call_date").len()["len"].max() == 3
    late = calls.filter(pl.col("noted_at") >= START + 9 * DAY)
    assert (late["noted_at"] < late["not_after"]).all()
    assert (late.sort("noted_at")["noted_at"].diff().drop_nulls() > 10 * MINUTE).all()
    assert world.state == "completed"
    assert proven(world)


def test_a_missed_slot_without_room_before_the_end_is_told_and_called_after_an_edit(home):
    world = World(home, contacts(3), ends_at="2026-03-23T17:00:00")
    world.clock.wait_until(START + 12 * HOUR)  # past the end, and nobody was called
    world.run(START + 13 * HOUR)
    assert world.calls.is_empty()
    (row,) = world.read("list_campaigns").to_dicts()
    assert row["hindrance"] == "3 contacts missed their slot and no date has room for them"
    assert world.state == "active"
    assert world.versions.height == 2  # which says so; looking again says nothing new
    assert not list((world.home.plans / world.campaign_id).glob("*000003*"))
    world.skip("c1")
    world.run(START + 14 * HOUR)
    (row,) = world.read("list_campaigns").to_dicts()
    assert row["hindrance"] == "2 contacts missed their slot and no date has room for them"
    edit = world.update(ends_at="2026-03-25T17:00:00")
    assert edit.written.rows == 2
    world.run(START + 3 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c2"]
    assert world.state == "completed"
    assert proven(world)


@pytest.mark.parametrize("ahead", [timedelta(0), 9 * DAY])
def test_who_missed_a_slot_and_found_no_date_is_called_once_a_skip_makes_room(home, ahead):
    world = World(home, contacts(2), max_calls_per_day=1, ends_at="2026-03-24T18:00:00")
    world.clock.wait_until(START + 12 * HOUR)  # nobody was called, and the other day is full
    world.run(START + 13 * HOUR)
    assert world.calls.is_empty()
    looked = "update campaign set replanned_at = replanned_at + to_days($1)"  # by a clock that ran ahead
    world.ledger._kept.execute(looked, [ahead.days])
    world.skip("c1")
    world.run(START + 2 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0"]
    assert world.state == "completed"


def test_a_retry_that_waits_survives_an_edit_and_keeps_its_number_of_attempt(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=RETRY, max_calls_per_day=2)
    world.run(START + 45 * MINUTE)  # c0 was busy and has a slot for its second attempt, on the next day
    assert world.waiting.filter(pl.col("attempt") == 2).height == 1
    world.update(end_time="15:00")
    assert world.waiting.filter(pl.col("attempt") == 2).height == 1
    world.run(START + 3 * DAY)
    assert _counts(world) == [(1, 2), (2, 2), (3, 2)]
    assert world.state == "completed"
    assert proven(world)


def test_fewer_attempts_by_an_edit_drop_the_further_ones(home):
    world = World(home, contacts(3), dialer=Chosen(lambda *_: "busy"), retry=RETRY, max_calls_per_day=3)
    world.run(START + 45 * MINUTE)
    world.update(retry={})
    world.run(START + 3 * DAY)
    assert _counts(world) == [(1, 3)]
    assert world.state == "completed"


def test_missed_slots_are_not_looked_after_while_somebody_publishes(home):
    world = World(home, contacts(4))
    world.run(START + MINUTE)
    world.clock.wait_until(START + DAY)  # an outage
    due = START + DAY + MINUTE
    with locked(home.plans / world.campaign_id / ".publishing.lock"):
        world.run(due)
        assert world.versions.height == 1
    world.run(due + 5 * MINUTE)
    assert world.versions.height == 2


class Later(Executor):
    """Does what it is given when it is told to."""

    def __init__(self):
        self.given = []

    def submit(self, fn, /, *args):
        future = Future()
        self.given.append((future, fn, args))
        return future

    def do(self):
        for future, fn, args in self.given:
            future.set_result(fn(*args))
        self.given.clear()


def test_where_planning_anew_fails_it_is_told_and_the_others_are_looked_after(home, monkeypatch):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 5}}
    world = World(home, contacts(1), Chosen(lambda *_: "busy"), retry=retry)
    other = world.add_campaign(retry=retry)
    publish = replanning.publish

    def full_for_one(home, ledger, publication, *rest):
        if publication.stored.campaign_id == world.campaign_id:
            raise OSError(28, "No space left on device")
        return publish(home, ledger, publication, *rest)

    with monkeypatch.context() as context:
        context.setattr(replanning, "publish", full_for_one)
        tally = world.run(START + 8 * MINUTE)
    assert (world.state, world.state_of(other)) == ("active", "completed")
    problem = "planning anew failed: OSError(28, 'No space left on device')"
    assert tally.errors == [problem]
    rows = world.read("list_campaigns")
    assert rows.filter(campaign_id=world.campaign_id)["hindrance"].to_list() == [problem]
    world.run(START + HOUR)
    assert world.state == "completed"


def test_calls_fall_due_and_are_placed_while_new_slots_are_still_looked_for(home):
    world = World(home, contacts(4))
    slots, later = world.waiting["scheduled_at"], Later()
    world.clock.wait_until(slots[0] + HOUR)  # the first slot is missed
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=later)
        for slot in slots[1:]:
            world.clock.wait_until(slot)
            dispatcher.tick()
            assert len(later.given) == 1
        assert world.calls["contact_id"].to_list() == ["c1", "c2", "c3"]
        assert world.versions.height == 1
        later.do()
        dispatcher.tick()
        assert (dispatcher.tally.replanned, world.versions.height) == (1, 2)
    world.run(START + 2 * DAY)
    assert sorted(world.calls["contact_id"]) == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize("stop", [World.pause, World.cancel])
def test_nothing_is_published_of_a_campaign_that_was_stopped_while_it_waited_to_be_looked_after(home, stop):
    world = World(home, contacts(4))
    slots, later = world.waiting["scheduled_at"], Later()
    world.clock.wait_until(slots[0] + HOUR)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=later)
        dispatcher.tick()
        stop(world)
        later.do()
        dispatcher.tick()
    assert (dispatcher.tally.replanned, dispatcher.tally.errors, world.versions.height) == (0, [], 1)


def test_a_dispatcher_that_leaves_waits_for_the_slots_that_are_looked_for(home):
    world = World(home, contacts(4))
    world.clock.wait_until(world.waiting["scheduled_at"][0] + HOUR)
    with ThreadPoolExecutor(1) as beside, Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=beside)
        tally = dispatcher.run(world.clock.now() + timedelta(microseconds=1))
    assert (tally.ticks, tally.replanned, world.versions.height) == (1, 1, 2)


def test_who_was_given_up_is_so_once_also_where_slots_are_staged_meanwhile(home, monkeypatch):
    world = World(home, contacts(16), contact_timezone="contact", max_calls_per_day=4)
    world.load(contacts(16, ["Nowhere/Atall"] + [None] * 15), "again.csv")
    world.clock.wait_until(START + 2 * HOUR)
    replan_brief, times = replanning.replan_brief, []

    def meanwhile(home, found, starts_at, now):
        times.append(now)
        if len(times) == 1:
            assert not Stage(home, world.ledger).fill(now + DAY)
        return replan_brief(home, found, starts_at, now)

    monkeypatch.setattr(replanning, "replan_brief", meanwhile)
    world.run(START + 2 * HOUR + 6 * MINUTE)
    assert len(times) > 1
    assert (world.stored.contact_count, world.stored.excluded_count) == (15, 1)
    world.run(START + 20 * DAY)
    assert set(world.calls["contact_id"]) == {f"c{number}" for number in range(1, 16)}
    assert world.state == "completed"


def test_a_staged_slot_of_somebody_given_up_is_not_looked_after_for_ever(home, monkeypatch):
    world = World(home, contacts(4), contact_timezone="contact", end_time="10:04", max_calls_per_day=2)
    world.load(contacts(4, [None, "Nowhere/Atall", None, None]), "again.csv")
    world.run(START + 4 * MINUTE + timedelta(seconds=50))
    world.recovered()  # which stages the first version again
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    looked, replan = [], replanning._replan

    def counted(*of):
        looked.append(of)
        return replan(*of)

    monkeypatch.setattr(replanning, "_replan", counted)
    world.run(START + 3 * HOUR)
    assert len(looked) < 5
    world.run(START + 20 * DAY)
    assert world.calls["contact_id"].to_list() == ["c0", "c2", "c3"]
    assert world.state == "completed"
