"""Computing a plan from a list: what the transforms need to know is counted here, then they are joined."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from polars.io.plugins import register_io_source

from flows.errors import WorkError
from transforms.brief import Brief
from transforms.campaign import Campaign, ContactTimezone
from transforms.days import Allotment, Demand, Queue, allot
from transforms.eligibility import (
    eligible,
    excluded,
    joint_zones,
    with_zone,
    without_common_hour,
    without_skipped,
)
from transforms.feasibility import explain
from transforms.plan import (
    as_plan,
    dates_of_plan,
    only_queue,
    queues,
    slots_of_one_zone,
    slots_of_zones,
    with_carried,
)
from transforms.replan import positioned, whom_to_carry, whom_to_place
from transforms.rotation import needs_rounds, numbers_in_rounds, with_from_number
from transforms.schemas import EXCLUDED, PLAN
from transforms.slots import carried_over, numbered
from transforms.standing import Held, held_per_date, held_per_number, taken_instants
from transforms.wall_clock import to_local
from transforms.windows import never_open, openings


@dataclass(frozen=True)
class ComputedPlan:
    """A plan that is not written yet.

    ``rows`` (schema ``PLAN``), who is left out (``EXCLUDED``), how many rows there are, and how many of those
    to place found no date, which is 0 unless a part was asked for; ``dates`` are those of the rows.
    """

    rows: pl.LazyFrame
    excluded: pl.DataFrame
    contacts: int
    left: int
    dates: pl.Series


class InfeasibleError(WorkError):
    """The contacts do not fit under the settings; the sentences say why and what would fit."""


def compute_plan(
    contacts: pl.LazyFrame, campaign: Campaign, brief: Brief, *, partly: bool = False
) -> ComputedPlan:
    """Return the plan that a brief asks for, of ``contacts`` (schema ``CONTACTS``, list order).

    Raises:
        InfeasibleError: not everyone fits before the end or the horizon, and not ``partly``.
    """
    judged = judged_contacts(contacts, campaign, brief)
    called, waiting, aside = _waiting(judged, campaign, brief)
    held = _held(brief)
    demand = Demand(waiting, brief.starts_at, brief.from_at, held)
    allotment = allot(campaign, demand)
    if allotment.left and not partly:
        raise InfeasibleError(*explain(campaign, demand, allotment.left).sentences())
    dates = dates_of_plan(allotment, held)
    rows = PLAN.to_frame().lazy()
    if dates.height:
        placed = _slots(contacts, called, campaign, brief, demand, allotment, dates)
        rows = as_plan(_numbered(placed, campaign, brief, held, dates), brief.edition)
    return ComputedPlan(
        rows=rows,
        excluded=aside,
        contacts=int(dates["calls"].sum()),
        left=allotment.left,
        dates=dates["call_date"],
    )


def judged_contacts(contacts: pl.LazyFrame, campaign: Campaign, brief: Brief) -> pl.LazyFrame:
    """Return whom a publication is to place, in list order, with ``attempt``, the zone and its source.

    ``reason`` says why a contact is not called; it is null for whom can be.
    """
    placing = whom_to_place(positioned(contacts), brief, is_first=_nothing_stands(brief))
    judged = without_skipped(with_zone(placing, campaign), brief.skipped)
    return without_common_hour(judged, _closed_zones(judged, campaign, brief))


def _closed_zones(judged: pl.LazyFrame, campaign: Campaign, brief: Brief) -> list[str]:
    """Return the joint zones that never have all their clocks inside the windows at once."""
    if campaign.contact_timezone is not ContactTimezone.PHONE:
        return []
    day = to_local(campaign.timezone, brief.from_at).date()
    joint = joint_zones(judged).collect()["timezone"]
    return [zones for zones in joint if never_open(campaign, zones, day)]


def _nothing_stands(brief: Brief) -> bool:
    return brief.standing.head(1).collect().is_empty()


def _held(brief: Brief) -> Held:
    per_date, per_number = pl.collect_all([held_per_date(brief.standing), held_per_number(brief.standing)])
    return Held(per_date, per_number)


def _waiting(
    judged: pl.LazyFrame, campaign: Campaign, brief: Brief
) -> tuple[pl.LazyFrame | pl.DataFrame, list[Queue], pl.DataFrame]:
    """Return those to place, the queue of each zone, and who is left out.

    Where everyone has the campaign's zone and nothing stands, nothing has to be held in memory; where nobody
    is skipped either, nobody is left out.
    """
    called = eligible(judged).select("contact_id", "attempt", "phone", "timezone", "timezone_source")
    in_one_zone = campaign.contact_timezone is ContactTimezone.CAMPAIGN
    everyone = in_one_zone and brief.skipped.is_empty()
    left_out = EXCLUDED.to_frame().lazy() if everyone else excluded(judged)
    if in_one_zone and _nothing_stands(brief):
        found, aside = pl.collect_all([only_queue(called, campaign.timezone), left_out], engine="streaming")
        return called, _as_queues(found), aside
    few_values = pl.col("timezone", "timezone_source").cast(pl.Categorical())
    held, aside = pl.collect_all([called.with_columns(few_values), left_out], engine="streaming")
    found = only_queue(held.lazy(), campaign.timezone).collect() if in_one_zone else queues(held)
    return held, _as_queues(found), aside


def _as_queues(found: pl.DataFrame) -> list[Queue]:
    columns = found.filter(pl.col("contacts") > 0).select("timezone", "contacts", "places")
    return [Queue(*row) for row in zip(*columns, strict=True)]


def _slots(
    contacts: pl.LazyFrame,
    called: pl.LazyFrame | pl.DataFrame,
    campaign: Campaign,
    brief: Brief,
    demand: Demand,
    allotment: Allotment,
    dates: pl.DataFrame,
) -> pl.LazyFrame:
    """Return new and carried slots in order; there is at least one."""
    taken = taken_instants(brief.standing, allotment.dates["call_date"].unique()).collect()["scheduled_at"]
    placed = []
    if allotment.dates.is_empty():
        pass
    elif isinstance(called, pl.DataFrame) and len(demand.queues) > 1:
        runs = slots_of_zones(called, demand.queues, allotment, demand.clearance, taken, dates)
        placed = [_one_after_another(runs)]
    else:
        placed = [slots_of_one_zone(called.lazy(), allotment, demand.clearance, taken, dates)]
    carried = demand.held.per_date.filter(pl.col("carried") > 0)["call_date"]
    if carried.is_empty():
        return placed[0]
    carrying = with_zone(whom_to_carry(positioned(contacts), brief), campaign)
    zones = carrying.select("timezone").unique().sort("timezone").collect()["timezone"].to_list()
    opened = openings(campaign, zones, min(carried), max(carried), brief.from_at, campaign.stops_at())
    return with_carried([*placed, carried_over(carrying, opened, dates)])


def _one_after_another(runs: list[pl.LazyFrame]) -> pl.LazyFrame:
    """Return frames as one that computes each when its rows are wanted, so that few are held in memory."""

    def source(
        columns: list[str] | None, wanted: pl.Expr | None, most: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = most
        for run in runs:
            rows = run if columns is None else run.select(columns)
            found = (rows if wanted is None else rows.filter(wanted)).collect(engine="in-memory")
            if left is not None:
                found = found.head(left)
                left -= found.height
            yield found
            if left == 0:
                return

    return register_io_source(source, schema=runs[0].collect_schema(), is_pure=True)


def _numbered(
    placed: pl.LazyFrame, campaign: Campaign, brief: Brief, held: Held, dates: pl.DataFrame
) -> pl.LazyFrame:
    rows = numbered(placed)
    if needs_rounds(campaign):
        drawn = rows.collect()
        return drawn.with_columns(from_number=numbers_in_rounds(drawn, campaign, held)).lazy()
    return with_from_number(rows, campaign, dates, held, brief.last_number)
