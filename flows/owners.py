"""Who works on the ledger: each dispatcher holds a locked file of its own for as long as it lives."""

import fcntl
import os
import socket
import uuid
from pathlib import Path
from typing import Self

from flows.clock import Clock
from flows.ledger import Ledger

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Owner:
    """A living dispatcher: the lock on its file is let go by the system when its process ends.

    Use it as a context manager; its name is ``owner_id``.
    """

    def __init__(self, folder: Path, ledger: Ledger, clock: Clock) -> None:
        self.owner_id = str(uuid.uuid4())
        self._file = _file_of(folder, self.owner_id)
        self._ledger, self._clock = ledger, clock
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with ledger.session() as session:
            session.write(
                "add_owner",
                owner_id=self.owner_id,
                host=socket.gethostname(),
                pid=os.getpid(),
                boot_id=_BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.exists() else "",
                now=clock.now(),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Say in the ledger that this dispatcher stopped, and let go of its file."""
        with self._ledger.session() as session:
            session.write("end_owner", owner_id=self.owner_id, now=self._clock.now())
        os.close(self._descriptor)
        self._file.unlink()


def is_dead(folder: Path, owner_id: str) -> bool:
    """Return whether an owner is proven dead: its file is there and nobody holds its lock.

    A missing file proves nothing (the folder may not be the owner's), so it counts as alive.
    """
    file = _file_of(folder, owner_id)
    if not file.exists():
        return False
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _file_of(folder: Path, owner_id: str) -> Path:
    return folder / f"{owner_id}.lock"
