"""The oracle itself, against plans worked out by hand."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, seed, settings

from tests.examples import SEED
from tests.transforms import clocks, oracle
from tests.transforms.by_hand import (
    EVERY_DAY,
    NEW_YORK,
    campaign,
    people,
    slots_of,
    times,
    utc,
)
from tests.transforms.campaigns import plannings
from tests.transforms.oracle import Infeasible, Person, plan
from transforms.campaign import Campaign


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
    assert clocks.stretch_of_date(zone, date.fromisoformat(day)) == (utc(first), utc(last))


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
        read = clocks.wall_clock(slot.timezone, slot.scheduled_at)
        assert read.date() not in drawn_campaign.blackout_dates
        assert any(
            start <= f"{read:%H:%M}" < end for start, end in oracle._hours(drawn_campaign, read.isoweekday())
        )
        assert clocks.wall_clock(drawn_campaign.timezone, slot.scheduled_at).date() == slot.call_date
