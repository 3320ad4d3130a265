"""Pace: how many calls of a campaign may start now, from those that started in the last seconds."""

from datetime import datetime, timedelta
from math import ceil

import polars as pl

SLACK = timedelta(milliseconds=100)
"""How far two starts can part on their way out; the pace is kept over windows that are longer by this."""

SPANS = (timedelta(seconds=1), timedelta(seconds=5))
"""At most ``calls_per_second`` times each of these, rounded up, start in any window of that length."""

LONGEST_SPAN = max(SPANS) + SLACK


def within_pace(requests: pl.DataFrame, started: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the requests that may start now, the first of each campaign; order stays.

    Reads ``campaign_id`` and ``calls_per_second`` (null for no pace) of the requests, and ``campaign_id`` and
    ``noted_at`` of what ``started`` within ``LONGEST_SPAN``.
    """
    if requests["calls_per_second"].null_count() == requests.height:
        return requests
    recent = [
        started.filter(pl.col("noted_at") > now - span - SLACK)
        .group_by("campaign_id")
        .agg(pl.len().cast(pl.Int64).alias(f"made_{place}"))
        for place, span in enumerate(SPANS)
    ]
    found = requests
    for counts in recent:
        found = found.join(counts, on="campaign_id", how="left", maintain_order="left")
    room = pl.min_horizontal(
        (pl.col("calls_per_second") * span.total_seconds()).ceil().cast(pl.Int64)
        - pl.col(f"made_{place}").fill_null(0)
        for place, span in enumerate(SPANS)
    )
    turn = pl.int_range(pl.len()).over("campaign_id")
    return found.filter(pl.col("calls_per_second").is_null() | (turn < room)).select(requests.columns)


def most_within(calls_per_second: float, length: timedelta) -> int:
    """Return how many starts ``length`` may hold at most."""
    return ceil(calls_per_second * length.total_seconds())
