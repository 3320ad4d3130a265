"""Who works on the ledger: each dispatcher holds a locked file of its own for as long as it lives.

A second file is locked while it checks, notes and sends a slice of calls. Whoever takes that lock after a
change was committed knows that no call can start any more that the change forbids.
"""

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from flows.clock import Clock
from flows.file_locks import is_locked
from flows.ledger import Ledger
from flows.processes import is_stopped

SLICE_LASTS = timedelta(milliseconds=250)
"""How long a dispatcher may check, note and send at a stretch."""

_LOOK_AGAIN_SECONDS = 0.005
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Owner:
    """A living dispatcher: the lock on its file is let go by the system when its process ends.

    Use it as a context manager; its name is ``owner_id``.
    """

    def __init__(self, folder: Path, ledger: Ledger, clock: Clock) -> None:
        self.owner_id = str(uuid.uuid4())
        self._ledger, self._clock = ledger, clock
        self._file, self._slice_file = _files_of(folder, self.owner_id)
        self._threads = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._slice_descriptor = os.open(self._slice_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
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
        """Say in the ledger that this dispatcher stopped, and let go of its files.

        With claims left in hand it stays on record as one that died, so that another takes them over.
        """
        try:
            with self._ledger.session() as session:
                is_done = not session.read("count_claims", owner_id=self.owner_id).item()
                if is_done:
                    session.write("end_owner", owner_id=self.owner_id, now=self._clock.now())
        finally:
            self.let_go()
        if is_done:
            remove_files(self._file.parent, self.owner_id)

    def let_go(self) -> None:
        """Close the files, as the system does when the process ends."""
        os.close(self._descriptor)
        os.close(self._slice_descriptor)

    @contextmanager
    def slice(self) -> Iterator[None]:
        """Hold the lock under which calls are checked, noted and sent."""
        with self._threads:
            fcntl.flock(self._slice_descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._slice_descriptor, fcntl.LOCK_UN)


@dataclass(frozen=True)
class Living:
    """A dispatcher that lives, as its file says."""

    owner_id: str
    pid: int
    host: str

    @property
    def is_stopped(self) -> bool:
        """Whether its process was stopped by a signal, as far as this machine can tell."""
        return self.host == socket.gethostname() and is_stopped(self.pid)

    def __str__(self) -> str:
        return f"dispatcher {self.owner_id[:8]} (pid {self.pid} on {self.host})"


def living(folder: Path) -> list[Living]:
    """Return the dispatchers that live, by their name."""
    found = []
    for file in sorted(folder.glob("*.lock")):
        if is_locked(file):
            said = json.loads(file.read_text(encoding="utf-8") or '{"pid": 0, "host": ""}')
            found.append(Living(file.stem, said["pid"], said["host"]))
    return found


def is_dead(folder: Path, owner_id: str) -> bool:
    """Return whether an owner is proven dead: its file is there and nobody holds its lock.

    A missing file proves nothing (the folder may not be the owner's), so it counts as alive.
    """
    file, _ = _files_of(folder, owner_id)
    return file.exists() and not is_locked(file)


def is_lost(folder: Path, owner_id: str) -> bool:
    """Return whether an owner's file is gone, so that nobody can tell whether it lives."""
    file, _ = _files_of(folder, owner_id)
    return not file.exists()


def remove_files(folder: Path, owner_id: str) -> None:
    """Remove the files of an owner that stopped or died and has nothing in hand."""
    for file in _files_of(folder, owner_id):
        file.unlink(missing_ok=True)


def lets_go_of_its_slice(folder: Path, owner_id: str, waits: timedelta) -> bool:
    """Wait until a dispatcher is between two slices or dead; return False if it is not in time."""
    _, slice_file = _files_of(folder, owner_id)
    gives_up = time.monotonic() + waits.total_seconds()
    while is_locked(slice_file) and not is_dead(folder, owner_id):
        if time.monotonic() > gives_up:
            return False
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True


def _files_of(folder: Path, owner_id: str) -> tuple[Path, Path]:
    return folder / f"{owner_id}.lock", folder / f"{owner_id}.slice"
