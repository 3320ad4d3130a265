import pytest
from pydantic import ValidationError

from transforms.campaign import Campaign
from transforms.changes import Changes


def test_only_what_was_filled_in_is_a_change():
    given = Changes(
        max_calls_per_day=5, working_days=[1, 2], windows=[{"start_time": "09:00", "end_time": "10:00"}]
    )
    assert given.as_given() == {
        "max_calls_per_day": 5,
        "working_days": [1, 2],
        "windows": [{"start_time": "09:00", "end_time": "10:00"}],
    }
    assert Changes().as_given() == {}


def test_what_cannot_change_once_scheduled_is_no_field():
    assert set(Campaign.model_fields) - set(Changes.model_fields) == {"contact_list", "dialer"}
    with pytest.raises(ValidationError, match="contact_list"):
        Changes(contact_list="others")


def test_a_form_never_asks_whether_a_field_is_nothing():
    for model in (Campaign, Changes):
        fields = model.model_json_schema()["properties"]
        assert not [name for name, field in fields.items() if "anyOf" in field]
        assert all(field["description"] for field in fields.values())
        assert fields["timezone"]["type"] == "string"
        assert fields["scheduled_at"]["format"] == "date-time"
