"""Staging: the slots of the next while, with what is known of their contacts today."""

from datetime import datetime

import polars as pl

from transforms.campaign import Campaign, ContactTimezone


def staged_slots(
    plan: pl.LazyFrame, contacts: pl.LazyFrame, campaign: Campaign, from_at: datetime, until_at: datetime
) -> pl.LazyFrame:
    """Return the slots in ``[from_at, until_at)`` with their contact's present phone and variables.

    Takes a plan (schema ``PLAN``) and the contacts of its list as they are now (schema ``CONTACTS``). A
    contact that has meanwhile another zone than it was planned for is marked ``zone_changed`` and must not
    be called at the planned time. Order: ``scheduled_at``.
    """
    due = plan.filter(pl.col("scheduled_at") >= from_at, pl.col("scheduled_at") < until_at)
    named = pl.struct("first_name", "last_name", "email", "region", "postal_code", "variables")
    known = contacts.select(
        "contact_id", phone_now="phone", timezone_now="timezone", variables=named.struct.json_encode()
    )
    planned_for = pl.when(pl.col("timezone_source") == "contact").then("timezone")
    reads_own_clock = campaign.contact_timezone is ContactTimezone.CONTACT
    return (
        due.join(known, on="contact_id", how="left", maintain_order="left")
        .with_columns(
            phone=pl.coalesce("phone_now", "phone"),
            variables=pl.col("variables").fill_null("{}"),
            zone_changed=pl.lit(reads_own_clock) & pl.col("timezone_now").ne_missing(planned_for),
        )
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
            "scheduled_at",
            "not_after",
            "call_date",
            "slot_index",
        )
    )
