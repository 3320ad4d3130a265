"""What time each call is planned for: spread evenly over the open time of its zone and date."""

import polars as pl

from transforms.schemas import INSTANT

_MOST_RESERVE_US = 900


def spacing_us(zone_count: int) -> int:
    """Return the least microseconds between two calls of one zone, so that the calls of all zones find room.

    With twice as many microseconds as zones, calls that clash move by less than that many.
    """
    return 1 if zone_count == 1 else 2 * zone_count


def reserve_us(zone_count: int) -> int:
    """Return how many microseconds before its closing the last call of a stretch is placed at the latest.

    Calls that clash there can then move forward and still start before the closing. It stays below the
    millisecond to which slots are even.
    """
    return 0 if zone_count == 1 else min(spacing_us(zone_count), _MOST_RESERVE_US)


def usable(openings: pl.DataFrame, zone_count: int) -> pl.DataFrame:
    """Return the open time that slots may use: stretches longer than what is reserved at their end.

    Takes openings (schema ``OPENINGS``) and adds ``length_us``, the microseconds of each stretch.
    """
    length_us = (pl.col("closes_at") - pl.col("opens_at")).dt.total_microseconds()
    return openings.with_columns(length_us=length_us).filter(pl.col("length_us") > reserve_us(zone_count))


def pieces(dates: pl.DataFrame, openings: pl.DataFrame, zone_count: int) -> pl.DataFrame:
    """Return the stretches of open time that are used, and which of a zone's queue each one takes.

    Takes an allotment (schema ``ALLOTMENT``) and the open time (schema ``OPENINGS``). The k-th of n
    contacts belongs at k/n of the date's open time T, at microsecond ``k * T // n``; it lies in the stretch
    that holds that microsecond.

    Grain: one row per zone, date and used stretch. Order: zone, ``first_rank``, which is the rank in the
    zone's queue of the stretch's first contact. ``date_rank`` is the rank of the date's first contact,
    ``open_us`` is T, ``earlier_us`` the open time of the date before this stretch, ``latest_at`` the last
    instant that is given to a call. ``date_first_row`` and
    ``date_calls`` place the date among all rows of the plan.
    """
    of_date = ["zone", "call_date"]
    totals = (
        dates.group_by("call_date")
        .agg(date_calls=pl.col("contacts").sum())
        .sort("call_date")
        .with_columns(date_first_row=pl.col("date_calls").cum_sum() - pl.col("date_calls"))
    )
    return (
        usable(openings, zone_count)
        .sort("zone", "opens_at")
        .with_columns(
            open_us=pl.col("length_us").sum().over(of_date),
            earlier_us=(pl.col("length_us").cum_sum() - pl.col("length_us")).over(of_date),
            latest_at=pl.col("closes_at") - pl.duration(microseconds=reserve_us(zone_count)),
        )
        .join(dates.rename({"first_rank": "date_rank"}), on=of_date)
        .join(totals, on="call_date")
        .with_columns(
            first_rank=pl.col("date_rank") + _first_at("earlier_us"),
            end_rank=pl.col("date_rank") + _first_at(pl.col("earlier_us") + pl.col("length_us")),
        )
        .filter(pl.col("first_rank") < pl.col("end_rank"))
        .sort("zone", "first_rank")
    )


def _first_at(open_us: pl.Expr | str) -> pl.Expr:
    """Return the first k whose microsecond of open time is at or after ``open_us``: ceil(open_us * n / T)."""
    at = pl.col(open_us) if isinstance(open_us, str) else open_us
    return (at * pl.col("contacts") + pl.col("open_us") - 1) // pl.col("open_us")


def with_slots(queue: pl.LazyFrame, used: pl.DataFrame) -> pl.LazyFrame:
    """Give each contact of one zone, in list order, its time.

    Takes the zone's queue and its rows of ``pieces``. Adds ``scheduled_at``, ``not_after`` (where its
    stretch of open time ends), ``call_date``, ``date_first_row`` and ``date_calls``. Order: as given, which
    is ``scheduled_at`` order.
    """
    stretches = used.lazy().select(
        "first_rank",
        "date_rank",
        "contacts",
        "open_us",
        "earlier_us",
        "opens_at",
        "latest_at",
        "call_date",
        "date_first_row",
        "date_calls",
        not_after="closes_at",
    )
    microsecond = (pl.col("rank") - pl.col("date_rank")) * pl.col("open_us") // pl.col("contacts")
    return (
        queue.with_row_index("rank")
        .with_columns(pl.col("rank").cast(pl.Int64))
        .set_sorted("rank")
        .join_asof(stretches.set_sorted("first_rank"), left_on="rank", right_on="first_rank")
        .with_columns(
            scheduled_at=pl.col("opens_at") + pl.duration(microseconds=microsecond - pl.col("earlier_us"))
        )
        .drop(
            "rank", "first_rank", "date_rank", "contacts", "open_us", "earlier_us", "opens_at", strict=False
        )
    )


def in_order(queues: list[pl.LazyFrame]) -> pl.LazyFrame:
    """Join the zones' slots into one plan in ``scheduled_at`` order, no two at the same microsecond.

    Of two rows that clash, the later in the list moves forward to the next free microsecond. Adds
    ``row`` (0-based, in order) and ``slot_index`` (0-based within ``call_date``).
    """
    joined = queues[0] if len(queues) == 1 else _distinct(pl.concat(queues).sort("scheduled_at", "position"))
    return joined.with_row_index("row").with_columns(
        row=pl.col("row").cast(pl.Int64),
        slot_index=pl.col("row").cast(pl.Int64) - pl.col("date_first_row"),
    )


def _distinct(slots: pl.LazyFrame) -> pl.LazyFrame:
    """Move rows so that each is at least a microsecond after the one before it."""
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    at_us = pl.col("scheduled_at").dt.epoch("us")
    return slots.with_columns(
        scheduled_at=((at_us - place).cum_max() + place).cast(pl.Datetime("us"))
    ).with_columns(pl.col("scheduled_at").dt.replace_time_zone("UTC").cast(INSTANT))
