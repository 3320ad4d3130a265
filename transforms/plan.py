"""The plan: one planned call per contact and attempt, put together from dates, slots and numbers."""

from dataclasses import dataclass

import polars as pl

from transforms.campaign import Campaign
from transforms.days import Allotment, Queue
from transforms.schemas import PLAN
from transforms.slots import in_order, pieces, with_slots

PREVIEW = "preview"
"""The campaign id of a plan that belongs to no campaign."""


@dataclass(frozen=True)
class Edition:
    """Which publication of which campaign a plan is."""

    campaign_id: str = PREVIEW
    plan_version: int = 1
    attempt: int = 1


def queues(eligible: pl.LazyFrame) -> pl.LazyFrame:
    """Return the queue of each zone.

    Grain: one row per zone with its ``contacts`` count and the sorted list of their ``positions``.
    Order: zone.
    """
    return (
        eligible.select("timezone", "position")
        .group_by("timezone")
        .agg(contacts=pl.len().cast(pl.Int64), positions=pl.col("position"))
        .sort("timezone")
    )


def slots(eligible: pl.LazyFrame, waiting: list[Queue], allotment: Allotment) -> pl.LazyFrame:
    """Give every eligible contact its slot; rows are in ``scheduled_at`` order and all distinct.

    Takes the eligible contacts in list order with ``position``, ``timezone`` and ``timezone_source``.
    """
    used = pieces(allotment.dates, allotment.openings, len(waiting))
    return in_order(
        [
            with_slots(
                eligible if len(waiting) == 1 else eligible.filter(pl.col("timezone") == queue.zone),
                used.filter(pl.col("zone") == queue.zone),
            )
            for queue in waiting
        ]
    )


def as_plan(numbered: pl.LazyFrame, edition: Edition) -> pl.LazyFrame:
    """Return the columns of a plan (schema ``PLAN``) from slots with their ``from_number``."""
    return numbered.with_columns(
        campaign_id=pl.lit(edition.campaign_id),
        plan_version=pl.lit(edition.plan_version),
        attempt=pl.lit(edition.attempt),
    ).select(pl.col(name).cast(dtype) for name, dtype in PLAN.items())


def metadata(
    campaign: Campaign, contacts_hash: str, starts_at: str, versions: dict[str, str]
) -> dict[str, str]:
    """Return the key-value metadata of a plan file: what is needed to compute the same bytes again."""
    return {
        "callplan.settings": campaign.canonical_json(),
        "callplan.settings_hash": campaign.settings_hash(),
        "callplan.contacts_hash": contacts_hash,
        "callplan.starts_at": starts_at,
        "callplan.seed": str(campaign.seed),
    } | {f"callplan.{name}_version": number for name, number in versions.items()}
