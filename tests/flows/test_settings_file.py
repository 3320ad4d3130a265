from datetime import UTC, date, datetime

import pytest

from flows.errors import InputError
from flows.settings_file import read_campaign

LEAST = "name: Renewals\nagent_id: agent\n"


def _read(tmp_path, text, name="campaign.yaml"):
    file = tmp_path / name
    file.write_text(text)
    return read_campaign(file)


def test_unquoted_values_mean_what_they_look_like(tmp_path):
    campaign = _read(
        tmp_path,
        LEAST
        + "start_time: 10:00\nend_time: 24:00\nphone_numbers: [+18005550100]\nholidays: {country: NO}\n"
        + "blackout_dates: [2026-12-24]\nschedule_type: scheduled\nscheduled_at: 2026-03-20 14:30:00Z\n"
        + "max_calls_per_day: 120\nends_at: ~\nwindows:\n",
    )
    assert (campaign.start_time, campaign.end_time) == ("10:00", "24:00")
    assert campaign.phone_numbers == ["+18005550100"]
    assert campaign.holidays.country == "NO"
    assert campaign.blackout_dates == [date(2026, 12, 24)]
    assert campaign.scheduled_at == datetime(2026, 3, 20, 14, 30, tzinfo=UTC)
    assert campaign.max_calls_per_day == 120
    assert campaign.ends_at is None
    assert campaign.windows is None


def test_yaml_and_json_say_the_same(tmp_path):
    text = '{"name": "Renewals", "agent_id": "agent", "working_days": [1, 2], "seed": 3}'
    from_json = _read(tmp_path, text, "campaign.json")
    from_yaml = _read(tmp_path, LEAST + "working_days: [1, 2]\nseed: 3\n")
    assert from_json == from_yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the settings must be a mapping"),
        ("just words", "the settings must be a mapping"),
        ("a: [", "while parsing"),
        ('{"name": "a",}', "line 1"),
        ('{"name": "a", "name": "b"}', "name stands there more than once"),
        ("name: a\nname: b\n", "name stands there more than once"),
        ("name: !!python/object:os.system {}\nagent_id: agent\n", "name: use text"),
    ],
)
def test_a_file_that_is_no_campaign_is_told(tmp_path, text, told):
    with pytest.raises(InputError) as caught:
        _read(tmp_path, text)
    assert told in caught.value.problems[0]
    assert all(problem.startswith(str(tmp_path / "campaign.yaml")) for problem in caught.value.problems)


def test_a_missing_or_unreadable_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_campaign(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: B\xf6rse\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_campaign(tmp_path / "latin.yaml")
