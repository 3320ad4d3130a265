"""Every row there is: those with real processes, and the simulated ones."""

from tests.faults.real import (
    absent,
    commands,
    connections,
    deadly,
    exhausted,
    full_disk,
    held,
    killed,
    publications,
    restored,
    sharing,
)
from tests.faults.row import Row
from tests.faults.simulated import rows as simulated

_REAL = (
    killed,
    commands,
    connections,
    sharing,
    held,
    deadly,
    full_disk,
    exhausted,
    restored,
    publications,
    absent,
)


def all_rows() -> list[Row]:
    """Return the rows by number, real before simulated."""
    found = [row for module in (*_REAL, simulated) for row in module.ROWS]
    return sorted(found, key=lambda row: (row.number, row.kind))
