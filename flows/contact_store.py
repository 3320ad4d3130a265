"""The loaded lists: a DuckDB file of their own, and a snapshot of each list that anyone may read.

Planning and dispatch read the snapshots only, so that loading a million contacts never holds up a call.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

import sql
from flows.database import opened, transaction
from flows.errors import InputError
from flows.home import Home
from flows.plan_store import sync_folder
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
    """What a load did, in contacts; ``set_aside`` counts rows of the file by kind of fault."""

    list_name: str
    rows: int
    added: int
    updated: int
    unchanged: int
    set_aside: Mapping[str, int]
    contacts: int
    already_loaded: bool = False


class ContactStore:
    """The lists of one store, open for one transaction."""

    def __init__(self, home: Home, connection: duckdb.DuckDBPyConnection) -> None:
        self._home = home
        self._connection = connection

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
        list has is set aside. Rejects of an earlier reading of the same file are replaced.
        """
        self._write("add_list", list_name=list_name, now=now)
        incoming, conflicts = self._without_conflicts(list_name, contacts)
        rejected = pl.concat([rejects, conflicts]).sort("line")
        numbered = incoming.with_row_index("row_number")
        updated = self._write("update_contacts", ("incoming", numbered), list_name=list_name)
        added = self._write("add_contacts", ("incoming", numbered), list_name=list_name)
        self._write("delete_rejects", list_name=list_name, file_label=source.label)
        self._write("add_rejects", ("rejected", rejected), list_name=list_name)
        rows = contacts.height + rejects.height
        self._write(
            "add_file",
            list_name=list_name,
            file_label=source.label,
            sha256=source.sha256,
            options=source.options,
            row_count=rows,
            now=now,
        )
        kinds = rejected.group_by("kind").len().sort("kind")
        return LoadSummary(
            list_name,
            rows,
            added,
            updated,
            incoming.height - added - updated,
            dict(zip(kinds["kind"], kinds["len"], strict=True)),
            self.contacts(list_name).height,
        )

    def contacts(self, list_name: str) -> pl.DataFrame:
        """Return the contacts of a list (``CONTACTS``) in list order."""
        return self._read("list_contacts", list_name=list_name)

    def rejects(self, list_name: str) -> pl.DataFrame:
        """Return the rows set aside from a list's files (``REJECTS``), by file and line."""
        return self._read("list_rejects", list_name=list_name)

    def lists(self) -> pl.DataFrame:
        """Return every list with its counts, by name."""
        return self._read("list_lists")

    def publish_snapshot(self, list_name: str) -> Path:
        """Write the list as it is to a snapshot and make it the current one."""
        folder = self._home.lists / list_name
        folder.mkdir(parents=True, exist_ok=True)
        contacts = self.contacts(list_name)
        digest = contacts_hash(contacts)
        snapshot = folder / f"{_content_name(contacts, digest)}.parquet"
        if not snapshot.exists():
            write_snapshot(contacts, snapshot, digest)
        self._write("set_snapshot", list_name=list_name, snapshot_hash=digest)
        _replace_text(folder / _CURRENT, snapshot.name)
        return snapshot

    def _without_conflicts(self, list_name: str, contacts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        self._connection.register("incoming", contacts.select("contact_id", "phone").to_arrow())
        found = self._read("find_conflicts", list_name=list_name)
        self._connection.unregister("incoming")
        conflicts = contacts.join(found, on="contact_id").select(
            "source_file",
            "line",
            "contact_id",
            phone_written="phone",
            kind=pl.lit("duplicate phone"),
            reason=pl.format("phone {} belongs to contact {} of the list", "phone", "holder"),
        )
        return contacts.join(found, on="contact_id", how="anti", maintain_order="left"), conflicts

    def _read(self, name: str, **parameters: object) -> pl.DataFrame:
        relation = self._connection.sql(sql.statement(f"contacts/{name}"), params=parameters or None)
        frame: pl.DataFrame = relation.pl()
        return frame

    def _write(
        self, name: str, relation: tuple[str, pl.DataFrame] | None = None, **parameters: object
    ) -> int:
        if relation is not None:
            self._connection.register(relation[0], relation[1].to_arrow())
        changed = self._connection.execute(sql.statement(f"contacts/{name}"), parameters).fetchone()
        return int(changed[0]) if changed else 0


@contextmanager
def open_contacts(home: Home) -> Iterator[ContactStore]:
    """Yield the lists of a store; what was changed is committed when the block ends."""
    with opened(home.contacts) as connection:
        for part in _PARTS:
            connection.execute(sql.statement(f"contacts/create_{part}"))
        with transaction(connection):
            yield ContactStore(home, connection)


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
    """Return the SHA-256, in hex, of what planning reads of contacts, in list order: id, phone and zone."""
    digest = hashlib.sha256()
    for rows in contacts.select(_HASHED).iter_slices(_HASH_ROWS):
        text = rows.select(
            pl.concat_str(pl.all().fill_null("\x00"), separator="\x1f").str.join("\x1e")
        ).item()
        digest.update((text or "").encode())
        digest.update(b"\x1e")
    return digest.hexdigest()


def _content_name(contacts: pl.DataFrame, digest: str) -> str:
    """Name a snapshot after what planning reads and after everything else it holds."""
    rest = hashlib.sha256()
    for rows in contacts.drop(*_HASHED).iter_slices(_HASH_ROWS):
        rest.update(rows.select(pl.struct(pl.all()).struct.json_encode().str.join("\n")).item().encode())
    return f"{digest[:16]}-{rest.hexdigest()[:16]}"


def write_snapshot(contacts: pl.DataFrame, file: Path, digest: str) -> None:
    """Write contacts (``CONTACTS``) to a new Parquet file, complete or not at all."""
    part = file.with_name(f".{file.name}.part")
    contacts.select(pl.col(name).cast(dtype) for name, dtype in CONTACTS.items()).lazy().sink_parquet(
        part, compression="zstd", compression_level=1, metadata={HASH_KEY: digest}, sync_on_close="all"
    )
    part.rename(file)
    sync_folder(file.parent)


def _replace_text(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.rename(file)
    sync_folder(file.parent)
