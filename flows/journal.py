"""The dial journal: an append-only file that says, synced before any byte leaves, which calls are dialled.

Everything that becomes of a claim is an entry in it: the note of a dial, what the dialer answered, the
outcome that was reported. The ledger learns of these only by applying entries in order
(``flows/applying.py``), so a ledger that is behind, after a crash or from a copy, catches up by reading on.
For such a copy it also has what a person has forbidden (skips, pauses, cancellations) or changed: which
version of a plan is the last, and settings.

An entry is one line: checksum, sequence, kind and its rows as JSON. Sequences rise by one. Files are named
for the first sequence in them. All dispatchers of a store share the journal and write under its lock.
"""

import errno
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from flows.database import locked
from flows.dialers.dialer import ANSWERS, REPORTS
from flows.errors import WorkError
from flows.plan_store import sync_folder
from transforms.schemas import INSTANT

NOTES = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "attempt": pl.UInt8(),
        "plan_version": pl.Int32(),
        "phone": pl.String(),
        "from_number": pl.String(),
        "timezone": pl.String(),
        "scheduled_at": INSTANT,
        "not_after": INSTANT,
        "call_date": pl.Date(),
        "slot_index": pl.Int64(),
        "owner_id": pl.String(),
        "lease_id": pl.String(),
        "claimed_at": INSTANT,
        "noted_at": INSTANT,
        "deadline_at": INSTANT,
        "replays": pl.Boolean(),
    }
)
"""One row per dial: all that the ledger needs to know of the call, should it have lost it. ``replays`` marks
a dial that repeats another under the same key."""

SKIPS = pl.Schema(
    {
        "campaign_id": pl.String(),
        "contact_id": pl.String(),
        "reason": pl.String(),
        "skipped_at": INSTANT,
        "plan_version": pl.Int32(),
    }
)
"""One row per contact that a person took out of a campaign. ``plan_version`` is the version that was current
then and planned the contact, 0 for none; null where an older callplan wrote the entry."""

STOPS = pl.Schema({"campaign_id": pl.String(), "state": pl.String(), "stopped_at": INSTANT})
"""One row per campaign that a person held back or ended: ``state`` is paused or cancelled."""

CHANGES = pl.Schema(
    {
        "campaign_id": pl.String(),
        "plan_version": pl.Int32(),
        "published": pl.List(pl.Struct({"plan_version": pl.Int32(), "sha256": pl.String()})),
        "settings": pl.String(),
        "state": pl.String(),
    }
)
"""One row per campaign whose plan or settings changed, or that ended by itself. ``plan_version`` is its last
one then, 0 for a draft; ``published`` are the versions that were not told before and what their files' bytes
hash to, null for none, or where an older callplan wrote the entry; ``settings`` are JSON, null where they
were told before; ``state`` is completed or failed, null for any other."""

KINDS = {
    "note": NOTES,
    "answer": ANSWERS,
    "report": REPORTS,
    "skip": SKIPS,
    "stop": STOPS,
    "change": CHANGES,
}
"""The kinds of entry and the schema of their rows."""

MOST_FILE_BYTES = 16_000_000
"""A file longer than this is followed by a new one: some tens of thousands of calls."""

MOST_ENTRY_BYTES = 8_000_000
"""A longer line is no entry and is not written; it bounds what reading a damaged file can take."""


