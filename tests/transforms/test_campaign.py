import pytest

from tests.people import campaign
from transforms.campaign import Campaign
from transforms.mistakes import InvalidSettingsError

LEAST = {"name": "Renewals", "agent_id": "agent"}


def _problems(**settings):
    with pytest.raises(InvalidSettingsError) as caught:
        Campaign.from_mapping(LEAST | settings)
    return caught.value.problems


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"start_tme": "10:00"}, ["start_tme: is not a known field; did you mean start_time?"]),
        (
            {"start_time": "18:00", "end_time": "09:00"},
            ['end_time: must be after start_time 18:00; a window never crosses midnight (found "09:00")'],
        ),
        (
            {"timezone": "America/NewYork"},
            [
                "timezone: use an IANA time zone name; did you mean America/New_York? "
                '(found "America/NewYork")'
            ],
        ),
        (
            {"working_days": [0, 8, "Mon", 1.5]},
            [
                "working_days.0: use ISO weekdays, 1 (Monday) to 7 (Sunday) (found 0)",
                "working_days.1: use ISO weekdays, 1 (Monday) to 7 (Sunday) (found 8)",
                'working_days.2: use ISO weekdays, 1 (Monday) to 7 (Sunday) (found "Mon")',
                "working_days.3: use ISO weekdays, 1 (Monday) to 7 (Sunday) (found 1.5)",
            ],
        ),
        (
            {"phone_numbers": ["2125550100"]},
            ['phone_numbers.0: use E.164, such as +18005550100 (found "2125550100")'],
        ),
        ({"start_time": "25:00"}, ['start_time: use HH:MM between 00:00 and 24:00 (found "25:00")']),
        ({"max_calls_per_day": "lots"}, ['max_calls_per_day: use a whole number (found "lots")']),
        (
            {"max_calls_per_day": 10**10},
            ["max_calls_per_day: must be at most 1,000,000,000 (found 10000000000)"],
        ),
        ({"calls_per_second": "inf"}, ['calls_per_second: must be at most 1,000 (found "inf")']),
        (
            {"contact_timezone": "number"},
            ["contact_timezone: use one of 'campaign', 'contact' or 'phone' (found \"number\")"],
        ),
        ({"windows": "9-17"}, ['windows: use a list, such as [first, second] (found "9-17")']),
        (
            {"blackout_dates": ["2026-02-30"]},
            ['blackout_dates.0: use a date, YYYY-MM-DD (found "2026-02-30")'],
        ),
        (
            {"ends_at": "2026-03-20T25:00"},
            [
                "ends_at: use a date and time that exist, as 2026-03-20T14:30 or "
                '2026-03-20T14:30+01:00 (found "2026-03-20T25:00")'
            ],
        ),
        ({"ends_at": "9999-12-31"}, ['ends_at: use a year from 1900 to 9899 (found "9999-12-31")']),
    ],
)
def test_a_mistake_is_told_with_field_value_and_what_is_right(settings, told):
    assert _problems(**settings) == told


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"schedule_type": "scheduled"}, "scheduled_at"),
        ({"scheduled_at": "2026-03-20T14:30:00Z"}, "scheduled_at"),
        ({"schedule_type": "scheduled", "scheduled_at": "1774017000"}, "scheduled_at"),
        (
            {
                "schedule_type": "scheduled",
                "scheduled_at": "2026-03-20T14:30:00Z",
                "ends_at": "2026-03-20T14:30:00Z",
            },
            "ends_at",
        ),
        ({"working_days": []}, "working_days"),
        ({"working_days": [1, 1]}, "working_days"),
        ({"phone_numbers": ["+12125550190", "+12125550190"]}, "phone_numbers"),
        ({"windows": []}, "windows"),
        ({"windows": [{"start_time": "09:00", "end_time": "09:00"}]}, "windows.0.end_time"),
        ({"windows": [{"days": [], "start_time": "09:00", "end_time": "10:00"}]}, "windows.0.days"),
        ({"windows": [{"days": [6], "start_time": "09:00", "end_time": "10:00"}]}, "windows"),
        (
            {
                "windows": [
                    {"start_time": "09:00", "end_time": "12:00"},
                    {"days": [3], "start_time": "11:59", "end_time": "13:00"},
                ]
            },
            "windows",
        ),
        ({"holidays": {"country": "XX"}}, "holidays.country"),
        ({"holidays": {"country": "US", "subdivision": "ZZ"}}, "holidays.subdivision"),
        ({"max_calls_per_day": 0}, "max_calls_per_day"),
        ({"max_calls_per_number_per_day": 10**9 + 1}, "max_calls_per_number_per_day"),
        ({"max_concurrent_calls": 1001}, "max_concurrent_calls"),
        ({"max_call_minutes": 366 * 24 * 60 + 1}, "max_call_minutes"),
        ({"calls_per_second": 0}, "calls_per_second"),
        ({"retry": {"max_attempts": 2}}, "retry.delay_minutes"),
        ({"retry": {"max_attempts": 2, "delay_minutes": {"busy": 10**20}}}, "retry.delay_minutes.busy"),
        ({"retry": {"max_attempts": 11, "delay_minutes": {"busy": 5}}}, "retry.max_attempts"),
        ({"retry": {"max_attempts": 2, "delay_minutes": {"completed": 5}}}, "retry.delay_minutes.completed"),
        ({"retry": {"delay_minutes": {"busy": 5}}}, "retry.delay_minutes"),
        ({"contact_timezone": "number"}, "contact_timezone"),
        ({"seed": "x"}, "seed"),
        ({"name": " "}, "name"),
        ({"name": "Renewals\nis paused"}, "name"),
        ({"agent_id": "agent\x1b[2J"}, "agent_id"),
        ({"name": "x" * 256}, "name"),
        ({"agent_id": ""}, "agent_id"),
        ({"dialer": "nobody"}, "dialer"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(settings, field):
    (problem,) = _problems(**settings)
    assert problem.startswith(f"{field}: ")


def test_all_mistakes_are_told_at_once():
    problems = _problems(name="", timezone="Mars", end_time="08:00", working_days=[9], colour="red")
    assert [problem.partition(":")[0] for problem in problems] == [
        "name",
        "timezone",
        "end_time",
        "working_days.0",
        "colour",
    ]


def test_windows_that_touch_do_not_overlap():
    both = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "12:00", "end_time": "24:00"}]
    assert campaign(windows=both).windows_of(1) == [(540, 720), (720, 1440)]


def test_a_day_without_windows_is_closed():
    settings = campaign(windows=[{"days": [2], "start_time": "9:00", "end_time": "12:00"}])
    assert settings.windows_of(1) == []
    assert settings.windows_of(2) == [(540, 720)]
    assert settings.windows_of(6) == []


def test_the_same_settings_have_the_same_hash():
    assert campaign(seed=1).settings_hash() == campaign(seed="1").settings_hash()
    assert campaign(seed=1).settings_hash() != campaign(seed=2).settings_hash()
