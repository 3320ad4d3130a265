"""A sample of the trials with fresh seeds; ``python -m tests.faults`` does all of them."""

import os
import random

import pytest

from tests.faults.real.guards import GUARDS
from tests.faults.rows import all_rows
from tests.faults.simulated.guards import SIMULATED_GUARDS

REAL, SIMULATED = 5, 1
"""How many rows with real processes, and how many in simulated time, a run tries."""

SCALE = 0.1
"""How large their worlds are: one of full size takes a minute."""

SOON_OVER = (8, 9, 10, 11, 13, 14, 15, 16, 22, 26, 29)
"""The rows whose small worlds are over within half a minute: a run of the tests draws one of them."""

_draw = random.Random(os.environ["TEST_SEED"])
_REAL = _draw.sample([row for row in all_rows() if row.kind == "R" and row.sampled], REAL)
_DRAWN = _draw.sample([row for row in all_rows() if row.kind == "S" and row.number in SOON_OVER], SIMULATED)


@pytest.mark.parametrize("row", [*_REAL, *_DRAWN], ids=lambda row: row.name)
def test_the_fault_is_survived(row):
    seed = random.Random(f"{os.environ['TEST_SEED']} {row.name}").randrange(2**31)
    broke = row.sample_tried(seed, SCALE).broke
    assert broke is None, f"row {row.number}{row.kind}, seed {seed}: {broke}"


@pytest.mark.parametrize("guard", [*GUARDS, *SIMULATED_GUARDS], ids=lambda guard: guard.name)
def test_what_a_guard_is_made_of_is_there_to_be_taken_out(guard):
    with guard.take_out():
        pass
