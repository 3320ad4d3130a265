"""Locked files as signs of life: the system lets go of a lock when the process that holds it ends."""

import fcntl
import os
import time
from pathlib import Path

_TRIES = 20
_BETWEEN_TRIES_SECONDS = 0.01
"""Whoever asks whether a file is locked holds its lock for some microseconds; that is waited for."""


def try_lock(file: Path) -> int | None:
    """Lock ``file``, made if it is new; return the descriptor that holds the lock, None where it is held."""
    for _ in range(_TRIES):
        if (descriptor := _locked_at_once(file, fcntl.LOCK_EX)) is not None:
            return descriptor
        time.sleep(_BETWEEN_TRIES_SECONDS)
    return None


def is_locked(file: Path) -> bool:
    """Return whether somebody holds the lock of ``file``; a missing one nobody holds."""
    if not file.exists():
        return False
    descriptor = _locked_at_once(file, fcntl.LOCK_SH)  # of any number who ask none finds another there
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def _locked_at_once(file: Path, how: int) -> int | None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
