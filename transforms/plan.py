"""The plan: one planned call per contact and attempt, put together from dates, slots and numbers."""

import polars as pl

from transforms.brief import Brief, Edition
from transforms.campaign import Campaign
from transforms.days import Allotment, Queue
from transforms.schemas import PLAN, PLAN_DATES
from transforms.slots import Clearance, in_order, pieces, with_slots
from transforms.standing import Held

_COLUMNS = (
    "contact_id",
    "attempt",
    "phone",
    "timezone",
    "timezone_source",
    "scheduled_at",
    "not_after",
    "call_date",
)


def queues(eligible: pl.LazyFrame) -> pl.LazyFrame:
    """Return the queue of each zone.

    Grain: one row per zone with its ``contacts`` count and the sorted list of their ``positions``.
    Order: zone.
    """
    return (
        eligible.select("timezone", "position")
        .group_by("timezone", maintain_order=True)
        .agg(contacts=pl.len().cast(pl.Int64), positions=pl.col("position"))
        .sort("timezone")
    )


def slots(
    eligible: pl.LazyFrame,
    waiting: list[Queue],
    allotment: Allotment,
    clear: Clearance,
    taken: pl.Series,
) -> pl.LazyFrame:
    """Give the eligible contacts their slots; rows are in ``scheduled_at`` order and all distinct.

    Takes those to place in list order with ``position``, ``attempt``, ``phone``, ``timezone`` and
    ``timezone_source``, and the instants that are ``taken``. Whoever found no date is left out.
    """
    used = pieces(allotment.dates, allotment.openings, clear)
    called = eligible.select("position", "contact_id", "attempt", "phone", "timezone", "timezone_source")
    return in_order(
        [
            with_slots(
                called if len(waiting) == 1 else called.filter(pl.col("timezone") == queue.zone),
                used.filter(pl.col("zone") == queue.zone),
                allotment.served[queue.zone] if allotment.left else None,
            )
            for queue in waiting
        ],
        taken,
    ).select(_COLUMNS)


def with_carried(parts: list[pl.LazyFrame]) -> pl.LazyFrame:
    """Join new slots and those carried over into one plan in ``scheduled_at`` order."""
    return pl.concat([part.select(_COLUMNS) for part in parts]).sort("scheduled_at")


def dates_of_plan(allotment: Allotment, held: Held) -> pl.DataFrame:
    """Return the dates of a plan with their rows, new and carried over, as ``PLAN_DATES`` in order."""
    new = allotment.dates.group_by("call_date").agg(new=pl.col("contacts").sum())
    return (
        new.join(held.per_date, on="call_date", how="full", coalesce=True)
        .with_columns(pl.col("new", "carried", "next_index").fill_null(0))
        .with_columns(calls=pl.col("new") + pl.col("carried"))
        .filter(pl.col("calls") > 0)
        .sort("call_date")
        .with_columns(first_row=pl.col("calls").cum_sum() - pl.col("calls"))
        .select(PLAN_DATES.names())
    )


def as_plan(numbered: pl.LazyFrame, edition: Edition) -> pl.LazyFrame:
    """Return the columns of a plan (schema ``PLAN``) from slots with their ``from_number``."""
    return numbered.with_columns(
        campaign_id=pl.lit(edition.campaign_id),
        plan_version=pl.lit(edition.plan_version),
    ).select(pl.col(name).cast(dtype) for name, dtype in PLAN.items())


def metadata(
    campaign: Campaign, contacts_hash: str, brief: Brief, versions: dict[str, str]
) -> dict[str, str]:
    """Return the key-value metadata of a plan file: what is needed to compute the same bytes again."""
    return {
        "callplan.settings": campaign.canonical_json(),
        "callplan.settings_hash": campaign.settings_hash(),
        "callplan.contacts_hash": contacts_hash,
        "callplan.seed": str(campaign.seed),
    } | {f"callplan.{name}": text for name, text in (brief.as_texts() | versions).items()}
