"""What a clock that was ahead has left behind, once it is right."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from flows import campaigns, replanning, scheduling
from flows.archiving import archive_closed_days
from flows.clock import MovedClockError
from flows.ledger import Ledger
from flows.owners import Owner
from flows.staging import Stage
from tests.people import contacts
from tests.world import DAY, START, Chosen, World

pytestmark = pytest.mark.scenario

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
EVERYBODY = [f"c{number}" for number in range(6)]


def _world(home, **settings):
    """A campaign of two days, of which one of six contacts is called."""
    world = World(home, contacts(6), max_calls_per_day=3, **settings)
    world.run(START + HOUR)
    return world


def _tick_ahead(world, ahead):
    world.clock.set_by(ahead)
    with Owner(world.home.owners, world.ledger, world.clock) as owner:
        world.dispatcher(owner).tick()
    world.clock.set_by(-ahead)


def _recover(world):
    world.recovered()
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())


def _all_are_called_by(world, until):
    world.run(until)
    assert sorted(world.calls["contact_id"]) == EVERYBODY
    assert world.calls["scheduled_at"].max() < until
    assert world.state == "completed"


def test_who_found_no_date_by_it_is_looked_for_again(home):
    world = _world(home, ends_at="2026-03-25T17:00:00")
    _tick_ahead(world, 3 * DAY)  # past the end
    assert world.read("list_pending", campaign_id=world.campaign_id)["plan_version"].is_null().all()
    _all_are_called_by(world, START + 2 * DAY + 8 * HOUR)


@pytest.mark.parametrize("is_recovered", [False, True])
def test_who_got_a_slot_of_a_far_day_by_it_gets_another(home, is_recovered):
    world = _world(home)
    _tick_ahead(world, YEAR)
    if is_recovered:
        _recover(world)
    assert world.versions["first_at"].max() > START + 300 * DAY
    _all_are_called_by(world, START + 2 * DAY)
    assert world.versions.height == 3  # it is looked for once


def test_a_further_attempt_that_got_a_slot_of_a_far_day_by_it_gets_another(home):
    retry = {"max_attempts": 2, "delay_minutes": {"busy": 60}}
    busy = Chosen(lambda _, attempt: "busy" if attempt == 1 else "completed")
    world = World(home, contacts(6), max_calls_per_day=6, retry=retry, dialer=busy)
    world.run(START + HOUR)
    _tick_ahead(world, YEAR)
    world.run(START + 5 * DAY)
    assert sorted(world.calls.select("contact_id", "attempt").rows()) == [
        (contact, attempt) for contact in EVERYBODY for attempt in (1, 2)
    ]
    assert world.state == "completed"


@pytest.mark.parametrize("is_recovered", [False, True])
def test_a_slot_of_a_far_day_by_it_is_of_no_account_once_its_contact_is_called(home, is_recovered):
    world = World(home, contacts(12), max_calls_per_day=3)
    world.run(START + HOUR)
    _tick_ahead(world, 3 * DAY)
    world.run(START + 2 * DAY + 10 * HOUR)
    assert world.calls.height == 9
    if is_recovered:
        _recover(world)
    world.clock.set_by(2 * DAY)  # the far days go by without a dispatcher
    tally = world.run(START + 14 * DAY)
    assert sorted(world.calls["contact_id"]) == sorted(f"c{number}" for number in range(12))
    assert world.read("list_pending", campaign_id=world.campaign_id).is_empty()
    assert (world.state, tally.errors) == ("completed", [])


def test_a_slot_of_a_far_day_by_it_is_not_staged_while_its_call_leaves_the_ledger(home, monkeypatch):
    world = World(home, contacts(6), max_calls_per_day=3)
    world.run(START + HOUR)
    _tick_ahead(world, 3 * DAY)
    world.run(START + 8 * HOUR)
    made, read_next = world.calls.select("contact_id", "attempt"), Stage._read_next
    archived = []

    def while_another_archives(*version):
        if not archived:
            archived.append(archive_closed_days(home, world.ledger, world.clock.now()))
        return read_next(*version)

    monkeypatch.setattr(Stage, "_read_next", while_another_archives)
    world.clock.set_by(3 * DAY + HOUR - 8 * HOUR)
    world.run(START + 4 * DAY)
    assert archived == [[]]
    assert world.read("list_past_days", campaign_id=world.campaign_id, from_date=None).height >= 1
    assert made.height == 3
    assert sorted(world.calls["contact_id"]) == EVERYBODY  # nobody twice


def test_slots_that_it_finds_while_it_is_set_right_are_looked_for_again(home, monkeypatch):
    begun, may_go_on, publish = threading.Event(), threading.Event(), replanning.publish

    def slowly(*publication):
        begun.set()
        assert may_go_on.wait(30)
        return publish(*publication)

    world = _world(home)
    monkeypatch.setattr(replanning, "publish", slowly)
    world.clock.set_by(YEAR)
    with ThreadPoolExecutor(1) as beside, Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, beside=beside)
        dispatcher.tick()
        assert begun.wait(30)
        world.clock.set_by(-YEAR)
        may_go_on.set()
        with pytest.raises(MovedClockError):
            dispatcher.run(START + DAY, timedelta(seconds=1))
    world.clock.set_by(START + HOUR - world.clock.now())  # hours went by while it waited for a real thread
    assert world.versions["first_at"].max() > START + 300 * DAY
    _all_are_called_by(world, START + 2 * DAY)


def test_a_recovery_by_it_keeps_nobody_waiting(home):
    world = _world(home)
    world.clock.set_by(YEAR)
    world.recovered()
    world.clock.set_by(-YEAR)
    campaigns.resume(world.ledger, world.campaign_id, world.clock.now())
    _all_are_called_by(world, START + 2 * DAY)


@pytest.mark.parametrize("is_archived", [False, True])
def test_who_is_called_while_it_finds_no_date_for_them_does_not_wait_for_one(home, monkeypatch, is_archived):
    world = World(home, contacts(3), ends_at="2026-03-23T17:00:00")
    world.run(START + 2.25 * HOUR)  # the second slot is on the stage
    publish = replanning.publish

    def after_the_right_clock_has_called(*publication):
        monkeypatch.setattr(replanning, "publish", publish)
        world.run(START + 2.5 * HOUR)
        if is_archived:
            assert archive_closed_days(home, world.ledger, world.clock.now() + 3 * DAY) == []
        return publish(*publication)

    monkeypatch.setattr(replanning, "publish", after_the_right_clock_has_called)
    replanning.replan(home, world.ledger, world.campaign_id, world.clock.now() + DAY)
    made = world.calls.select("contact_id", "attempt")
    assert made.height == 2
    pending = world.read("list_pending", campaign_id=world.campaign_id)
    assert pending.join(made, on=["contact_id", "attempt"]).is_empty()
    world.run(START + DAY)
    assert world.state == "completed"


def test_who_is_called_and_archived_while_an_edit_is_computed_by_it_is_planned_once(home, monkeypatch):
    world, publish = World(home, contacts(6), max_calls_per_day=3), scheduling.publish
    world.run(START + HOUR)

    def after_the_right_clock_has_called(*publication):
        monkeypatch.setattr(scheduling, "publish", publish)
        world.run(START + 8 * HOUR)
        assert archive_closed_days(home, world.ledger, world.clock.now() + 3 * DAY) == []
        return publish(*publication)

    monkeypatch.setattr(scheduling, "publish", after_the_right_clock_has_called)
    scheduling.update(
        home, world.ledger, world.campaign_id, {"max_calls_per_day": 2}, world.clock.now() + 3 * DAY
    )
    assert world.calls.height == 3
    assert world.stored.contact_count == 6
    world.run(START + 20 * DAY)
    assert sorted(world.calls["contact_id"]) == EVERYBODY
    assert world.state == "completed"


@pytest.mark.parametrize("version", [9, 10])
def test_what_it_passed_over_before_an_upgrade_is_staged_again(home, version):
    world = _world(home)
    Stage(home, world.ledger).fill(world.clock.now() + 2 * DAY)  # and then its process was killed
    older = world.older_copy()
    older._kept.execute("update plan_version set missed_until = null")  # nobody noted it
    older._kept.execute("alter table slot drop column has_new_zone")
    if version == 9:
        older._kept.execute("drop view current_version")
        older._kept.execute("alter table plan_version drop column missed_until")
    older._kept.execute("update ledger_version set version = $1", [version])
    older.close()
    world.ledger = Ledger(older.file, keep_open=True)
    _all_are_called_by(world, START + 2 * DAY)
