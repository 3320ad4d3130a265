"""The oracle where some calls stand already, against plans worked out by hand."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from tests.transforms.by_hand import (
    MONDAY,
    NEW_YORK,
    NUMBERS,
    TUESDAY,
    WEDNESDAY,
    campaign,
    hours_of,
    letters,
    microseconds_after,
    people,
    replanned,
    stands,
    utc,
)
from tests.transforms.oracle import Infeasible, Person, replan


def test_missed_calls_are_spread_over_what_is_left_of_the_day() -> None:
    slots = replanned(people(*[None] * 4), "06 18:00", stands("started", "06 13:00"))
    assert hours_of(slots) == ["06 18:00", "06 19:00", "06 20:00", "06 21:00"]
    assert {slot.not_after for slot in slots} == {utc("2026-07-06T22:00")}


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        (3, [("a", 2, "07 13:00", 0), ("b", 2, "07 16:00", 1), ("c", 1, "07 19:00", 2)]),
        (4, [("a", 2, "06 18:00", 3), ("b", 2, "07 13:00", 0), ("c", 1, "07 17:30", 1)]),
        (2, [("a", 2, "07 13:00", 0), ("b", 2, "07 17:30", 1), ("c", 1, "08 13:00", 0)]),  # one more already
    ],
)
def test_retries_find_the_room_that_started_and_kept_calls_leave(
    cap: int, expected: list[tuple[str, int, str, int]]
) -> None:
    first, second, third = people(None, None, None)
    slots = replanned(
        [(first, 2), (second, 2), third],
        "06 18:00",
        stands("started", "06 13:00", "a", slot_index=0),
        stands("started", "06 16:00", "b", slot_index=1),
        stands("kept", "06 19:00", slot_index=2),
        max_calls_per_day=cap,
    )
    assert [
        (slot.contact_id, slot.attempt, hour, slot.slot_index)
        for slot, hour in zip(slots, hours_of(slots), strict=True)
    ] == expected


def test_room_does_not_come_back_when_it_was_more_than_used_up() -> None:
    over = [stands("started", f"06 13:0{minute}") for minute in range(5)]
    slots = replanned(people(None), "06 18:00", *over, max_calls_per_day=2)
    assert hours_of(slots) == ["07 13:00"]


@pytest.mark.parametrize(
    ("from_at", "started", "dates"),
    [
        ("06 18:00", 12, {MONDAY: 1, TUESDAY: 14, WEDNESDAY: 5}),  # 10:30 of 10:00-17:00: 13 of 14
        ("06 18:00", 0, {MONDAY: 13, TUESDAY: 7}),  # not again by what is left at 18:00Z
        ("07 18:00", 0, {TUESDAY: 14, WEDNESDAY: 6}),  # the day of replanning is not the first
    ],
)
def test_prorated_first_day_is_the_day_of_the_start(
    from_at: str, started: int, dates: dict[date, int]
) -> None:
    slots = replanned(
        people(*[None] * 20),
        from_at,
        *[stands("started", f"06 14:{30 + minute}") for minute in range(started)],
        starts_at="06 14:30",
        start_time="10:00",
        end_time="17:00",
        max_calls_per_day=14,
        first_day_cap="prorated",
    )
    assert Counter(slot.call_date for slot in slots) == dates


@pytest.mark.parametrize(
    ("standing", "on_monday"),
    [
        ("", 4),
        ("AB", 2),
        ("AAAB", 1),  # A has one too many: that takes nothing from B
        ("AZZ", 3),  # Z is no number of the campaign any more
        ("AABB", 0),
    ],
)
def test_numbers_have_the_room_that_their_own_calls_leave(standing: str, on_monday: int) -> None:
    slots = replanned(
        people(*[None] * 4),
        "06 18:00",
        *[stands("started", f"06 13:0{place}", number=NUMBERS[name]) for place, name in enumerate(standing)],
        phone_numbers=[NUMBERS["A"], NUMBERS["B"]],
        max_calls_per_number_per_day=2,
    )
    assert [slot.call_date for slot in slots].count(MONDAY) == on_monday


def test_carried_slots_take_room_but_not_that_of_the_number_they_had() -> None:
    # A has one call left and B two; the two slots that are carried over from A leave one of the three.
    carried = people(None, None, None, None)[2:]
    slots = replanned(
        people(None, None),
        "06 18:00",
        stands("started", "06 13:00", number=NUMBERS["A"]),
        stands("carried", "06 19:00", "c", number=NUMBERS["A"]),
        stands("carried", "06 20:00", "d", number=NUMBERS["A"]),
        carried=carried,
        last_number=NUMBERS["A"],
        phone_numbers=[NUMBERS["A"], NUMBERS["B"]],
        phone_rotation_strategy="round_robin",
        max_calls_per_number_per_day=2,
    )
    assert [(slot.contact_id, hour) for slot, hour in zip(slots, hours_of(slots), strict=True)] == [
        ("a", "06 18:00"), ("c", "06 19:00"), ("d", "06 20:00"), ("b", "07 13:00"),
    ]  # fmt: skip
    assert letters(slots) == "BABA"


def test_new_rows_step_over_every_instant_that_is_taken() -> None:
    slots = replanned(
        people(None, None, "America/Toronto"),
        "06 18:00",
        stands("kept", "06 18:00"),
        stands("carried", "06 18:00:00.000001", "z"),
        stands("started", "06 18:00:00.000003"),
        stands("kept", "06 20:00:00.000001"),
        carried=[Person("z", "+12125550000", None)],
        contact_timezone="contact",
    )
    assert [slot.contact_id for slot in slots] == ["z", "a", "c", "b"]
    assert microseconds_after("06 18:00", slots) == [1, 2, 4, 2 * 3600 * 1_000_000]


def test_a_row_that_waits_for_the_one_before_it_then_steps_over_what_is_taken() -> None:
    slots = replanned(
        people("America/Toronto", None, "US/Eastern"),
        "06 18:00",
        stands("kept", "06 18:00:00.000001"),
        stands("kept", "06 18:00:00.000002"),
        contact_timezone="contact",
    )
    assert [slot.contact_id for slot in slots] == ["a", "b", "c"]
    assert microseconds_after("06 18:00", slots) == [0, 3, 4]


def test_beside_standing_rows_calls_of_a_zone_keep_a_millisecond_apart() -> None:
    late = "06 21:59:59.997000"
    slots = replanned(people(*[None] * 4), late, stands("started", "06 13:00"))
    assert microseconds_after(late, slots[:3]) == [0, 1_000, 2_000]
    assert hours_of(slots[3:]) == ["07 13:00"]
    slots = replanned(people(*[None] * 4), late)  # nothing stands: a microsecond is enough
    assert microseconds_after(late, slots) == [0, 750, 1_500, 2_250]


def test_beside_standing_rows_the_last_call_of_a_stretch_leaves_900_microseconds() -> None:
    # Three hours and three hours less two microseconds: the second of two wishes for 11:59:59.999999.
    hours = {
        "windows": [
            {"start_time": "09:00", "end_time": "12:00"},
            {"start_time": "13:00", "end_time": "16:00"},
        ],
        "ends_at": "2026-07-06T19:59:59.999998Z",
    }
    slots = replanned(people(None, None), "06 00:00", stands("kept", "06 13:30"), **hours)
    assert microseconds_after("06 16:00", slots)[1:] == [-900]
    slots = replanned(people(None, None), "06 00:00", **hours)
    assert microseconds_after("06 16:00", slots)[1:] == [-1]


@pytest.mark.parametrize(
    ("from_at", "expected"),
    [("06 15:59:59.999100", "06 17:00"), ("06 15:59:59.998999", "06 15:59")],
)
def test_beside_standing_rows_a_stretch_of_900_microseconds_is_not_used(from_at: str, expected: str) -> None:
    windows = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "13:00", "end_time": "18:00"}]
    slots = replanned(people(None), from_at, stands("started", "06 13:00"), windows=windows)
    assert hours_of(slots) == [expected]


def test_slot_index_goes_on_after_the_highest_of_what_stays() -> None:
    slots = replanned(
        people(None, None),
        "06 18:00",
        stands("started", "06 13:00", slot_index=2),
        stands("kept", "06 21:00", slot_index=5),
        stands("carried", "06 19:00", "z", slot_index=9),
        carried=[Person("z", "+12125550000", None)],
    )
    assert [(slot.contact_id, slot.slot_index) for slot in slots] == [("a", 6), ("z", 7), ("b", 8)]


def test_carried_slots_keep_their_time_and_take_the_settings_of_now() -> None:
    slots = replanned(
        people(None, None),
        "06 13:00",
        stands("carried", "06 14:30", "y", attempt=2),
        stands("carried", "06 17:15", "z"),
        carried=[Person("z", "+12125550000", None), Person("y", "+12125550001", "America/Toronto")],
        contact_timezone="contact",
        windows=[{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "13:00", "end_time": "14:00"}],
        max_calls_per_day=3,
    )
    assert [
        (
            slot.contact_id,
            slot.attempt,
            slot.timezone,
            slot.timezone_source,
            f"{slot.scheduled_at:%d %H:%M}",
            slot.not_after.hour,
            slot.slot_index,
        )
        for slot in slots
    ] == [
        ("a", 1, NEW_YORK, "campaign", "06 13:00", 16, 0),
        ("y", 2, "America/Toronto", "contact", "06 14:30", 16, 1),
        ("z", 1, NEW_YORK, "campaign", "06 17:15", 18, 2),
        ("b", 1, NEW_YORK, "campaign", "07 13:00", 16, 0),
    ]


@pytest.mark.parametrize(("last", "expected"), [(None, "ABCA"), ("A", "BCAB"), ("C", "ABCA"), ("Z", "ABCA")])
def test_round_robin_begins_after_the_last_number(last: str | None, expected: str) -> None:
    slots = replanned(
        people(*[None] * 4),
        "06 18:00",
        last_number=last and NUMBERS[last],
        phone_numbers=[NUMBERS[name] for name in "ABC"],
        phone_rotation_strategy="round_robin",
    )
    assert letters(slots) == expected


def test_round_robin_skips_numbers_without_room_and_carries_on() -> None:
    slots = replanned(
        people(*[None] * 6),
        "06 18:00",
        stands("started", "06 13:00", number=NUMBERS["B"]),
        stands("started", "06 14:00", number=NUMBERS["B"]),
        last_number=NUMBERS["A"],
        phone_numbers=[NUMBERS[name] for name in "ABC"],
        phone_rotation_strategy="round_robin",
        max_calls_per_number_per_day=2,
    )
    assert letters(slots) == "CACA" + "BC"
    assert [slot.call_date for slot in slots] == [MONDAY] * 4 + [TUESDAY] * 2


@pytest.mark.parametrize(
    ("standing", "number_cap", "rows", "expected"),
    [
        ("", None, 5, "AABBC"),
        ("AAAAAC", None, 4, "BBBC"),  # ten calls: five, three and two
        ("ABC", None, 4, "AABC"),  # seven calls: three, two and two
        ("ABBBCC", None, 1, "A"),
        ("ABBBCC", None, 3, "AAC"),  # nine calls: three each
        ("ABBBCC", None, 4, "AAAC"),  # ten calls: the tenth goes to the first of the three at the level
        ("AAAABBBB", None, 2, "CC"),
        ("ZZZZZ", None, 4, "AABC"),
        ("AABBB", 3, 4, "ACCC"),
        ("AABBBB", 3, 3, "ACC"),
    ],
)
def test_sequential_fills_up_what_is_low(
    standing: str, number_cap: int | None, rows: int, expected: str
) -> None:
    slots = replanned(
        people(*[None] * rows),
        "06 18:00",
        *[stands("kept", f"06 13:0{place}", number=NUMBERS[name]) for place, name in enumerate(standing)],
        phone_numbers=[NUMBERS[name] for name in "ABC"],
        phone_rotation_strategy="sequential",
        max_calls_per_number_per_day=number_cap,
    )
    assert letters(slots) == expected


@pytest.mark.parametrize(("cap", "left"), [(1, 4), (2, 3), (3, 1), (4, 0)])
def test_contacts_that_find_no_room_beside_what_stands_are_counted(cap: int, left: int) -> None:
    standing = [stands("started", "06 13:00"), stands("kept", "07 14:00"), stands("kept", "07 15:00")]
    settings: dict[str, Any] = {"max_calls_per_day": cap, "ends_at": "2026-07-07T18:00:00"}
    contacts = people(*[None] * 4)  # room on both dates: 0 + 0, 1 + 0, 2 + 1, 3 + 2
    if left:
        with pytest.raises(Infeasible) as failure:
            replanned(contacts, "06 18:00", *standing, **settings)
        assert failure.value.left == left
    else:
        assert len(replanned(contacts, "06 18:00", *standing, **settings)) == 4


def test_horizon_counts_from_the_moment_of_replanning() -> None:
    contacts = [(Person(str(number), "+12125550000", None), 1) for number in range(530)]
    mondays = campaign(timezone="UTC", working_days=[1], max_calls_per_day=1)
    with pytest.raises(Infeasible) as failure:  # Mondays 0, 7, ... 3654 of the 3660 from a year later: 523
        replan(contacts, mondays, utc("2026-07-06T00:00"), utc("2027-07-05T00:00"))
    assert failure.value.left == 7
