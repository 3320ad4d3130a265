"""Who is called at all, and whose clock counts for them."""

import polars as pl

from transforms.campaign import Campaign, ContactTimezone
from transforms.phone_zones import with_number_zones
from transforms.wall_clock import zone_names


def with_zone(contacts: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:
    """Decide the zone whose hours count for each contact, or why the contact cannot be called.

    Takes contacts with ``phone`` and ``timezone``. ``timezone`` becomes the zone used, several joined by
    ``|`` where a number may lie in any of them; adds ``timezone_source`` (``contact``, ``phone`` or
    ``campaign``) and ``reason``, which is null for whom can be called. Order and number of rows stay.
    """
    return {
        ContactTimezone.CAMPAIGN: _by_campaign,
        ContactTimezone.CONTACT: _by_contact,
        ContactTimezone.PHONE: _by_phone,
    }[campaign.contact_timezone](contacts, campaign)


def _by_campaign(contacts: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:
    return contacts.with_columns(
        timezone=pl.lit(campaign.timezone),
        timezone_source=pl.lit("campaign"),
        reason=pl.lit(None, pl.String),
    )


def _by_contact(contacts: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:
    own = pl.when(pl.col("timezone") != "").then(pl.col("timezone"))
    unknown = own.is_not_null() & ~own.is_in(sorted(zone_names()))
    return contacts.with_columns(
        timezone=own.fill_null(campaign.timezone),
        timezone_source=pl.when(own.is_null()).then(pl.lit("campaign")).otherwise(pl.lit("contact")),
        reason=pl.when(unknown).then(pl.lit('unknown time zone "') + own + pl.lit('"')),
    )


def _by_phone(contacts: pl.LazyFrame, campaign: Campaign) -> pl.LazyFrame:  # noqa: ARG001 - the number alone
    placeless = pl.col("number_zones").is_null()
    return (
        with_number_zones(contacts)
        .with_columns(
            timezone=pl.col("number_zones"),
            timezone_source=pl.lit("phone"),
            reason=pl.when(placeless).then(
                pl.lit("no time zone is known for numbers like ") + pl.col("phone")
            ),
        )
        .drop("number_zones")
    )


def joint_zones(contacts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the distinct values of ``timezone`` that are several zones, in order."""
    return (
        contacts.select("timezone")
        .filter(pl.col("timezone").str.contains("|", literal=True))
        .unique()
        .sort("timezone")
    )


def without_common_hour(contacts: pl.LazyFrame, never_open: list[str]) -> pl.LazyFrame:
    """Give contacts in the joint zones ``never_open`` their reason: there is no hour for them."""
    if not never_open:
        return contacts
    several = pl.col("timezone").str.count_matches("|", literal=True) + 1
    told = (
        pl.lit("no common open hour in the ") + several.cast(pl.String) + pl.lit(" time zones of the number")
    )
    return contacts.with_columns(
        reason=pl.when(pl.col("timezone").is_in(never_open)).then(told).otherwise(pl.col("reason"))
    )


def without_skipped(contacts: pl.LazyFrame, skipped: pl.DataFrame) -> pl.LazyFrame:
    """Give the contacts of ``skipped`` (``contact_id``, ``reason``) that reason, before any other."""
    if skipped.is_empty():
        return contacts
    told = skipped.lazy().select("contact_id", skipped_because=pl.lit("skipped: ") + pl.col("reason"))
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
