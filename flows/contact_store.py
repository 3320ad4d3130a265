"""The loaded lists: a DuckDB file of their own, and a snapshot of each list that anyone may read.

Planning and dispatch read the snapshots only, so that loading a million contacts never holds up a call.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.database import DatabaseFile, transaction
from flows.errors import InputError
from flows.home import Home
from flows.plan_store import sha256_of, sync_file, sync_folder
from transforms.contact_list import merge
from transforms.schemas import CONTACTS

HASH_KEY = "callplan.contacts_hash"
"""Where a snapshot's metadata has the hash of its contacts."""

_PARTS = ("contact_list", "list_file", "contact", "reject")
_HASHED = ("contact_id", "phone", "timezone")
_HASH_ROWS = 1_000_000
_CURRENT = "current"


@dataclass(frozen=True)
class SourceFile:
    """The file that contacts come from: its bytes, how it was read, and what its rows are called after."""

    label: str
    sha256: str
    options: str


@dataclass(frozen=True)
class LoadSummary:
    """What a load did, in contacts; ``set_aside`` counts rows of the file by kind of fault.

    Where the file was loaded already, ``loaded_since`` names the files that came to the list after it.
    """

    list_name: str
    rows: int
    added: int
    updated: int
    unchanged: int
    set_aside: Mapping[str, int]
    contacts: int
    already_loaded: bool = False
    loaded_since: Sequence[str] = ()


class ContactStore:
    """The lists of one store, open for one transaction."""

    def __init__(self, home: Home, connection: duckdb.DuckDBPyConnection) -> None:
        self._home = home
        self._connection = connection
        self._merged: dict[str, pl.DataFrame] = {}
        self._published: dict[str, str] = {}

    def source(self, list_name: str, file_name: str, sha256: str, options: str) -> tuple[SourceFile, bool]:
        """Return how to call a file in a list, and whether it was loaded already in the same way.

        Another file of the same name is told apart, so that ``file:line`` never means two people.
        """
        files = self._read("find_files", list_name=list_name)
        same = files.filter(pl.col("sha256") == sha256)
        if not same.is_empty():
            source = SourceFile(same["file_label"][0], sha256, options)
            return source, options in same["options"].to_list()
        taken = set(files["file_label"])
        label, copy = file_name, 1
        while label in taken:
            copy += 1
            label = f"{file_name}#{copy}"
        return SourceFile(label, sha256, options), False

    def add(
        self, list_name: str, source: SourceFile, contacts: pl.DataFrame, rejects: pl.DataFrame, now: datetime
    ) -> LoadSummary:
        """Add contacts (``CONTACTS``) to a list and keep its rejects (``REJECTS``).

        A known ``contact_id`` with new data is updated in its place; a phone that another contact of the
        list keeps is set aside. Rejects of an earlier reading of the same file are replaced.
        """
        self._write("add_list", list_name=list_name, now=now)
        merged = merge(self._listed(list_name), contacts)
        rejected = pl.concat([rejects, merged.rejects]).sort("line")
        rows = contacts.height + rejects.height
        if not merged.updated.is_empty():
            self._write("update_contacts", ("incoming", merged.updated), list_name=list_name)
        placed = merged.added.rename({"position": "row_number"})
        self._write("add_contacts", ("incoming", placed), list_name=list_name)
        self._write("delete_rejects", list_name=list_name, file_label=source.label)
        self._write("add_rejects", ("rejected", rejected), list_name=list_name)
        self._write(
            "add_file",
            list_name=list_name,
            file_label=source.label,
            sha256=source.sha256,
            options=source.options,
            row_count=rows,
            now=now,
        )
        self._merged[list_name] = merged.contacts
        kinds = rejected.group_by("kind").len().sort("kind")
        added, updated = merged.added.height, merged.updated.height
        return LoadSummary(
            list_name,
            rows,
            added,
            updated,
            rows - rejected.height - added - updated,
            dict(zip(kinds["kind"], kinds["len"], strict=True)),
            merged.contacts.height,
        )

    def nothing_new(self, list_name: str, source: SourceFile) -> LoadSummary:
        """Return what loading a file again does: nothing, but a snapshot that was lost is published anew."""
        stored = self._read("find_list", list_name=list_name).row(0, named=True)
        folder = self._home.lists / list_name
        if stored["snapshot"] and (folder / stored["snapshot"]).is_file():
            self._published[list_name] = stored["snapshot"]
        else:
            self.publish_snapshot(list_name)
        files = self._read("find_files", list_name=list_name)
        is_source = (files["sha256"] == source.sha256) & (files["options"] == source.options)
        since = files["file_label"][int(is_source.arg_max() or 0) + 1 :].to_list()
        return LoadSummary(
            list_name, 0, 0, 0, 0, {}, stored["contacts"], already_loaded=True, loaded_since=since
        )

    def contacts(self, list_name: str) -> pl.DataFrame:
        """Return the contacts of a list (``CONTACTS``) in list order."""
        return self._listed(list_name).select(CONTACTS.names())

    def rejects(self, list_name: str) -> pl.DataFrame:
        """Return the rows set aside from a list's files (``REJECTS``), by file and line."""
        return self._read("list_rejects", list_name=list_name)

    def lists(self) -> pl.DataFrame:
        """Return every list with its counts, by name."""
        return self._read("list_lists")

    def publish_snapshot(self, list_name: str) -> Path:
        """Write the list to a snapshot, which becomes the current one when the transaction is committed."""
        contacts = self.contacts(list_name)
        snapshot = write_snapshot(contacts, self._home.lists / list_name)
        self._write("set_snapshot", list_name=list_name, contacts=contacts.height, snapshot=snapshot.name)
        self._published[list_name] = snapshot.name
        return snapshot

    def make_current(self) -> None:
        """Let the snapshots that were published be the current ones; call this after the commit."""
        for list_name, snapshot in self._published.items():
            _replace_text(self._home.lists / list_name / _CURRENT, snapshot)

    def _listed(self, list_name: str) -> pl.DataFrame:
        """Return ``position`` and the contacts of a list in list order, which DuckDB mostly keeps."""
        if list_name in self._merged:
            return self._merged[list_name]
        found = self._read("find_contacts", list_name=list_name)
        return found if found["position"].is_sorted() else found.sort("position")

    def _read(self, name: str, **parameters: object) -> pl.DataFrame:
        relation = self._connection.sql(sql.statement(f"contacts/{name}"), params=parameters or None)
        frame: pl.DataFrame = relation.pl()
        return frame

    def _write(
        self, name: str, relation: tuple[str, pl.DataFrame] | None = None, **parameters: object
    ) -> None:
        if relation is not None:
            self._connection.register(relation[0], relation[1].to_arrow())
        self._connection.execute(sql.statement(f"contacts/{name}"), parameters)


