"""The hours of a plan: how many of its calls start in each hour of each date."""

from datetime import datetime, timedelta

import polars as pl

from transforms.wall_clock import offsets

_DAY = timedelta(days=1)


def calls_per_hour(plan: pl.LazyFrame, zone_name: str, first_at: datetime, last_at: datetime) -> pl.LazyFrame:
    """Return how many calls of ``plan``, which lie in ``[first_at, last_at]``, start in each hour of a clock.

    Grain: one row per ``call_date`` and ``hour`` (0 to 23) with calls, and how many (``calls``). Order: both.
    """
    shifts = offsets([zone_name], first_at - _DAY, last_at + _DAY).lazy().sort("from_at")
    local = pl.col("scheduled_at") + pl.duration(seconds="offset_seconds")
    return (
        plan.select("call_date", "scheduled_at")
        .join_asof(shifts, left_on="scheduled_at", right_on="from_at", strategy="backward")
        .group_by("call_date", hour=local.dt.hour())
        .agg(calls=pl.len())
        .sort("call_date", "hour")
    )
