"""Opening a DuckDB file: one process at a time, guarded by a lock file of our own.

DuckDB's own lock drops silently when any code in the process opens and closes the database file, and a
second writer then loses commits. So every opening goes through ``flock`` on a separate file, and nothing
else ever touches the database file.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from flows.errors import WorkError
from flows.processes import is_stopped


class StuckError(WorkError):
    """A lock is held by a process that a signal has stopped."""


class BusyError(WorkError):
    """A lock is held by somebody else, and waiting for it was not wanted."""


class DamagedDatabaseError(WorkError):
    """A database file is not what DuckDB wrote: a kill in the midst of writing a block leaves it torn."""


@contextmanager
def locked(lock_file: Path, *, waits: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on ``lock_file``, waiting for it fairly, for the length of the block.

    Raises:
        StuckError: whoever holds it is stopped, so that waiting might never end.
        BusyError: somebody holds it, where nobody ``waits``.
    """
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse_stopped(lock_file, descriptor)
            if not waits:
                raise BusyError(f"{lock_file}: somebody else holds this lock") from None
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.pwrite(descriptor, b"%-12d" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)


def _refuse_stopped(lock_file: Path, descriptor: int) -> None:
    said = os.pread(descriptor, 12, 0).strip()
    if said.isdigit() and is_stopped(int(said)):
        raise StuckError(
            f"{lock_file}: process {int(said)} holds this lock and is stopped; let it go on or end it"
        )


def lock_of(database_file: Path) -> Path:
    """Return the file whose lock guards a database file."""
    return database_file.with_suffix(".lock")


@contextmanager
def opened(database_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to ``database_file`` under its lock, in UTC."""
    with locked(lock_of(database_file)), duckdb.connect(database_file) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


class DatabaseFile:
    """A database file that is opened again and again, in UTC, and closed in between.

    Most of what opening costs is beginning a DuckDB (12 ms), so one stays and the file is attached to it
    (half a millisecond). Whatever raises may have spoilt it: then the next opening begins another.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection to the file under its lock.

        Raises:
            DamagedDatabaseError: a block of the file is not what was written.
        """
        with locked(lock_of(self._file)):
            connection = self._duckdb or self._begun()
            self._duckdb = None
            try:
                connection.execute("attach $file as opened", {"file": str(self._file)})
                connection.execute("use opened")
                yield connection
            except BaseException as error:
                connection.close()
                if str(error).startswith("Corrupt database file"):
                    raise DamagedDatabaseError(
                        f"{self._file}: {error}; `callplan recover` builds the ledger anew"
                    ) from error
                raise
            try:
                connection.execute("use memory")
                connection.execute("detach opened")
            except duckdb.Error:  # a full disk, mostly: what was committed stays in the log beside the file
                connection.close()
            else:
                self._duckdb = connection

    def _begun(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"temp_directory": f"{self._file}.tmp"})
        connection.execute("set timezone = 'UTC'")
        return connection


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit the block as one transaction, or roll it back and raise what went wrong."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
