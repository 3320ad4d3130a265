import errno
import os
import resource
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows import journal as journals
from flows.dialers.dialer import ANSWERS
from flows.errors import WorkError
from flows.journal import CHANGES, NOTES, DamagedJournalError, Entry, Journal

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)


def _notes(*contacts, at=NOW):
    values = {
        "campaign_id": "x",
        "attempt": 1,
        "plan_version": 1,
        "phone": "+12125550101",
        "from_number": "+12125550190",
        "timezone": "UTC",
        "scheduled_at": at,
        "not_after": at + timedelta(hours=1),
        "call_date": at.date(),
        "slot_index": 0,
        "owner_id": "owner",
        "lease_id": "lease",
        "claimed_at": at,
        "noted_at": at,
        "deadline_at": at + timedelta(hours=1),
        "replays": False,
    }
    return pl.DataFrame([values | {"contact_id": contact} for contact in contacts], schema=NOTES)


def _answers(*contacts):
    values = {"campaign_id": "x", "attempt": 1, "lease_id": "lease", "state": "unknown", "answered_at": NOW}
    return pl.DataFrame([values | {"contact_id": contact} for contact in contacts], schema=ANSWERS)


def _write(journal, kind, rows):
    with journal.writing() as page:
        return page.note(rows) if kind == "note" else page.add(kind, rows)


def test_what_is_written_is_read_back_in_order_and_with_its_types(tmp_path):
    journal = Journal(tmp_path)
    odd = _notes('Ünï "quoted"\n', "c2")
    assert [_write(journal, "note", odd), _write(journal, "answer", _answers("c2"))] == [1, 2]
    first, second = Journal(tmp_path).entries_after(0)
    assert (first.sequence, first.kind, second.sequence, second.kind) == (1, "note", 2, "answer")
    assert first.rows.equals(odd)
    assert second.rows.equals(_answers("c2"))
    assert Journal(tmp_path).entries_after(2) == []


def test_entries_are_read_on_from_where_reading_ended(tmp_path):
    writer, reader = Journal(tmp_path), Journal(tmp_path)
    for sequence in range(5):
        assert reader.entries_after(sequence) == []
        _write(writer, "note", _notes(f"c{sequence}")) if sequence else _write(writer, "note", _notes("c0"))
        assert [entry.sequence for entry in reader.entries_after(sequence)] == [sequence + 1]
    assert [entry.sequence for entry in reader.entries_after(2)] == [3, 4, 5]


def test_what_another_reader_has_applied_meanwhile_is_not_read_from_the_beginning(tmp_path, monkeypatch):
    writer, reader, read, offsets = Journal(tmp_path), Journal(tmp_path), journals._read, []

    def noticed(file, offset, sequence):
        offsets.append(offset)
        return read(file, offset, sequence)

    _write(writer, "note", _notes("c0"))
    assert len(reader.entries_after(0)) == 1
    for contact in ("c1", "c2", "c3"):
        _write(writer, "note", _notes(contact))
    monkeypatch.setattr(journals, "_read", noticed)
    assert [entry.sequence for entry in reader.entries_after(3)] == [4]
    assert offsets[0] > 0


def test_two_writers_share_the_sequence_and_know_of_each_others_dials(tmp_path):
    one, two = Journal(tmp_path), Journal(tmp_path)
    assert [_write(one, "note", _notes("c0")), _write(two, "note", _notes("c1", "c2"))] == [1, 2]
    with one.writing() as page:
        assert page.notes_since(NOW - timedelta(seconds=1)).height == 3
        assert page.notes_since(NOW).is_empty()


def test_dials_count_though_later_ones_were_noted_by_an_earlier_clock(tmp_path):
    one, two, another = Journal(tmp_path), Journal(tmp_path), Journal(tmp_path)
    _write(one, "note", _notes("c0", "c1"))
    _write(two, "note", _notes("c2", at=NOW - timedelta(minutes=1)))
    with another.writing() as page:
        assert page.notes_since(NOW - timedelta(seconds=1)).height == 2


def test_a_note_is_synced_before_it_counts_and_gone_where_that_fails(tmp_path):
    synced = []
    journal = Journal(tmp_path, sync=synced.append)
    _write(journal, "note", _notes("c0"))
    assert len(synced) == 1

    def refuse(_):
        raise OSError("no space left")

    broken = Journal(tmp_path, sync=refuse)
    with pytest.raises(OSError, match="no space"):
        _write(broken, "note", _notes("c1"))
    assert _write(journal, "note", _notes("c2")) == 2
    assert [entry.rows["contact_id"][0] for entry in Journal(tmp_path).entries_after(0)] == ["c0", "c2"]


