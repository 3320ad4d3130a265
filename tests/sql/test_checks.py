"""Each rule holds for a good plan and catches a plan in which that one rule is broken by hand."""

from datetime import timedelta

import polars as pl
import pytest

from flows.checking import PlanUnderTest, check_plan
from flows.planning import compute_plan, judged_contacts
from tests.people import EARLIER, campaign, contacts, first_brief

ZONES = ["America/New_York", "America/Denver", None, "Mars/Base", "Asia/Kolkata"]
MILLISECOND = timedelta(milliseconds=1)


def _settings(**changes):
    return campaign(
        contact_timezone="contact",
        max_calls_per_day=20,
        max_calls_per_number_per_day=10,
        phone_rotation_strategy="round_robin",
        blackout_dates=["2026-03-24"],
        ends_at="2026-05-01T00:00",
        **changes,
    )


def _broken(tmp_path, settings, people, change=lambda rows: rows):
    """Return the names of the rules that a plan breaks after ``change`` was made to its rows."""
    brief = first_brief(settings, EARLIER)
    rows = compute_plan(people, settings, brief).rows.collect()
    file = tmp_path / "plan.parquet"
    change(rows).write_parquet(file)
    asked_for = judged_contacts(people, settings, brief).collect()
    checks = check_plan(PlanUnderTest(file, settings, brief, asked_for))
    assert all(len(check.examples) == min(check.broken, 5) for check in checks)
    return {check.rule for check in checks if check.broken}


def _set(row, **values):
    """Change the values of one row."""

    def change(rows):
        here = pl.int_range(pl.len()) == row
        return rows.with_columns(
            pl.when(here).then(pl.lit(value, rows.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )

    return change


def _moved(row, by):
    """Move one row in time, and sort the plan again with its indexes mended."""

    def change(rows):
        here = pl.int_range(pl.len()) == row
        moved = rows.with_columns(
            scheduled_at=pl.when(here).then(pl.col("scheduled_at") + by).otherwise("scheduled_at")
        ).sort("scheduled_at")
        return moved.with_columns(slot_index=pl.int_range(pl.len()).over("call_date"))

    return change


def test_a_good_plan_breaks_no_rule(tmp_path):
    assert _broken(tmp_path, _settings(), contacts(120, ZONES)) == set()


@pytest.mark.parametrize("rotation", ["random", "sequential", "round_robin"])
@pytest.mark.parametrize("cap", [None, 8])
def test_every_rotation_is_right_by_its_rule(tmp_path, rotation, cap):
    settings = campaign(
        phone_rotation_strategy=rotation, max_calls_per_number_per_day=cap, max_calls_per_day=23
    )
    assert _broken(tmp_path, settings, contacts(100)) == set()


def _swapped_in_list_order(rows):
    """Let the first contact and one of a later date in the same zone trade places."""
    first = rows.row(0, named=True)
    later = rows.filter(
        pl.col("timezone") == first["timezone"], pl.col("call_date") > first["call_date"]
    ).row(-1, named=True)
    renamed = pl.col("contact_id").replace(
        {first["contact_id"]: later["contact_id"], later["contact_id"]: first["contact_id"]}
    )
    return rows.with_columns(contact_id=renamed)


def _called_a_day_later(rows):
    """Move everyone of the second date to where nobody is, so that the second date has room."""
    dates = rows["call_date"].unique().sort()
    return rows.filter(pl.col("call_date") != dates[1])


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("who is planned", lambda rows: rows.tail(-1)),
        ("who is planned", lambda rows: pl.concat([rows, rows.tail(1)])),
        ("who is planned", _set(0, contact_id="nobody")),
        ("who is planned", _set(0, contact_id="c3")),
        ("when calls start", _moved(0, timedelta(hours=-2))),
        ("when calls start", _moved(-1 % 20, timedelta(hours=12))),
        ("which day has room", _called_a_day_later),
        ("who goes first", _swapped_in_list_order),
        ("what time", _moved(3, 2 * MILLISECOND)),
        ("what time", _set(4, not_after=EARLIER + timedelta(days=300))),
        ("no two at once", lambda rows: _set(1, scheduled_at=rows["scheduled_at"][0])(rows)),
        ("caps", lambda rows: rows.with_columns(from_number=pl.lit("+12125550191"))),
        ("rotation", _set(2, from_number="+12125550190")),
        ("rotation", _set(2, from_number="+19999999999")),
        ("rotation", _set(2, from_number=None)),
        ("how it is written", _set(0, slot_index=7)),
        ("how it is written", _set(0, call_date=EARLIER.date())),
        ("how it is written", _set(0, campaign_id="another")),
        ("how it is written", _set(0, plan_version=2)),
        ("how it is written", lambda rows: rows.reverse()),
        ("how it is written", lambda rows: _set(0, not_after=rows["scheduled_at"][0])(rows)),
    ],
)
def test_a_broken_rule_is_named(tmp_path, rule, change):
    assert rule in _broken(tmp_path, _settings(max_concurrent_calls=5), contacts(120, ZONES), change)


@pytest.mark.parametrize("people", [120, 50_000])
@pytest.mark.parametrize(("by", "broken"), [(0, set()), (2_500, {"what time"})])
def test_calls_that_crowd_a_minute_are_judged_by_their_rank(tmp_path, people, by, broken):
    """50,000 calls are 1.2 ms apart, so a call may be as close to the share of the one beside it."""
    settings = campaign(start_time="10:00", end_time="10:01", working_days=[1, 2, 3, 4, 5, 6, 7])
    moved = _moved(3, timedelta(microseconds=by))
    assert _broken(tmp_path, settings, contacts(people, ["America/New_York"]), moved) == broken


def test_a_call_on_a_closed_date_or_after_the_end_is_caught(tmp_path):
    settings = campaign(max_calls_per_day=20, ends_at="2026-04-01T00:00")
    stricter = campaign(max_calls_per_day=20, ends_at="2026-03-23T12:00", blackout_dates=["2026-03-23"])
    brief = first_brief(settings, EARLIER)
    file = tmp_path / "plan.parquet"
    compute_plan(contacts(40), settings, brief).rows.sink_parquet(file)
    checks = check_plan(PlanUnderTest(file, stricter, brief))
    found = next(check for check in checks if check.rule == "when calls start")
    assert found.broken == 20
    problems = " ".join(str(example["problem"]) for example in found.examples)
    assert "closed date, 2026-03-23" in problems


def test_a_date_above_its_cap_is_caught(tmp_path):
    settings, stricter = campaign(max_calls_per_day=20), campaign(max_calls_per_day=19)
    brief = first_brief(settings, EARLIER)
    file = tmp_path / "plan.parquet"
    compute_plan(contacts(40), settings, brief).rows.sink_parquet(file)
    checks = check_plan(PlanUnderTest(file, stricter, brief))
    found = next(check for check in checks if check.rule == "caps")
    assert [example["problem"] for example in found.examples] == [
        "2026-03-20 holds 20 calls and has room for 19",
        "2026-03-23 holds 20 calls and has room for 19",
    ]
