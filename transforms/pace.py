"""Pace: how many calls of a campaign may start now, from those that started in the last seconds."""

from datetime import datetime, timedelta

import polars as pl

from transforms.schemas import INSTANT

SLACK = timedelta(milliseconds=100)
"""How far two starts can part on their way out; the pace is kept over windows that are longer by this."""

LOOKS_BACK = timedelta(seconds=5) + SLACK
"""How far back starts count here; a pace slower than one in five seconds is kept by the claim beside."""

_LOOKS_AHEAD = timedelta(seconds=2)
"""Starts that lie further ahead than this were noted by a clock that was wrong, and do not count."""

HELD = pl.Schema({"campaign_id": pl.String(), "free_at": INSTANT})
"""One row per campaign that the pace holds: when another of its calls may start."""

_PACE = pl.col("calls_per_second")
_WINDOWS = (
    (pl.lit(1.0), _PACE.ceil()),
    (pl.lit(5.0), (5 * _PACE).ceil()),
    (pl.min_horizontal(1 / _PACE, 5.0), pl.when(_PACE < 1).then(1.0)),
)
"""In any window of so many seconds at most so many calls start; null for any number."""


def within_pace(
    requests: pl.DataFrame, started: pl.DataFrame, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the requests that may start now, in their order, and which campaigns are held (``HELD``).

    Reads ``campaign_id`` and ``calls_per_second`` (null for no pace, one for all of a campaign) of the
    requests, and ``campaign_id`` and ``noted_at`` of what ``started`` within ``LOOKS_BACK``.
    """
    if requests["calls_per_second"].null_count() == requests.height:
        return requests, HELD.to_frame()
    rooms = _rooms(requests, started, now)
    judged = requests.join(rooms, on="campaign_id", how="left", maintain_order="left")
    fits = pl.col("room").is_null() | (pl.int_range(pl.len()).over("campaign_id") < pl.col("room"))
    judged = judged.with_columns(fits=fits)
    held = judged.filter(~pl.col("fits")).select(HELD.names()).unique(maintain_order=True)
    return judged.filter("fits").select(requests.columns), held


def sustained(calls_per_second: float) -> float:
    """Return how many calls a second can start for hours at a pace: a little less than that."""
    paced = pl.DataFrame({"calls_per_second": [calls_per_second]})
    slack = SLACK.total_seconds()
    rates = [limit / (seconds + slack) for seconds, limit in _WINDOWS]
    return float(paced.select(pl.min_horizontal(_PACE, *rates)).item())


def _rooms(requests: pl.DataFrame, started: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return of each campaign that has a pace how many calls may start now, and when the one after them."""
    paces = requests.filter(_PACE.is_not_null()).group_by("campaign_id").agg(_PACE.first())
    lengths = [(seconds * 1e6).ceil().cast(pl.Duration("us")) + SLACK for seconds, _ in _WINDOWS]
    starts = [pl.col("noted_at").filter(pl.col("noted_at") > now - length) for length in lengths]
    made = (
        paces.join(started.filter(pl.col("noted_at") <= now + _LOOKS_AHEAD), on="campaign_id", how="left")
        .group_by("campaign_id", "calls_per_second")
        .agg(
            *[start.len().alias(f"made_{place}") for place, start in enumerate(starts)],
            *[start.min().alias(f"first_{place}") for place, start in enumerate(starts)],
        )
    )
    rooms = [limit - pl.col(f"made_{place}") for place, (_, limit) in enumerate(_WINDOWS)]
    frees_at = [
        pl.when(room <= pl.col("room")).then(pl.col(f"first_{place}").fill_null(now) + length)
        for place, (room, length) in enumerate(zip(rooms, lengths, strict=True))
    ]
    return made.with_columns(room=pl.max_horizontal(0, pl.min_horizontal(rooms))).select(
        "campaign_id", "room", free_at=pl.max_horizontal(frees_at)
    )
