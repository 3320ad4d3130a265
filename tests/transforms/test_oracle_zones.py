"""The oracle where a number may lie in several zones, against plans worked out by hand."""

from datetime import timedelta
from typing import Any

import pytest

from tests.transforms.by_hand import EVERY_DAY, MONDAY, campaign, hours_of, people, stands, utc
from tests.transforms.oracle import Infeasible, Person, plan, replan
from transforms.campaign import Campaign


def by_number(*number_zones: str | None) -> list[Person]:
    return [
        Person(letter, f"+1212555{place:04}", None, zones)
        for place, (letter, zones) in enumerate(zip("abcdefghijk", number_zones, strict=False))
    ]


def phone_campaign(**changes: Any) -> Campaign:
    return campaign(contact_timezone="phone", **changes)


def test_zones_that_are_joined_are_called_while_both_are_open() -> None:
    joint = "America/Los_Angeles|America/New_York"  # from 09:00 in the west, 16:00Z, to 18:00 in the east
    slots, excluded = plan(by_number(joint, joint, joint), phone_campaign(), utc("2026-07-06T00:00"))
    assert not excluded
    assert hours_of(slots) == ["06 16:00", "06 18:00", "06 20:00"]
    assert {(slot.timezone, slot.timezone_source, slot.not_after) for slot in slots} == {
        (joint, "phone", utc("2026-07-06T22:00"))
    }


def test_a_joint_stretch_ends_where_either_window_does() -> None:
    # London is an hour ahead: 08-11 and 11-17 meet 09-12 and 12-18 in 09-11, 11-12 and 12-17.
    windows = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "12:00", "end_time": "18:00"}]
    slots, _ = plan(
        by_number(*["Europe/London|UTC"] * 8),
        phone_campaign(timezone="UTC", windows=windows),
        utc("2026-07-06T00:00"),
    )
    assert [slot.scheduled_at.hour for slot in slots] == [*range(9, 17)]
    assert [slot.not_after.hour for slot in slots] == [11, 11, 12, 17, 17, 17, 17, 17]


def test_zones_without_a_common_hour_and_numbers_without_a_zone_are_left_out() -> None:
    contacts = by_number("Asia/Tokyo|America/New_York", None, "America/New_York", "UTC|Europe/London")
    slots, excluded = plan(contacts, phone_campaign(), utc("2026-07-06T00:00"))
    assert [(slot.contact_id, slot.timezone_source) for slot in slots] == [("d", "phone"), ("c", "phone")]
    assert excluded.keys() == {"a", "b"}
    assert "no common open hour" in excluded["a"]
    slots, excluded = plan(contacts, campaign(), utc("2026-07-06T00:00"))
    assert len(slots) == 4
    assert not excluded


def test_joined_names_are_no_zone_of_a_contact_s_own() -> None:
    settings = campaign(contact_timezone="contact")
    slots, excluded = plan(people("America/Toronto|America/New_York"), settings, utc("2026-07-06T00:00"))
    assert not slots
    assert excluded.keys() == {"a"}


def test_a_common_hour_later_in_the_year_is_waited_for() -> None:
    # 09:00 in London is 09:00Z in winter, when Tokyo closes, and 08:00Z from Sunday 29 March on.
    slots, excluded = plan(
        by_number("Asia/Tokyo|Europe/London"), phone_campaign(timezone="UTC"), utc("2026-01-05T00:00")
    )
    assert not excluded
    assert [(slot.scheduled_at, slot.not_after) for slot in slots] == [
        (utc("2026-03-30T08:00"), utc("2026-03-30T09:00"))
    ]


@pytest.mark.parametrize(("blacked_out", "joint_is_placed"), [(365, True), (366, False)])
def test_a_common_hour_is_looked_for_on_366_dates(blacked_out: int, joint_is_placed: bool) -> None:
    slots, excluded = plan(
        by_number("UTC", "Europe/London|UTC"),
        phone_campaign(
            timezone="UTC",
            working_days=EVERY_DAY,
            blackout_dates=[MONDAY + timedelta(days=days) for days in range(blacked_out)],
        ),
        utc("2026-07-06T23:00"),
    )
    assert [slot.contact_id for slot in slots] == ["a", "b"][: 1 + joint_is_placed]
    assert excluded.keys() == (set() if joint_is_placed else {"b"})
    assert {slot.call_date for slot in slots} == {MONDAY + timedelta(days=blacked_out)}


def test_a_common_hour_that_lies_before_the_moment_or_after_the_end_does_not_leave_anybody_out() -> None:
    settings = phone_campaign(timezone="UTC", ends_at="2026-07-06T20:00:00")
    with pytest.raises(Infeasible):
        plan(by_number("Europe/London|UTC"), settings, utc("2026-07-06T19:00"))


def test_carried_slots_lie_in_the_hours_of_all_zones_of_their_number() -> None:
    joint = "America/Los_Angeles|America/New_York"
    slots, _ = replan(
        [],
        phone_campaign(end_time="17:00"),
        utc("2026-07-06T00:00"),
        utc("2026-07-06T15:00"),
        [stands("carried", "06 17:00", "a")],
        None,
        by_number(joint),
    )
    assert [(slot.timezone, slot.timezone_source, slot.not_after) for slot in slots] == [
        (joint, "phone", utc("2026-07-06T21:00"))
    ]
