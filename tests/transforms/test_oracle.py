"""The oracle itself, against plans worked out by hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.examples import SEED
from tests.transforms import oracle
from tests.transforms.campaigns import Replanning, plannings, replannings
from tests.transforms.oracle import Infeasible, Person, Slot, Standing, plan, replan
from transforms.campaign import Campaign

NEW_YORK = "America/New_York"
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def campaign(**changes: Any) -> Campaign:
    return Campaign.from_mapping({"name": "Renewals", "agent_id": "agent", "timezone": NEW_YORK} | changes)


def people(*zones: str | None) -> list[Person]:
    return [
        Person(f"{letter}", f"+1212555{place:04}", zone)
        for place, (letter, zone) in enumerate(zip("abcdefghijklmnopqrstuvwxyz", zones, strict=False))
    ]


def slots_of(contacts: list[Person], now: str, **changes: Any) -> list[Slot]:
    return plan(contacts, campaign(**changes), utc(now))[0]


def times(slots: list[Slot]) -> list[datetime]:
    return [slot.scheduled_at for slot in slots]


def test_thousand_contacts_from_friday_half_past_ten_take_nine_working_days() -> None:
    contacts = [Person(str(number), "+12125550000", None) for number in range(1_000)]
    ten_to_five = campaign(
        schedule_type="scheduled",
        scheduled_at="2026-03-20T14:30:00Z",
        start_time="10:00",
        end_time="17:00",
        max_calls_per_day=120,
    )
    slots, excluded = plan(contacts, ten_to_five, utc("2026-03-01T00:00"))
    assert not excluded
    assert [slot.contact_id for slot in slots] == [contact.contact_id for contact in contacts]
    assert slots[0].scheduled_at == utc("2026-03-20T14:30")  # 10:30 EDT
    assert slots[1].scheduled_at == utc("2026-03-20T14:33:15")  # six and a half hours over 120
    assert slots[120].scheduled_at == utc("2026-03-23T14:00")
    assert slots[121].scheduled_at == utc("2026-03-23T14:03:30")  # seven hours over 120
    assert {slot.not_after for slot in slots[:120]} == {utc("2026-03-20T21:00")}
    full = [
        date(2026, 3, 20),
        *(date(2026, 3, day) for day in range(23, 28)),
        date(2026, 3, 30),
        date(2026, 3, 31),
    ]
    assert Counter(slot.call_date for slot in slots) == dict.fromkeys(full, 120) | {date(2026, 4, 1): 40}
    assert [slot.slot_index for slot in slots] == [*range(120)] * 8 + [*range(40)]


@pytest.mark.parametrize(
    ("now", "friday_opens", "monday_opens"),
    [
        ("2026-03-06T00:00", "2026-03-06T15:00", "2026-03-09T14:00"),
        ("2026-10-30T04:00", "2026-10-30T14:00", "2026-11-02T15:00"),
    ],
)
def test_hours_follow_the_wall_clock_over_a_change(now: str, friday_opens: str, monday_opens: str) -> None:
    slots = slots_of(people(*[None] * 14), now, start_time="10:00", end_time="17:00", max_calls_per_day=7)
    hours = [timedelta(hours=hour) for hour in range(7)]
    assert times(slots) == [utc(opens) + hour for opens in (friday_opens, monday_opens) for hour in hours]


# New York leaves out 02:00-03:00 on 8 March 2026 (07:00Z) and reads 01:00-02:00 twice on 1 November (06:00Z).
# Lord Howe goes back from 02:00 to 01:30 at 15:00Z on 4 April, the Azores from 01:00 to 00:00 at 01:00Z on
# 25 October, Cairo from 24:00 to 23:00 at 21:00Z on 29 October; Havana leaves out the first hour of 8 March.
@pytest.mark.parametrize(
    ("zone", "day", "start_time", "end_time", "opens", "closes"),
    [
        (NEW_YORK, "2026-03-08", "02:30", "03:30", "2026-03-08T07:00", "2026-03-08T07:30"),
        (NEW_YORK, "2026-03-08", "01:30", "02:30", "2026-03-08T06:30", "2026-03-08T07:00"),
        (NEW_YORK, "2026-03-08", "02:00", "02:30", None, None),
        (NEW_YORK, "2026-03-08", "00:00", "24:00", "2026-03-08T05:00", "2026-03-09T04:00"),
        (NEW_YORK, "2026-11-01", "01:30", "02:30", "2026-11-01T06:30", "2026-11-01T07:30"),
        (NEW_YORK, "2026-11-01", "00:30", "01:30", "2026-11-01T04:30", "2026-11-01T05:30"),
        (NEW_YORK, "2026-11-01", "01:00", "01:30", None, None),
        (NEW_YORK, "2026-11-01", "01:00", "02:00", "2026-11-01T06:00", "2026-11-01T07:00"),
        (NEW_YORK, "2026-11-01", "00:30", "03:00", "2026-11-01T04:30", "2026-11-01T08:00"),
        ("Australia/Lord_Howe", "2026-04-05", "01:30", "02:00", "2026-04-04T15:00", "2026-04-04T15:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:00", "01:45", "2026-04-04T14:00", "2026-04-04T14:45"),
        ("Atlantic/Azores", "2026-10-25", "00:00", "00:30", None, None),
        ("Atlantic/Azores", "2026-10-25", "00:00", "24:00", "2026-10-25T01:00", "2026-10-26T01:00"),
        ("Atlantic/Azores", "2026-10-24", "23:00", "24:00", "2026-10-24T23:00", "2026-10-25T00:00"),
        ("America/Havana", "2026-03-08", "00:00", "01:00", None, None),
        ("America/Havana", "2026-03-08", "00:30", "02:00", "2026-03-08T05:00", "2026-03-08T06:00"),
        ("Africa/Cairo", "2026-10-29", "22:30", "24:00", "2026-10-29T19:30", "2026-10-29T22:00"),
        ("Africa/Cairo", "2026-10-29", "23:30", "24:00", "2026-10-29T21:30", "2026-10-29T22:00"),
    ],
)
def test_window_edges_in_gaps_and_folds(
    zone: str, day: str, start_time: str, end_time: str, opens: str | None, closes: str | None
) -> None:
    hours = campaign(timezone=zone, working_days=EVERY_DAY, start_time=start_time, end_time=end_time)
    opened = oracle.open_time(hours, zone, date.fromisoformat(day), oracle.BEGINNING, oracle.FOREVER)
    assert opened == ([] if opens is None or closes is None else [(utc(opens), utc(closes))])


@pytest.mark.parametrize(
    ("zone", "day", "first", "last"),
    [
        (NEW_YORK, "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00"),
        ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00", "2026-10-26T01:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00"),
        ("Africa/Cairo", "2026-10-29", "2026-10-28T21:00", "2026-10-29T22:00"),
        ("Pacific/Kiritimati", "2026-07-06", "2026-07-05T10:00", "2026-07-06T10:00"),
    ],
)
def test_date_is_all_that_reads_it(zone: str, day: str, first: str, last: str) -> None:
    assert oracle.stretch_of_date(zone, date.fromisoformat(day)) == (utc(first), utc(last))


@pytest.mark.parametrize(
    ("written", "starts", "stops"),
    [
        ("2026-11-01T01:30:00", "2026-11-01T06:30", "2026-11-01T05:30"),  # read twice
        ("2026-03-08T02:30:00", "2026-03-08T07:00", "2026-03-08T07:00"),  # in a gap
        ("2026-03-08T02:30:00-03:00", "2026-03-08T05:30", "2026-03-08T05:30"),
    ],
)
def test_local_start_follows_openings_and_local_end_closings(written: str, starts: str, stops: str) -> None:
    starting = campaign(schedule_type="scheduled", scheduled_at=written)
    assert oracle.start_of(starting, utc("2026-01-01T00:00")) == utc(starts)
    assert oracle.start_of(starting, utc("2027-01-01T00:00")) == utc("2027-01-01T00:00")
    assert oracle.end_of(campaign(ends_at=written)) == utc(stops)


def test_two_zones_on_both_sides_of_the_date_line() -> None:
    # Monday 6 July of Kiritimati is 10:00Z on Sunday to 10:00Z on Monday: still the weekend in Pago Pago,
    # whose Monday 09:00-18:00, 20:00Z to 05:00Z, is Kiritimati's Tuesday.
    kiritimati, pago_pago = "Pacific/Kiritimati", "Pacific/Pago_Pago"
    slots = slots_of(
        people(kiritimati, pago_pago, None, pago_pago, kiritimati, pago_pago),
        "2026-07-05T10:00",
        timezone=kiritimati,
        contact_timezone="contact",
        max_calls_per_day=2,
    )
    monday, tuesday, wednesday = (date(2026, 7, day) for day in (6, 7, 8))
    assert [(slot.contact_id, slot.call_date, slot.slot_index, slot.scheduled_at) for slot in slots] == [
        ("a", monday, 0, utc("2026-07-05T19:00")),
        ("c", monday, 1, utc("2026-07-05T23:30")),
        ("b", tuesday, 0, utc("2026-07-06T20:00")),
        ("d", tuesday, 1, utc("2026-07-07T00:30")),
        ("e", wednesday, 0, utc("2026-07-07T19:00")),
        ("f", wednesday, 1, utc("2026-07-07T20:00")),
    ]
    assert [slot.timezone_source for slot in slots] == [
        "contact", "campaign", "contact", "contact", "contact", "contact",
    ]  # fmt: skip


def test_pago_pago_is_called_on_the_saturday_of_kiritimati() -> None:
    slots = slots_of(
        people("Pacific/Pago_Pago"),
        "2026-07-10T10:00",
        timezone="Pacific/Kiritimati",
        contact_timezone="contact",
    )
    assert [(slot.call_date, slot.scheduled_at) for slot in slots] == [
        (date(2026, 7, 11), utc("2026-07-10T20:00"))
    ]


def test_slots_skip_the_lunch_break_and_end_with_their_window() -> None:
    windows = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "13:00", "end_time": "18:00"}]
    slots = slots_of(people(*[None] * 8), "2026-07-06T00:00", timezone="UTC", windows=windows)
    assert [slot.scheduled_at.hour for slot in slots] == [9, 10, 11, 13, 14, 15, 16, 17]
    assert [slot.not_after.hour for slot in slots] == [12] * 3 + [18] * 5


def test_windows_that_touch_end_where_they_touch() -> None:
    windows = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "12:00", "end_time": "18:00"}]
    slots = slots_of(people(*[None] * 9), "2026-07-06T00:00", timezone="UTC", windows=windows)
    assert [slot.scheduled_at.hour for slot in slots] == [*range(9, 18)]
    assert [slot.not_after.hour for slot in slots] == [12] * 3 + [18] * 6


def test_no_slot_outlives_the_midnight_of_the_campaign() -> None:
    # 09:00-18:00 in Los Angeles is 16:00Z-01:00Z in summer, cut in two by the campaign's midnight.
    # Monday 6 July has its first eight hours, Tuesday the ninth and the first eight of the next nine.
    slots = slots_of(
        people(*["America/Los_Angeles"] * 17),
        "2026-07-06T00:00",
        timezone="UTC",
        contact_timezone="contact",
        max_calls_per_day=8,
    )
    assert times(slots[:8]) == [utc("2026-07-06T16:00") + timedelta(hours=hour) for hour in range(8)]
    assert {slot.not_after for slot in slots[:8]} == {utc("2026-07-07T00:00")}
    assert slots[8].scheduled_at == utc("2026-07-07T00:00")
    assert slots[8].not_after == utc("2026-07-07T01:00")
    assert slots[9].scheduled_at == utc("2026-07-07T16:07:30")  # 1/8 of nine hours: 7.5 minutes after the gap


def test_clash_moves_the_row_that_is_later_in_the_list() -> None:
    slots = slots_of(
        people("America/Toronto", NEW_YORK, "US/Eastern"), "2026-07-06T00:00", contact_timezone="contact"
    )
    nine = utc("2026-07-06T13:00")
    assert [(slot.contact_id, slot.scheduled_at - nine) for slot in slots] == [
        (contact_id, timedelta(microseconds=number)) for number, contact_id in enumerate("abc")
    ]


def test_a_stretch_too_short_to_move_on_in_is_left_free() -> None:
    windows = [{"start_time": "09:00", "end_time": "12:00"}, {"start_time": "13:00", "end_time": "18:00"}]
    slots = slots_of(
        people("America/Toronto", NEW_YORK),
        "2026-07-06T15:59:59.999999",
        contact_timezone="contact",
        windows=windows,
    )
    assert times(slots) == [utc("2026-07-06T17:00"), utc("2026-07-06T17:00:00.000001")]


def test_zone_without_a_microsecond_for_every_zone_waits_for_the_next_date() -> None:
    slots = slots_of(
        people("America/Toronto", NEW_YORK), "2026-07-06T21:59:59.999999", contact_timezone="contact"
    )
    assert times(slots) == [utc("2026-07-07T13:00"), utc("2026-07-07T13:00:00.000001")]


def test_unknown_zone_is_left_out_only_where_zones_of_contacts_count() -> None:
    slots, excluded = plan(
        people("Mars/Base", "", None), campaign(contact_timezone="contact"), utc("2026-07-06T00:00")
    )
    assert [(slot.contact_id, slot.timezone, slot.timezone_source) for slot in slots] == [
        ("b", NEW_YORK, "campaign"),
        ("c", NEW_YORK, "campaign"),
    ]
    assert excluded.keys() == {"a"}
    assert "Mars/Base" in excluded["a"]
    slots, excluded = plan(people("Mars/Base"), campaign(), utc("2026-07-06T00:00"))
    assert len(slots) == 1
    assert not excluded


@pytest.mark.parametrize(
    ("now", "cap", "first_date"),
    [
        ("2026-07-06T14:30", 14, 13),  # 10:30 of 10:00-17:00: floor(14 x 6.5 / 7)
        ("2026-07-06T13:00", 14, 14),  # before it opens
        ("2026-07-06T20:59", 14, 1),  # a minute is left: at least one
        ("2026-07-05T14:30", 14, 14),  # a Sunday is no begun day; Monday has its full cap
    ],
)
def test_prorated_first_day_has_its_share_of_the_cap(now: str, cap: int, first_date: int) -> None:
    slots = slots_of(
        people(*[None] * 26),
        now,
        start_time="10:00",
        end_time="17:00",
        max_calls_per_day=cap,
        first_day_cap="prorated",
    )
    assert Counter(slot.call_date for slot in slots)[date(2026, 7, 6)] == first_date


def test_blackout_dates_and_observed_holidays_are_judged_on_the_zone_s_own_date() -> None:
    # Independence Day 2026 is a Saturday, observed on Friday 3 July; Monday 6 July is blacked out. Where the
    # campaign's Monday begins, at 10:00Z on Sunday, Tokyo's begins five hours later.
    slots = slots_of(
        people(NEW_YORK, "Asia/Tokyo"),
        "2026-07-03T00:00",
        timezone="Pacific/Kiritimati",
        contact_timezone="contact",
        holidays={"country": "US"},
        blackout_dates=["2026-07-06"],
    )
    assert [(slot.timezone, slot.call_date, slot.scheduled_at) for slot in slots] == [
        ("Asia/Tokyo", date(2026, 7, 7), utc("2026-07-07T00:00")),
        (NEW_YORK, date(2026, 7, 8), utc("2026-07-07T13:00")),
    ]


def test_round_robin_carries_on_over_dates() -> None:
    numbers = ["+18005550102", "+18005550101", "+18005550103"]
    slots = slots_of(
        people(*[None] * 8),
        "2026-07-06T00:00",
        phone_numbers=numbers,
        phone_rotation_strategy="round_robin",
        max_calls_per_day=4,
    )
    assert [slot.from_number for slot in slots] == [numbers[place % 3] for place in range(8)]
    assert [slot.slot_index for slot in slots] == [0, 1, 2, 3] * 2


@pytest.mark.parametrize(
    ("number_cap", "expected"),
    [(None, "AAABBCC AABC".replace(" ", "")), (3, "AAABBBCAAAB")],
)
def test_sequential_gives_shares_in_listed_order(number_cap: int | None, expected: str) -> None:
    names = {"+18005550102": "A", "+18005550101": "B", "+18005550103": "C"}
    slots = slots_of(
        people(*[None] * 11),
        "2026-07-06T00:00",
        phone_numbers=list(names),
        phone_rotation_strategy="sequential",
        max_calls_per_day=7,
        max_calls_per_number_per_day=number_cap,
    )
    assert "".join(names[slot.from_number or ""] for slot in slots) == expected


def test_number_caps_limit_the_date() -> None:
    slots = slots_of(
        people(*[None] * 5),
        "2026-07-06T00:00",
        phone_numbers=["+18005550101", "+18005550102"],
        max_calls_per_number_per_day=1,
    )
    assert [slot.call_date.day for slot in slots] == [6, 6, 7, 7, 8]
    assert {slot.from_number for slot in slots} == {None}


@pytest.mark.parametrize(
    ("ends_at", "left"),
    [("2026-07-08T09:00:00", 1), ("2026-07-08T09:00:01", 0), ("2026-07-07T09:00:00", 3), ("2026-07-01", 5)],
)
def test_contacts_left_at_the_end_make_the_plan_infeasible(ends_at: str, left: int) -> None:
    if left:
        with pytest.raises(Infeasible) as failure:
            slots_of(people(*[None] * 5), "2026-07-06T00:00", max_calls_per_day=2, ends_at=ends_at)
        assert failure.value.left == left
    else:
        slots = slots_of(people(*[None] * 5), "2026-07-06T00:00", max_calls_per_day=2, ends_at=ends_at)
        assert slots[-1].not_after == utc("2026-07-08T13:00:01")


def test_horizon_is_ten_years() -> None:
    slots = slots_of(
        people(None, None), "2026-07-06T00:00", timezone="UTC", working_days=[1], max_calls_per_day=1
    )
    assert times(slots) == [utc("2026-07-06T09:00"), utc("2026-07-13T09:00")]
    contacts = [Person(str(number), "+12125550000", None) for number in range(530)]
    with pytest.raises(Infeasible) as failure:  # Mondays 0, 7, ... 3654 of the 3660 dates: 523
        slots_of(contacts, "2026-07-06T00:00", timezone="UTC", working_days=[1], max_calls_per_day=1)
    assert failure.value.left == 7


@seed(SEED)
@settings(deadline=None)
@given(plannings())
def test_planned_slots_read_a_time_in_a_window(drawn: tuple[list[Person], Campaign, datetime]) -> None:
    contacts, drawn_campaign, now = drawn
    try:
        slots, excluded = plan(*drawn)
    except Infeasible:
        return
    assert {slot.contact_id for slot in slots} | excluded.keys() == {
        contact.contact_id for contact in contacts
    }
    assert len(slots) + len(excluded) == len(contacts)
    assert all(earlier.scheduled_at < later.scheduled_at for earlier, later in pairwise(slots))
    for slot in slots:
        assert now <= slot.scheduled_at < slot.not_after
        read = oracle.wall_clock(slot.timezone, slot.scheduled_at)
        assert read.date() not in drawn_campaign.blackout_dates
        assert any(
            start <= f"{read:%H:%M}" < end for start, end in oracle._hours(drawn_campaign, read.isoweekday())
        )
        assert oracle.wall_clock(drawn_campaign.timezone, slot.scheduled_at).date() == slot.call_date


# ---------------------------------------------------------------- replanning

# New York is open from 13:00Z to 22:00Z on Monday 6 July 2026, where most of these plans are made.
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 7, day) for day in (6, 7, 8))
NAMES = {"+18005550102": "A", "+18005550101": "B", "+18005550103": "C", "+18005550109": "Z"}
NUMBERS = {name: number for number, name in NAMES.items()}


def stands(
    kind: Literal["started", "kept", "carried"],
    at: str,
    contact_id: str = "",
    *,
    attempt: int = 1,
    number: str | None = None,
    slot_index: int = 0,
) -> Standing:
    """Return what stands at a time of July 2026, written ``day hh:mm`` in UTC."""
    day, time = at.split()
    scheduled_at = utc(f"2026-07-{day}T{time}")
    return Standing(
        contact_id or f"standing at {at}",
        attempt,
        kind,
        1,
        number,
        NEW_YORK,
        scheduled_at,
        scheduled_at.date(),
        slot_index,
    )


def replanned(
    to_place: Sequence[Person | tuple[Person, int]],
    from_at: str,
    *standing: Standing,
    starts_at: str = "06 00:00",
    last_number: str | None = None,
    carried: Sequence[Person] = (),
    **changes: Any,
) -> list[Slot]:
    """Return the slots of people, first attempts where none is given, from a time of July 2026."""
    starts, begins = (utc(f"2026-07-{at.replace(' ', 'T')}") for at in (starts_at, from_at))
    calls = [each if isinstance(each, tuple) else (each, 1) for each in to_place]
    return replan(calls, campaign(**changes), starts, begins, standing, last_number, carried)[0]


def hours_of(slots: list[Slot]) -> list[str]:
    return [f"{slot.scheduled_at:%d %H:%M}" for slot in slots]


def microseconds_after(at: str, slots: list[Slot]) -> list[int]:
    start = utc(f"2026-07-{at.replace(' ', 'T')}")
    return [(slot.scheduled_at - start) // timedelta(microseconds=1) for slot in slots]


def letters(slots: list[Slot]) -> str:
    return "".join(NAMES[slot.from_number or ""] for slot in slots)


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


# ---------------------------------------------------------------- several zones at once


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


# ---------------------------------------------------------------- rules over what stands and what is planned


def _nothing_is_broken(replanning: Replanning) -> None:
    try:
        slots, excluded = replanning.planned()
    except Infeasible:
        return
    carried = {(row.contact_id, row.attempt) for row in replanning.standing if row.kind == "carried"}
    placed = {
        (person.contact_id, attempt)
        for person, attempt in replanning.to_place
        if person.contact_id not in excluded
    }
    assert {(slot.contact_id, slot.attempt) for slot in slots} == placed | carried
    assert not oracle.breaches(
        slots, replanning.campaign, replanning.starts_at, replanning.from_at, replanning.standing
    )


@seed(SEED)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(replannings())
def test_rules_hold_over_what_stands_and_what_is_replanned(replanning: Replanning) -> None:
    _nothing_is_broken(replanning)


@seed(SEED)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(replannings(by_number=True))
def test_rules_hold_where_several_zones_have_to_be_open(replanning: Replanning) -> None:
    _nothing_is_broken(replanning)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({}, None),
        ({"contact_id": "started"}, "planned twice"),
        ({"contact_id": "started", "attempt": 2}, None),
        ({"scheduled_at": utc("2026-07-06T13:00")}, "two at once"),
        ({"scheduled_at": utc("2026-07-06T21:59")}, "not in order"),
        ({"scheduled_at": utc("2026-07-06T17:59:59.999999")}, "before the start"),
        ({"not_after": utc("2026-07-06T18:00")}, "before the start or after the end"),
        ({"not_after": utc("2026-07-07T05:00")}, "the wrong date"),
        ({"call_date": TUESDAY}, "the wrong date"),
        ({"timezone": "Europe/London"}, "outside every window"),
        ({"timezone": f"{NEW_YORK}|Europe/London"}, "outside every window"),
        ({"timezone": "Asia/Tokyo"}, "without calls"),
        ({"slot_index": 0}, "slot_index jumps"),
        ({"from_number": NUMBERS["A"]}, "calls too often"),
        ({"from_number": NUMBERS["Z"]}, "not of the campaign"),
    ],
)
def test_breaches_are_found(broken: dict[str, Any], rule: str | None) -> None:
    settings = campaign(
        phone_numbers=[NUMBERS["A"], NUMBERS["B"]],
        phone_rotation_strategy="round_robin",
        max_calls_per_day=4,
        max_calls_per_number_per_day=2,
        blackout_dates=["2026-07-07"],
    )
    standing = [
        stands("started", "06 13:00", "started", number=NUMBERS["A"]),
        stands("carried", "06 21:00", "z"),
    ]
    starts_at, from_at = utc("2026-07-06T00:00"), utc("2026-07-06T18:00")
    contacts = people(None, None)
    slots, _ = replan(
        [(contact, 1) for contact in contacts],
        settings,
        starts_at,
        from_at,
        standing,
        NUMBERS["A"],
        [Person("z", "+12125550000", None)],
    )
    assert letters(slots) == "BAB"
    found = oracle.breaches([replace(slots[0], **broken), *slots[1:]], settings, starts_at, from_at, standing)
    assert (found == []) if rule is None else any(rule in breach for breach in found)


def test_a_lost_carried_slot_and_a_date_over_its_cap_are_breaches() -> None:
    standing = [stands("started", "06 13:00"), stands("carried", "06 21:00", "z")]
    starts_at, from_at = utc("2026-07-06T00:00"), utc("2026-07-06T18:00")
    slots = replanned(people(None, None), "06 18:00", standing[0])
    found = oracle.breaches(slots, campaign(max_calls_per_day=2), starts_at, from_at, standing)
    assert found == ["what is carried over is lost or moved", "too many calls on 2026-07-06"]
