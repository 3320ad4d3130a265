"""A sample of every row's trials with fresh seeds; ``python -m tests.faults`` does all of them."""

import os
import random

import pytest

from tests.faults.rows import all_rows

_TRIALS = {"R": 3, "S": 20}
"""How many of each kind: enough to notice what has broken altogether."""


@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.name)
def test_the_fault_is_survived(row):
    draw = random.Random(f"{os.environ.get('TEST_SEED')} {row.name}")
    for _ in range(min(_TRIALS[row.kind], row.trials)):
        seed = draw.randrange(2**31)
        broke = row.trial(seed)
        assert broke is None, f"row {row.number}{row.kind}, seed {seed}: {broke}"
