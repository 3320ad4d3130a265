"""A database file is opened again and again: it is free in between, and nothing spoils the next opening."""

import hashlib
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import duckdb
import pytest

from flows.database import DamagedDatabaseError, DatabaseFile, log_of, transaction
from tests.forking import fork

_FIRST_BLOCK = 12_288
"""Where the first block of a DuckDB file begins, behind three headers."""

_KILLED = -signal.SIGKILL


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


def test_nothing_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database, seen = DatabaseFile(file), tmp_path / "seen"
    seen.mkdir()
    for _ in range(60):
        _count(database, _SOME)
        kept = seen / f"{hashlib.sha256(file.read_bytes()).hexdigest()}"
        if not kept.exists():
            os.link(file, kept)  # the same file by another name: what were written over would show here
    assert _counted(file) == 60 * _SOME
    assert len(list(seen.iterdir())) > 2, "the log was never taken in"
    for kept in seen.iterdir():
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == kept.name


def test_a_kill_at_any_step_loses_nothing(tmp_path: Path) -> None:
    was_replacing = False
    for step in count(1):
        file = tmp_path / str(step) / "counts.duckdb"
        file.parent.mkdir()
        killed = _ended(_count_until_the_log_is_taken_in, file, step) == _KILLED
        was_replacing |= file.with_name(f"{file.name}.next").exists()
        told = file.with_name("told")
        assert _counted(file) == (int(told.read_text()) if told.exists() else 0)
        if not killed:
            break
        _count(DatabaseFile(file), 30 * _SOME)  # the log is taken in although a part lies there
        assert not log_of(file).exists()
    assert was_replacing


def test_a_kill_at_any_step_of_replacing_leaves_one_of_both(tmp_path: Path) -> None:
    begin = tmp_path / "0"
    begin.mkdir()
    _count(DatabaseFile(begin / "old.duckdb"), 3)
    _count(DatabaseFile(begin / "new.duckdb"), 5)
    found = []
    for step in count(1):
        folder = tmp_path / str(step)
        shutil.copytree(begin, folder)
        killed = _ended(_replace, folder, step) == _KILLED
        found.append(_counted(folder / "old.duckdb"))
        if found[-1] == 5:
            assert _counted(folder / "aside.duckdb") == 3
        if not killed:
            break
    assert found == sorted(found)
    assert set(found) == {3, 5}


def test_old_log_is_gone_for_good_before_a_new_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    for owner, name in ((Path, "rename"), (Path, "unlink"), (os, "fsync")):
        monkeypatch.setattr(owner, name, _watched(getattr(owner, name), name, done))
    database = DatabaseFile(tmp_path / "counts.duckdb")
    _count(database)
    done.clear()
    _count(database, 30 * _SOME)
    assert done[-7:] == ["fsync", "rename", "fsync", "unlink", "fsync", "rename", "fsync"]


def test_a_copy_has_what_the_log_says(tmp_path: Path) -> None:
    file, copy = tmp_path / "counts.duckdb", tmp_path / "copy.duckdb"
    database = DatabaseFile(file)
    _count(database, 7)
    with database.held():
        database.copy_to(copy)
    _count(database)
    assert (_counted(copy), _counted(file)) == (7, 8)


def test_a_commit_of_which_only_the_length_was_written_is_none(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    _count(database, 7)
    _count(database)
    whole = log_of(file).read_bytes()
    for zeros in range(1, 60):
        log_of(file).write_bytes(whole[:-zeros] + bytes(zeros))
        assert _counted(file) == 7
    log_of(file).write_bytes(whole + bytes(4_000))
    _count(database)
    assert _counted(file) == 9


def test_a_log_whose_file_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    _count(database)
    file.unlink()
    with pytest.raises(DamagedDatabaseError, match=r"is gone, but its log counts\.duckdb\.wal is there"):
        _count(database)
    _count(DatabaseFile(tmp_path / "other.duckdb"))
    (tmp_path / "other.duckdb").rename(file)
    with pytest.raises(DamagedDatabaseError, match=r"WAL does not match database file"):
        _count(database)


def test_a_torn_block_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    _count(database, 30 * _SOME)
    content = bytearray(file.read_bytes())
    content[_FIRST_BLOCK + 4096] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DamagedDatabaseError, match=r"counts\.duckdb: Corrupt database file"):
        _count(database)


