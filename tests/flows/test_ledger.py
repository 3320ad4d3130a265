import multiprocessing
import os
import signal
import time
import zlib
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

import sql
from flows.campaigns import create_campaign, find_campaign
from flows.changes import Changes
from flows.database import StuckError, locked
from flows.errors import InputError, WorkError
from flows.ledger import MIGRATIONS, VERSION, Ledger
from flows.processes import is_stopped
from tests.people import campaign

NOW = datetime(2026, 3, 23, 14, tzinfo=UTC)
FINAL = ["completed", "no_answer", "busy", "voicemail", "failed"]
LEGAL = {
    ("scheduled", "claimed"),
    *(("claimed", state) for state in ["in_progress", "unknown", *FINAL]),
    *(("in_progress", state) for state in ["unknown", *FINAL]),
    *(("unknown", state) for state in ["in_progress", *FINAL]),
}
STATES = ["scheduled", "claimed", "in_progress", "unknown", *FINAL]


def _call(previous, state, **changes):
    final = state in FINAL
    return {
        "campaign_id": "x", "contact_id": "c", "attempt": 1, "plan_version": 1, "phone": "+1",
        "from_number": "+1",
        "variables": "{}", "timezone": "UTC", "scheduled_at": NOW, "not_after": NOW + timedelta(hours=1),
        "call_date": NOW.date(), "slot_index": 0, "state": state, "previous_state": previous, "owner_id": "o",
        "lease_id": "l", "claimed_at": NOW, "noted_at": NOW, "answered_at": NOW,
        "finished_at": NOW if final else None, "deadline_at": NOW, "changed_at": NOW, "provider_call_id": "p",
        "reason": None,
    } | changes  # fmt: skip


def _store(row):
    """Insert a call into the table as it is created, and return whether the table takes it."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(sql.statement("ledger/create_call"))
        placeholders = ", ".join(f"${name}" for name in row)
        try:
            connection.execute(f"insert into call ({', '.join(row)}) values ({placeholders})", row)
        except duckdb.ConstraintException:
            return False
        return True


@pytest.mark.parametrize("previous", STATES)
def test_only_legal_steps_of_a_call_can_be_stored(previous):
    taken = {(previous, state) for state in STATES if _store(_call(previous, state))}
    assert taken == {step for step in LEGAL if step[0] == previous}


@pytest.mark.parametrize(
    "changes",
    [
        {"finished_at": NOW},
        {"provider_call_id": None},
        {"noted_at": None},
        {"noted_at": NOW - timedelta(microseconds=1)},
        {"noted_at": NOW + timedelta(hours=1)},
    ],
)
def test_a_call_in_progress_has_what_it_must_have(changes):
    assert _store(_call("claimed", "in_progress"))
    assert not _store(_call("claimed", "in_progress", **changes))


def test_a_final_call_has_its_end():
    assert not _store(_call("in_progress", "completed", finished_at=None))


def _skip_and_fail(ledger, campaign_id):
    taken_out = ("taken_out", pl.DataFrame({"contact_id": ["a"], "is_planned": [False]}))
    with ledger.session() as session:
        assert session.write("add_skips", taken_out, campaign_id=campaign_id, reason="x", now=NOW) == 1
        raise RuntimeError


def test_what_raises_is_undone(home):
    ledger = Ledger(home.ledger)
    campaign_id = create_campaign(ledger, campaign(), NOW)
    with pytest.raises(RuntimeError):
        _skip_and_fail(ledger, campaign_id)
    with ledger.session() as session:
        assert session.read("list_skips", campaign_id=campaign_id).is_empty()


@pytest.mark.parametrize("version", [2, 99])
def test_a_ledger_of_a_version_that_is_too_old_or_too_new_is_refused(home, version):
    Ledger(home.ledger)
    with duckdb.connect(home.ledger) as connection:
        connection.execute("update ledger_version set version = $1", [version])
    with pytest.raises(WorkError, match=f"has version {version}, this callplan reads versions 3 to 13"):
        Ledger(home.ledger)


def test_a_campaign_is_found_by_id_and_by_a_name_that_is_unique(home):
    ledger = Ledger(home.ledger)
    first = create_campaign(ledger, campaign(), NOW)
    with ledger.session() as session:
        assert find_campaign(session, "Renewals").campaign_id == first
    second = create_campaign(ledger, campaign(), NOW)
    with ledger.session() as session:
        assert find_campaign(session, second).campaign_id == second
        with pytest.raises(InputError, match="several campaigns"):
            find_campaign(session, "Renewals")
        with pytest.raises(InputError, match="no campaign"):
            find_campaign(session, "Reminders")


def _create(file, count):
    ledger = Ledger(file)
    for _ in range(count):
        create_campaign(ledger, campaign(), NOW)


def test_processes_that_write_at_once_lose_nothing(home):
    Ledger(home.ledger)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_create, args=(home.ledger, 15)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(600)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with Ledger(home.ledger).session() as session:
        assert session.read("find_campaigns", named="Renewals").height == 45


_LATER_LINES = {
    3: {"call": ["    dials utinyint default 0,\n"]},
    4: {"slot": [",\n    snapshot varchar"]},
    6: {"campaign": ["    told_version integer default 0,\n", "    settings_told boolean,\n"]},
    8: {"plan_version": ["    excluded_count bigint,\n"]},
    9: {"plan_version": ["    missed_until timestamptz,\n"]},
    12: {"slot": [",\n    has_new_zone boolean default false"]},
}
"""What tables have had only since after a version."""


def _as_version(file, version):
    """Turn an empty ledger back into one of an older version, whose views were others than today's."""
    older = {
        table: sql.statement(f"ledger/create_{table}")
        for table in ("call", "slot", "campaign", "plan_version")
    }
    for since, lines_of in _LATER_LINES.items():
        for table, lines in lines_of.items() if since >= version else ():
            for line in lines:
                assert line in older[table]
                older[table] = older[table].replace(line, "")
    with duckdb.connect(file) as connection:
        connection.execute("set timezone = 'UTC'")
        for view in ("in_flight", "current_version", "request"):
            connection.execute(f"create or replace view {view} as select 1 as of_version_{version}")
        connection.execute("create or replace macro due_slots(judged_at) as table select 1 as older")
        for table, text in older.items():
            connection.execute(f"drop table {table}")
            connection.execute(text)
        if version < 4:
            connection.execute("drop view request")
        connection.execute("update ledger_version set version = $1", [version])


