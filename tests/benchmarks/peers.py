"""The same plan by other means, written as somebody fluent in them would: one zone, numbers in turn.

They are handed the dates: ``call_date``, ``first_row``, ``calls``, and the open time, ``opens_us`` to
``closes_us``.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from transforms.campaign import Campaign
from transforms.schemas import PLAN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def with_duckdb(contacts: Path, dates: pl.DataFrame, campaign: Campaign, out: Path) -> None:
    """Plan in one DuckDB statement."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("dates", dates.to_arrow())
        connection.execute(
            """
            copy (
                select
                    'preview' as campaign_id,
                    1::integer as plan_version,
                    listed.contact_id,
                    1::utinyint as attempt,
                    listed.phone,
                    $numbers[listed.file_row_number % len($numbers) + 1] as from_number,
                    $zone as timezone,
                    'campaign' as timezone_source,
                    make_timestamptz(
                        dates.opens_us
                        + (listed.file_row_number - dates.first_row) * (dates.closes_us - dates.opens_us)
                        // dates.calls
                    ) as scheduled_at,
                    make_timestamptz(dates.closes_us) as not_after,
                    dates.call_date,
                    listed.file_row_number - dates.first_row as slot_index
                from read_parquet($contacts, file_row_number = true) as listed
                inner join dates
                    on listed.file_row_number >= dates.first_row
                    and listed.file_row_number < dates.first_row + dates.calls
                order by scheduled_at
            ) to '"""
            + str(out)
            + """' (format parquet, compression zstd, compression_level 1, row_group_size 100000)
            """,
            {"numbers": campaign.phone_numbers, "zone": campaign.timezone, "contacts": str(contacts)},
        )


def with_pandas(contacts: Path, dates: pl.DataFrame, campaign: Campaign, out: Path) -> None:
    """Plan with pandas and numpy, column by column."""
    import numpy as np
    import pandas as pd

    plan = pd.read_parquet(contacts, columns=["contact_id", "phone"])
    row = np.arange(len(plan))
    which = np.searchsorted(dates["first_row"].to_numpy(), row, side="right") - 1
    column = {name: dates[name].to_numpy()[which] for name in ("first_row", "calls", "opens_us", "closes_us")}
    index = row - column["first_row"]
    open_us = column["closes_us"] - column["opens_us"]
    plan.insert(0, "campaign_id", "preview")
    plan.insert(1, "plan_version", np.int32(1))
    plan.insert(3, "attempt", np.uint8(1))
    plan["from_number"] = np.array(campaign.phone_numbers)[row % len(campaign.phone_numbers)]
    plan["timezone"] = campaign.timezone
    plan["timezone_source"] = "campaign"
    plan["scheduled_at"] = _instants(pd, column["opens_us"] + index * open_us // column["calls"])
    plan["not_after"] = _instants(pd, column["closes_us"])
    plan["call_date"] = dates["call_date"].to_numpy()[which]
    plan["slot_index"] = index
    plan.to_parquet(out, compression="zstd", index=False, row_group_size=100_000)


def _instants(pd, microseconds):
    return pd.Series(microseconds.astype("datetime64[us]")).dt.tz_localize("UTC")


def row_by_row(contacts: Path, dates: pl.DataFrame, campaign: Campaign, out: Path) -> None:
    """Plan one contact after the other, as a service that loops over them would."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = PLAN.to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    waiting = iter(dates.to_dicts())
    date = next(waiting)
    opens_at, closes_at = _edges(date)
    row = 0
    with pq.ParquetWriter(out, schema, compression="zstd", compression_level=1) as writer:
        for batch in pq.ParquetFile(contacts).iter_batches(100_000, columns=["contact_id", "phone"]):
            planned = []
            for contact in batch.to_pylist():
                while row >= date["first_row"] + date["calls"]:
                    date = next(waiting)
                    opens_at, closes_at = _edges(date)
                index = row - date["first_row"]
                wait = (closes_at - opens_at) * index / date["calls"]
                planned.append(
                    {
                        "campaign_id": "preview",
                        "plan_version": 1,
                        "contact_id": contact["contact_id"],
                        "attempt": 1,
                        "phone": contact["phone"],
                        "from_number": campaign.phone_numbers[row % len(campaign.phone_numbers)],
                        "timezone": campaign.timezone,
                        "timezone_source": "campaign",
                        "scheduled_at": opens_at + wait,
                        "not_after": closes_at,
                        "call_date": date["call_date"],
                        "slot_index": index,
                    }
                )
                row += 1
            writer.write_batch(pa.RecordBatch.from_pylist(planned, schema=schema))


def _edges(date):
    return tuple(_EPOCH + timedelta(microseconds=date[edge]) for edge in ("opens_us", "closes_us"))
