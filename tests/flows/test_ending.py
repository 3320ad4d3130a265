"""How a dispatcher ends that is told to while calls are under way."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from flows.owners import Owner
from flows.pools import SteppedPool
from tests.faults.real.commands import finish
from tests.faults.real.live import open_live
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


def test_told_to_end_twice_a_dispatcher_leaves_at_once_and_the_next_one_looks_after_its_calls():
    with open_live(1, seed=1, delay_seconds=300) as live:
        live.open_campaign(timedelta(seconds=1))
        command = live.start_cold("dispatch", "--for", "60s")
        _wait_until(live.heard_bytes)
        os.kill(command.pid, signal.SIGINT)
        _wait_until(lambda: "comes to its end first" in live.said())
        assert command.ended(0.5) is None
        os.kill(command.pid, signal.SIGINT)
        assert command.ended(30) == 130
        assert "left at once" in live.said()
        live.provider.set(delay_seconds=0)
        assert finish(live) is None
        assert live.judged() is None


def test_a_question_that_takes_long_is_ended_without_a_word():
    with open_live(1, seed=1) as live:
        live.open_campaign(timedelta(seconds=1))
        question = "select count(*) from range(300_000) a, range(60_000) b where (a.range * b.range) % 7 = 3"
        command = live.start_cold("sql", question)
        _wait_until(lambda: _cpu_seconds(command.pid) > 4)
        os.kill(command.pid, signal.SIGINT)
        assert command.ended(30) == 130
        assert live.said() == ""


def _cpu_seconds(pid):
    """Return how long a process has worked: past its start it is at the question."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _wait_until(is_so):
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)
