"""What stands already: the calls a campaign has started and the slots that stay, counted per date."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from transforms.schemas import INSTANT, STANDING
from transforms.wall_clock import offsets

PER_DATE = pl.Schema(
    {
        "call_date": pl.Date(),
        "used": pl.Int64(),
        "carried": pl.Int64(),
        "next_index": pl.Int64(),
    }
)
"""One row per campaign-local date: the calls it holds, how many of them are carried into the new version,
and the first ``slot_index`` that is free."""

PER_NUMBER = pl.Schema({"call_date": pl.Date(), "from_number": pl.String(), "used": pl.Int64()})
"""One row per campaign-local date and outbound number: its calls started and slots kept."""

_ONLY_OF_ITS_DATE = ["contact_id", "attempt", "plan_version", "timezone", "timezone_source", "scheduled_at"]
"""What nothing on another date depends on."""


@dataclass(frozen=True)
class Held:
    """What the dates hold: ``per_date`` (``PER_DATE``) and ``per_number`` (``PER_NUMBER``), by date."""

    per_date: pl.DataFrame = field(default_factory=PER_DATE.to_frame)
    per_number: pl.DataFrame = field(default_factory=PER_NUMBER.to_frame)

    @property
    def nothing(self) -> bool:
        """Whether no date holds anything."""
        return self.per_date.is_empty()


def held_per_date(standing: pl.LazyFrame) -> pl.LazyFrame:
    """Count what each date holds: rows of ``standing`` (``STANDING``) to ``PER_DATE``, in date order."""
    carried = pl.col("kind") == "carried"
    return (
        standing.filter(pl.col("kind") != "due")
        .group_by("call_date")
        .agg(
            used=pl.len().cast(pl.Int64),
            carried=carried.sum().cast(pl.Int64),
            next_index=(pl.col("slot_index").filter(~carried).max() + 1).fill_null(0),
        )
        .sort("call_date")
    )


def held_per_number(standing: pl.LazyFrame) -> pl.LazyFrame:
    """Count what each outbound number holds on each date, as ``PER_NUMBER``, by date and number."""
    return (
        standing.filter(pl.col("kind").is_in(["started", "kept"]), pl.col("from_number").is_not_null())
        .group_by("call_date", "from_number")
        .agg(used=pl.len().cast(pl.Int64))
        .sort("call_date", "from_number")
    )


def taken_instants(standing: pl.LazyFrame, dates: pl.Series) -> pl.LazyFrame:
    """Return the instants that are taken on some campaign-local dates, in order.

    Grain: one row per call or slot, ``scheduled_at``.
    """
    return (
        standing.filter(pl.col("kind") != "due", pl.col("call_date").is_in(dates.implode()))
        .select(pl.col("scheduled_at").cast(INSTANT))
        .sort("scheduled_at")
    )


def counted_elsewhere(standing: pl.LazyFrame, dates: pl.Series) -> pl.LazyFrame:
    """Return what a publication that places calls on ``dates`` depends on.

    Of slots kept on another date those are ``call_date`` and ``from_number``, and the last ``slot_index``
    there; all else is null, so that a file of many such rows is small. Order: date, then instant.
    """
    elsewhere = (pl.col("kind") == "kept") & ~pl.col("call_date").is_in(dates.implode())
    is_last = pl.col("slot_index") == pl.col("slot_index").max().over("call_date", "kind")
    return standing.with_columns(
        pl.when(~elsewhere).then(pl.col(_ONLY_OF_ITS_DATE)),
        slot_index=pl.when(~elsewhere | is_last).then("slot_index"),
    ).sort("call_date", "scheduled_at", "from_number", "contact_id", "attempt")


def waiting_for_slots(standing: pl.LazyFrame) -> pl.LazyFrame:
    """Return who waits for a slot with which attempt: ``contact_id`` and ``attempt``."""
    return standing.filter(pl.col("kind") == "due").select("contact_id", "attempt")


def carried_slots(standing: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows whose times are carried into the new version (``STANDING``)."""
    return standing.filter(pl.col("kind") == "carried").select(STANDING.names())


def redated(standing: pl.DataFrame, zone_name: str) -> pl.DataFrame:
    """Return rows of ``standing`` with ``call_date`` read on another zone's clock; order and rows stay."""
    at = standing["scheduled_at"]
    first, last = at.min(), at.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return standing
    clock = offsets([zone_name], first, last + timedelta(days=1)).sort("from_at")
    local = pl.col("scheduled_at") + pl.duration(seconds="offset_seconds")
    return (
        standing.with_row_index("place")
        .sort("scheduled_at")
        .join_asof(clock.drop("zone"), left_on="scheduled_at", right_on="from_at")
        .with_columns(call_date=local.dt.date())
        .sort("place")
        .select(standing.columns)
    )
