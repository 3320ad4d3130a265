"""Preflight: how much of a plan can really be placed, from the calls in flight and how long they last.

Lines are busy for as long as a call lasts, so while a date is open it takes at most
``max_concurrent_calls`` * open time / duration calls, and no more than the pace allows. What a date cannot
take is missed and planned again for the next open date with room, which is what is reckoned with here.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import polars as pl

from transforms.campaign import Campaign
from transforms.days import HORIZON_DAYS
from transforms.pace import sustained
from transforms.windows import open_time_of_date

ASSUMED_CALL = timedelta(minutes=2)
"""How long a call is taken to last before any has been measured."""

PREFLIGHT = pl.Schema(
    {"call_date": pl.Date(), "calls": pl.Int64(), "can_be_placed": pl.Int64(), "share": pl.Float64()}
)
"""One row per campaign-local date of a plan: its slots, and how many of them can be placed."""


@dataclass(frozen=True)
class Preflight:
    """What can be placed of a plan on each date (``dates``, schema ``PREFLIGHT``), and when it is finished.

    ``finishes_on`` is None where not everything can be placed before the end or the horizon.
    """

    call_seconds: float
    dates: pl.DataFrame
    finishes_on: date | None

    @property
    def packed(self) -> list[date]:
        """Return the dates with more slots than can be placed."""
        return self.dates.filter(pl.col("can_be_placed") < pl.col("calls"))["call_date"].to_list()


def preflight(plan: pl.LazyFrame, campaign: Campaign, call_lasts: timedelta) -> Preflight:
    """Return what can be placed of a plan (schema ``PLAN``) when a call lasts ``call_lasts``."""
    seconds = call_lasts.total_seconds()
    calls = dict(
        plan.group_by("call_date").agg(pl.len().cast(pl.Int64)).sort("call_date").collect().iter_rows()
    )
    open_seconds = _open_seconds(plan)
    takes = {day: _takes(campaign, open_seconds[day], seconds) for day in calls}
    dates = pl.DataFrame(
        {
            "call_date": list(calls),
            "calls": list(calls.values()),
            "can_be_placed": [min(planned, takes[day]) for day, planned in calls.items()],
        },
        schema_overrides={"call_date": pl.Date(), "calls": pl.Int64(), "can_be_placed": pl.Int64()},
    ).with_columns(share=pl.col("can_be_placed") / pl.col("calls"))
    return Preflight(seconds, dates.select(PREFLIGHT.names()), _finish(campaign, calls, takes, seconds))


def _takes(campaign: Campaign, open_seconds: float, call_seconds: float) -> int:
    """Return how many calls can be started in an open time."""
    by_lines = campaign.max_concurrent_calls * open_seconds / call_seconds
    by_pace = open_seconds * sustained(campaign.calls_per_second) if campaign.calls_per_second else by_lines
    return int(min(by_lines, by_pace))


def _open_seconds(plan: pl.LazyFrame) -> dict[date, float]:
    """Return for each date how long any of its zones is open, from its first slot on."""
    stretches = (
        plan.group_by("call_date", "timezone", "not_after")
        .agg(opens_at=pl.col("scheduled_at").min())
        .sort("call_date", "opens_at")
        .collect()
    )
    return {
        day: _covered(list(zip(opens, closes, strict=True)))
        for day, opens, closes in stretches.group_by("call_date", maintain_order=True)
        .agg("opens_at", "not_after")
        .iter_rows()
    }


def _covered(stretches: list[tuple[datetime, datetime]]) -> float:
    """Return the seconds that stretches, in order of their openings, cover together."""
    ends = accumulate((closes for _, closes in stretches), max)
    reached = [stretches[0][0], *ends][:-1]
    return sum(
        max(0.0, (closes - max(opens, before)).total_seconds())
        for (opens, closes), before in zip(stretches, reached, strict=True)
    )


def _finish(
    campaign: Campaign, calls: dict[date, int], takes: dict[date, int], call_seconds: float
) -> date | None:
    """Return the date on which the last call would be placed, what is missed going on to later dates."""
    if not calls:
        return None
    day, last, waiting = min(calls), max(calls), 0
    for _ in range(HORIZON_DAYS):
        planned = calls.get(day, 0)
        room = takes[day] if day in takes else _takes_later(campaign, day, call_seconds)
        if campaign.max_calls_per_day is not None:
            room = min(room, max(campaign.max_calls_per_day, planned))
        waiting = max(0, waiting + planned - room)
        if not waiting and day >= last:
            return day
        day += timedelta(days=1)
    return None


def _takes_later(campaign: Campaign, day: date, call_seconds: float) -> int:
    left, _ = open_time_of_date(campaign, day, datetime.min.replace(tzinfo=UTC), campaign.stops_at())
    return _takes(campaign, left.total_seconds(), call_seconds)