def test_a_line_of_which_only_a_part_fits_on_the_disk_is_withdrawn_and_the_disk_is_said_to_be_full(tmp_path):
    journal = Journal(tmp_path)
    _write(journal, "note", _notes("A"))
    (file,) = tmp_path.glob("*.jsonl")
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 10, most))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as refused:
            _write(journal, "note", _notes("B"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    assert refused.value.filename == str(file)
    _write(journal, "note", _notes("C"))
    assert [entry.rows["contact_id"].item() for entry in Journal(tmp_path).entries_after(0)] == ["A", "C"]


def test_nobody_reads_what_is_being_synced_and_may_be_withdrawn(tmp_path):
    read = []

    def fails_later(_):
        reader = threading.Thread(target=lambda: read.append(Journal(tmp_path).entries_after(0)))
        reader.start()
        reader.join(0.3)  # it waits, however long this takes
        readers.append(reader)
        raise OSError(5, "cannot be synced")

    readers = []
    with pytest.raises(OSError, match="cannot be synced"):
        _write(Journal(tmp_path, fails_later), "note", _notes("c1"))
    readers[0].join(30)
    assert read == [[]]


def test_an_entry_that_nobody_would_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "MOST_ENTRY_BYTES", 2_000)
    journal = Journal(tmp_path)
    with pytest.raises(WorkError, match="longer than the journal takes"):
        _write(journal, "note", _notes("c" * 2_000))
    assert _write(journal, "note", _notes("c1")) == 1
    assert len(journal.entries_after(0)) == 1


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_was_never_completed_is_as_if_it_had_never_been_begun(tmp_path, cut):
    journal = Journal(tmp_path)
    _write(journal, "note", _notes("c0"))
    (file,) = tmp_path.glob("*.jsonl")
    kept = file.stat().st_size
    _write(journal, "note", _notes("c1"))
    file.write_bytes(file.read_bytes()[:-cut])
    assert len(Journal(tmp_path).entries_after(0)) == 1
    assert _write(Journal(tmp_path), "note", _notes("c2")) == 2
    assert file.stat().st_size > kept
    assert [entry.rows["contact_id"][0] for entry in Journal(tmp_path).entries_after(0)] == ["c0", "c2"]


def test_a_changed_byte_in_the_midst_is_damage(tmp_path):
    journal = Journal(tmp_path)
    for contact in ("c0", "c1"):
        _write(journal, "note", _notes(contact))
    (file,) = tmp_path.glob("*.jsonl")
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedJournalError, match="entry 1 of the dial journal is damaged"):
        Journal(tmp_path).entries_after(0)


def test_a_journal_that_ends_before_the_ledger_or_begins_after_it_does_not_cover_it(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "MOST_FILE_BYTES", 100)  # a limit, made small: every entry has a file
    journal = Journal(tmp_path)
    for contact in ("c0", "c1", "c2"):
        _write(journal, "note", _notes(contact))
    files = sorted(tmp_path.glob("*.jsonl"))
    assert [file.stem for file in files] == ["000000000001", "000000000002", "000000000003"]
    with pytest.raises(DamagedJournalError, match="ends with entry 3, but the ledger has applied entry 7"):
        Journal(tmp_path).entries_after(7)
    journal.archive.mkdir()
    files[0].rename(journal.archive / files[0].name)
    assert [entry.sequence for entry in Journal(tmp_path).entries_after(0)] == [1, 2, 3]
    (journal.archive / files[0].name).unlink()
    with pytest.raises(DamagedJournalError, match="entries 1 to 1 of the journal are missing"):
        Journal(tmp_path).entries_after(0)


def test_full_files_are_set_aside_once_their_calls_are_final_and_are_read_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "MOST_FILE_BYTES", 100)  # a limit, made small: every entry has a file
    journal, other = Journal(tmp_path), Journal(tmp_path)
    for sequence, contact in enumerate(("c0", "c1", "c2", "c3")):
        assert [entry.sequence for entry in other.entries_after(max(0, sequence - 1))] == [1, 2, 3][
            :sequence
        ][-1:]
        _write(journal, "note", _notes(contact))
        with other.writing() as page:
            assert page.notes_since(NOW - timedelta(seconds=1)).height == sequence + 1
    assert journal.set_aside(lambda notes: "c2" not in notes["contact_id"]) == 2
    assert [file.stem for file in sorted(journal.archive.glob("*"))] == ["000000000001", "000000000002"]
    assert journal.set_aside(lambda _: True) == 1  # the last one is still written to
    assert [entry.sequence for entry in other.entries_after(3)] == [4]
    assert [entry.sequence for entry in other.entries_after(0)] == [1, 2, 3, 4]
    assert [_write(page, "note", _notes("c4")) for page in (other, journal)] == [5, 6]


def test_a_writer_that_slept_while_files_were_set_aside_knows_of_every_dial(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "MOST_FILE_BYTES", 100)
    journal, sleeper = Journal(tmp_path), Journal(tmp_path)
    _write(sleeper, "note", _notes("c0"))
    for contact in ("c1", "c2", "c3"):
        _write(journal, "note", _notes(contact))
    assert journal.set_aside(lambda _: True) == 3
    with sleeper.writing() as page:
        assert page.notes_since(NOW - timedelta(seconds=1)).height == 4


def test_a_skip_that_an_older_callplan_wrote_is_read_without_its_version():
    written = '[{"campaign_id": "c", "contact_id": "c0", "reason": "asked", "skipped_at": 1774274400000000}]'
    (skip,) = Entry(1, "skip", written).rows.to_dicts()
    assert (skip["contact_id"], skip["plan_version"]) == ("c0", None)


def test_what_a_journal_is_told_of_versions_is_read_as_it_was_and_none_where_an_older_callplan_wrote(
    tmp_path,
):
    published = [{"plan_version": 1, "sha256": "a1"}, {"plan_version": 2, "sha256": "b2"}]
    rows = pl.DataFrame([("c", 2, published, None, None)], schema=CHANGES, orient="row")
    journal = Journal(tmp_path)
    _write(journal, "change", rows)
    (entry,) = journal.entries_after(0)
    assert entry.rows.equals(rows)
    older = Entry(1, "change", '[{"campaign_id": "c", "plan_version": 2, "settings": null, "state": null}]')
    assert older.rows["published"].to_list() == [None]


def test_the_file_before_is_durable_once_a_new_one_is_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "MOST_FILE_BYTES", 700)
    synced = {}

    def sync(descriptor):
        file = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        synced[file] = os.fstat(descriptor).st_size

    journal = Journal(tmp_path, sync)
    for kind, rows in (("note", _notes("a")), ("answer", _answers("a")), ("answer", _answers("b"))):
        _write(journal, kind, rows)
    _write(journal, "note", _notes("c"))
    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) == 2
    assert {str(file): file.stat().st_size for file in files} == synced
