"""Computing a plan from a list: what the transforms need to know is counted here, then they are joined."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from flows.errors import WorkError
from transforms.campaign import Campaign
from transforms.days import Allotment, Queue, allot
from transforms.eligibility import eligible, excluded, with_zone, without_skipped
from transforms.feasibility import explain
from transforms.plan import Edition, as_plan, queues, slots
from transforms.rotation import needs_rounds, numbers_in_rounds, with_from_number
from transforms.schemas import PLAN


@dataclass(frozen=True)
class ComputedPlan:
    """A plan that is not written yet: its rows (schema ``PLAN``), who is left out, and on what it stands."""

    rows: pl.LazyFrame
    excluded: pl.DataFrame
    contacts: int
    allotment: Allotment
    starts_at: datetime


class InfeasibleError(WorkError):
    """The contacts do not fit under the settings; the sentences say why and what would fit."""


def compute_plan(
    contacts: pl.LazyFrame,
    campaign: Campaign,
    starts_at: datetime,
    edition: Edition,
    skipped: pl.DataFrame | None = None,
) -> ComputedPlan:
    """Return the plan of ``contacts`` (schema ``CONTACTS``, list order) from ``starts_at`` on.

    Raises:
        InfeasibleError: not everyone fits before the end or the horizon.
    """
    judged = with_zone(contacts, campaign)
    if skipped is not None and not skipped.is_empty():
        judged = without_skipped(judged, skipped.lazy())
    called = eligible(judged)
    waiting = _queues(called)
    allotment = allot(campaign, waiting, starts_at, campaign.stops_at())
    if allotment.left:
        raise InfeasibleError(*explain(campaign, waiting, starts_at, allotment.left).sentences())
    return ComputedPlan(
        rows=_rows(called, campaign, waiting, allotment, edition),
        excluded=excluded(judged).collect(),
        contacts=sum(queue.contacts for queue in waiting),
        allotment=allotment,
        starts_at=starts_at,
    )


def _queues(called: pl.LazyFrame) -> list[Queue]:
    found = queues(called).collect()
    return [
        Queue(zone, contacts, positions)
        for zone, contacts, positions in zip(
            found["timezone"], found["contacts"], found["positions"], strict=True
        )
    ]


def _rows(
    called: pl.LazyFrame,
    campaign: Campaign,
    waiting: list[Queue],
    allotment: Allotment,
    edition: Edition,
) -> pl.LazyFrame:
    if not waiting:
        return PLAN.to_frame().lazy()
    placed = slots(called, waiting, allotment)
    if needs_rounds(campaign):
        held = placed.collect()
        numbered = held.with_columns(from_number=numbers_in_rounds(held, campaign)).lazy()
    else:
        numbered = with_from_number(placed, campaign)
    return as_plan(numbered, edition)
