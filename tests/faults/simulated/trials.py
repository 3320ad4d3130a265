"""How a trial in simulated time goes: a world lives, is settled, and is judged; its faults are counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.row import Trial, Tried
from tests.faults.simulated.judging import judge, nobody_is_left_off_the_stage
from tests.faults.simulated.network import Weather
from tests.faults.simulated.shape import Shape
from tests.faults.simulated.world import DAY, World

Judge = Callable[[World], Iterator[str]]

PLAIN = Shape()
HARD = Weather(
    calls={"timeout_placed": 0.05, "timeout_late": 0.05, "error": 0.05, "limited": 0.01, "unsent": 0.05},
    look_ups={"lost": 0.1, "404": 0.05, "word": 0.05, "late": 0.1, "repeated": 0.1},
    endless=0.02,
)
"""A day on which everything goes a little wrong: what people do is tried in it."""


def shaped(calls: Mapping[str, float], **changes: Any) -> Shape:
    """Return a plain shape but for what goes wrong with calls, and for ``changes``."""
    return replace(PLAIN, weather=Weather(calls=calls), **changes)


def tried_by_people(**changes: Any) -> Shape:
    """Return the shape of a world with two dispatchers in which everything goes a little wrong."""
    return replace(PLAIN, **({"weather": HARD, "dispatchers": 2} | changes))


def lives(shape: Shape, met: Sequence[str], *more: Judge) -> Trial:
    """Return a trial that lives through a world of ``shape``, settles it and judges it.

    ``met`` names the faults that count; ``more`` are judges beside those of every world.
    """

    def trial(seed: int, scale: float = 1.0) -> Tried:
        with World(seed, shape.scaled(scale)) as world:
            world.live(shape.opens_at + shape.days * DAY)
            if left := next(nobody_is_left_off_the_stage(world), None):  # an edit that settles would mend it
                return broken(world, met, left)
            world.settle()
            return verdict(world, met, *more)

    return trial


def verdict(world: World, met: Sequence[str], *more: Judge) -> Tried:
    """Judge a world, and say how often it met the faults ``met``."""
    found = judge(world)
    for judges in () if found else more:
        found = found or next(judges(world), None)
    return Tried(None if found is None else f"seed {world.seed}: {found}", world.met(*met))


def broken(world: World, met: Sequence[str], found: str) -> Tried:
    """Say what broke before a world was judged."""
    return Tried(f"seed {world.seed}: {found}", world.met(*met))