@contextmanager
def open_contacts(home: Home) -> Iterator[ContactStore]:
    """Yield the lists of a store; what was changed is committed when the block ends.

    Only then do the snapshots published in it become the current ones, still under the lock.
    """
    with DatabaseFile(home.contacts).opened() as connection:
        for part in _PARTS:
            connection.execute(sql.statement(f"contacts/create_{part}"))
        store = ContactStore(home, connection)
        with transaction(connection):
            yield store
        store.make_current()


def check_list_name(list_name: str) -> None:
    """Raise InputError unless a list may be called this; the name becomes a folder's."""
    if not re.fullmatch(r"[\w-][\w.-]{0,99}", list_name):
        raise InputError(
            f"--list: {list_name!r} is no name for a list; use up to 100 letters, digits, '-', '_' and '.', "
            "not starting with '.'"
        )


def current_lists(home: Home) -> dict[str, Path]:
    """Return the current snapshot of every list, by name."""
    return {
        pointer.parent.name: pointer.parent / pointer.read_text(encoding="utf-8").strip()
        for pointer in sorted(home.lists.glob(f"*/{_CURRENT}"))
    }


def current_snapshot(home: Home, list_name: str) -> Path:
    """Return the snapshot of a list as it was after its last load.

    Raises:
        InputError: there is no such list.
    """
    check_list_name(list_name)
    lists = current_lists(home)
    if list_name not in lists:
        known = ", ".join(lists) or "none"
        raise InputError(f"contact_list: there is no list {list_name!r}; loaded are: {known}")
    return lists[list_name]


def snapshot_with_hash(home: Home, digest: str) -> Path | None:
    """Return a snapshot in the store whose contacts have this hash, or None."""
    return next(iter(sorted(home.lists.glob(f"*/{digest[:16]}*.parquet"))), None)


def snapshot_hash(snapshot: Path) -> str:
    """Return the hash of a snapshot's contacts."""
    return pl.read_parquet_metadata(snapshot)[HASH_KEY]


def contacts_hash(contacts: pl.DataFrame) -> str:
    """Return the SHA-256, in hex, of what planning reads of contacts, in list order: id, phone and zone.

    Hashed are the lengths and the bytes of each column, a million rows at a time; no value has length -1.
    """
    digest = hashlib.sha256()
    for rows in contacts.select(_HASHED).iter_slices(_HASH_ROWS):
        for column in rows:
            lengths = column.str.len_bytes().cast(pl.Int32).fill_null(-1)
            digest.update(_values(lengths))
            digest.update(_values(column.fill_null("")))
    return digest.hexdigest()


def _values(column: pl.Series) -> memoryview:
    """Return the bytes of a column without nulls, one value after the other."""
    array = column.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    return memoryview(array.buffers()[-1] or b"")


def write_snapshot(contacts: pl.DataFrame, folder: Path) -> Path:
    """Write contacts (``CONTACTS``) to a Parquet file in ``folder``, complete or not at all, and sync it.

    It is named after the hash of what planning reads, and after all its bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = contacts_hash(contacts)
    part = folder / f".{digest}.part"
    contacts.select(pl.col(name).cast(dtype) for name, dtype in CONTACTS.items()).lazy().sink_parquet(
        part, compression="zstd", compression_level=1, metadata={HASH_KEY: digest}, sync_on_close="all"
    )
    snapshot = folder / f"{digest[:16]}-{sha256_of(part)[:16]}.parquet"
    part.rename(snapshot)
    sync_folder(folder)
    return snapshot


def _replace_text(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.touch(mode=0o600)
    part.write_text(text)
    sync_file(part)
    part.rename(file)
    sync_folder(file.parent)
