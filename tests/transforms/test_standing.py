"""What a publication keeps of all that it found standing."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
from polars.testing import assert_frame_equal

from transforms.schemas import STANDING
from transforms.standing import counted_elsewhere, held_per_date, held_per_number, taken_instants

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (23, 24, 25))


def _slot(number, kind, call_date):
    at = datetime(call_date.year, call_date.month, call_date.day, 14, tzinfo=UTC)
    return {
        "contact_id": f"c{number}",
        "attempt": 1,
        "kind": kind,
        "plan_version": 1,
        "from_number": f"+1212555019{number % 2}",
        "timezone": "America/New_York",
        "timezone_source": "campaign",
        "scheduled_at": at + timedelta(minutes=number),
        "call_date": call_date,
        "slot_index": number,
    }


FOUND = pl.DataFrame(
    [
        *(_slot(number, "started", MONDAY) for number in range(3)),
        *(_slot(number, "kept", MONDAY) for number in range(3, 6)),
        *(_slot(number, "kept", TUESDAY) for number in range(4)),
        *(_slot(number, "kept", WEDNESDAY) for number in range(5)),
        *(_slot(number, "carried", WEDNESDAY) for number in range(5, 7)),
        {"contact_id": "c9", "attempt": 2, "kind": "due"},
    ],
    schema=STANDING,
).lazy()


def test_of_slots_on_dates_that_are_left_alone_only_what_is_counted_is_kept():
    dates = pl.Series([TUESDAY])
    kept = counted_elsewhere(FOUND, dates)
    for counted in (held_per_date, held_per_number):
        assert_frame_equal(counted(kept).collect(), counted(FOUND).collect())
    assert_frame_equal(taken_instants(kept, dates).collect(), taken_instants(FOUND, dates).collect())
    whole = pl.col("kind").ne("kept") | pl.col("call_date").eq(TUESDAY)
    assert_frame_equal(kept.filter(whole).collect(), FOUND.filter(whole).collect(), check_row_order=False)
    elsewhere = kept.filter(~whole).select(pl.exclude("kind", "from_number", "call_date")).collect()
    assert elsewhere.select(pl.exclude("slot_index")).null_count().row(0) == (8,) * 6
    assert sorted(elsewhere["slot_index"].drop_nulls()) == [4, 5]


def test_where_nobody_gets_a_slot_every_date_is_counted():
    kept = counted_elsewhere(FOUND, pl.Series([], dtype=pl.Date)).collect()
    assert kept.height == FOUND.collect().height
    assert kept.filter(kind="kept")["scheduled_at"].null_count() == 12
