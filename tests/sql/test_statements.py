"""Every statement is prepared against the schema it is written for."""

import re

import duckdb
import polars as pl
import pytest

import sql
from flows import ledger
from flows.archiving import PAST_CALLS, PAST_EVENTS
from flows.contact_files import LINE
from flows.dialers.dialer import ANSWERS, REPORTS
from flows.journal import CHANGES, NOTES, SKIPS, STOPS
from transforms.schemas import CONTACTS, EXCLUDED, INSTANT, OFFSETS, OPENINGS, PLAN, REJECTS, STANDING

_STAGED = {**{name: PLAN[name] for name in PLAN if name != "timezone_source"}, "variables": pl.String()}
_ATTEMPT = {"contact_id": pl.String(), "attempt": pl.UInt8()}
_CALL = {"campaign_id": pl.String(), **_ATTEMPT}
_LEASED = {**_CALL, "lease_id": pl.String()}
_LISTED = {"filename": pl.String()}
RELATIONS = {
    "ledger": {
        "answer": ANSWERS,
        "report": REPORTS,
        "note": NOTES,
        "skipped": SKIPS,
        "stop": STOPS,
        "change": CHANGES,
        "told": {"campaign_id": pl.String(), "plan_version": pl.Int32()},
        "open_day": {"campaign_id": pl.String(), "open_since": pl.Date()},
        "leaving": PAST_CALLS,
        "wanted": _LEASED,
        "failed_claim": _LEASED,
        "returning_call": {**_LEASED, "reason": pl.String(), "slot_counts": pl.Boolean()},
        "ended": _CALL,
        "asked": _CALL,
        "refusal": {"campaign_id": pl.String(), "reason": pl.String()},
        "dead_owner": {"owner_id": pl.String()},
        "gone_owner": {"owner_id": pl.String()},
        "staged": {
            **_STAGED,
            "zone_changed": pl.Boolean(),
            "has_new_zone": pl.Boolean(),
            "snapshot": pl.String(),
        },
        "list_now": {"contact_list": pl.String(), "snapshot": pl.String()},
        "taken_out": {"contact_id": pl.String(), "is_planned": pl.Boolean()},
        "planned": _ATTEMPT,
        "lapsed": _ATTEMPT,
        "given_up": {**_ATTEMPT, "plan_version": pl.Int32()},
        "known_skip": {"contact_id": pl.String()},
        "redated": {**_ATTEMPT, "call_date": pl.Date()},
        "looked_after": {"plan_version": pl.Int32(), "missed_from": INSTANT, "staged_until": INSTANT},
    },
    "contacts": {
        "incoming": {**CONTACTS, "row_number": pl.UInt32()},
        "rejected": REJECTS,
        "json_line": {LINE: pl.Int64(), "text": pl.String()},
        "reject_errors": {
            "line_byte_position": pl.Int64(),
            "column_idx": pl.Int64(),
            "error_type": pl.String(),
            "csv_line": pl.String(),
        },
    },
    "checks": {
        "plan": {**PLAN, "row_number": pl.Int64()},
        "contact": {**_ATTEMPT, "position": pl.Int64(), "reason": pl.String()},
        "standing": STANDING,
        "clock": OFFSETS,
        "opening": OPENINGS,
        "open_window": {"weekday": pl.Int64(), "opens_us": pl.Int64(), "closes_us": pl.Int64()},
        "closed_date": {"day": pl.Date()},
        "date_before": {"call_date": pl.Date(), "room": pl.Int64(), "next_index": pl.Int64()},
        "outbound_number": {"number": pl.String(), "turn": pl.Int64()},
        "rules": {
            "campaign_id": pl.String(),
            "plan_version": pl.Int32(),
            "timezone": pl.String(),
            "from_at": INSTANT,
            "stops_at": INSTANT,
            "max_calls_per_number_per_day": pl.Int64(),
            "rotation": pl.String(),
            "first_turn": pl.Int64(),
            "spacing_us": pl.Int64(),
            "reserve_us": pl.Int64(),
        },
    },
    "describe_plan": {"plan": PLAN},
}
QUESTION_RELATIONS = {
    "plan_file": {**PLAN, **_LISTED},
    "added_file": {**PLAN, **_LISTED},
    "excluded_file": {**EXCLUDED, **_LISTED},
    "contact_file": {**CONTACTS, **_LISTED},
    "past_call": {**PAST_CALLS, **_LISTED},
    "past_event": {**PAST_EVENTS, **_LISTED},
}


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def _lay(connection, relations):
    for name, schema in relations.items():
        connection.register(name, pl.Schema(schema).to_frame().to_arrow())


def _make_ledger(connection):
    ledger._create(connection, ledger._TABLES + ledger._VIEWS)


def _prepare(connection, name):
    connection.execute(f"prepare statement_under_test as {sql.statement(name)}")


@pytest.mark.parametrize("name", sql.names("ledger"))
def test_ledger_statement_fits_the_ledger(connection, name):
    _make_ledger(connection)
    _lay(connection, RELATIONS["ledger"])
    if not name.startswith("ledger/create_"):
        _prepare(connection, name)


@pytest.mark.parametrize("name", sql.names("contacts"))
def test_contacts_statement_fits_the_lists(connection, name):
    for part in sql.names("contacts"):
        if "/create_" in part:
            connection.execute(sql.statement(part))
    _lay(connection, RELATIONS["contacts"])
    if "/create_" not in name and name != "contacts/read_csv":  # the columns of a file are its parameters
        _prepare(connection, name)


@pytest.mark.parametrize("name", [*sql.names("checks"), "describe_plan"])
def test_check_fits_a_plan(connection, name):
    _lay(connection, RELATIONS["checks"])
    _prepare(connection, name)


@pytest.mark.parametrize("name", sql.names("diff"))
def test_diff_statement_fits_two_plans(connection, name):
    _lay(connection, {"old_plan": PLAN, "new_plan": PLAN})
    connection.execute(sql.statement("diff/beside"))
    if name != "diff/beside":
        _prepare(connection, name)


@pytest.mark.parametrize("name", sql.names("questions"))
def test_question_fits_the_views(connection, name):
    _make_ledger(connection)
    for table in ("call", "event"):
        connection.execute(f"alter table {table} rename to {table}_now")
    _lay(connection, QUESTION_RELATIONS)
    for view in sql.names("views"):
        connection.execute(sql.statement(view))
    _prepare(connection, name)


def test_every_statement_lies_in_a_folder_that_is_prepared():
    folders = {name.split("/")[0] for name in sql.names()}
    prepared = {"ledger", "contacts", "checks", "diff", "questions", "views", "describe_plan"}
    assert folders == prepared | {"migrations"}  # which test_ledger runs


@pytest.mark.parametrize("name", sql.names())
def test_header_says_the_grain_and_every_parameter(name):
    text = sql.statement(name)
    header = "\n".join(line for line in text.splitlines() if line.startswith("--"))
    assert "Grain:" in header
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    missing = {parameter for parameter in re.findall(r"\$\w+", body) if parameter not in header}
    assert not missing


def test_unknown_statement_is_named():
    with pytest.raises(KeyError, match="no_such"):
        sql.statement("ledger/no_such")
