"""Which further attempts a recovered ledger has: those that the one it replaces had, and no other."""

from datetime import timedelta

import polars as pl
import pytest

from flows import campaigns, publishing, settling
from flows.dialers.dialer import UNSENT
from flows.dialers.replied import Replied
from flows.journal import Journal
from flows.owners import Owner
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

HOUR = timedelta(hours=1)
RETRY = {"max_attempts": 2, "delay_minutes": {"busy": 30}}


class Learnt(Chosen):
    """A dialer of whose calls nobody learns how they ended while it ``is_silent``."""

    is_silent = False

    def ended(self, calls, now):
        ended = super().ended(calls, now)
        return ended.clear() if self.is_silent else ended


def test_a_further_attempt_that_was_not_to_be_made_is_not_made_after_a_recovery(home):
    world = World(home, contacts(4), dialer=Chosen(lambda *_: "busy"))
    world.run(START + 4 * HOUR)
    made = world.calls.height
    assert 0 < made < 4
    world.update(retry=RETRY)  # for the calls from now on
    world.run(START + 4 * HOUR + timedelta(minutes=30))
    world.recovered()
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    again = world.calls.filter(pl.col("attempt") == 2)["contact_id"]
    assert sorted(again) == [f"c{number}" for number in range(made, 4)]


@pytest.mark.parametrize("is_recovered", [False, True])
@pytest.mark.parametrize("is_late", [False, True])
def test_further_attempts_that_wait_at_an_edit_are_made(home, is_late, is_recovered):
    dialer = Learnt(lambda *_: "busy")
    world = World(home, contacts(3), dialer=dialer, retry=RETRY | {"delay_minutes": {"busy": 60}})
    dialer.is_silent = is_late
    world.run(START + timedelta(minutes=5))
    world.clock.wait_until(START + timedelta(minutes=20))
    world.update(end_time="17:30")
    dialer.is_silent = False
    world.run(START + timedelta(minutes=25))  # a late outcome is of before the edit all the same
    if is_recovered:
        world.recovered()
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    made = {(f"c{number}", attempt) for number in range(3) for attempt in (1, 2)}
    assert set(world.calls.select("contact_id", "attempt").rows()) == made


@pytest.mark.parametrize("is_recovered", [False, True])
def test_a_further_attempt_that_has_lapsed_is_not_made_after_the_end_was_moved(home, is_recovered):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 60}}
    ends_at = (START + 2 * DAY + 5 * HOUR).isoformat()
    dialer = Chosen(lambda contact, _: "busy" if contact == "c0" else "completed")
    world = World(home, contacts(3), dialer=dialer, retry=retry, max_calls_per_day=1, ends_at=ends_at)
    world.run(START + 2 * HOUR)
    assert world.waiting.filter(pl.col("attempt") == 2).is_empty()
    world.update(ends_at=None)
    if is_recovered:
        world.recovered()
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.calls.select("contact_id", "attempt").rows() == [("c0", 1), ("c1", 1), ("c2", 1)]


@pytest.mark.parametrize("is_recovered", [False, True])
def test_a_call_that_was_settled_after_the_end_is_not_tried_again(home, is_recovered):
    dialer = Learnt(lambda *_: "busy")
    world = World(home, contacts(1), dialer=dialer, retry=RETRY, max_call_minutes=5)
    dialer.is_silent = True
    world.run(START + 4 * HOUR)
    settling.settle(home, world.ledger, world.campaign_id, "c0", "busy", world.clock.now())
    dialer.is_silent = False
    if is_recovered:
        assert world.recovered()["state"] == "completed"
    world.load(contacts(2), "more.csv")
    world.schedule()
    world.run(START + 20 * DAY)
    assert ("c0", 2) not in world.calls.select("contact_id", "attempt").rows()
    assert ("c1", 1) in world.calls.select("contact_id", "attempt").rows()


