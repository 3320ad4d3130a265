"""A sample of every row's trials with fresh seeds; ``python -m tests.faults`` does all of them."""

import os
import random
import time

import pytest

from tests.faults.rows import all_rows

_TRIALS = {"R": 3, "S": 20}
"""How many of each kind at most: enough to notice what has broken altogether."""

_SECONDS = 2.5
"""A row that has taken longer is not tried again."""


@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.name)
def test_the_fault_is_survived(row):
    draw = random.Random(f"{os.environ.get('TEST_SEED')} {row.name}")
    until = time.monotonic() + _SECONDS
    for done in range(min(_TRIALS[row.kind], row.trials)):
        if done and time.monotonic() > until:
            break
        seed = draw.randrange(2**31)
        broke = row.trial(seed)
        assert broke is None, f"row {row.number}{row.kind}, seed {seed}: {broke}"