def test_a_log_that_belongs_to_another_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    file, older = tmp_path / "counts.duckdb", tmp_path / "older.duckdb"
    database = DatabaseFile(file)
    _count(database)
    shutil.copyfile(file, older)
    _count(database, 30 * _SOME)
    _count(database)
    shutil.copyfile(older, file)
    with pytest.raises(DamagedDatabaseError, match=r"counts\.duckdb: .*does not match the database file"):
        _count(database)


def test_what_was_committed_stays_where_the_disk_is_full_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    _count(DatabaseFile(file))
    child = fork(_count_on_a_full_disk, file)
    child.join()
    assert child.exitcode == 0
    assert log_of(file).exists(), "the disk was not full"
    assert not list(tmp_path.glob("*.part*")), "what could not be written is left on a full disk"
    assert _counted(file) == 1 + 2 * _MANY


def test_a_log_that_could_not_be_taken_in_is_so_by_a_later_opening(tmp_path: Path) -> None:
    file = tmp_path / "counts.duckdb"
    database = DatabaseFile(file)
    _count(database)
    in_the_way = tmp_path / "counts.duckdb.next.part"
    in_the_way.mkdir()
    _count(database, 30 * _SOME)
    assert log_of(file).exists()
    assert str(in_the_way) in (database.untaken or "")
    in_the_way.rmdir()
    _count(database)
    assert not log_of(file).exists()
    assert database.untaken is None
    assert _counted(file) == 2 + 30 * _SOME


_SOME = 1_000
_MANY = 20_000
_ROOM_BYTES = 250_000


def _count(database: DatabaseFile, times: int = 1) -> None:
    with database.opened() as connection:
        _count_with(connection, times)


def _count_with(connection: duckdb.DuckDBPyConnection, times: int) -> None:
    with transaction(connection):
        connection.execute("create table if not exists counted (number integer)")
        connection.execute("insert into counted select range from range($times)", {"times": times})


def _count_and_fail(database: DatabaseFile) -> None:
    with database.opened() as connection, transaction(connection):
        connection.execute("insert into counted values (2)")
        raise ValueError("half done")


def _count_once(file: Path) -> None:
    _count(DatabaseFile(file))


def _count_until_the_log_is_taken_in(file: Path, step: int) -> None:
    """Count, and note what was counted, until the file was replaced; a kill ends it at a step before."""
    database = DatabaseFile(file)
    with _killed_at(step):
        for times in count(1):
            before = file.stat().st_ino if file.exists() else None
            with database.opened() as connection:
                _count_with(connection, _SOME)
                file.with_name("told").write_text(str(times * _SOME))
            if before not in (None, file.stat().st_ino):
                break


def _replace(folder: Path, step: int) -> None:
    with _killed_at(step):
        replaced = DatabaseFile(folder / "old.duckdb")
        assert replaced.replace_with(
            DatabaseFile(folder / "new.duckdb"), folder / "aside.duckdb", lambda: None
        )


@contextmanager
def _killed_at(step: int) -> Iterator[None]:
    """Let a kill end this process before the ``step``-th time that it copies, renames, removes or syncs."""
    left = step

    def dangerous(function: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return called

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            (shutil, "copy"),
            (os, "link"),
            (Path, "rename"),
            (Path, "unlink"),
            (os, "fsync"),
        ):
            patch.setattr(owner, name, dangerous(getattr(owner, name)))
        yield


def _watched(function: Callable[..., object], name: str, done: list[str]) -> Callable[..., object]:
    def called(*arguments: object, **named: object) -> object:
        done.append(name)
        return function(*arguments, **named)

    return called


def _ended(work: Callable[..., None], *arguments: object) -> int | None:
    child = fork(work, *arguments)
    child.join()
    return child.exitcode


def _count_on_a_full_disk(file: Path) -> None:
    """Count twice where there is room for the log, but not for a copy that has it all."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM_BYTES, most))
    database = DatabaseFile(file)
    _count(database, _MANY)
    _count(database, _MANY)
    assert database.untaken


def _counted(file: Path) -> int:
    with DatabaseFile(file).opened() as connection:
        if not connection.execute("show tables").fetchall():
            return 0
        return connection.execute("select count(*) from counted").fetchall()[0][0]


def _open_files(folder: Path) -> list[Path]:
    targets = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.exists()]
    return [target for target in targets if target.is_relative_to(folder)]
