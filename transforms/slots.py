"""What time each call is planned for: spread evenly over the open time of its zone and date."""

from dataclasses import dataclass

import polars as pl

from transforms.schemas import INSTANT

_MOST_RESERVE_US = 900
_CROWDED_SPACING_US = 1_000


@dataclass(frozen=True)
class Clearance:
    """The microseconds that calls keep free around them, so that calls that clash find room close by.

    ``spacing_us`` is the least between two calls of one zone on a date. ``reserve_us`` is how long before
    its closing the last call of a stretch is placed at the latest, below the millisecond to which slots are
    even.
    """

    spacing_us: int
    reserve_us: int


def clearance(zone_count: int, *, is_first: bool) -> Clearance:
    """Return the clearance for a publication into ``zone_count`` zones, the campaign's first or a later one.

    A first publication in one zone has nothing to clash with. With several zones and twice as many
    microseconds between the calls of each, calls that clash move by less than that many. A later one finds
    calls that stand already, at whatever instants, so it keeps a whole millisecond.
    """
    if not is_first:
        return Clearance(_CROWDED_SPACING_US, _MOST_RESERVE_US)
    if zone_count == 1:
        return Clearance(1, 0)
    return Clearance(2 * zone_count, min(2 * zone_count, _MOST_RESERVE_US))


def usable(openings: pl.DataFrame, clear: Clearance) -> pl.DataFrame:
    """Return the open time that slots may use: stretches longer than what is reserved at their end.

    Takes openings (schema ``OPENINGS``) and adds ``length_us``, the microseconds of each stretch.
    """
    length_us = (pl.col("closes_at") - pl.col("opens_at")).dt.total_microseconds()
    return openings.with_columns(length_us=length_us).filter(pl.col("length_us") > clear.reserve_us)


