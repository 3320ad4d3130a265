"""Every row there is: those with real processes, and the simulated ones."""

from importlib.util import find_spec

from tests.faults.real import (
    absent,
    commands,
    connections,
    deadly,
    full_disk,
    held,
    killed,
    publications,
    restored,
    sharing,
)
from tests.faults.row import Row

_REAL = (killed, commands, connections, sharing, held, deadly, full_disk, restored, publications, absent)


def all_rows() -> list[Row]:
    """Return the rows by number, real before simulated."""
    found = [row for module in _REAL for row in module.ROWS]
    if find_spec("tests.faults.simulated.rows") is not None:
        from tests.faults.simulated.rows import ROWS

        found += ROWS
    return sorted(found, key=lambda row: (row.number, row.kind))
