"""Calls, where campaigns stand, and a dispatcher of the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import duckdb
import pytest

from tests.flows.cli.callplan import PEOPLE, SETTINGS


def _due_at_once(callplan, dialer):
    """Schedule a campaign of 20 contacts, of which one is to be called at once, the next minutes later."""
    callplan.ok("load", callplan.write("people.csv", PEOPLE), "--list", "people", "--region", "US")
    settings = SETTINGS.replace("10:00", "00:00").replace("17:00", "24:00").replace("simulated", dialer) + (
        "working_days: [1, 2, 3, 4, 5, 6, 7]\n"
    )
    # Hours before a midnight, so that the second of the slots is minutes away.
    zone = "UTC" if 6 <= datetime.now(UTC).hour < 18 else "Pacific/Kiritimati"
    settings = settings.replace("America/New_York", zone)
    callplan.ok("create", callplan.write("campaign.yaml", settings))
    callplan.ok("schedule", "Renewals")  # immediate: the first slot is due at once


def test_dispatch_places_what_is_due_now_and_a_dry_run_only_says_so(callplan):
    _due_at_once(callplan, "simulated")
    tally = callplan.json("dispatch", "--for", "2s")
    assert tally["placed"] >= 1
    assert tally["errors"] == []
    calls = callplan.json("calls", "Renewals", "--status", "in_progress")
    assert calls[0]["contact_id"] == "c0"
    assert callplan.json("dispatch", "--dry-run") == []
    status = callplan.ok("status")
    assert "1 in flight" in status
    assert str(callplan.home) in status


def test_dispatch_tells_what_holds_due_calls_back(callplan, monkeypatch):
    for name in ("TRUEDY_BASE_URL", "TRUEDY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    _due_at_once(callplan, "truedy")
    done = callplan("dispatch", "--for", "1s")
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "0 calls placed")
    assert "1 due calls are held: its dialer truedy is not set up in this environment" in done.stderr


def test_a_state_that_there_is_not_is_refused(scheduled):
    done = scheduled("calls", "Renewals", "--status", "unknwon")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --status: 'unknwon' is no state of a call; those are scheduled, ")


def test_why_a_contact_is_not_planned_is_told_where_no_filter_hides_its_call(scheduled):
    assert scheduled.ok("calls", "Renewals", "--contact", "c3", "--status", "completed") == "none\n"
    assert scheduled.ok("calls", "Renewals", "--contact", "c3", "--offset", "1") == "none\n"
    assert "slot 4 of" in scheduled.ok("calls", "Renewals", "--contact", "c3")


def test_a_ledger_that_is_lost_is_told_in_status(scheduled):
    scheduled.ok("update", "Renewals", "end_time=15:00")  # the journal learns of it
    for file in scheduled.home.glob("ledger.duckdb*"):
        file.unlink()
    assert "callplan recover" in scheduled.ok("status")


def test_status_is_told_where_a_dialer_is_set_up_by_half(scheduled, monkeypatch):
    monkeypatch.setenv("TRUEDY_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("TRUEDY_API_KEY", raising=False)
    assert "Renewals" in scheduled.ok("status")


def test_that_there_are_more_calls_than_are_shown_is_told(scheduled):
    done = scheduled("calls", "Renewals", "--limit", "5", "--json")
    assert len(json.loads(done.stdout)) == 5
    assert "these are 5 calls, and there are more" in done.stderr
    assert "more" not in scheduled("calls", "Renewals", "--limit", "20").stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_dispatcher_that_is_ended_leaves_in_order(scheduled, sent, code):
    command = [sys.executable, "-c", "from flows.cli import main; main()", "dispatch", "--for", "60s"]
    with subprocess.Popen(
        command, env=os.environ | {"CALLPLAN_HOME": str(scheduled.home)}, stderr=-3
    ) as process:
        until = time.monotonic() + 60
        while not scheduled.json("status")["dispatchers"]:
            assert time.monotonic() < until, "it does not begin"
        process.send_signal(sent)
        assert process.wait(30) == code
    with duckdb.connect(scheduled.home / "ledger.duckdb") as connection:
        assert connection.sql("select ended_at is not null from owner").fetchall() == [(True,)]
