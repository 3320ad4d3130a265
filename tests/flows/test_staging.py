"""Which slots come on the stage."""

from datetime import timedelta

from flows.staging import Stage
from tests.people import contacts
from tests.world import START, World


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
