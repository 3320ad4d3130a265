"""On which line of a CSV file each of its rows starts, and whether every line belongs to a row.

A row takes several lines where a quoted value holds line ends, and a blank line between rows is no row. The
rows that a parser read and those that it rejected must together take all other lines; if they do not, the
parser lost some rows, or took for rows what are none.
"""

from dataclasses import dataclass

import polars as pl

LINES = pl.Schema(
    {"line": pl.Int64(), "starts_at_byte": pl.Int64(), "blank": pl.Boolean(), "has_quote": pl.Boolean()}
)
"""One row per line of a file, in order: its number, 1-based, the byte it starts at, what is on it."""

REJECTED = pl.Schema(
    {
        "starts_at_byte": pl.Int64(),
        "ends_at_byte": pl.Int64(),
        "open_quote": pl.Boolean(),
        "reason": pl.String(),
    }
)
"""One row per row that the parser rejected, in order; ``open_quote``: it ran on into other rows."""

_LINE_END = r"\r?\n"


@dataclass(frozen=True)
class Placement:
    """Where the rows of a file stand.

    ``lines`` has the line of each row that was read, in order, and ``rejected`` the ``line`` and ``reason``
    of the others. An open quote on line ``resume_after`` swallowed rows: whatever was read of later lines
    counts for nothing. ``complete`` says whether all lines up to there are accounted for.
    """

    lines: pl.Series
    rejected: pl.DataFrame
    resume_after: int | None
    complete: bool


def place_rows(rows: pl.DataFrame, rejected: pl.DataFrame, lines: pl.DataFrame) -> Placement:
    """Place ``rows`` (String columns) and ``rejected`` (``REJECTED``) on ``lines`` (``LINES``, no header).

    Without quotes a row is a line. In a file of a single column a blank line is a row without a value.
    """
    every_line = rows.width == 1
    line_ends = _LINE_END if every_line else f"(?:{_LINE_END})+"
    taken = lines if every_line else lines.filter(~pl.col("blank"))
    one_each = pl.repeat(1, rows.height, dtype=pl.Int64, eager=True)
    read = _row_lengths(rows, line_ends) if lines["has_quote"].any() else one_each
    placed = _placed(rejected, taken)
    found = taken["line"].gather(_places(read, placed), null_on_oob=True)
    told = placed.select("line", "reason")
    if placed["open_quote"].any():
        return Placement(found, told, told["line"][-1], complete=not told["line"].null_count())
    left = taken.height - int(read.sum()) - int(placed["length"].sum())
    if left > 0:  # the rest was dropped without a word
        first = taken[-left:].head(1)
        told = told.vstack(first.select("line", reason=pl.lit("a quote that does not close")))
        return Placement(found, told, first["line"][0], complete=first["has_quote"][0])
    return Placement(found, told, None, complete=left == 0 and not told["line"].null_count())


def _row_lengths(rows: pl.DataFrame, line_ends: str) -> pl.Series:
    counts = pl.sum_horizontal(pl.all().str.count_matches(line_ends)).cast(pl.Int64)
    return rows.select(1 + counts).to_series()


def _placed(rejected: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """Add ``line``, ``place`` among the taken lines and ``length`` in them, up to the first open quote."""
    places = taken.select("starts_at_byte", "line", place=pl.int_range(pl.len()))
    last_lines = places.select(ends_at_byte="starts_at_byte", last_place="place")
    return (
        rejected.filter(pl.col("open_quote").cum_sum().shift(1, fill_value=0) == 0)
        .join(places, on="starts_at_byte", how="left", maintain_order="left")
        .sort("ends_at_byte")
        .join_asof(last_lines.sort("ends_at_byte"), on="ends_at_byte", allow_exact_matches=False)
        .with_columns(length=pl.col("last_place") - pl.col("place") + 1)
    )


def _places(read: pl.Series, placed: pl.DataFrame) -> pl.Series:
    """Return the place of each row that was read: behind the rows before it, read and rejected."""
    skipped = placed.select(
        read_before=pl.col("place") - pl.col("length").cum_sum() + pl.col("length"),
        rejected_before=pl.col("length").cum_sum(),
    ).drop_nulls()
    return (
        pl.DataFrame({"read_before": read.cum_sum() - read})
        .join_asof(skipped.sort("read_before"), on="read_before")
        .select(pl.col("read_before") + pl.col("rejected_before").fill_null(0))
        .to_series()
    )