_CALL = ["campaign_id", "contact_id", "attempt"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DamagedJournalError(WorkError):
    """The journal cannot be trusted, so nothing may be dialled."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    sequence: int
    kind: str
    text: str

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Return the rows, in the schema of the kind."""
        return _rows(self.text, KINDS[self.kind])


class _Noted:
    """Notes of one entry, read once somebody asks when they were made."""

    def __init__(self, written: Entry | pl.DataFrame) -> None:
        self._written: Entry | pl.DataFrame | None = written

    @cached_property
    def times(self) -> pl.DataFrame:
        """Return ``campaign_id`` and ``noted_at``; only these are kept."""
        written, self._written = self._written, None
        rows = written.rows if isinstance(written, Entry) else written
        assert rows is not None  # noqa: S101 - it is asked for once
        return rows.select("campaign_id", "noted_at")

    @cached_property
    def latest(self) -> datetime:
        """Return when the last of them was made; after a start that is asked of tens of thousands."""
        if isinstance(self._written, Entry):
            return _EPOCH + timedelta(
                microseconds=max(row["noted_at"] for row in json.loads(self._written.text))
            )
        latest = self.times["noted_at"].max()
        assert isinstance(latest, datetime)  # noqa: S101 - an entry has at least one row
        return latest


@dataclass(frozen=True)
class Place:
    """A position between two lines: a file, the bytes before it, and the sequence of the line before it."""

    file: Path | None
    offset: int
    sequence: int


class Journal:
    """Reads and writes the journal in ``folder``; ``sync`` makes what was written to a file durable."""

    def __init__(self, folder: Path, sync: Callable[[int], None] = os.fdatasync) -> None:
        self.folder = folder
        self._sync = sync
        self._end = Place(None, 0, 0)
        self._read_to = Place(None, 0, 0)
        self._notes: list[_Noted] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Hold the journal's lock; whatever others have written is known inside."""
        with locked(self.folder / ".lock"):
            self._catch_up()
            yield Writer(self)

    def entries_after(self, sequence: int) -> list[Entry]:
        """Return the complete entries after ``sequence``, in order, once they are durable.

        Raises:
            DamagedJournalError: entries between ``sequence`` and the first one there are missing, the journal
                ends before ``sequence``, or an entry in its midst is not what was written.
        """
        with locked(self.folder / ".lock"):  # what is being written may yet be withdrawn
            return self._entries_after(sequence)

    def _entries_after(self, sequence: int) -> list[Entry]:
        files = self._all_files()
        place = _place_after(sequence, files)
        if place.sequence < self._read_to.sequence <= sequence:
            place = self._read_to
        found: list[Entry] = []
        for file in files:
            if place.file is None or file.name < place.file.name:
                continue
            if file.name != place.file.name:
                place = Place(file, 0, _first_sequence(file) - 1)
            self._make_durable(file)
            entries, end = _read(file, place.offset, place.sequence)
            found += [entry for entry in entries if entry.sequence > sequence]
            place = Place(file, end, entries[-1].sequence if entries else place.sequence)
        self._refuse_gaps(sequence, found, place.sequence)
        self._read_to = place
        return found

    def _all_files(self) -> list[Path]:
        return sorted([*self.folder.glob("*.jsonl"), *self.archive.glob("*.jsonl")], key=_first_sequence)

    def _refuse_gaps(self, sequence: int, found: list[Entry], last: int) -> None:
        expected = sequence + 1
        for entry in found:
            if entry.sequence != expected:
                raise DamagedJournalError(
                    f"{self.folder}: entries {expected} to {entry.sequence - 1} of the journal are missing"
                )
            expected += 1
        if last < sequence:
            raise DamagedJournalError(
                f"{self.folder}: the dial journal ends with entry {last}, "
                f"but the ledger has applied entry {sequence}"
            )

    def _make_durable(self, file: Path) -> None:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    @property
    def archive(self) -> Path:
        """The folder of files whose calls are all final; they are kept to catch up an older ledger."""
        return self.folder / "archive"

    def set_aside(self, are_final: Callable[[pl.DataFrame], bool]) -> int:
        """Move full files to the archive, oldest first, while ``are_final`` says so of their notes.

        Must be called in a session of the ledger, because dispatchers read the journal in theirs. Returns how
        many files were moved.
        """
        moved = 0
        with self.writing():
            for file in sorted(self.folder.glob("*.jsonl"))[:-1]:
                entries, _ = _read(file, 0, _first_sequence(file) - 1)
                if not are_final(_calls_noted_in(entries)):
                    break
                self.archive.mkdir(mode=0o700, exist_ok=True)
                file.rename(self.archive / file.name)
                moved += 1
            if moved:
                sync_folder(self.archive)
                sync_folder(self.folder)
        return moved

    def _catch_up(self) -> None:
        """Read what others have appended, and cut off a last line that was never completed."""
        files = self._all_files()
        known = "" if self._end.file is None else self._end.file.name
        if known not in [file.name for file in files]:
            later = files[-2:]  # the last but one may have dials of this very second
            self._end = Place(later[0], 0, _first_sequence(later[0]) - 1) if later else Place(None, 0, 0)
            files, known = later, later[0].name if later else ""
        for file in files:
            if file.name < known:
                continue
            if file.name != known:
                self._end = Place(file, 0, _first_sequence(file) - 1)
            entries, end = _read(file, self._end.offset, self._end.sequence)
            self._notes += [_Noted(entry) for entry in entries if entry.kind == "note"]
            last = entries[-1].sequence if entries else self._end.sequence
            self._end = Place(file, end, last)
        if self._end.file is not None and self._end.file.stat().st_size > self._end.offset:
            os.truncate(self._end.file, self._end.offset)

    def _append(self, kind: str, rows: pl.DataFrame, *, synced: bool) -> int:
        file, sequence = self._end.file, self._end.sequence + 1
        is_new = file is None or self._end.offset > MOST_FILE_BYTES
        if file is not None and is_new:
            self._make_durable(file)  # else a power loss could leave the next one after a gap
        if file is None or is_new:
            file = self.folder / f"{sequence:012d}.jsonl"
        line = _line(sequence, kind, rows)
        if len(line) > MOST_ENTRY_BYTES:
            raise WorkError(f"{file}: an entry of {len(line):,} bytes is longer than the journal takes")
        offset = 0 if is_new else self._end.offset
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = os.pwrite(descriptor, line, offset)
            if written != len(line):  # what a disk does that just became full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
            if synced:
                self._sync(descriptor)
        except OSError:
            os.ftruncate(descriptor, offset)
            raise
        finally:
            os.close(descriptor)
        if offset == 0:
            sync_folder(self.folder)
        self._end = Place(file, offset + len(line), sequence)
        if kind == "note":
            self._notes.append(_Noted(rows))
        return sequence


class Writer:
    """The journal while its lock is held."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def note(self, notes: pl.DataFrame) -> int:
        """Append the notes (``NOTES``) of calls about to be dialled; they are durable when this returns.

        Raises:
            OSError, WorkError: they could not be written; then none of them may be dialled.
        """
        return self._journal._append("note", notes, synced=True)

    def add(self, kind: str, rows: pl.DataFrame, *, synced: bool = False) -> int:
        """Append another entry; unless ``synced`` it is durable once a note follows or it was applied."""
        return self._journal._append(kind, rows, synced=synced)

    def notes_since(self, since: datetime) -> pl.DataFrame:
        """Return ``campaign_id`` and ``noted_at`` of the dials of all dispatchers after ``since``."""
        journal = self._journal
        journal._notes = [noted for noted in journal._notes if noted.latest > since]
        times = [noted.times for noted in journal._notes]
        empty = NOTES.to_frame().select("campaign_id", "noted_at")
        return pl.concat([empty, *times]).filter(pl.col("noted_at") > since)


def _place_after(sequence: int, files: list[Path]) -> Place:
    """Return the beginning of the last of the files that can have the entry after ``sequence``."""
    begun = [file for file in files if _first_sequence(file) <= sequence + 1] or files[:1]
    return Place(begun[-1], 0, _first_sequence(begun[-1]) - 1) if begun else Place(None, 0, 0)


def _first_sequence(file: Path) -> int:
    return int(file.stem)


def _line(sequence: int, kind: str, rows: pl.DataFrame) -> bytes:
    plain = rows.select(pl.col(name).cast(dtype) for name, dtype in KINDS[kind].items()).with_columns(
        pl.col(pl.Datetime).dt.epoch("us"), pl.col(pl.Date).cast(pl.Int32)
    )
    body = f"{sequence} {kind} {plain.write_json()}".encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _read(file: Path, offset: int, sequence: int) -> tuple[list[Entry], int]:
    """Return the entries of ``file`` from ``offset`` on, and where the last complete one ends.

    Raises:
        DamagedJournalError: a line that is not the last is not what was written.
    """
    with file.open("rb") as content:
        content.seek(offset)
        written = content.read()
    entries: list[Entry] = []
    lines = written.split(b"\n")
    for place, line in enumerate(lines[:-1]):
        sequence += 1
        entry = _entry(line, sequence)
        if entry is None:
            if place < len(lines) - 2 or lines[-1]:
                raise DamagedJournalError(f"{file}: entry {sequence} of the dial journal is damaged")
            break
        entries.append(entry)
        offset += len(line) + 1
    return entries, offset


def _entry(line: bytes, sequence: int) -> Entry | None:
    checksum, _, body = line.partition(b" ")
    if len(line) > MOST_ENTRY_BYTES or checksum != b"%08x" % zlib.crc32(body):
        return None
    written, kind, rows = body.decode().split(" ", 2)
    if int(written) != sequence:
        return None
    return Entry(sequence, kind, rows)


def _rows(text: str, schema: pl.Schema) -> pl.DataFrame:
    plain = {name: _plain(dtype) for name, dtype in schema.items()}
    return pl.read_json(io.BytesIO(text.encode()), schema=plain).with_columns(
        pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(dtype)
        if isinstance(dtype, pl.Datetime)
        else pl.col(name).cast(dtype)
        for name, dtype in schema.items()
        if plain[name] != dtype
    )


def _calls_noted_in(entries: list[Entry]) -> pl.DataFrame:
    """Return which calls were noted, read at once: by themselves tens of thousands take seconds."""
    written = [entry.text.removeprefix("[").removesuffix("]") for entry in entries if entry.kind == "note"]
    schema = pl.Schema({name: NOTES[name] for name in _CALL})
    return _rows(f"[{','.join(written)}]", schema) if written else schema.to_frame()


def _plain(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.Datetime):
        return pl.Int64()
    return pl.Int32() if isinstance(dtype, pl.Date) else dtype
