"""What holds for every command: its store, its words, its exit codes and its standard streams."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.flows.cli.callplan import PEOPLE, SETTINGS


def test_wrong_usage_exits_with_2(callplan):
    assert callplan("plan").returncode == 2
    assert callplan("nonsense").returncode == 2
    assert callplan("load", "x.csv", "--list", "a", "--map", "phone").returncode == 2


def test_commands_that_need_a_store_refuse_without_one(callplan):
    for command in (["status"], ["lists"], ["sql", "select 1"], ["dispatch"], ["pause", "--all"]):
        done = callplan(*command)
        assert done.returncode == 2
        assert "there is no store here" in done.stderr
    assert not callplan.home.exists()


def test_a_folder_of_something_else_is_not_made_a_store(callplan):
    callplan.home.mkdir()
    other = callplan.home / "notes.txt"
    other.touch()
    assert "there is no store here" in callplan("status").stderr
    assert list(callplan.home.iterdir()) == [other]


def test_a_store_in_a_folder_that_is_named_like_a_pattern_is_refused(callplan):
    callplan.home = callplan.folder / "store [old]"
    done = callplan("load", callplan.write("people.csv", PEOPLE), "--list", "people", "--region", "US")
    assert done.returncode == 2
    assert "stores and plans must not have any of * ? [ in their path" in done.stderr
    assert not callplan.home.exists()
    people = callplan.folder / "people.csv"
    settings = callplan.write("campaign.yaml", SETTINGS)
    out = callplan("plan", settings, "--contacts", people, "--region", "US", "--out", callplan.folder / "[1]")
    assert (out.returncode, "[1]: stores and plans must not" in out.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["calls", "x\udcff"], "'x\\udcff' is not UTF-8 text"),
        (["dispatch", "--for", "99999999999999h"], "'99999999999999h' is longer than a year"),
        (["create", "deep.yaml"], "deep.yaml: its values lie too deep in one another"),
        (["create", "deep.json"], "deep.json: its values lie too deep in one another"),
    ],
)
def test_what_no_command_can_work_with_is_refused(scheduled, words, told):
    scheduled.write("deep.yaml", "[" * 5_000)
    scheduled.write("deep.json", '{"a":' * 100_000)
    done = scheduled(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert told in done.stderr


def test_what_the_system_refuses_is_told_in_a_sentence(callplan):
    callplan.home.mkdir()
    (callplan.home / "ledger.lock").symlink_to("/dev/full")
    done = callplan("create", callplan.write("campaign.yaml", SETTINGS))
    assert done.returncode == 1
    assert done.stderr == "error: the system refused: [Errno 28] No space left on device\n"
    (callplan.home / "ledger.lock").unlink()
    assert callplan.json("status")["campaigns"] == []


def test_a_command_without_its_standard_streams_does_its_work(scheduled):
    script = "from flows.cli import main; main()"
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(script)} pause Renewals <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], env=os.environ | {"CALLPLAN_HOME": str(scheduled.home)})
    assert done.returncode == 0
    (row,) = scheduled.json("status")["campaigns"]
    assert row["state"] == "paused"


def test_what_moves_a_terminal_is_shown_and_not_done(callplan):
    people = callplan.write("people.csv", 'id,phone\n"a\x1b[2J\nb",+12125550190\n')
    callplan.ok("load", people, "--list", "people")
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    callplan.ok("schedule", "Renewals")
    assert r"a\u001b[2J\u000ab  " in callplan.ok("calls", "Renewals")
