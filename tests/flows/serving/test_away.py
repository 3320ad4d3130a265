"""Somebody stands in once the server has been silent for half a minute, and only then."""

import subprocess
import sys

import pytest

from flows.serving.away import Away


class World:
    """A clock, a server that answers or not, and stand-ins that wait until they are told to end."""

    def __init__(self):
        self.at, self.answers = 0.0, True
        self.begun, self.swept, self.told = [], [], []
        self.away = Away(lambda: self.answers, self._begin, self._sweep, self.told.append, lambda: self.at)

    def _begin(self):
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
        self.begun.append((self.at, process))
        return process

    def _sweep(self):
        self.swept.append(self.at)
        process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({len(self.swept) < 3})"])
        process.wait(30)
        return process

    def end_stand_in(self, place):
        process = self.begun[place][1]
        process.stdin.close()
        process.wait(30)

    def look_until(self, at):
        while self.at < at:
            self.at += 1.0
            self.away.look()


@pytest.fixture
def world():
    made = World()
    yield made
    for place in range(len(made.begun)):
        made.end_stand_in(place)


def test_nobody_stands_in_while_the_server_answers_or_is_only_restarted(world):
    world.look_until(100)
    world.answers = False
    world.look_until(130)
    world.answers = True
    world.look_until(200)
    assert (world.begun, world.swept) == ([], [])


def test_one_stands_in_while_the_server_is_away_and_another_follows_where_it_ends(world):
    world.look_until(100)
    world.answers = False
    world.look_until(200)
    assert [at for at, _ in world.begun] == [135]  # it answered at 100, and is asked every 5 seconds
    world.end_stand_in(0)
    world.look_until(206)
    assert [at for at, _ in world.begun] == [135, 205]
    assert world.told == ["the Prefect server is away: calls are placed without it"] * 2


def test_what_is_late_is_swept_away_once_the_server_is_back(world):
    world.look_until(100)
    world.answers = False
    world.look_until(200)
    assert world.swept == []
    world.answers = True
    world.look_until(300)
    assert world.swept == [205, 210, 215]  # twice it fails


def test_the_stand_in_is_ended_in_order(world):
    world.answers = False
    world.look_until(40)
    world.away.end(30)
    assert world.begun[0][1].poll() is not None
