"""Plans that are written and verified without a store."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.flows.cli.callplan import PEOPLE, SETTINGS

OFFICES = Path(__file__).parents[4] / "shared" / "data" / "district_offices.csv"
SAMPLE = Path(__file__).parents[3] / "data" / "sample_contacts.csv"


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


def test_a_start_that_is_past_and_why_contacts_are_excluded_is_told(callplan):
    settings = SETTINGS + (
        "schedule_type: scheduled\nscheduled_at: 2025-12-24T10:00\ncontact_timezone: contact\n"
    )
    zones = ["", *["Mars/Base"] * 2, "Moon/Sea"]
    people = "id,phone,timezone\n" + "".join(
        f"c{place},212-555-01{place:02},{zone}\n" for place, zone in enumerate(zones)
    )
    done = _preview(callplan, settings, people, "--now", "2026-03-04T12:00:00Z")
    assert "warning: scheduled_at, 2025-12-24 10:00-0500, is past" in done.stderr
    assert done.stdout.splitlines()[-3:] == [
        "3 contacts excluded",
        '  unknown time zone "Mars/Base": 2',
        '  unknown time zone "Moon/Sea": 1',
    ]
    early = _preview(callplan, settings, people, "--now", "2025-12-04T12:00:00Z")
    assert "is past" not in early.stderr


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
