"""The logs of processes that run for weeks."""

import os
import shutil
from pathlib import Path

LONGEST_BYTES = 10_000_000
"""A log that is longer is begun anew; what it had is kept beside it until the next time."""


def shorten(log: Path) -> None:
    """Begin a log anew where it is too long: ``server.log`` becomes ``server.log.1``.

    It is emptied in its place, because whoever writes to it has it open, and appends.
    """
    if log.is_file() and log.stat().st_size > LONGEST_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
