"""Pictures: how many calls a plan has in each hour of each date."""

import io
from datetime import datetime
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from transforms.hours import calls_per_hour

MOST_DATES = 62
"""How many dates a picture has at most: more would not be seen."""

_INCHES_PER_DATE, _LEAST_INCHES, _HEIGHT_INCHES = 0.22, 6.0, 5.0
_DOTS_PER_INCH = 110


def picture_of(plan_file: Path, zone_name: str, first_at: datetime, last_at: datetime) -> bytes:
    """Return a PNG of a plan: a column for each date, a row for each hour of the zone's clock."""
    counts = calls_per_hour(pl.scan_parquet(plan_file), zone_name, first_at, last_at).collect()
    dates = counts["call_date"].unique().sort().head(MOST_DATES)
    grid = (
        dates.to_frame()
        .join(pl.DataFrame({"hour": range(24)}, schema={"hour": pl.Int8}), how="cross")
        .join(counts, on=["call_date", "hour"], how="left")
        .sort("hour", "call_date")["calls"]
        .fill_null(0)
        .to_numpy()
        .reshape(24, dates.len())
    )
    width = max(_LEAST_INCHES, 2 + _INCHES_PER_DATE * dates.len())
    figure = Figure(figsize=(width, _HEIGHT_INCHES), dpi=_DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots()
    drawn = axes.pcolormesh(grid, cmap="Blues", vmin=0)
    labels = [f"{day:%a %d %b}" for day in dates]
    axes.set_xticks([place + 0.5 for place in range(dates.len())], labels, rotation=90)
    axes.set_yticks(range(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
    axes.invert_yaxis()
    axes.set_ylabel(f"hour in {zone_name}")
    figure.colorbar(drawn, ax=axes, label="calls per hour", ticks=MaxNLocator(integer=True))
    drawing = io.BytesIO()
    figure.savefig(drawing, format="png")
    return drawing.getvalue()
