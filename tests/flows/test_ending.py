"""How a dispatcher ends that is told to while calls are under way."""

from datetime import timedelta

import pytest

from flows.owners import Owner
from flows.pools import SteppedPool
from tests.people import contacts
from tests.world import START, World


class Interrupted(SteppedPool):
    """A pool during whose first three waits with calls under way somebody presses Ctrl-C."""

    pressed = 0

    def wait_until(self, instant):
        was_empty = self.is_empty
        super().wait_until(instant)
        if not was_empty and self.pressed < 3:
            self.pressed += 1
            raise KeyboardInterrupt


def test_what_was_under_way_is_recorded_however_often_a_dispatcher_is_told_to_end(home):
    world = World(home, contacts(3), start_time="10:00", end_time="10:01")
    world.clock.wait_until(START)
    reach = timedelta(seconds=30)
    with Owner(home.owners, world.ledger, world.clock) as owner:
        dispatcher = world.dispatcher(owner, Interrupted, reach=reach)
        with pytest.raises(KeyboardInterrupt):
            dispatcher.run(START + timedelta(minutes=2), reach)
    assert world.calls["state"].to_list() == ["in_progress"] * 2
    assert not world.calls["provider_call_id"].null_count()
