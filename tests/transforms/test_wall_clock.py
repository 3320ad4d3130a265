from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from tests.examples import SEED
from transforms.wall_clock import (
    closing_instant,
    end_of_date,
    offsets,
    opening_instant,
    start_of_date,
    to_local,
    zone,
    zone_names,
)

MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone_name", "local", "opens", "closes"),
    [
        # an ordinary time: one instant
        ("America/New_York", "2026-03-20T10:00", "2026-03-20T14:00", "2026-03-20T14:00"),
        # 02:00 to 03:00 is skipped on 8 March: the first instant after the gap, 07:00Z
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08T02:59", "2026-03-08T07:00", "2026-03-08T07:00"),
        # 01:00 to 02:00 is read twice on 1 November: first at -4, then at -5
        ("America/New_York", "2026-11-01T01:00", "2026-11-01T06:00", "2026-11-01T05:00"),
        ("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00", "2026-11-01T07:00"),
        # half an hour is skipped and repeated on Lord Howe Island
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T15:15", "2026-04-04T14:45"),
        # midnight itself is skipped in Cairo on 24 April
        ("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00", "2026-04-23T22:00"),
    ],
)
def test_an_edge_is_the_cautious_reading_of_the_clock(zone_name, local, opens, closes):
    wall = datetime.fromisoformat(local)
    assert opening_instant(zone_name, wall) == datetime.fromisoformat(opens).replace(tzinfo=UTC)
    assert closing_instant(zone_name, wall) == datetime.fromisoformat(closes).replace(tzinfo=UTC)


def test_rules_are_those_of_the_pinned_tzdata_and_not_the_systems():
    # Vancouver stays on -07:00 from November 2026 on; older editions go back to -08:00.
    assert to_local("America/Vancouver", datetime(2026, 12, 1, tzinfo=UTC)).utcoffset() == timedelta(hours=-7)


def test_an_unknown_zone_is_refused():
    with pytest.raises(KeyError):
        zone("America/Gotham")


@seed(SEED)
@given(
    st.sampled_from(sorted(zone_names())),
    st.datetimes(datetime(2026, 1, 1), datetime(2036, 12, 31)),  # noqa: DTZ001 - wall clocks
)
def test_nothing_opens_before_or_closes_after_its_time_on_any_reading(zone_name, wall):
    opens, closes = opening_instant(zone_name, wall), closing_instant(zone_name, wall)
    assert to_local(zone_name, opens).replace(tzinfo=None) >= wall
    assert to_local(zone_name, closes - MICROSECOND).replace(tzinfo=None) < wall
    assert closes <= opens


@seed(SEED)
@given(st.sampled_from(sorted(zone_names())), st.dates(date(2026, 1, 1), date(2036, 12, 30)))
def test_dates_follow_each_other_without_gap_and_read_as_themselves(zone_name, day):
    begins, ends = start_of_date(zone_name, day), end_of_date(zone_name, day)
    assert begins < ends <= start_of_date(zone_name, day + timedelta(days=1))
    assert to_local(zone_name, begins).date() == day
    assert to_local(zone_name, ends - MICROSECOND).date() == day


def test_offsets_change_where_the_clock_does():
    found = offsets(["America/New_York"], datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert found.select(pl.col("from_at").dt.strftime("%m-%dT%H:%M"), "offset_seconds").rows() == [
        ("01-01T00:00", -5 * 3600),
        ("03-08T07:00", -4 * 3600),
        ("11-01T06:00", -5 * 3600),
    ]
