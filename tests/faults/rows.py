"""Every row there is: those with real processes, and the simulated ones."""

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
    full_disk,
    held,
    killed,
    publications,
    restored,
    sharing,
)
from tests.faults.row import Row
from tests.faults.simulated import rows as simulated

<<<<<<< HEAD
_REAL = (killed, commands, connections, sharing, held, deadly, full_disk, restored, publications, absent)
=======
_ROOMS = (killed, connections, sharing, held, full_disk, exhausted, restored, publications, simulated)
>>>>>>> d8dddf4 (Try a dispatcher without memory, file descriptors or names)


def all_rows() -> list[Row]:
    """Return the rows by number, real before simulated."""
    return sorted((row for room in _ROOMS for row in room.ROWS), key=lambda row: (row.number, row.kind))
