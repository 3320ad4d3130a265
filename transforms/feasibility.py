"""Why a plan does not fit, and the smallest change that would make it fit, found by trying."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

from transforms.campaign import Campaign, Window
from transforms.days import HORIZON_DAYS, Allotment, Demand, allot
from transforms.wall_clock import to_local

_ALL_DAYS = range(1, 8)


@dataclass(frozen=True)
class Shortfall:
    """An infeasible plan: the rule that binds, how many contacts do not fit, and what would fit them.

    Each remedy alone is enough and the smallest of its kind; there is none when no single change helps.
    """

    rule: str
    left: int
    contacts: int
    remedies: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Return the explanation for a person, the rule first, then one sentence for each remedy."""
        first = f"{self.left:,} of {self.contacts:,} contacts do not fit: {self.rule}"
        return [first, *(f"it would fit with {remedy}" for remedy in self.remedies)]


def explain(campaign: Campaign, demand: Demand, left: int) -> Shortfall:
    """Return why ``left`` contacts found no date and the smallest changes that would place all of them."""

    def outcome(changed: Campaign) -> Allotment:
        return allot(changed, demand)

    contacts = demand.contacts
    most = contacts + max(demand.held.per_date["used"], default=0)
    remedies = [
        remedy
        for find in (_larger_day_cap, _larger_number_cap, _more_days, _later_end)
        if (remedy := find(campaign, most, outcome)) is not None
    ]
    return Shortfall(_binding_rule(campaign, outcome), left, contacts, remedies)


def _with(campaign: Campaign, **changes: object) -> Campaign:
    return campaign.model_copy(update=changes)


def _binding_rule(campaign: Campaign, outcome: Callable[[Campaign], Allotment]) -> str:
    end = f"ends_at {campaign.ends_at}" if campaign.ends_at else f"the horizon of {HORIZON_DAYS:,} days"
    uncapped = _with(campaign, max_calls_per_day=None, max_calls_per_number_per_day=None)
    if outcome(uncapped).left:
        return f"there is no open time for them before {end}"
    caps = [
        f"{name} {value}"
        for name in ("max_calls_per_day", "max_calls_per_number_per_day")
        if (value := getattr(campaign, name)) is not None
        and not outcome(_with(campaign, **{name: None})).left
    ] or ["max_calls_per_day and max_calls_per_number_per_day together"]
    return f"{caps[0]} fills every open date before {end}"


def _larger_day_cap(campaign: Campaign, most: int, outcome: Callable[[Campaign], Allotment]) -> str | None:
    cap = campaign.max_calls_per_day
    found = _smallest(cap, most, lambda n: not outcome(_with(campaign, max_calls_per_day=n)).left)
    return None if found is None else f"max_calls_per_day: {found}"


def _larger_number_cap(campaign: Campaign, most: int, outcome: Callable[[Campaign], Allotment]) -> str | None:
    cap = campaign.max_calls_per_number_per_day
    found = _smallest(cap, most, lambda n: not outcome(_with(campaign, max_calls_per_number_per_day=n)).left)
    return None if found is None else f"max_calls_per_number_per_day: {found}"


def _smallest(cap: int | None, largest: int, fits: Callable[[int], bool]) -> int | None:
    """Return the least cap above ``cap`` that fits, by bisection; None if even ``largest`` does not."""
    if cap is None or not fits(largest):
        return None
    low, high = cap + 1, max(largest, cap + 1)
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _more_days(campaign: Campaign, _: int, outcome: Callable[[Campaign], Allotment]) -> str | None:
    missing = [day for day in _ALL_DAYS if day not in campaign.working_days]
    for count in range(1, len(missing) + 1):
        for added in combinations(missing, count):
            days = sorted([*campaign.working_days, *added])
            if not outcome(_with(campaign, working_days=days, windows=_kept(campaign, days))).left:
                return f"working_days: {days}"
    return None


def _kept(campaign: Campaign, days: list[int]) -> list[Window] | None:
    """Return the windows with those that follow the working days following ``days``."""
    if campaign.windows is None:
        return None
    return [
        window if window.days is not None else window.model_copy(update={"days": days})
        for window in campaign.windows
    ]


def _later_end(campaign: Campaign, _: int, outcome: Callable[[Campaign], Allotment]) -> str | None:
    if campaign.ends_at is None:
        return None
    endless = outcome(_with(campaign, ends_at=None))
    if endless.left:
        return None
    last_date = endless.dates["call_date"].max()
    closes_at = endless.openings.filter(endless.openings["call_date"] == last_date)["closes_at"].max()
    if not isinstance(closes_at, datetime):
        return None
    return f"ends_at: {to_local(campaign.timezone, closes_at).isoformat()}"
