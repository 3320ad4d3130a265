"""Who is called at all, and whose clock counts for them."""

import polars as pl

from transforms.campaign import Campaign, ContactTimezone
from transforms.wall_clock import zone_names


def with_zone(contacts: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:
    """Decide the zone whose hours count for each contact, or why the contact cannot be called.

    Takes the contacts of a list (schema ``CONTACTS``) in list order. ``timezone`` becomes the zone used;
    adds ``position`` (0-based place in the list), ``timezone_source`` (``contact`` or ``campaign``) and
    ``reason``, which is null for whom can be called. Order and number of rows stay.
    """
    placed = contacts.with_row_index("position").with_columns(pl.col("position").cast(pl.Int64))
    if campaign.contact_timezone is ContactTimezone.CAMPAIGN:
        return placed.with_columns(
            timezone=pl.lit(campaign.timezone),
            timezone_source=pl.lit("campaign"),
            reason=pl.lit(None, pl.String),
        )
    own = pl.when(pl.col("timezone") != "").then(pl.col("timezone"))
    unknown = own.is_not_null() & ~own.is_in(sorted(zone_names()))
    return placed.with_columns(
        timezone=own.fill_null(campaign.timezone),
        timezone_source=pl.when(own.is_null()).then(pl.lit("campaign")).otherwise(pl.lit("contact")),
        reason=pl.when(unknown).then(pl.lit('unknown time zone "') + own + pl.lit('"')),
    )


def without_skipped(contacts: pl.LazyFrame, skipped: pl.LazyFrame) -> pl.LazyFrame:
    """Give the contacts of ``skipped`` (``contact_id``, ``reason``) that reason, before any other."""
    told = skipped.select("contact_id", skipped_because=pl.lit("skipped: ") + pl.col("reason"))
    return (
        contacts.join(told, on="contact_id", how="left", maintain_order="left")
        .with_columns(reason=pl.coalesce("skipped_because", "reason"))
        .drop("skipped_because")
    )


def eligible(contacts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the contacts that have no reason not to be called, in list order."""
    return contacts.filter(pl.col("reason").is_null()).drop("reason")


def excluded(contacts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the contacts that are not called, in list order, as ``EXCLUDED``."""
    return contacts.filter(pl.col("reason").is_not_null()).select("contact_id", "line", "reason")