def test_a_further_attempt_that_went_back_over_an_edit_waits_once_after_a_recovery(home):
    world = World(home, contacts(2), dialer=Chosen(lambda *_: "busy"), retry=RETRY, max_calls_per_day=2)
    world.run(START + 5 * HOUR)
    (at,) = world.waiting.filter(pl.col("attempt") == 2)["scheduled_at"].head(1)
    world.clock.wait_until(at)
    owner = Owner(home.owners, world.ledger, world.clock)
    world.claim(owner)
    world.update(end_time="16:00")
    owner.let_go()  # killed before the note
    world.recovered()
    waiting = world.read("list_pending", campaign_id=world.campaign_id)
    assert not waiting.select("contact_id", "attempt").is_duplicated().any()
    world.update(end_time="17:00")
    assert not world.waiting.select("contact_id", "attempt").is_duplicated().any()


@pytest.mark.parametrize("is_recovered", [False, True])
def test_a_further_attempt_that_missed_its_slot_and_lapsed_is_not_made_after_the_end_was_moved(
    home, is_recovered
):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 60}}
    ends_at = (START + 4 * DAY + 5 * HOUR).isoformat()
    dialer = Chosen(lambda contact, _: "busy" if contact == "c0" else "completed")
    world = World(home, contacts(3), dialer=dialer, retry=retry, max_calls_per_day=1, ends_at=ends_at)
    world.run(START + 2 * HOUR)
    assert world.waiting["attempt"].to_list() == [1, 1, 2]
    world.clock.wait_until(START + 10 * DAY)
    world.run(START + 10 * DAY + HOUR)
    assert world.waiting.is_empty()
    if is_recovered:
        world.recovered()
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.update(ends_at=None)
    world.run(START + 40 * DAY)
    assert world.calls.select("contact_id", "attempt").rows() == [("c0", 1), ("c1", 1), ("c2", 1)]


@pytest.mark.parametrize("is_recovered", [False, True])
def test_a_further_attempt_that_waits_is_made_though_its_outcome_is_retried_no_more(home, is_recovered):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 60 * 24}}
    world = World(home, contacts(1), dialer=Chosen(lambda *_: "busy"), retry=retry)
    world.run(START + HOUR)
    world.update(retry=retry | {"delay_minutes": {"no_answer": 60}})
    if is_recovered:
        world.recovered()
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    world.run(START + 20 * DAY)
    assert world.calls.select("contact_id", "attempt").rows() == [("c0", 1), ("c0", 2)]


@pytest.mark.parametrize("is_recovered", [False, True])
def test_an_outcome_is_judged_by_the_settings_that_were_stored_and_not_told(home, monkeypatch, is_recovered):
    dialer = Learnt(lambda *_: "completed")
    dialer.is_silent = True
    retry = {"max_attempts": 2, "delay_minutes": {"no_answer": 30}}
    world = World(home, contacts(2), dialer=dialer, retry=retry, max_calls_per_day=1, max_call_minutes=5)
    world.run(START + 20 * HOUR)
    with monkeypatch.context() as killed:
        killed.setattr(publishing, "tell_soon", lambda *_: None)
        world.update(retry=RETRY)
    settling.settle(home, world.ledger, world.campaign_id, "c0", "busy", world.clock.now())
    if is_recovered:
        world.recovered()
        campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    dialer.is_silent = False
    world.run(START + 20 * DAY)
    assert sorted(world.calls.select("contact_id", "attempt").rows()) == [("c0", 1), ("c0", 2), ("c1", 1)]


class Unreachable(Chosen):
    """A dialer whose requests cannot leave; whether it ``was_tried`` it knows."""

    was_tried = False

    def send(self, requests, now):
        self.was_tried = True
        return Replied(super().send(requests, now).replies(now).with_columns(state=pl.lit(UNSENT)))


def test_a_call_that_went_back_before_an_edit_keeps_the_slot_of_the_edit_through_a_recovery(home):
    dialer = Unreachable(lambda *_: "completed")
    world = World(home, contacts(3), dialer=dialer, max_calls_per_day=1)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).run(START + HOUR, None, leaves=lambda _: dialer.was_tried)
    assert (Journal(home.journal).entries_after(0)[-1].kind, world.calls.height) == ("answer", 0)
    world.update(end_time="16:30")
    slots = world.waiting.select("contact_id", "attempt", "scheduled_at")
    world.recovered()
    assert slots.height == 3
    assert world.waiting.select("contact_id", "attempt", "scheduled_at").equals(slots)