def _definitions(file):
    """Return all that a ledger is made of, as DuckDB knows it."""
    with duckdb.connect(file, read_only=True) as connection:
        asked = (
            "select table_name, column_index, column_name, data_type, is_nullable, column_default "
            "from duckdb_columns() where not internal order by all",
            "select table_name, constraint_text from duckdb_constraints() order by all",
            "select view_name, sql from duckdb_views() where not internal order by all",
            "select function_name, parameters, macro_definition from duckdb_functions() "
            "where not internal order by all",
        )
        return [connection.execute(question).fetchall() for question in asked]


def test_what_a_ledger_is_made_of_changes_only_with_its_version():
    texts = [sql.statement(name) for name in sql.names("ledger") if name.startswith("ledger/create_")]
    words = [line.split() for text in texts for line in text.splitlines() if not line.startswith("--")]
    why = "raise VERSION, say in MIGRATIONS how an older ledger gets there, and set the new sum here"
    assert (VERSION, zlib.crc32(repr(words).encode())) == (13, 3410397934), why


@pytest.mark.parametrize("version", MIGRATIONS)
def test_an_older_ledger_is_copied_and_brought_up_to_date(tmp_path, version):
    file = tmp_path / "ledger.duckdb"
    Ledger(file)
    _as_version(file, version)
    with duckdb.connect(file) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            "insert into call by name select 'x' as campaign_id, 'c' as contact_id, 1 as attempt, "
            "1 as plan_version, '+1' as phone, '+2' as from_number, '{}' as variables, 'UTC' as timezone, "
            "now() as scheduled_at, now() + interval 1 hour as not_after, current_date as call_date, "
            "0 as slot_index, 'claimed' as state, 'scheduled' as previous_state, 'o' as owner_id, "
            "'l' as lease_id, now() as claimed_at, now() as noted_at, now() as deadline_at, "
            "now() as changed_at"
        )
    with Ledger(file).session() as session:
        (call,) = session.read("copy_call").to_dicts()
        assert session.read("find_version")["version"].item() == VERSION
        assert session.read("list_claimed", lease_id="l").is_empty()  # of a campaign that is not there
    Ledger(tmp_path / "new.duckdb")
    assert _definitions(file) == _definitions(tmp_path / "new.duckdb")
    assert call["dials"] == (1 if version == 3 else 0)
    assert (tmp_path / f"ledger.version-{version}.duckdb").is_file()


def _hold(lock_file, held):
    with locked(lock_file):
        held.set()
        time.sleep(60)  # until it is ended


def test_a_lock_whose_holder_is_stopped_is_refused_by_name(tmp_path):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "x.lock", held))
    holder.start()
    try:
        assert held.wait(60)
        os.kill(holder.pid, signal.SIGSTOP)
        while not is_stopped(holder.pid):
            pass
        told = f"process {holder.pid} holds this lock and is stopped"
        with pytest.raises(StuckError, match=told), locked(tmp_path / "x.lock"):
            pass
    finally:
        holder.kill()
        holder.join()
    with locked(tmp_path / "x.lock"):
        pass


@pytest.mark.parametrize("left", ["", "\0\0\0", "12x"])
def test_a_count_of_changes_that_a_power_loss_spoilt_begins_anew(tmp_path, left):
    changes = Changes(tmp_path / "changes")
    (tmp_path / "changes").write_text(left)
    assert changes.number() == 0
    changes.announce()
    assert changes.number() == 1
