"""A process that ends is started again, after pauses that grow while it keeps ending."""

import subprocess
import sys
from itertools import pairwise

import pytest

from flows.serving.kept import Kept


@pytest.fixture
def world():
    return World()


class World:
    """A clock, and processes that end when they are told to."""

    def __init__(self):
        self.at = 0.0
        self.begun, self.told = [], []
        self.kept = Kept("runner", self._begin, self.told.append, lambda: self.at)

    def _begin(self):
        waits = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        process = subprocess.Popen(waits, stdin=subprocess.PIPE)
        self.begun.append((self.at, process))
        return process

    def end(self):
        process = self.begun[-1][1]
        process.stdin.close()
        process.wait(30)

    def look_until(self, at):
        while self.at < at:
            self.kept.look()
            self.at += 0.5


@pytest.fixture(autouse=True)
def _leaves_nothing_running(world):
    yield
    world.end()


def test_a_living_process_is_left_alone(world):
    world.look_until(60)
    assert len(world.begun) == 1
    assert world.told == []


def test_a_process_that_keeps_ending_is_started_again_after_growing_pauses(world):
    world.end()
    for _ in range(7):
        begun = len(world.begun)
        while len(world.begun) == begun:
            world.look_until(world.at + 0.5)
        world.end()
    starts = [at for at, _ in world.begun]
    pauses = [after - before for before, after in pairwise(starts)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert world.told == ["the runner ended with 0 and is started again"] * 7


def test_a_process_that_was_fine_for_a_while_is_started_again_at_once(world):
    world.end()
    world.look_until(10)
    world.look_until(200)
    world.end()
    ended_at = world.at
    world.kept.look()
    assert [at for at, _ in world.begun] == [0, 1, ended_at]
