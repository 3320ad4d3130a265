"""Pace: how many calls of a campaign may start now, from those that started in the last seconds."""

from datetime import datetime, timedelta

import polars as pl

SLACK = timedelta(milliseconds=100)
"""How far two starts can part on their way out; the pace is kept over windows that are longer by this."""

SPANS = (timedelta(seconds=1), timedelta(seconds=5))
"""At most ``calls_per_second`` times each of these, rounded up, start in any window of that length."""

LONGEST_SPAN = max(SPANS) + SLACK


def within_pace(
    requests: pl.DataFrame, started: pl.DataFrame, now: datetime
) -> tuple[pl.DataFrame, datetime | None]:
    """Return the requests that may start now, the first of each campaign, and when another may; order stays.

    Reads ``campaign_id`` and ``calls_per_second`` (null for no pace) of the requests, and ``campaign_id`` and
    ``noted_at`` of what ``started`` within ``LONGEST_SPAN``. The moment is None where all may start now.
    """
    if requests["calls_per_second"].null_count() == requests.height:
        return requests, None
    found = requests
    for place, span in enumerate(SPANS):
        made = (
            started.filter(pl.col("noted_at") > now - span - SLACK)
            .group_by("campaign_id")
            .agg(pl.len().alias(f"made_{place}"), pl.col("noted_at").min().alias(f"first_{place}"))
        )
        found = found.join(made, on="campaign_id", how="left", maintain_order="left")
    limits = [(pl.col("calls_per_second") * span.total_seconds()).ceil() for span in SPANS]
    rooms = [limit - pl.col(f"made_{place}").fill_null(0) for place, limit in enumerate(limits)]
    frees_at = pl.max_horizontal(
        pl.when(room <= pl.len().over("campaign_id") - 1).then(pl.col(f"first_{place}") + span + SLACK)
        for place, (room, span) in enumerate(zip(rooms, SPANS, strict=True))
    )
    turn = pl.int_range(pl.len()).over("campaign_id")
    fits = pl.col("calls_per_second").is_null() | (turn < pl.min_horizontal(rooms))
    judged = found.with_columns(fits=fits, frees_at=frees_at)
    held = judged.filter(~pl.col("fits"))
    moment = held["frees_at"].fill_null(now + SLACK).min()
    return judged.filter("fits").select(requests.columns), moment if isinstance(moment, datetime) else None
