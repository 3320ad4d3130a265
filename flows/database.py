"""Opening a DuckDB file: one process at a time, guarded by a lock file of our own.

DuckDB's own lock drops silently when any code in the process opens and closes the database file, and a
second writer then loses commits. So every opening goes through ``flock`` on a separate file, and nothing
else ever touches the database file.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from flows.errors import WorkError
from flows.plan_store import sync_file, sync_folder
from flows.processes import is_stopped

_LOG_BYTES = 64_000
"""How far a log may grow before it is taken in: reading it costs each opening a millisecond per 10 KB."""

_DAMAGED = (
    "Corrupt database file",
    "Corrupt WAL file",
    "WAL checkpoint iteration does not match",
    "WAL does not match database file",
    "not a valid DuckDB database file",
)
"""What DuckDB says of a damaged file or log, or of two that do not belong together; there is no class."""


class StuckError(WorkError):
    """A lock is held by a process that a signal has stopped."""


class BusyError(WorkError):
    """A lock is held by somebody else, and waiting for it was not wanted."""


class DamagedDatabaseError(WorkError):
    """A database file, or the log beside it, is not what DuckDB wrote."""


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


def log_of(database_file: Path) -> Path:
    """Return the file in which DuckDB keeps what was committed since a database file was written."""
    return database_file.with_name(f"{database_file.name}.wal")


class DatabaseFile:
    """A database file that is opened again and again, in UTC, and closed in between.

    Nothing in it that is in use is written over. A checkpoint of DuckDB writes parts of the catalogue into
    blocks that are in use, and a kill between two pages of such a block leaves a file that nobody can open
    (DuckDB 2.0; one of some thousand kills). So what is committed stays in the log beside the file, which
    each opening reads; once that has grown, a copy takes both in and takes the place of the file.

    Most of what opening costs is beginning a DuckDB (12 ms), so one stays and the file is attached to it
    (half a millisecond). Whatever raises may have spoilt it: then the next opening begins another.

    ``untaken`` says why the last opening could not take the log in, a full disk mostly. Nothing is lost, and
    each opening tries again, but has to read a log that grows.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._log = log_of(file)
        self._successor = file.with_name(f"{file.name}.next")
        self.untaken: str | None = None
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection to the file under its lock.

        Raises:
            DamagedDatabaseError: the file or its log is not what was written.
        """
        with self.held(), self.attached() as connection:
            yield connection

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the file's lock for the length of the block: nobody else opens it."""
        with locked(lock_of(self._file)):
            self._finish_replacing()
            yield

    @contextmanager
    def attached(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection to the file, which is held; one that is not there is made.

        Raises:
            DamagedDatabaseError: the file or its log is not what was written.
        """
        connection = self._duckdb or self._begun()
        self._duckdb = None
        try:
            if not self._file.exists():
                self._make_empty(connection)
            _cut_zeros(self._log)
            had_log = self._log.exists()
            connection.execute("attach $file as opened", {"file": str(self._file)})
            connection.execute("use opened")
            yield connection
            if self._log.exists() and not had_log:
                sync_folder(self._file.parent)  # DuckDB syncs what is in the log, not its name
        except BaseException as error:
            connection.close()
            if any(words in str(error) for words in _DAMAGED):
                raise DamagedDatabaseError(f"{self._file}: {error}") from error
            raise
        try:
            connection.execute("use memory")
            connection.execute("detach opened")
            if _size(self._log) > _LOG_BYTES:
                _write_whole(connection, self._file, self._successor)
                self._finish_replacing()
        except (duckdb.Error, OSError) as error:
            self.untaken = str(error)
            connection.close()
        else:
            self.untaken = None
            self._duckdb = connection

    def copy_to(self, target: Path) -> None:
        """Copy the file, which is held, and its log to ``target``."""
        for old, new in ((self._log, log_of(target)), (self._file, target)):
            new.unlink(missing_ok=True)
            if old.exists():
                shutil.copy(old, new)
                sync_file(new)
        sync_folder(target.parent)

    def replace_with(self, other: "DatabaseFile", aside: Path, agreed: Callable[[], None]) -> bool:
        """Let a copy of ``other`` take the place of the file; return whether there was one, now ``aside``.

        ``agreed`` is called once nobody else can open the file, and raises what speaks against it. A kill
        leaves either of both under the file's name, with its own log; the old one is aside before the new one
        is in its place.

        Raises:
            FileExistsError: something is aside already.
        """
        with other.held(), self.held():
            agreed()
            was_there = self._file.exists()
            for old, new in ((self._log, log_of(aside)), (self._file, aside)):
                if old.exists():
                    os.link(old, new)
            with self._begun() as connection:
                _write_whole(connection, other._file, self._successor)
            self._finish_replacing()
        return was_there

    def remove(self) -> None:
        """Remove the file, what belongs to it and its lock; nobody uses it."""
        for file in self._file.parent.glob(f"{self._file.name}*"):
            if file.is_file():
                file.unlink()
        lock_of(self._file).unlink(missing_ok=True)

    def _make_empty(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self._log.exists():
            raise DamagedDatabaseError(f"{self._file}: is gone, but its log {self._log.name} is there")
        _write_whole(connection, None, self._file)

    def _finish_replacing(self) -> None:
        """Give the file's name to the copy that holds all that it says, where there is one."""
        if self._successor.exists():
            self._log.unlink(missing_ok=True)
            sync_folder(self._file.parent)  # or the old log might be there beside the new file
            self._successor.rename(self._file)
            sync_folder(self._file.parent)

    def _begun(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"temp_directory": f"{self._file}.tmp"})
        connection.execute("set timezone = 'UTC'")
        connection.execute("set checkpoint_threshold = '1 TB'")
        connection.execute("pragma disable_checkpoint_on_shutdown")
        return connection


def _write_whole(connection: duckdb.DuckDBPyConnection, source: Path | None, target: Path) -> None:
    """Write ``source`` with its log, or an empty database, as one file, whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    log = log_of(part)
    part.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    try:
        if source is not None:
            shutil.copy(source, part)
            if log_of(source).exists():
                shutil.copy(log_of(source), log)
        connection.execute("attach $file as part", {"file": str(part)})
        connection.execute("checkpoint part")
        connection.execute("detach part")
        sync_file(part)
        part.rename(target)
    except BaseException:
        part.unlink(missing_ok=True)  # the disk may be full
        log.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _cut_zeros(log: Path) -> None:
    """Cut off zeros at the end of a log: a power loss can leave them where a commit was being written.

    DuckDB refuses such a log, but takes one that ends too soon; whatever it has committed ends with 0xFF.
    """
    if not log.exists():
        return
    with log.open("r+b") as content:
        content.seek(0, os.SEEK_END)
        length = content.tell()
        content.seek(max(0, length - 1))
        if content.read() == b"\0":
            content.seek(0)
            content.truncate(len(content.read().rstrip(b"\0")))
            os.fsync(content.fileno())


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


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
