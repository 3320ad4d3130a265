"""A database file is opened again and again: it is free in between, and nothing spoils the next opening."""

import resource
from pathlib import Path

import duckdb
import pytest

from flows.database import DamagedDatabaseError, DatabaseFile, transaction
from tests.forking import fork

_FIRST_BLOCK = 12_288
"""Where the first block of a DuckDB file begins, behind three headers."""


def test_file_is_free_between_openings(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    for _ in range(3):
        _count(database)
        assert _open_files(tmp_path) == []
        child = fork(_count_once, file)
        child.join()
        assert child.exitcode == 0
    assert _counted(file) == 6


def test_what_raises_spoils_no_later_opening(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    _count(database)
    with pytest.raises(duckdb.CatalogException), database.opened() as connection:
        connection.execute("select * from nothing_of_the_kind")
    with pytest.raises(ValueError, match="half done"):
        _count_and_fail(database)
    assert _open_files(tmp_path) == []
    _count(database)
    assert _counted(file) == 2


def test_a_torn_block_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    _count(database)
    content = bytearray(file.read_bytes())
    content[_FIRST_BLOCK + 4096] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DamagedDatabaseError, match=r"counts\.duckdb: Corrupt .* `callplan recover` builds"):
        _count(database)


def test_what_was_committed_stays_where_the_disk_is_full_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    _count(DatabaseFile(file))
    child = fork(_count_on_a_full_disk, file)
    child.join()
    assert child.exitcode == 0
    assert Path(f"{file}.wal").exists(), "the disk was not full"
    assert _counted(file) == 1 + 2 * _MANY


_MANY = 20_000


def _count(database: DatabaseFile, times: int = 1) -> None:
    with database.opened() as connection, transaction(connection):
        connection.execute("create table if not exists counted (number integer)")
        connection.execute("insert into counted select range from range($times)", {"times": times})


def _count_and_fail(database: DatabaseFile) -> None:
    with database.opened() as connection, transaction(connection):
        connection.execute("insert into counted values (2)")
        raise ValueError("half done")


def _count_once(file: Path) -> None:
    _count(DatabaseFile(file))


def _count_on_a_full_disk(file: Path) -> None:
    """Count twice where the file itself cannot grow, as its log beside it still can."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, most))
    database = DatabaseFile(file)
    _count(database, _MANY)
    _count(database, _MANY)


def _counted(file: Path) -> int:
    with duckdb.connect(file) as connection:
        return connection.execute("select count(*) from counted").fetchall()[0][0]


def _open_files(folder: Path) -> list[Path]:
    targets = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.exists()]
    return [target for target in targets if target.is_relative_to(folder)]
