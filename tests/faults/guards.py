"""Taking out each guard in turn: a check that cannot fail proves nothing."""

import random
import sys

from tests.faults.real.guards import GUARDS, Guard, without
from tests.faults.rows import all_rows
from tests.faults.table import outcome

MOST_TRIALS = 40
"""A guard without which so many trials hold guards nothing that they try."""


def show_guards(draw: random.Random, named: str | None = None) -> int:
    """Print for each guard, or those so ``named``, the row and seed that fail without it; 1 if none does."""
    unproven = 0
    for guard in (guard for guard in GUARDS if named is None or named in guard.name):
        found = failing_seed(guard, draw)
        unproven += found is None
        said = "no trial fails without it" if found is None else f"seed {found[0]}: {found[1]}"
        sys.stdout.write(f"{guard.name}\n    row {guard.row}, {said}\n")
        sys.stdout.flush()
    return int(unproven > 0)


def failing_seed(guard: Guard, draw: random.Random) -> tuple[int, str] | None:
    """Return a seed whose trial fails without the guard, and what broke then."""
    row = next(row for row in all_rows() if row.number == guard.row and row.kind == "R")
    for _ in range(MOST_TRIALS):
        seed = draw.randrange(2**31)
        with without((guard.name,)):
            broke = outcome(row, seed)["broke"]
        if broke:
            return seed, broke.strip().splitlines()[-1]
    return None
