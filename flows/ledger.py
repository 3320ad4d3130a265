"""The ledger: a small DuckDB file that holds the present and changes only through named statements."""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import RLock

import duckdb
import polars as pl

import sql
from flows.changes import Changes
from flows.database import DamagedDatabaseError, DatabaseFile, transaction
from flows.errors import WorkError

# Reading through a relation instead would plan each statement twice: that costs more than a copy of few rows.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)

VERSION = 13
"""The version of the ledger's tables that this callplan reads and writes, another one after each change."""

MIGRATIONS = {
    3: ("migrations/count_dials", "migrations/set_dials"),
    4: ("migrations/add_snapshot",),
    5: (),
    6: ("migrations/add_told_version", "migrations/add_settings_told"),
    7: (),
    8: ("migrations/add_excluded_count",),
    9: ("migrations/add_missed_until",),
    10: ("migrations/set_missed_until",),
    11: (),
    12: ("migrations/add_has_new_zone",),
}
"""For each older version the statements that make the next one of it, in order; views are made anew last.

What a ledger of version 2 has placed no dial journal knows, so that one is refused.
"""

_TABLES = (
    "campaign",
    "plan_version",
    "slot",
    "call",
    "event",
    "skip",
    "pending",
    "past_day",
    "owner",
    "ledger_version",
)
_VIEWS = ("in_flight", "current_version", "missed_slots", "waiting_attempts", "due_slots", "request")
"""What is asked by name and holds nothing, views and macros."""


class Session:
    """One transaction on the ledger; values go in as parameters, frames as named relations."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, changes: Changes) -> None:
        self._connection = connection
        self._changes = changes

    def announce(self) -> None:
        """Tell dispatchers, before this is committed, that it may forbid calls they have claimed."""
        self._changes.announce()

    def read(
        self, name: str, /, relation: tuple[str, pl.DataFrame] | None = None, **parameters: object
    ) -> pl.DataFrame:
        """Return what the statement ``ledger/<name>`` selects; ``relation`` is a frame that it reads."""
        with self._laid(relation):
            found = self._connection.execute(self._parsed(name), parameters or None)
            return pl.DataFrame(found.to_arrow_table())

    def write(
        self, name: str, /, relation: tuple[str, pl.DataFrame] | None = None, **parameters: object
    ) -> int:
        """Run the statement ``ledger/<name>`` and return how many rows it changed.

        ``relation`` is a frame the statement reads, with the name it knows it by.
        """
        with self._laid(relation):
            changed = self._connection.execute(self._parsed(name), parameters or None).fetchone()
        return int(changed[0]) if changed else 0

    @contextmanager
    def _laid(self, relation: tuple[str, pl.DataFrame] | None) -> Iterator[None]:
        if relation is None:
            yield
            return
        self._connection.register(relation[0], relation[1].to_arrow())
        yield
        # Where the statement failed nothing more can be said to the connection: the transaction is undone.
        self._connection.unregister(relation[0])

    def _parsed(self, name: str) -> duckdb.Statement:
        """Return the statement ``ledger/<name>``, parsed once: a quarter of what a small one costs."""
        if name not in _PARSED:
            (_PARSED[name],) = self._connection.extract_statements(sql.statement(f"ledger/{name}"))
        return _PARSED[name]


_PARSED: dict[str, duckdb.Statement] = {}
"""The statements that were run in this process; they belong to no connection."""


class Ledger:
    """Opens the ledger for one transaction at a time.

    A file is opened and closed around each session, so that other processes get their turn. Without a file,
    or with ``keep_open``, one connection serves all sessions: for a simulation that has the ledger to itself.
    ``changes`` are counted beside the file, unless they are given.
    """

    def __init__(self, file: Path | None, *, keep_open: bool = False, changes: Changes | None = None) -> None:
        self.file = file
        self.changes = changes or Changes(None if file is None else file.with_name("changes"))
        self._one_at_a_time = RLock()
        self._database = None if file is None else DatabaseFile(file)
        self._kept: duckdb.DuckDBPyConnection | None = None
        self._held: AbstractContextManager[duckdb.DuckDBPyConnection] | None = None
        self._keep(keep_open=keep_open)
        try:
            with self._connection() as connection:
                _prepare(connection, self.changes, self.file)
        except _OlderLedgerError:
            assert file is not None  # noqa: S101 - one in memory is always new
            self.close()
            _bring_up_to_date(file, self.changes)
            self._keep(keep_open=keep_open)

    def _keep(self, *, keep_open: bool) -> None:
        """Open the connection that serves all sessions, where one is to."""
        if self._database is None:
            self._kept = duckdb.connect()
            self._kept.execute("set timezone = 'UTC'")
        elif keep_open:
            self._held = self._database.opened()
            with _damage_told():
                self._kept = self._held.__enter__()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session; what it did is committed when the block ends, or undone when it raises."""
        with self._one_at_a_time, self._connection() as connection, transaction(connection):
            yield Session(connection, self.changes)

    def close(self) -> None:
        """Give up a connection that was kept open."""
        if self._held is not None:
            self._held.__exit__(None, None, None)
        elif self._kept is not None:
            self._kept.close()
        self._held = self._kept = None

    @property
    def untaken(self) -> str | None:
        """Why the last session could not take the file's log in, if it could not."""
        return None if self._database is None else self._database.untaken

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._kept is not None:
            yield self._kept
        elif self._database is not None:
            with _damage_told(), self._database.opened() as connection:
                yield connection


@contextmanager
def _damage_told() -> Iterator[None]:
    """Say what to do about a ledger that is damaged."""
    try:
        yield
    except DamagedDatabaseError as error:
        raise DamagedDatabaseError(f"{error}; `callplan recover` builds the ledger anew") from error


class _OlderLedgerError(Exception):
    """The ledger has a version that can be brought up to date."""


def _prepare(connection: duckdb.DuckDBPyConnection, changes: Changes, file: Path | None) -> None:
    """Make the tables of a new ledger, or refuse one of a version that this callplan does not read."""
    session = Session(connection, changes)
    if not connection.execute("show tables").fetchall():
        with transaction(connection):
            _create(connection, _TABLES + _VIEWS)
            session.write("set_version", version=VERSION)
    found = _version_of(connection, changes)
    if found in MIGRATIONS:
        raise _OlderLedgerError(found)
    if found != VERSION:
        read = f"this callplan reads versions {min(MIGRATIONS)} to {VERSION}"
        raise WorkError(f"{file}: this ledger has version {found}, {read}")


def _bring_up_to_date(file: Path, changes: Changes) -> None:
    """Copy the ledger, then take it from version to version, all under its lock."""
    database = DatabaseFile(file)
    with _damage_told(), database.held():
        with database.attached() as connection:
            found = _version_of(connection, changes)
        if found in MIGRATIONS:
            database.copy_to(file.with_name(f"{file.stem}.version-{found}.duckdb"))
        with database.attached() as connection:
            while found in MIGRATIONS:
                with transaction(connection):
                    for name in MIGRATIONS[found]:
                        connection.execute(sql.statement(name))
                    found += 1
                    if found == VERSION:
                        _create(connection, _VIEWS)
                    Session(connection, changes).write("raise_version", version=found)


def _create(connection: duckdb.DuckDBPyConnection, parts: tuple[str, ...]) -> None:
    for part in parts:
        connection.execute(sql.statement(f"ledger/create_{part}"))


def _version_of(connection: duckdb.DuckDBPyConnection, changes: Changes) -> int:
    return int(Session(connection, changes).read("find_version")["version"].item())