def pieces(
    dates: pl.DataFrame, openings: pl.DataFrame, clear: Clearance, plan_dates: pl.DataFrame
) -> pl.DataFrame:
    """Return the stretches of open time that are used, and which of a zone's queue each one takes.

    Takes an allotment (schema ``ALLOTMENT``), the open time (schema ``OPENINGS``) and the dates of the plan
    (schema ``PLAN_DATES``). The k-th of n contacts belongs at k/n of the date's open time T, at microsecond
    ``k * T // n``; it lies in the stretch that holds that microsecond.

    Grain: one row per zone, date and used stretch. Order: zone, ``first_rank``, which is the rank in the
    zone's queue of the stretch's first contact. ``date_rank`` is the rank of the date's first contact,
    ``open_us`` is T, ``earlier_us`` the open time of the date before this stretch, ``latest_at`` the last
    instant that is given to a call, ``index_offset`` what makes a ``slot_index`` of a row of the plan.
    """
    of_date = ["zone", "call_date"]
    return (
        usable(openings, clear)
        .sort("zone", "opens_at")
        .with_columns(
            open_us=pl.col("length_us").sum().over(of_date),
            earlier_us=(pl.col("length_us").cum_sum() - pl.col("length_us")).over(of_date),
            latest_at=pl.col("closes_at") - pl.duration(microseconds=clear.reserve_us),
        )
        .join(dates.rename({"first_rank": "date_rank"}), on=of_date)
        .join(_index_offsets(plan_dates), on="call_date")
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


def with_slots(queue: pl.LazyFrame, used: pl.DataFrame, first_rank: int) -> pl.LazyFrame:
    """Give contacts of one zone, in list order, their times.

    Takes a stretch of the zone's queue, the rank of its first contact, and the rows of ``pieces`` that it
    takes. Adds ``scheduled_at``, ``not_after`` (where its stretch of open time ends),
    ``call_date`` and ``index_offset``. Order: as given, which is ``scheduled_at`` order.
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
        "index_offset",
        not_after="closes_at",
    )
    microsecond = (pl.col("rank") - pl.col("date_rank")) * pl.col("open_us") // pl.col("contacts")
    even_at = pl.col("opens_at") + pl.duration(microseconds=microsecond - pl.col("earlier_us"))
    return (
        queue.with_row_index("rank", offset=first_rank)
        .with_columns(pl.col("rank").cast(pl.Int64))
        .set_sorted("rank")
        .join_asof(stretches.set_sorted("first_rank"), left_on="rank", right_on="first_rank")
        .with_columns(scheduled_at=pl.min_horizontal(even_at, "latest_at"))
        .drop("rank", "first_rank", "date_rank", "contacts", "open_us", "earlier_us", "opens_at", "latest_at")
    )


def in_order(queues: list[pl.LazyFrame], taken: pl.Series) -> pl.LazyFrame:
    """Join the zones' slots in ``scheduled_at`` order, each at a microsecond of its own.

    Takes the instants that are taken, sorted; where there are several queues, their rows have a ``place`` in
    the list (UInt32, all different). Of two rows that clash, the later in the list moves forward to the next
    free microsecond, and so does a row that wants a taken one.
    """
    if len(queues) == 1 and taken.is_empty():
        return queues[0]
    joined = queues[0] if len(queues) == 1 else pl.concat(queues).sort(_instant_and_place())
    return _distinct(joined, taken.dt.epoch("us"))


def _instant_and_place() -> pl.Expr:
    """Return ``scheduled_at`` and ``place`` as one number: one is sorted in a quarter of the time of two."""
    return pl.col("scheduled_at").dt.epoch("us").cast(pl.Int128) * (1 << 32) + pl.col("place")


def _distinct(slots: pl.LazyFrame, taken_us: pl.Series) -> pl.LazyFrame:
    """Move rows to free microseconds, each later than the row before it.

    Instants are counted in free microseconds: how many that are not taken lie before. There the rows only
    have to be kept apart from one another, and no free microsecond is skipped.
    """
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    wanted = pl.col("scheduled_at").dt.epoch("us")
    if taken_us.is_empty():
        return slots.with_columns(scheduled_at=_as_instant((wanted - place).cum_max() + place))
    taken = pl.lit(taken_us)
    taken_in_free = pl.lit(taken_us - pl.int_range(taken_us.len(), eager=True))
    free = wanted - taken.search_sorted(wanted, side="left").cast(pl.Int64)
    return (
        slots.with_columns(free=free)
        .with_columns(free=(pl.col("free") - place).cum_max() + place)
        .with_columns(
            scheduled_at=_as_instant(
                pl.col("free") + taken_in_free.search_sorted(pl.col("free"), side="right").cast(pl.Int64)
            )
        )
        .drop("free")
    )


def _as_instant(microseconds: pl.Expr) -> pl.Expr:
    return microseconds.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT)


def carried_over(carried: pl.LazyFrame, openings: pl.DataFrame, plan_dates: pl.DataFrame) -> pl.LazyFrame:
    """Add what ``with_slots`` adds to slots that keep their ``scheduled_at``, from the open time.

    Takes rows with ``timezone`` and ``scheduled_at``; they must lie in the ``openings`` of their zone.
    Order: ``scheduled_at``.
    """
    stretches = openings.lazy().select("call_date", "opens_at", timezone="zone", not_after="closes_at")
    return (
        carried.sort("scheduled_at")
        .join_asof(
            stretches.sort("opens_at"),
            left_on="scheduled_at",
            right_on="opens_at",
            by="timezone",
            check_sortedness=False,
        )
        .drop("opens_at")
        .join(_index_offsets(plan_dates).lazy(), on="call_date", maintain_order="left")
    )


def _index_offsets(plan_dates: pl.DataFrame) -> pl.DataFrame:
    """Return for each date what has to be added to a row's place in the plan to get its ``slot_index``."""
    return plan_dates.select("call_date", index_offset=pl.col("next_index") - pl.col("first_row"))


def numbered(slots: pl.LazyFrame) -> pl.LazyFrame:
    """Number the rows of a plan, which are in ``scheduled_at`` order.

    Adds ``row``, 0-based over all rows, and ``slot_index``, which counts within ``call_date`` from the first
    index that is free.
    """
    return (
        slots.with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .with_columns(slot_index=pl.col("row") + pl.col("index_offset"))
    )
