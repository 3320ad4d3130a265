"""The command line as a person or a script meets it: a process, its two outputs and its exit code."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from tests import commands

OFFICES = Path(__file__).parents[3] / "shared" / "data" / "district_offices.csv"
SAMPLE = Path(__file__).parents[2] / "data" / "sample_contacts.csv"
SETTINGS = """\
name: Renewals
agent_id: agent
contact_list: people
dialer: simulated
phone_numbers: [+12125550190, +12125550191]
timezone: America/New_York
start_time: 10:00
end_time: 17:00
"""
PEOPLE = "id,phone\n" + "".join(f"c{n},212-555-01{n:02}\n" for n in range(20))


class Callplan:
    """Runs commands on a store of its own."""

    def __init__(self, folder):
        self.folder, self.home = folder, folder / "store"

    def __call__(self, *arguments):
        return commands.run(*arguments, folder=self.folder, home=self.home)

    def ok(self, *arguments):
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def write(self, name, text):
        file = self.folder / name
        file.write_text(text)
        return file


@pytest.fixture
def callplan(tmp_path):
    return Callplan(tmp_path)


@pytest.fixture(scope="module")
def scheduled_once(tmp_path_factory):
    """Three commands before a store has a campaign: they are given once, and each test has a copy."""
    callplan = Callplan(tmp_path_factory.mktemp("scheduled"))
    callplan.ok("load", callplan.write("people.csv", PEOPLE), "--list", "people", "--region", "US")
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    callplan.ok("schedule", "Renewals")
    return callplan.home


@pytest.fixture
def scheduled(callplan, scheduled_once):
    """A store with a campaign of 20 contacts scheduled for the coming days."""
    shutil.copytree(scheduled_once, callplan.home)
    return callplan


def _preview(callplan, settings, contacts=PEOPLE, *more):
    return callplan(
        "plan",
        callplan.write("campaign.yaml", settings),
        "--contacts",
        callplan.write("people.csv", contacts),
        "--region",
        "US",
        "--out",
        callplan.folder / "out",
        *more,
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (SETTINGS + "colour: red\n", ["colour: is not a known field"]),
        (SETTINGS.replace("17:00", "09:00"), ["end_time: must be after start_time 10:00"]),
        (SETTINGS.replace("America/New_York", "Mars/Base"), ["timezone: use an IANA time zone name"]),
        (
            SETTINGS + "working_days: [0, 8]\n",
            ["working_days.0: use ISO weekdays", "working_days.1: use ISO"],
        ),
        (SETTINGS + "name: Twice\n", ["name stands there more than once"]),
        (
            SETTINGS.replace("17:00", "09:00") + "colour: red\nworking_days: [0]\n",
            ["end_time: must be", "working_days.0: use ISO", "colour: is not"],
        ),
        ("- a\n- b\n", ["the settings must be a mapping of fields"]),
        ("a: [\n", ["while parsing"]),
    ],
)
def test_wrong_settings_are_told_all_together_and_change_nothing(callplan, settings, told):
    done = _preview(callplan, settings)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == len(told)
    for line, words in zip(lines, told, strict=True):
        assert line.startswith(f"error: {callplan.folder}/campaign.yaml: ")
        assert words in line
    assert done.stdout == ""
    assert not (callplan.folder / "out").exists()
    assert not callplan.home.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04 sheet", "people.csv: this is an Excel workbook"),
        (b"id,phone\n", "people.csv: there is no row below the header"),
        (b"id,phone\na,\n", "people.csv: none of its 1 rows is a usable contact; line 2: no phone"),
        (None, "people.csv: no such file"),
    ],
)
def test_a_file_that_is_no_list_is_told_and_changes_nothing(callplan, content, told):
    file = callplan.folder / "people.csv"
    if content is not None:
        file.write_bytes(content)
    settings = callplan.write("campaign.yaml", SETTINGS)
    done = callplan("plan", settings, "--contacts", file, "--region", "US", "--out", callplan.folder / "out")
    assert (done.returncode, len(done.stderr.strip().splitlines()[-1:])) == (2, 1)
    assert told in done.stderr.splitlines()[-1]
    assert not (callplan.folder / "out").exists()


def test_scheduling_without_numbers_list_and_dialer_says_all_that_is_missing(callplan):
    callplan.ok("create", callplan.write("campaign.yaml", "name: Bare\nagent_id: agent\n"))
    done = callplan("schedule", "Bare")
    assert done.returncode == 2
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == [
        "phone_numbers",
        "contact_list",
        "dialer",
    ]
    assert callplan.json("status")["campaigns"][0]["state"] == "draft"


def test_a_campaign_on_a_list_that_is_not_loaded_is_refused(callplan):
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    done = callplan("schedule", "Renewals")
    assert done.returncode == 2
    assert "contact_list: there is no list 'people'; loaded are: none" in done.stderr


def test_commands_that_need_a_store_refuse_without_one(callplan):
    for command in (["status"], ["lists"], ["sql", "select 1"], ["dispatch"], ["pause", "--all"]):
        done = callplan(*command)
        assert done.returncode == 2
        assert "there is no store here" in done.stderr
    assert not callplan.home.exists()


def test_wrong_usage_exits_with_2(callplan):
    assert callplan("plan").returncode == 2
    assert callplan("nonsense").returncode == 2
    assert callplan("load", "x.csv", "--list", "a", "--map", "phone").returncode == 2


def test_a_preview_writes_plan_excluded_and_summary_and_stores_nothing(callplan):
    contacts = PEOPLE + "bad,12\n"
    done = _preview(callplan, SETTINGS, contacts, "--now", "2026-03-20T14:30:00Z", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    out = callplan.folder / "out"
    assert json.loads((out / "summary.json").read_text()) == summary
    assert (summary["planned"], summary["excluded"]) == (20, 1)
    assert set(summary["checks"].values()) == {0}
    plan = pl.read_parquet(out / "plan.parquet")
    assert plan["scheduled_at"][0] == datetime(2026, 3, 20, 14, 30, tzinfo=UTC)
    assert plan["campaign_id"].unique().to_list() == ["preview"]
    assert pl.read_parquet(out / "excluded.parquet").rows() == [
        ("bad", 22, '"12" is not a valid phone number for US')
    ]
    assert sorted(file.name for file in out.iterdir()) == ["excluded.parquet", "plan.parquet", "summary.json"]
    assert not callplan.home.exists()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2026-03-20T14:30:00", "is not ISO 8601 with an offset"),
        ("9999-12-31T23:00:00Z", "use a year from 1900 to 9899"),
        ("0001-01-01T00:00:00+05:00", "use a year from 1900 to 9899"),
    ],
)
def test_a_now_that_cannot_be_is_refused(callplan, now, told):
    done = _preview(callplan, SETTINGS, PEOPLE, "--now", now)
    assert done.returncode == 2
    assert f"--now: {told}" in done.stderr.replace(f"{now!r} ", "")


def test_the_same_preview_has_the_same_bytes(callplan):
    plans = []
    for _ in range(2):
        _preview(callplan, SETTINGS, PEOPLE, "--now", "2026-03-20T14:30:00Z")
        plans.append((callplan.folder / "out" / "plan.parquet").read_bytes())
    assert plans[0] == plans[1]


def test_an_infeasible_plan_exits_with_1_and_says_what_would_fit(callplan):
    settings = SETTINGS + "max_calls_per_day: 3\nends_at: 2026-03-24T00:00\n"
    done = _preview(callplan, settings, PEOPLE, "--now", "2026-03-20T14:30:00Z")
    assert done.returncode == 1
    assert "14 of 20 contacts do not fit: max_calls_per_day 3 fills every open date" in done.stderr
    assert "it would fit with max_calls_per_day: 10" in done.stderr
    assert not (callplan.folder / "out" / "plan.parquet").exists()


def test_verify_finds_a_good_plan_good_and_a_changed_one_bad(callplan):
    _preview(callplan, SETTINGS, PEOPLE, "--now", "2026-03-20T14:30:00Z")
    plan, people = callplan.folder / "out" / "plan.parquet", callplan.folder / "people.csv"
    good = callplan.json("verify", plan, "--contacts", people, "--region", "US")
    assert (good["holds"], good["replayed"], good["not_checked"]) == (True, True, [])
    alone = callplan.json("verify", plan)
    assert (alone["holds"], alone["replayed"], len(alone["not_checked"])) == (True, None, 2)
    rows, facts = pl.read_parquet(plan), pl.read_parquet_metadata(plan)
    facts.pop("ARROW:schema")
    late = rows.with_columns(scheduled_at=pl.col("scheduled_at") + timedelta(hours=7))
    late.write_parquet(plan, metadata=facts)
    bad = callplan("verify", plan, "--contacts", people, "--region", "US", "--json")
    assert bad.returncode == 1
    found = json.loads(bad.stdout)
    assert found["replayed"] is False
    assert found["broken"]["when calls start"] == 20
    other = callplan("verify", plan, "--contacts", SAMPLE, "--region", "US")
    assert other.returncode == 2
    assert "these are not the contacts" in other.stderr


def test_verify_refuses_what_is_no_plan(callplan):
    file = callplan.folder / "x.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(file)
    assert "is not a plan written by callplan" in callplan("verify", file).stderr
    assert "not a readable Parquet file" in callplan("verify", callplan.write("y.parquet", "hello")).stderr


@pytest.mark.skipif(not OFFICES.is_file(), reason="the list of district offices is not on this machine")
def test_offices_on_both_sides_of_the_date_line_are_called_by_their_own_clock(callplan):
    zones = {
        "GU": "Pacific/Guam", "MP": "Pacific/Saipan", "AS": "Pacific/Pago_Pago", "HI": "Pacific/Honolulu",
        "CA": "America/Los_Angeles", "TX": "America/Chicago", "PR": "America/Puerto_Rico",
    }  # fmt: skip
    offices = pl.read_csv(OFFICES, infer_schema=False).with_columns(
        timezone=pl.col("state").replace_strict(zones, default="America/New_York")
    )
    file = callplan.folder / "offices.csv"
    offices.write_csv(file)
    settings = SETTINGS.replace("10:00", "09:00").replace("17:00", "18:00") + "contact_timezone: contact\n"
    out = callplan.folder / "out"
    capped = callplan.write("campaign.yaml", settings + "max_calls_per_day: 400\n")
    now = "2026-03-20T14:30:00Z"
    summary = callplan.json("plan", capped, "--contacts", file, "--region", "US", "--out", out, "--now", now)
    assert summary["planned"] == 1204
    assert pl.read_parquet(out / "excluded.parquet")["reason"].str.contains("no phone").sum() == 32
    plan = pl.read_parquet(out / "plan.parquet")
    assert {"Pacific/Guam", "Pacific/Pago_Pago"} <= set(plan["timezone"])
    local = [
        instant.astimezone(ZoneInfo(zone)) for zone, instant in plan.select("timezone", "scheduled_at").rows()
    ]
    assert all(9 <= moment.hour < 18 and moment.isoweekday() <= 5 for moment in local)


def test_the_life_of_a_campaign_on_the_command_line(scheduled):
    (row,) = scheduled.json("status")["campaigns"]
    assert (row["state"], row["waiting_count"]) == ("scheduled", 20)
    assert "no dispatcher is running: callplan dispatch places what is due" in row["why"]
    assert scheduled.json("pause", "Renewals") == {
        "campaign_id": row["campaign_id"],
        "state": "paused",
        "in_flight": 0,
    }
    assert scheduled.json("status", "Renewals")["campaigns"][0]["why"] == [
        "it is paused: callplan resume lets it go on"
    ]
    again = scheduled("pause", "Renewals")
    assert (again.returncode, "is paused; only a scheduled or active" in again.stderr) == (2, True)
    assert scheduled.json("resume", row["campaign_id"])["state"] in ("scheduled", "active")
    assert scheduled.json("pause", "--all") == {"paused": 1, "in_flight": 0}
    assert scheduled.json("skip", "Renewals", "c1", "c2", "--reason", "asked us to")["skipped"] == 2
    nobody = scheduled("skip", "Renewals", "c3", "nobody", "--reason", "x")
    assert (nobody.returncode, "no contact nobody" in nobody.stderr) == (2, True)
    assert scheduled.json("calls", "Renewals", "--contact", "c1")[0]["state"] == "skipped"
    assert len(scheduled.json("calls", "Renewals", "--status", "scheduled")) == 18
    page = scheduled.json("calls", "Renewals", "--limit", "5", "--offset", "18")
    assert [row["contact_id"] for row in page] == ["c18", "c19"]
    assert "the hours of America/New_York count" in scheduled.ok("calls", "Renewals", "--contact", "c5")
    unknown = scheduled("calls", "Renewals", "--contact", "zz")
    assert (unknown.returncode, "no contact of the list" in unknown.stderr) == (2, True)
    assert scheduled.json("cancel", "Renewals")["state"] == "cancelled"
    assert scheduled("resume", "Renewals").returncode == 2


@pytest.mark.parametrize(
    "stop", [["pause", "Renewals"], ["skip", "Renewals", "c1", "--reason", "asked us to"]]
)
def test_a_stop_that_cannot_be_stored_is_told_in_a_sentence(scheduled, stop):
    (scheduled.home / "changes.part").mkdir()  # the first file that a full disk would refuse
    done = scheduled(*stop)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the change could not be stored: ")
    assert "Traceback" not in done.stderr
    (row,) = scheduled.json("status")["campaigns"]
    assert (row["state"], row["skipped_count"]) == ("scheduled", 0)


def test_where_a_plan_is_lost_contacts_are_skipped_and_the_rest_is_refused_in_a_sentence(scheduled):
    (plan,) = (scheduled.home / "plans").glob("*/000001.parquet")
    plan.unlink()
    for command in (["calls", "Renewals"], ["update", "Renewals", "end_time=15:00"]):
        done = scheduled(*command)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"error: {plan}: the plan is gone")
    for skipped in (1, 0):
        assert scheduled.json("skip", "Renewals", "c1", "--reason", "asked us to")["skipped"] == skipped
    (row,) = scheduled.json("status")["campaigns"]
    assert (row["plan_version"], row["state"]) == (1, "scheduled"), "nobody knows whether that was everyone"


def test_what_the_system_refuses_is_told_in_a_sentence(callplan):
    callplan.home.mkdir()
    (callplan.home / "ledger.lock").symlink_to("/dev/full")
    done = callplan("create", callplan.write("campaign.yaml", SETTINGS))
    assert done.returncode == 1
    assert done.stderr == "error: the system refused: [Errno 28] No space left on device\n"
    (callplan.home / "ledger.lock").unlink()
    assert callplan.json("status")["campaigns"] == []


def test_a_draft_is_scheduled_once(scheduled):
    again = scheduled("schedule", "Renewals")
    assert again.returncode == 2
    assert "no contact has come to its list since" in again.stderr


def test_lists_show_what_was_set_aside(callplan):
    callplan.ok("load", SAMPLE, "--list", "sample", "--region", "US")
    (row,) = callplan.json("lists")
    assert (row["contacts"], row["set_aside"]) == (245, 5)
    rows = callplan.json("lists", "sample")
    assert {"line": 18, "reason": "no phone"}.items() <= rows[0].items()
    assert "there is no such list" in callplan("lists", "nope").stderr


def test_dispatch_places_what_is_due_now_and_a_dry_run_only_says_so(callplan):
    callplan.ok("load", callplan.write("people.csv", PEOPLE), "--list", "people", "--region", "US")
    settings = SETTINGS.replace("10:00", "00:00").replace("17:00", "24:00") + (
        "working_days: [1, 2, 3, 4, 5, 6, 7]\n"
    )
    # Hours before a midnight, so that the second of the slots is minutes away.
    zone = "UTC" if 6 <= datetime.now(UTC).hour < 18 else "Pacific/Kiritimati"
    settings = settings.replace("America/New_York", zone)
    callplan.ok("create", callplan.write("campaign.yaml", settings))
    callplan.ok("schedule", "Renewals")  # immediate: the first slot is due at once
    tally = callplan.json("dispatch", "--for", "2s")
    assert tally["placed"] >= 1
    assert tally["errors"] == []
    calls = callplan.json("calls", "Renewals", "--status", "in_progress")
    assert calls[0]["contact_id"] == "c0"
    assert callplan.json("dispatch", "--dry-run") == []
    status = callplan.ok("status")
    assert "1 in flight" in status
    assert str(callplan.home) in status


@pytest.mark.parametrize(
    "question",
    [
        "delete from call",
        "select 1; select 2",
        "copy (select 1) to 'x.csv'",
        "attach 'x.duckdb'",
        "select * from read_csv('/etc/hosts')",
        "select * from read_blob('{home}/ledger.duckdb')",
        "select * from read_blob('{home}/plans/../ledger.duckdb')",
        "set enable_external_access = true",
        "selec 1",
    ],
)
def test_sql_can_neither_write_nor_read_outside(scheduled, question):
    before = sorted(str(path) for path in scheduled.folder.rglob("*"))
    done = scheduled("sql", question.format(home=scheduled.home))
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert sorted(str(path) for path in scheduled.folder.rglob("*")) == before


def test_sql_answers_over_plans_lists_and_ledger(scheduled):
    assert scheduled.json("sql", "select count(*) as calls from plan") == [{"calls": 20}]
    assert scheduled.json("sql", "select count(*) as contacts from contact") == [{"contacts": 20}]
    assert scheduled.json("sql", "select state from campaign") == [{"state": "scheduled"}]
    assert scheduled.json("sql", "select distinct state from planned_and_actual") == [{"state": "scheduled"}]


def test_sql_answers_while_nothing_has_been_scheduled(callplan):
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    for table in ("plan", "excluded", "contact", "call", "event", "skip", "planned_and_actual"):
        callplan.json("sql", f"select * from {table}")


def test_sql_takes_its_question_from_a_file_too(scheduled):
    for question in (Path(__file__).parents[2] / "sql" / "questions").glob("*.sql"):
        scheduled.json("sql", "--file", question)
    assert "give either" in scheduled("sql").stderr


def test_a_state_that_there_is_not_is_refused(scheduled):
    done = scheduled("calls", "Renewals", "--status", "unknwon")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --status: 'unknwon' is no state of a call; those are scheduled, ")


def test_a_ledger_that_is_lost_is_told_in_status(scheduled):
    scheduled.ok("update", "Renewals", "end_time=15:00")  # the journal learns of it
    for file in scheduled.home.glob("ledger.duckdb*"):
        file.unlink()
    assert "callplan recover" in scheduled.ok("status")


def test_status_is_told_where_a_dialer_is_set_up_by_half(scheduled, monkeypatch):
    monkeypatch.setenv("TRUEDY_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("TRUEDY_API_KEY", raising=False)
    assert "Renewals" in scheduled.ok("status")


def test_the_ledger_is_not_harmed_by_being_asked(scheduled):
    scheduled.ok("sql", "select 1")
    with duckdb.connect(scheduled.home / "ledger.duckdb") as connection:
        assert connection.sql("select count(*) from campaign").fetchall() == [(1,)]


def test_a_dispatcher_that_is_ended_leaves_as_by_ctrl_c(scheduled):
    command = [sys.executable, "-c", "from flows.cli import main; main()", "dispatch", "--for", "60s"]
    with subprocess.Popen(
        command, env=os.environ | {"CALLPLAN_HOME": str(scheduled.home)}, stderr=-3
    ) as process:
        until = time.monotonic() + 60
        while not scheduled.json("status")["dispatchers"]:
            assert time.monotonic() < until, "it does not begin"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    with duckdb.connect(scheduled.home / "ledger.duckdb") as connection:
        assert connection.sql("select ended_at is not null from owner").fetchall() == [(True,)]


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


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_a_contact_file_may_be_named_like_a_pattern(callplan, kind):
    file = callplan.folder / f"people [1].{kind}"
    people = pl.DataFrame({"id": ["a"], "phone": ["+12125550190"]})
    {"csv": people.write_csv, "parquet": people.write_parquet, "jsonl": people.write_ndjson}[kind](file)
    assert "1 rows: 1 added" in callplan.ok("load", file, "--list", "people")


def test_a_campaign_is_found_by_its_id_though_another_is_named_so(scheduled):
    (row,) = scheduled.json("status")["campaigns"]
    other = scheduled.ok("create", scheduled.write("again.yaml", SETTINGS)).strip()
    scheduled.ok("update", other, f"name={row['campaign_id']}")
    assert "Renewals is paused" in scheduled.ok("pause", row["campaign_id"])


def test_why_a_contact_is_not_planned_is_told_where_no_filter_hides_its_call(scheduled):
    assert scheduled.ok("calls", "Renewals", "--contact", "c3", "--status", "completed") == "none\n"
    assert scheduled.ok("calls", "Renewals", "--contact", "c3", "--offset", "1") == "none\n"
    assert "slot 4 of" in scheduled.ok("calls", "Renewals", "--contact", "c3")


def test_an_answer_is_json_whatever_its_numbers_are(scheduled):
    question = "select 1 as n, 0 / 0 as rate, sum(attempt) as attempts, 1.5::decimal(4, 2) as share from plan"
    (row,) = scheduled.json("sql", question)
    assert row == {"n": 1, "rate": None, "attempts": 20, "share": 1.5}


def test_a_command_without_its_standard_streams_does_its_work(scheduled):
    script = "from flows.cli import main; main()"
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(script)} pause Renewals <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], env=os.environ | {"CALLPLAN_HOME": str(scheduled.home)})
    assert done.returncode == 0
    (row,) = scheduled.json("status")["campaigns"]
    assert row["state"] == "paused"


def test_a_recovery_says_where_the_old_ledger_is_and_that_drafts_are_lost(scheduled):
    scheduled.ok("create", scheduled.write("draft.yaml", SETTINGS.replace("Renewals", "Draft")))
    found = scheduled.json("recover")
    assert (found["campaigns"], found["lost"]) == (1, [])
    assert Path(found["set_aside"]).is_file()
    assert "drafts not at all; the old ledger is" in scheduled.ok("recover")


def test_what_moves_a_terminal_is_shown_and_not_done(callplan):
    people = callplan.write("people.csv", 'id,phone\n"a\x1b[2J\nb",+12125550190\n')
    callplan.ok("load", people, "--list", "people")
    callplan.ok("create", callplan.write("campaign.yaml", SETTINGS))
    callplan.ok("schedule", "Renewals")
    assert r"a\u001b[2J\u000ab  " in callplan.ok("calls", "Renewals")
