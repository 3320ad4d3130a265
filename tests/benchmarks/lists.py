"""Lists of any length for measurements, and the campaigns that are planned from them."""

import json
from pathlib import Path

import polars as pl

from transforms.campaign import Campaign
from transforms.schemas import CONTACTS

ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
]
DATES = 80
"""How many dates a list is spread over."""


def write_list(count: int, file: Path) -> None:
    """Write a loaded list of ``count`` contacts, a zone each, as a snapshot has it."""
    place = pl.int_range(count, dtype=pl.Int64)
    rows = pl.LazyFrame({"place": pl.int_range(count, eager=True)}).with_columns(
        contact_id=pl.concat_str(pl.lit("C-"), (place + 10_000_000).cast(pl.String)),
        phone=pl.concat_str(pl.lit("+1"), (place * 7_919 % 8_000_000_000 + 2_000_000_000).cast(pl.String)),
        timezone=pl.lit(pl.Series(ZONES)).gather(place * 2_654_435_761 // 7 % len(ZONES)),
        first_name=pl.lit("Ann"),
        last_name=pl.lit("Lee"),
        variables=pl.lit("{}"),
        source_file=pl.lit("people.csv"),
        line=place + 2,
    )
    known = rows.collect_schema().names()
    rows.select(
        (pl.col(name) if name in known else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in CONTACTS.items()
    ).sink_parquet(file, compression="zstd", compression_level=1)


def write_csv(count: int, file: Path) -> None:
    """Write a file as people send it: national numbers, some missing, some repeated, some no numbers."""
    place = pl.int_range(count, dtype=pl.Int64)
    national = place * 7_919 % 900_000 + 2_000_000
    spelt = pl.format("({}) {}-{}", place % 500 + 212, national // 10_000, 1_000 + national % 9_000)
    pl.LazyFrame({"place": pl.int_range(count, eager=True)}).select(
        pl.format("K{}", place).alias("Customer ID"),
        pl.format("Person {}", place).alias("First Name"),
        pl.when(place % 97 == 0)
        .then(pl.lit(""))
        .when(place % 89 == 0)
        .then(pl.lit("call reception"))
        .otherwise(spelt)
        .alias("Telephone Number"),
        pl.lit("NY").alias("State"),
        pl.format("{}", place % 1_000).alias("Premium"),
    ).sink_csv(file)


def settings(count: int, *, own_zones: bool) -> Campaign:
    """Return the campaign of a measurement: numbers in turn, a cap that spreads ``count`` over ``DATES``."""
    of_zones = {"contact_timezone": "contact", "holidays": {"country": "US"}} if own_zones else {}
    return Campaign.from_mapping(
        {
            "name": "Measured",
            "agent_id": "agent",
            "phone_numbers": [f"+1212555019{digit}" for digit in range(4)],
            "phone_rotation_strategy": "round_robin",
            "timezone": "America/New_York",
            "schedule_type": "scheduled",
            "scheduled_at": "2026-03-20T14:30:00Z",
            "max_calls_per_day": max(1, count // DATES),
        }
        | of_zones
    )


def as_json(campaign: Campaign) -> str:
    """Return a campaign as one line, to hand it to another process."""
    return json.dumps(campaign.model_dump(mode="json"))
