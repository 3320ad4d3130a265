"""Whom a publication places: new contacts of the list, and those who wait for a slot (again)."""

from datetime import datetime, timedelta

import polars as pl

from transforms.brief import Brief
from transforms.schemas import STANDING
from transforms.standing import carried_slots, waiting_for_slots

_ATTEMPT = ["contact_id", "attempt"]
_FIRST = pl.lit(1, pl.UInt8)


def positioned(contacts: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``position``, the 0-based place in the list, to contacts in list order."""
    return contacts.with_row_index("position").with_columns(pl.col("position").cast(pl.Int64))


def whom_to_place(listed: pl.LazyFrame, brief: Brief, *, is_first: bool) -> pl.LazyFrame:
    """Return whom a publication places, in list order: the rows of ``listed`` with their ``attempt``.

    Takes the ``positioned`` contacts of the list. New are those in the brief's stretch of the list who do
    not stand anywhere; with them come the rows of ``standing`` that are due. ``is_first`` says that nothing
    stands, which saves looking.
    """
    length = None if brief.fresh_until is None else brief.fresh_until - brief.fresh_from
    fresh = listed if not brief.fresh_from and length is None else listed.slice(brief.fresh_from, length)
    if is_first:
        return fresh.with_columns(attempt=_FIRST)
    new = fresh.join(brief.standing.select("contact_id"), on="contact_id", how="anti", maintain_order="left")
    due = listed.join(waiting_for_slots(brief.standing), on="contact_id", how="inner", maintain_order="left")
    return new.with_columns(attempt=_FIRST).merge_sorted(due.sort("position", "attempt"), key="position")


def whom_to_carry(listed: pl.LazyFrame, brief: Brief) -> pl.LazyFrame:
    """Return the rows of ``listed`` whose slots are carried over, with ``attempt`` and ``scheduled_at``."""
    carried = carried_slots(brief.standing).select("contact_id", "attempt", "scheduled_at")
    return listed.join(carried, on="contact_id", how="inner", maintain_order="left")


def counting_slots(plan: pl.LazyFrame, gone: pl.LazyFrame, replaced: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows of the current plan that count: not made yet, and not planned anew by another version.

    Takes the rows of the current versions (schema ``PLAN``), the attempts that are made (``gone``:
    ``contact_id``, ``attempt``), and those of which another version counts (``replaced``: ``contact_id``,
    ``attempt``, ``plan_version``, null for none). Columns and order: those of the plan.
    """
    counts = replaced.select(*_ATTEMPT, counting="plan_version", is_replaced=pl.lit(True))
    return (
        plan.join(gone.select(_ATTEMPT), on=_ATTEMPT, how="anti", maintain_order="left")
        .join(counts, on=_ATTEMPT, how="left", maintain_order="left")
        .filter(pl.col("is_replaced").is_null() | pl.col("counting").eq_missing(pl.col("plan_version")))
        .drop("counting", "is_replaced")
    )


def still_planned(rows: pl.LazyFrame, given_up: pl.DataFrame) -> pl.LazyFrame:
    """Return the rows whose contact no later version has given up, because it cannot be called any more.

    Takes rows with ``contact_id`` and ``plan_version``, and ``contact_id`` with ``given_up_by``, the version.
    """
    if given_up.is_empty():
        return rows
    return (
        rows.join(given_up.lazy(), on="contact_id", how="left", maintain_order="left")
        .filter(pl.col("given_up_by").is_null() | (pl.col("given_up_by") <= pl.col("plan_version")))
        .drop("given_up_by")
    )


def latest_versions(plan: pl.LazyFrame) -> pl.LazyFrame:
    """Return of each attempt in the current versions the one that counts.

    Grain: one row per ``contact_id`` and ``attempt``, with ``plan_version``. A later version plans an attempt
    anew.
    """
    return plan.group_by(_ATTEMPT).agg(pl.col("plan_version").max())


def open_slots(
    plan: pl.LazyFrame, gone: pl.LazyFrame, replaced: pl.LazyFrame, now: datetime, late_limit: timedelta
) -> pl.LazyFrame:
    """Return the slots that may still be called, as ``STANDING`` rows that are ``kept``, in plan order.

    Takes what ``counting_slots`` takes.
    """
    in_time = now < pl.min_horizontal("not_after", pl.col("scheduled_at") + late_limit)
    return (
        counting_slots(plan.filter(in_time), gone, replaced)
        .with_columns(kind=pl.lit("kept"))
        .select(STANDING.names())
    )


def missed_slots(
    plan: pl.LazyFrame,
    gone: pl.LazyFrame,
    replaced: pl.LazyFrame,
    from_at: datetime,
    now: datetime,
    late_limit: timedelta,
) -> pl.LazyFrame:
    """Return the slots from ``from_at`` on that are not called any more and have no successor.

    Grain: one row per ``contact_id`` and ``attempt``. Takes what ``counting_slots`` takes.
    """
    too_late = now >= pl.min_horizontal("not_after", pl.col("scheduled_at") + late_limit)
    passed = plan.filter(pl.col("scheduled_at") >= from_at, pl.col("scheduled_at") < now, too_late)
    return counting_slots(passed, gone, replaced).select(_ATTEMPT)


def slots_to_carry(
    kept: pl.LazyFrame, zoned: pl.LazyFrame, openings: pl.DataFrame, room: pl.DataFrame
) -> pl.LazyFrame:
    """Return the slots that the new settings leave possible, as ``STANDING`` rows that are ``carried``.

    Takes the slots that may still be called (``kept``), the contacts with ``position`` and their ``timezone``
    under the new settings, the open time of those zones, and the ``room`` of every ``call_date`` (null for
    no cap). A slot stays where it is open, and where its date has no room for all, the first in the list
    stay.
    """
    opened = openings.lazy().select("opens_at", "closes_at", open_on="call_date", timezone="zone")
    return (
        kept.drop("timezone", "timezone_source", "call_date")
        .join(
            zoned.select("contact_id", "position", "timezone", "timezone_source"),
            on="contact_id",
            how="inner",
        )
        .sort("scheduled_at")
        .join_asof(
            opened.sort("opens_at"),
            left_on="scheduled_at",
            right_on="opens_at",
            by="timezone",
            check_sortedness=False,
        )
        .filter(pl.col("scheduled_at") < pl.col("closes_at"))
        .join(room.lazy().rename({"call_date": "open_on"}), on="open_on", how="left")
        .sort("position", "attempt")
        .filter(pl.col("room").is_null() | (pl.int_range(pl.len()).over("open_on") < pl.col("room")))
        .with_columns(kind=pl.lit("carried"), call_date=pl.col("open_on"))
        .select(STANDING.names())
    )
