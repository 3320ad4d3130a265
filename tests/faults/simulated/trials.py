"""How a trial in simulated time goes: a world lives, is settled, and is judged; its faults are counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.row import Trial, Tried
from tests.faults.simulated.attempts import completed_is_over, delays_are_kept, further_attempts_are_made
from tests.faults.simulated.between import BETWEEN
from tests.faults.simulated.judging import (
    never_too_many_in_flight,
    nobody_is_left_off_the_stage,
    nobody_is_lost,
    outcomes_are_true,
    slots_are_freed_once,
)
from tests.faults.simulated.leaving import (
    caps_hold,
    nobody_rings_twice,
    requests_are_allowed,
    starts_keep_the_pace,
)
from tests.faults.simulated.network import Weather
from tests.faults.simulated.shape import Shape
from tests.faults.simulated.world import DAY, World

Judge = Callable[[World], Iterator[str]]

JUDGES: tuple[Judge, ...] = (
    nobody_rings_twice,
    requests_are_allowed,
    starts_keep_the_pace,
    caps_hold,
    never_too_many_in_flight,
    slots_are_freed_once,
    nobody_is_lost,
    further_attempts_are_made,
    delays_are_kept,
    completed_is_over,
    outcomes_are_true,
)
"""Those of every world, I1 to I6."""

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
    return replace(PLAIN, **({"weather": HARD, "dispatchers": 2, "between": BETWEEN} | changes))


def lives(shape: Shape, met: Sequence[str], *more: Judge) -> Trial:
    """Return a trial that lives through a world of ``shape``, settles it and judges it.

    ``met`` names the faults that count; ``more`` are judges beside those of every world.
    """

    def trial(seed: int, scale: float = 1.0) -> Tried:
        with World(seed, shape.scaled(scale)) as world:
            world.live(shape.opens_at + shape.days * DAY)
            return settled(world, met, *more)

    return trial


def settled(world: World, met: Sequence[str], *more: Judge) -> Tried:
    """Settle a world and judge it; the stage before that, as an edit that settles would mend it."""
    if left := next(nobody_is_left_off_the_stage(world), None):
        return broken(world, met, left)
    world.settle()
    return verdict(world, met, *more)


def verdict(world: World, met: Sequence[str], *more: Judge) -> Tried:
    """Judge a world, and say how often it met the faults ``met``."""
    world.network.catch_up()
    found = [sentence for judges in JUDGES for sentence in judges(world)]
    found = found or [sentence for judges in more for sentence in judges(world)]
    others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return broken(world, met, found[0] + others) if found else Tried(None, world.met(*met))


def broken(world: World, met: Sequence[str], found: str) -> Tried:
    """Say what broke in a world."""
    return Tried(f"seed {world.seed}: {found}", world.met(*met))
