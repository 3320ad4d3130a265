"""Named situations of the whole planner; the rules in general are held against the oracle."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from flows.planning import InfeasibleError, compute_plan
from tests.people import EARLIER, NUMBERS, campaign, contacts, first_brief
from transforms.schemas import PLAN
from transforms.wall_clock import to_local

ZONES = ["America/New_York", "America/Denver", "Asia/Kolkata"]


def _plan(people, settings, now=EARLIER):
    return compute_plan(people, settings, first_brief(settings, now)).rows.collect()


def _per_date(rows):
    return dict(rows.group_by("call_date").len().sort("call_date").iter_rows())


def test_the_example_of_truedys_guide():
    rows = _plan(contacts(1000), campaign(max_calls_per_day=120))
    assert rows.schema == PLAN
    assert to_local("America/New_York", rows["scheduled_at"][0]).isoformat() == "2026-03-20T10:30:00-04:00"
    assert _per_date(rows) == {date(2026, 3, day): 120 for day in (20, 23, 24, 25, 26, 27, 30, 31)} | {
        date(2026, 4, 1): 40
    }
    assert rows["scheduled_at"].n_unique() == 1000
    # 6.5 hours are left of the first day, 7 hours are open on a whole one.
    gaps = rows.select(gap=pl.col("scheduled_at").diff().over("call_date"), day="call_date").drop_nulls()
    first = gaps.filter(pl.col("day") == date(2026, 3, 20))["gap"].unique().to_list()
    whole = gaps.filter(pl.col("day") == date(2026, 3, 23))["gap"].unique().to_list()
    assert first == [timedelta(hours=6.5) / 120]
    assert whole == [timedelta(hours=7) / 120]


@pytest.mark.parametrize(
    ("start", "changes_on"), [("2026-03-06T10:00", date(2026, 3, 8)), ("2026-10-30T10:00", date(2026, 11, 1))]
)
def test_the_wall_clock_stays_when_the_offset_changes(start, changes_on):
    settings = campaign(
        scheduled_at=start, max_calls_per_day=7, working_days=[1, 2, 3, 4, 5, 6, 7], end_time="17:00"
    )
    rows = _plan(contacts(35), settings)
    local = [to_local("America/New_York", instant) for instant in rows["scheduled_at"]]
    assert [instant.hour for instant in local] == [10, 11, 12, 13, 14, 15, 16] * 5
    offsets = {instant.date(): instant.utcoffset() for instant in local}
    assert offsets[changes_on - timedelta(days=1)] != offsets[changes_on + timedelta(days=1)]


def test_a_start_in_the_past_means_now():
    now = datetime(2026, 3, 24, 16, tzinfo=UTC)
    assert _plan(contacts(3), campaign(), now)["scheduled_at"][0] == now


def test_an_immediate_campaign_starts_now_but_only_inside_windows():
    settings = campaign(schedule_type="immediate")
    night = datetime(2026, 3, 21, 3, tzinfo=UTC)  # Friday night in New York
    first = _plan(contacts(3), settings, night)["scheduled_at"][0]
    assert to_local("America/New_York", first).isoformat() == "2026-03-23T10:00:00-04:00"


def test_slots_run_on_behind_a_lunch_break():
    windows = [{"start_time": "10:00", "end_time": "12:00"}, {"start_time": "14:00", "end_time": "16:00"}]
    settings = campaign(windows=windows, scheduled_at="2026-03-23T00:00")
    rows = _plan(contacts(4), settings)
    local = [to_local("America/New_York", instant).strftime("%H:%M") for instant in rows["scheduled_at"]]
    assert local == ["10:00", "11:00", "14:00", "15:00"]
    until = [to_local("America/New_York", instant).strftime("%H:%M") for instant in rows["not_after"]]
    assert until == ["12:00", "12:00", "16:00", "16:00"]


def test_holidays_and_blackout_dates_are_left_out():
    settings = campaign(
        scheduled_at="2026-07-02T00:00",
        holidays={"country": "US"},
        blackout_dates=["2026-07-06"],
        max_calls_per_day=1,
    )
    # Friday 3 July is the observed Independence Day, 4 and 5 are the weekend, 6 is blacked out.
    assert list(_per_date(_plan(contacts(3), settings))) == [
        date(2026, 7, 2),
        date(2026, 7, 7),
        date(2026, 7, 8),
    ]


def test_everyone_is_called_by_their_own_clock_on_both_sides_of_the_date_line():
    zones = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", None]
    rows = _plan(contacts(200, zones), campaign(contact_timezone="contact", max_calls_per_day=30))
    for zone_name, instant in rows.select("timezone", "scheduled_at").iter_rows():
        local = to_local(zone_name, instant)
        assert 10 <= local.hour < 17
        assert local.isoweekday() <= 5
    assert rows["scheduled_at"].n_unique() == 200
    assert rows["timezone_source"].value_counts().sort("count").rows() == [("campaign", 50), ("contact", 150)]


def test_an_unknown_zone_sets_the_contact_aside():
    settings = campaign(contact_timezone="contact")
    computed = compute_plan(contacts(4, ["Mars/Base", None]), settings, first_brief(settings, EARLIER))
    assert computed.contacts == 2
    assert computed.excluded.rows() == [
        ("c0", 2, 'unknown time zone "Mars/Base"'),
        ("c2", 4, 'unknown time zone "Mars/Base"'),
    ]


def test_the_first_day_has_its_share_of_the_cap():
    # 6.5 of 7 hours are left: floor(120 * 6.5 / 7) = 111
    settings = campaign(max_calls_per_day=120, first_day_cap="prorated")
    assert _per_date(_plan(contacts(240), settings)) == {
        date(2026, 3, 20): 111,
        date(2026, 3, 23): 120,
        date(2026, 3, 24): 9,
    }


def test_two_plans_of_the_same_contacts_are_the_same():
    settings = campaign(contact_timezone="contact", max_calls_per_number_per_day=9)
    people = contacts(100, ["Asia/Tokyo", "Europe/Paris", None])
    assert _plan(people, settings).equals(_plan(people, settings))


def test_a_plan_of_several_zones_is_the_same_in_however_many_runs_it_is_computed(monkeypatch):
    people, settings = contacts(200, ZONES), campaign(contact_timezone="contact", max_calls_per_day=12)
    whole = _plan(people, settings)
    monkeypatch.setattr("transforms.plan._RUN_ROWS", 30)
    rows = compute_plan(people, settings, first_brief(settings, EARLIER)).rows
    later = pl.col("scheduled_at") > whole["scheduled_at"][70]
    assert rows.collect().equals(whole)
    assert rows.collect(engine="streaming").equals(whole)
    assert rows.head(55).collect().equals(whole.head(55))
    assert rows.filter(later).select("phone").collect().equals(whole.filter(later).select("phone"))


def test_random_draws_are_drawn_again_until_every_number_has_room():
    settings = campaign(max_calls_per_number_per_day=10)
    rows = _plan(contacts(90), settings)
    per_number = rows.group_by("call_date", "from_number").len()
    assert per_number["len"].to_list() == [10] * 9
    assert rows["from_number"].head(12).to_list() != (NUMBERS * 4)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"max_calls_per_day": 10, "ends_at": "2026-03-25T00:00"},
            [
                "70 of 100 contacts do not fit: max_calls_per_day 10 fills every open date before ends_at "
                "2026-03-25 00:00:00",
                "it would fit with max_calls_per_day: 34",
                "it would fit with ends_at: 2026-04-02T17:00:00-04:00",
            ],
        ),
        (
            {"max_calls_per_number_per_day": 9, "ends_at": "2026-03-25T00:00"},
            [
                "19 of 100 contacts do not fit: max_calls_per_number_per_day 9 fills every open date before "
                "ends_at 2026-03-25 00:00:00",
                "it would fit with max_calls_per_number_per_day: 12",
                "it would fit with working_days: [1, 2, 3, 4, 5, 6]",
                "it would fit with ends_at: 2026-03-25T17:00:00-04:00",
            ],
        ),
        (
            {"scheduled_at": "2026-03-21T09:00", "ends_at": "2026-03-22T00:00"},
            [
                "100 of 100 contacts do not fit: there is no open time for them before ends_at "
                "2026-03-22 00:00:00",
                "it would fit with working_days: [1, 2, 3, 4, 5, 6]",
                "it would fit with ends_at: 2026-03-23T17:00:00-04:00",
            ],
        ),
    ],
)
def test_an_infeasible_plan_names_the_rule_and_the_smallest_change(changes, told):
    settings = campaign(**changes)
    with pytest.raises(InfeasibleError) as caught:
        _plan(contacts(100), settings)
    assert caught.value.problems == told


def test_a_cap_that_needs_more_than_ten_years_is_refused():
    with pytest.raises(InfeasibleError, match="horizon"):
        _plan(contacts(3000), campaign(max_calls_per_day=1))


def test_the_latest_start_that_may_be_given_can_be_planned():
    settings = campaign(scheduled_at="9899-12-31T09:00", working_days=[1], max_calls_per_day=1)
    assert _plan(contacts(500), settings)["call_date"].max().year == 9909


def test_a_clash_never_moves_a_call_past_its_closing():
    windows = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "13:00", "end_time": "18:00"}]
    settings = campaign(
        contact_timezone="contact", windows=windows, scheduled_at="2026-07-06T15:59:59.999999Z"
    )
    rows = _plan(contacts(3, ["America/Toronto", None, "US/Eastern"]), settings)
    one = datetime(2026, 7, 6, 17, tzinfo=UTC)
    assert rows["scheduled_at"].to_list() == [one + timedelta(microseconds=number) for number in range(3)]
    assert (rows["scheduled_at"] < rows["not_after"]).all()
