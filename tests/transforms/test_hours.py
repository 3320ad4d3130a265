from datetime import UTC, date, datetime

import polars as pl

from transforms.hours import calls_per_hour


def test_calls_are_counted_by_the_hour_of_the_clock_also_where_it_is_set_back():
    moments = [
        datetime(2026, 11, 1, 4, 30, tzinfo=UTC),  # 00:30 in New York
        datetime(2026, 11, 1, 5, 30, tzinfo=UTC),  # 01:30, for the first time
        datetime(2026, 11, 1, 6, 30, tzinfo=UTC),  # 01:30, again
        datetime(2026, 11, 1, 7, 30, tzinfo=UTC),  # 02:30
    ]
    plan = pl.LazyFrame({"call_date": [date(2026, 11, 1)] * 4, "scheduled_at": moments})
    found = calls_per_hour(plan, "America/New_York", moments[0], moments[-1]).collect()
    assert found.rows() == [(date(2026, 11, 1), hour, calls) for hour, calls in [(0, 1), (1, 2), (2, 1)]]
