"""Taking out each guard in turn: a check that cannot fail proves nothing."""

import random
import sys

from tests.faults.real.guards import GUARDS, Guard, without
from tests.faults.rows import all_rows
from tests.faults.simulated.guards import SIMULATED_GUARDS, SimulatedGuard
from tests.faults.trying import ERROR, outcome

MOST_TRIALS = 40
"""A guard without which so many trials hold guards nothing that they try."""

MOST_WORLDS = 10
"""The same of worlds in simulated time, in each of which a fault is met hundreds of times."""

SCALE = 0.2
"""How large their worlds are."""


def show_guards(draw: random.Random, named: str | None = None) -> int:
    """Print for each guard, or those so ``named``, the row and seed that fail without it; 1 if none does."""
    unproven = 0
    for guard in (guard for guard in (*GUARDS, *SIMULATED_GUARDS) if named is None or named in guard.name):
        found = failing_seed(guard, draw)
        unproven += found is None
        said = "no trial fails without it" if found is None else f"seed {found[0]}: {found[1]}"
        sys.stdout.write(f"{guard.name}\n    row {guard.row}{kind_of(guard)}, {said}\n")
        sys.stdout.flush()
    return int(unproven > 0)


def kind_of(guard: Guard | SimulatedGuard) -> str:
    """Return in which kind of row a guard is taken out."""
    return "S" if isinstance(guard, SimulatedGuard) else "R"


def failing_seed(guard: Guard | SimulatedGuard, draw: random.Random) -> tuple[int, str] | None:
    """Return a seed whose trial fails without the guard and holds with it, and what broke then.

    An error shows nothing: it has to be the judge who says what the guard keeps from happening.
    """
    kind = kind_of(guard)
    row = next(row for row in all_rows() if row.number == guard.row and row.kind == kind)
    for _ in range(MOST_WORLDS if kind == "S" else MOST_TRIALS):
        seed = draw.randrange(2**31)
        with guard.take_out() if kind == "S" else without((guard.name,)):
            broke = outcome(row, seed, SCALE)["broke"]
        if broke and not broke.startswith(ERROR) and outcome(row, seed, SCALE)["broke"] is None:
            return seed, broke.strip().splitlines()[-1]
    return None
