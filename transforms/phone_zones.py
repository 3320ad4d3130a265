"""Time zones from phone numbers: the longest prefix in the ``phonenumbers`` package's own table decides."""

from functools import cache

import polars as pl
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from transforms.wall_clock import zone_names

PREFIX_ZONES = pl.Schema({"prefix": pl.String(), "number_zones": pl.String()})
"""One row per prefix of digits: the zones its numbers may lie in, sorted and joined by ``|``, or null."""


@cache
def prefix_zones() -> pl.DataFrame:
    """Return the zones of every prefix that ``phonenumbers`` knows, as ``PREFIX_ZONES``, by prefix.

    A prefix with a zone that the pinned tzdata does not have gets null: nobody knows its clock.
    """
    rows = [
        (prefix, "|".join(sorted(set(zones))) if zone_names().issuperset(zones) else None)
        for prefix, zones in sorted(TIMEZONE_DATA.items())
    ]
    return pl.DataFrame(rows, schema=PREFIX_ZONES, orient="row")


def with_number_zones(contacts: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``number_zones``, the zones of the longest prefix that fits ``phone`` (E.164), null for none.

    Rows and their order stay. Source: the time-zone table of ``phonenumbers``.
    """
    leading = pl.col("phone").str.slice(1, TIMEZONE_LONGEST_PREFIX)
    distinct = contacts.select(leading=leading).unique()
    return (
        contacts.with_columns(leading=leading)
        .join(distinct.pipe(_with_longest_prefix), on="leading", how="left", maintain_order="left")
        .drop("leading")
    )


def _with_longest_prefix(leading: pl.LazyFrame) -> pl.LazyFrame:
    """Take distinct ``leading`` digits and add ``number_zones``: one join for each length of a prefix."""
    known = prefix_zones()
    lengths = sorted(known["prefix"].str.len_chars().unique(), reverse=True)
    found = leading
    for length in lengths:
        of_length = known.filter(pl.col("prefix").str.len_chars() == length)
        found = found.with_columns(prefix=pl.col("leading").str.slice(0, length)).join(
            of_length.lazy().rename({"number_zones": f"zones_{length}"}), on="prefix", how="left"
        )
    return found.select("leading", number_zones=pl.coalesce(f"zones_{length}" for length in lengths))
