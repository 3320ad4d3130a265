"""The seed of a run: what its randomised tests draw, how many examples they take, and how many they held."""

import os
import random
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

SEED = int(os.environ.setdefault("TEST_SEED", str(random.SystemRandom().randrange(2**32))))
"""Seeds what is drawn in this run, in each of its processes; set TEST_SEED to repeat one."""

EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "500"))
"""How often the planner is held against the oracle, over all tests that do so."""

ZONES_TRIED = min(1.0, EXAMPLES / 5_000)
"""How large a part of all time zones is gone through, clock change by clock change."""

LIVES = int(os.environ.get("TEST_LIVES", "1"))
"""How many campaigns live through random steps."""

RECOVERIES = int(os.environ.get("TEST_RECOVERIES", "2"))
"""In how many lives of campaigns the ledger is lost, twice in each."""

SCENARIOS = int(os.environ.get("TEST_SCENARIOS", "100"))
"""How many percent of the tests marked ``scenario`` are run, drawn by the seed."""


def share(percent: int) -> int:
    """Return how many of the planner's examples a test takes that has ``percent`` of them."""
    return max(1, EXAMPLES * percent // 100)


_held: Counter[str] = Counter()


def counted(test: Callable[..., None]) -> Callable[..., None]:
    """Count the examples that a test holds; those that are drawn in vain, or fail, do not count."""

    @wraps(test)
    def counting(*arguments: Any, **named: Any) -> None:
        test(*arguments, **named)
        _held[test.__name__] += 1

    return counting


def held_by(test_name: str) -> int:
    """Return how many examples a test has held in this process."""
    return _held[test_name]
