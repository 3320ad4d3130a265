"""Staging: the slots of the next while, with what is known of their contacts today."""

from datetime import datetime

import polars as pl

from transforms.campaign import Campaign, ContactTimezone
from transforms.eligibility import with_zone


def staged_slots(
    plan: pl.LazyFrame, contacts: pl.LazyFrame, campaign: Campaign, from_at: datetime, until_at: datetime
) -> pl.LazyFrame:
    """Return the slots in ``[from_at, until_at)`` with their contact's present phone and variables.

    Takes a plan (schema ``PLAN``) and the contacts of its list as they are now (schema ``CONTACTS``). A
    contact that has meanwhile another zone than it was planned for, or none, is marked ``zone_changed`` and
    must not be called at the planned time; ``has_new_zone`` where it has another. Order: ``scheduled_at``.
    """
    due = plan.filter(pl.col("scheduled_at") >= from_at, pl.col("scheduled_at") < until_at)
    called = contacts.join(due.select("contact_id"), on="contact_id", how="semi")
    known = with_zone(called, campaign).select(
        "contact_id",
        phone_now="phone",
        zone_now=pl.when(pl.col("reason").is_null()).then("timezone"),
        variables=_variables(),
    )
    has_own_clock = campaign.contact_timezone is not ContactTimezone.CAMPAIGN
    return (
        due.join(known, on="contact_id", how="left", maintain_order="left")
        .with_columns(
            phone=pl.coalesce("phone_now", "phone"),
            variables=pl.col("variables").fill_null("{}"),
            zone_changed=pl.lit(has_own_clock) & pl.col("zone_now").ne_missing(pl.col("timezone")),
        )
        .with_columns(has_new_zone=pl.col("zone_changed") & pl.col("zone_now").is_not_null())
        .select(
            "campaign_id",
            "plan_version",
            "contact_id",
            "attempt",
            "phone",
            "from_number",
            "variables",
            "timezone",
            "zone_changed",
            "has_new_zone",
            "scheduled_at",
            "not_after",
            "call_date",
            "slot_index",
        )
    )


def _variables() -> pl.Expr:
    """Return one JSON object of the fields of a contact and its other columns; its fields count."""
    fields = pl.struct("first_name", "last_name", "email", "region", "postal_code").struct.json_encode()
    others = pl.col("variables").str.strip_suffix("}")
    comma = pl.when(pl.col("variables") == "{}").then(pl.lit("")).otherwise(pl.lit(","))
    return pl.concat_str(others, comma, fields.str.strip_prefix("{"))
