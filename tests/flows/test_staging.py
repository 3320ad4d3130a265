"""Which slots come on the stage."""

from datetime import timedelta

import pytest

from flows.replanning import replan
from flows.staging import Stage
from tests.people import contacts
from tests.world import DAY, START, World

pytestmark = pytest.mark.scenario

HOUR = timedelta(hours=1)


def test_slots_of_a_version_that_was_replaced_meanwhile_do_not_come_on_the_stage(home, monkeypatch):
    world = World(home, contacts(3))
    world.clock.wait_until(START - timedelta(minutes=5))
    add = Stage._add

    def after_an_edit(*staged):
        monkeypatch.setattr(Stage, "_add", add)
        world.update(start_time="11:00")
        add(*staged)

    monkeypatch.setattr(Stage, "_add", after_an_edit)
    assert Stage(home, world.ledger).fill(world.clock.now()) == []
    with world.ledger.session() as session:
        assert not session._connection.execute("from slot where plan_version = 1").fetchall()


@pytest.mark.parametrize("made", [0, 2])
@pytest.mark.parametrize("ahead", [timedelta(minutes=10), 5 * HOUR, DAY, 2 * DAY])
def test_nobody_is_lost_whose_slot_was_passed_over_by_a_clock_that_was_ahead(home, ahead, made):
    world = World(home, contacts(6), max_calls_per_day=3)
    if made:
        world.run(START + made * HOUR)
    Stage(home, world.ledger).fill(world.clock.now() + ahead)  # and then its process was killed
    replan(home, world.ledger, world.campaign_id, world.clock.now())  # by one that staged before
    world.run(START + 3 * DAY)
    calls = world.calls
    assert sorted(calls["contact_id"]) == [f"c{number}" for number in range(6)]
    assert (calls["plan_version"] == 1).all()
    assert (calls["noted_at"] == calls["scheduled_at"]).all()
    assert world.state == "completed"
