"""The plan: one planned call per contact and attempt, put together from dates, slots and numbers."""

import polars as pl

from transforms.brief import Brief, Edition
from transforms.campaign import Campaign
from transforms.days import Allotment, Queue
from transforms.schemas import PLAN, PLAN_DATES
from transforms.slots import Clearance, in_order, pieces, with_slots
from transforms.standing import Held

_RUN_ROWS = 250_000
_COLUMNS = (
    "contact_id",
    "attempt",
    "phone",
    "timezone",
    "timezone_source",
    "scheduled_at",
    "not_after",
    "call_date",
    "index_offset",
)


def only_queue(called: pl.LazyFrame, zone: str) -> pl.LazyFrame:
    """Count the contacts of a plan in which everyone has the same zone, as ``queues`` counts them."""
    return called.select(timezone=pl.lit(zone), contacts=pl.len().cast(pl.Int64), places=pl.lit(None))


def queues(called: pl.DataFrame) -> pl.DataFrame:
    """Return the queue of each zone.

    Grain: one row per zone with its ``contacts`` count and the sorted list of their ``places``, which are the
    numbers of their rows. Order: zone.
    """
    return (
        called.select("timezone", place=pl.int_range(pl.len(), dtype=pl.UInt32))
        .group_by("timezone", maintain_order=True)
        .agg(contacts=pl.len().cast(pl.Int64), places=pl.col("place"))
        .sort(pl.col("timezone").cast(pl.String))
    )


def slots_of_one_zone(
    called: pl.LazyFrame, allotment: Allotment, clear: Clearance, taken: pl.Series, dates: pl.DataFrame
) -> pl.LazyFrame:
    """Give those to place, who all have one zone, their slots, as ``slots_of_zones`` does."""
    served = sum(allotment.served.values())
    used = pieces(allotment.dates, allotment.openings, clear, dates)
    queue = with_slots(called.head(served) if allotment.left else called, used, 0)
    return in_order([queue], taken).select(_COLUMNS)


def slots_of_zones(
    called: pl.DataFrame,
    waiting: list[Queue],
    allotment: Allotment,
    clear: Clearance,
    taken: pl.Series,
    dates: pl.DataFrame,
) -> list[pl.LazyFrame]:
    """Give those to place their slots, as one frame for each run of a few dates; the runs are in order.

    Takes them in list order with ``contact_id``, ``attempt``, ``phone``, ``timezone`` and
    ``timezone_source``, the instants that are ``taken`` and the dates of the plan (``PLAN_DATES``). Whoever
    found no date is left out. The rows of a run are in ``scheduled_at`` order and all distinct. The zones of
    a run are brought in order first and its contacts looked up then, so that little is moved.
    """
    used = pieces(allotment.dates, allotment.openings, clear, dates)
    runs = (
        in_order([_of_zone(queue, used, run) for queue in waiting], taken)
        for run in _runs_of_dates(allotment.dates)
    )
    return [_with_contacts(slots, called).select(_COLUMNS) for slots in runs]


def _of_zone(queue: Queue, used: pl.DataFrame, dates: pl.DataFrame) -> pl.LazyFrame:
    """Give the ``place`` of each of a zone's contacts of a run of dates its slot."""
    mine = dates.filter(pl.col("zone") == queue.zone)
    first = min(mine["first_rank"], default=0)
    if queue.places is None:
        raise ValueError(f"the queue of {queue.zone} is not the only one and needs places")
    places = queue.places.slice(first, int(mine["contacts"].sum()))
    stretches = used.filter(pl.col("zone") == queue.zone).join(mine, on="call_date", how="semi")
    return with_slots(places.alias("place").to_frame().lazy(), stretches, first)


def _with_contacts(slots: pl.LazyFrame, called: pl.DataFrame) -> pl.LazyFrame:
    """Add the columns of ``called``, whose rows the slots name by their ``place``."""
    return slots.with_columns(pl.lit(called[name]).gather("place").alias(name) for name in called.columns)


def _runs_of_dates(dates: pl.DataFrame) -> list[pl.DataFrame]:
    """Cut an allotment into runs of whole dates of about ``_RUN_ROWS`` contacts, in order."""
    of_date = dates.group_by("call_date").agg(rows=pl.col("contacts").sum()).sort("call_date")
    runs = of_date.select("call_date", run=(pl.col("rows").cum_sum() - pl.col("rows")) // _RUN_ROWS)
    return dates.join(runs, on="call_date").sort("call_date", "zone").partition_by("run", include_key=False)


def with_carried(parts: list[pl.LazyFrame]) -> pl.LazyFrame:
    """Join new slots and those carried over into one plan in ``scheduled_at`` order."""
    texts = pl.col("timezone", "timezone_source").cast(pl.String)
    return pl.concat([part.select(_COLUMNS).with_columns(texts) for part in parts]).sort("scheduled_at")


def dates_of_plan(allotment: Allotment, held: Held) -> pl.DataFrame:
    """Return the dates of a plan with their rows, new and carried over, as ``PLAN_DATES`` in order."""
    new = allotment.dates.group_by("call_date").agg(new=pl.col("contacts").sum())
    return (
        new.join(held.per_date, on="call_date", how="full", coalesce=True)
        .with_columns(pl.col("new", "carried", "next_index").fill_null(0))
        .with_columns(calls=pl.col("new") + pl.col("carried"))
        .filter(pl.col("calls") > 0)
        .sort("call_date")
        .with_columns(first_row=pl.col("calls").cum_sum() - pl.col("calls"))
        .select(PLAN_DATES.names())
    )


def as_plan(numbered: pl.LazyFrame, edition: Edition) -> pl.LazyFrame:
    """Return the columns of a plan (schema ``PLAN``) from slots with their ``from_number``."""
    return numbered.with_columns(
        campaign_id=pl.lit(edition.campaign_id),
        plan_version=pl.lit(edition.plan_version),
    ).select(pl.col(name).cast(dtype) for name, dtype in PLAN.items())


def metadata(
    campaign: Campaign, contacts_hash: str, brief: Brief, versions: dict[str, str]
) -> dict[str, str]:
    """Return the key-value metadata of a plan file: what is needed to compute the same bytes again."""
    return {
        "callplan.settings": campaign.canonical_json(),
        "callplan.settings_hash": campaign.settings_hash(),
        "callplan.contacts_hash": contacts_hash,
        "callplan.seed": str(campaign.seed),
    } | {f"callplan.{name}": text for name, text in (brief.as_texts() | versions).items()}
