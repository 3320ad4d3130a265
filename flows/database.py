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


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``lock_file``, waiting for it fairly, for the length of the block."""
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lock_of(database_file: Path) -> Path:
    """Return the file whose lock guards a database file."""
    return database_file.with_suffix(".lock")


@contextmanager
def opened(database_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to ``database_file`` under its lock, in UTC."""
    with locked(lock_of(database_file)), duckdb.connect(database_file) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


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
