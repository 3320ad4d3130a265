"""Locked files as signs of life: the system lets go of a lock when the process that holds it ends."""

import fcntl
import os
from pathlib import Path


def try_lock(file: Path) -> int | None:
    """Lock ``file``, made if it is new; return the descriptor that holds the lock, None where it is held."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(file: Path) -> bool:
    """Return whether somebody holds the lock of ``file``; a missing one nobody holds."""
    if not file.exists():
        return False
    descriptor = try_lock(file)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None
