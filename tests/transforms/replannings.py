"""Hypothesis strategies for plans that are made beside what stands of earlier ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, permutations
from typing import Any

from hypothesis import assume, reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.transforms import clocks, oracle
from tests.transforms.campaigns import (
    DAY,
    NUMBERS,
    blackouts,
    campaign_zones,
    opening_hours,
    palettes,
    settings_and_now,
    some_people,
    spans,
    steps,
    styles,
    weeks,
)
from tests.transforms.oracle import Infeasible, Person, Slot, Standing
from transforms.campaign import Campaign

ZONES_OF_NUMBERS = [
    None,
    "America/New_York",
    "America/Chicago|America/New_York",
    "America/Los_Angeles|America/New_York|Pacific/Honolulu",
    "America/Indiana/Knox|America/Kentucky/Louisville|America/New_York",
    "Australia/Adelaide|Australia/Lord_Howe",
    "Europe/London|Atlantic/Azores",
    "Europe/London|Asia/Tokyo",  # nine to six in both: an hour a day, and only in summer
    "America/New_York|Asia/Tokyo",  # never nine to six in both
    "Pacific/Kiritimati|Pacific/Pago_Pago",  # never the same date
]
MOMENTS = [
    *(timedelta(microseconds=number) for number in (0, 0, 0, 1, -1, 2, -2, 900, -900, -1_500)),
    *(timedelta(milliseconds=number) for number in (3, -3, 12, -12)),
    *(timedelta(seconds=number) for number in (1, -1, 59, -240, 300, -600)),
    *(timedelta(minutes=number) for number in (20, -45, 180, -300)),
]
"""How far the moment of replanning is from a slot, the end of its window or a midnight."""
EDITS = [
    frozenset(edits)
    for size, times in ((0, 40), (1, 30), (2, 3), (3, 1))
    for _ in range(times)
    for edits in combinations(["hours", "caps", "numbers", "blackout", "ends", "timezone", "start"], size)
]
ORDERS_OF_NUMBERS = [list(order) for size in range(1, 5) for order in permutations(NUMBERS, size)]
ROTATIONS = ["round_robin", "round_robin", "sequential", "sequential", "random"]
NUMBER_CAPS = [1, 2, 2, 3, 3, 4, 5]
STYLES = ["recurring"] * 2 + ["late"] * 2 + ["edit"] * 2 + ["keep"] * 5
TICK = timedelta(seconds=1)
MOST_ATTEMPTS = 3

_moments, _edits = st.sampled_from(MOMENTS), st.sampled_from(EDITS)
_number_caps, _kinds_of_replanning = st.sampled_from(NUMBER_CAPS), st.sampled_from(STYLES)
_orders, _rotations = st.sampled_from(ORDERS_OF_NUMBERS), st.sampled_from(ROTATIONS)
_twelve_digits = st.integers(0, 10**12 - 1)

Key = tuple[str, int]
"""A contact and an attempt."""


@dataclass(frozen=True)
class Replanning:
    """A plan that is to be made beside what stands of earlier ones.

    ``people`` is the whole list. To be placed are the calls that are ``due``, and the first call of those
    listed from ``fresh_from`` on and before ``fresh_until`` who have neither a call standing nor one due.
    """

    people: list[Person]
    campaign: Campaign
    starts_at: datetime
    from_at: datetime
    plan_version: int
    standing: list[Standing]
    due: list[tuple[Person, int]]
    fresh_from: int
    fresh_until: int | None
    last_number: str | None

    @property
    def to_place(self) -> list[tuple[Person, int]]:
        """Return whom to call and which attempt it is, in list order."""
        known = {row.contact_id for row in self.standing} | {person.contact_id for person, _ in self.due}
        fresh = [
            (person, 1)
            for person in self.people[self.fresh_from : self.fresh_until]
            if person.contact_id not in known
        ]
        return sorted(fresh + self.due, key=lambda each: (self.people.index(each[0]), each[1]))

    def planned(self) -> tuple[list[Slot], dict[str, str]]:
        """Return what the oracle makes of it."""
        return oracle.replan(
            self.to_place,
            self.campaign,
            self.starts_at,
            self.from_at,
            self.standing,
            self.last_number,
            self.people,
        )


def _digits(draw: DrawFn) -> tuple[int, ...]:
    """Draw twelve digits that say in turn what becomes of one call after the other."""
    pattern = draw(_twelve_digits)
    return tuple(pattern // 10**place % 10 for place in range(12))


def _kept(draw: DrawFn, slots: Sequence[Slot], campaign: Campaign, plan_version: int) -> dict[Key, Standing]:
    """Return the slots of a version as rows that stand, sometimes with the numbers of earlier settings."""
    numbers = [slot.from_number for slot in slots]
    earlier = draw(styles) >= 5
    if earlier or campaign.phone_rotation_strategy == "random":
        digits, pool = _digits(draw), draw(_orders) if earlier else campaign.phone_numbers
        numbers = [pool[digits[place % 12] % len(pool)] for place in range(len(slots))]
    return {
        (slot.contact_id, slot.attempt): Standing(
            slot.contact_id,
            slot.attempt,
            "kept",
            plan_version,
            number,
            slot.timezone,
            slot.scheduled_at,
            slot.call_date,
            slot.slot_index,
        )
        for slot, number in zip(slots, numbers, strict=True)
    }


def _moment(draw: DrawFn, campaign: Campaign, calls: dict[Key, Standing]) -> datetime:
    """Draw a moment near a slot, the end of its hours or a midnight, or somewhere between slot and start."""
    times = sorted(row.scheduled_at for row in calls.values())
    style, at = draw(styles), draw(st.sampled_from(times))
    if style == 4:
        at = times[0] + (at - times[0]) / 2
    elif style >= 5:
        midnight, next_midnight = clocks.stretch_of_date(
            campaign.timezone, clocks.wall_clock(campaign.timezone, at).date()
        )
        zone = next(row.timezone for row in calls.values() if row.scheduled_at == at)
        opened = oracle.open_time(
            campaign, zone, clocks.wall_clock(campaign.timezone, at).date(), at, next_midnight
        )
        at = (midnight, next_midnight, opened[0][1])[style - 5]
    return min(max(at + draw(_moments), times[0] - DAY / 8), times[-1] + DAY / 8)


def _last_number(standing: Iterable[Standing]) -> str | None:
    beside = [row for row in standing if row.kind != "carried"]
    last = max(beside, key=lambda row: (row.plan_version, row.scheduled_at), default=None)
    return last and last.from_number


def _became(
    calls: dict[Key, Standing], now: datetime, digits: Sequence[int], style: str
) -> tuple[dict[Key, Standing], list[Key], list[Key]]:
    """Return what stands of the calls at ``now``, what is due (again), and what would be carried over.

    A first call that is in none of them is to be planned afresh.
    """
    edit = style in ("edit", "keep")
    standing, due, carried = {}, [], []
    for place, (key, row) in enumerate(calls.items()):
        contact_id, attempt = key
        digit = digits[place % len(digits)]
        if row.kind == "started" or (row.scheduled_at < now + TICK and digit >= 3):  # a claim may come early
            standing[key] = replace(row, kind="started")
            following = (contact_id, attempt + 1)
            if digit >= 8 and attempt < MOST_ATTEMPTS and following not in calls:
                due.append(following)
        elif (row.scheduled_at < now and digit == 2 and not edit) or (
            row.scheduled_at >= now and (digit == 0) == edit
        ):  # a little late and still called as it is, or not yet due
            standing[key] = row
        elif row.scheduled_at >= now and style == "keep" and digit <= 6:
            carried.append(key)
        elif not edit or attempt > 1 or digit == 9:
            due.append(key)
    return standing, due, carried


def _carry(
    replanning: Replanning, rows: Iterable[Standing]
) -> tuple[list[Standing], list[tuple[Person, int]]]:
    """Return those of the rows that can keep their time, first come first served, and those that cannot."""
    campaign, standing = replanning.campaign, list(replanning.standing)
    end = oracle.end_of(campaign)
    listed = {person.contact_id: person for person in replanning.people}
    moved = []
    for row in rows:
        zone, _ = oracle.zone_of(listed[row.contact_id], campaign)
        opened = oracle.open_time(campaign, zone, row.call_date, replanning.from_at, end)
        if (
            any(opens <= row.scheduled_at < closes for opens, closes in opened)
            and oracle.room_of(campaign, row.call_date, replanning.starts_at, end, standing) >= 1
        ):
            standing.append(replace(row, kind="carried"))
        else:
            moved.append((listed[row.contact_id], row.attempt))
    return standing, moved


def _edited(
    draw: DrawFn, settings: dict[str, Any], now: datetime, campaign: Campaign, calls: dict[Key, Standing]
) -> dict[str, Any]:
    """Draw settings as a person may change them while a campaign runs."""
    edits, edited = draw(_edits), dict(settings)
    if "timezone" in edits:
        edited["timezone"] = draw(campaign_zones)
    if "hours" in edits:
        for name in ("windows", "start_time", "end_time"):
            edited.pop(name, None)
        edited["working_days"] = draw(weeks)
        edited |= opening_hours(draw, edited["working_days"], [])
    if "caps" in edits:
        caps = {"max_calls_per_day": [None, 1, 3, 5, 8], "max_calls_per_number_per_day": [None, *NUMBER_CAPS]}
        edited |= {name: draw(st.sampled_from(values)) for name, values in caps.items()}
    if "numbers" in edits:
        edited |= {"phone_numbers": draw(_orders), "phone_rotation_strategy": draw(_rotations)}
    if "blackout" in edits:
        today = clocks.wall_clock(edited["timezone"], now).date()
        edited["blackout_dates"] = [today + timedelta(days=days) for days in draw(blackouts)]
    if "ends" in edits and edited.pop("ends_at", None) is None:
        later = {key: row for key, row in calls.items() if row.scheduled_at >= now}
        if later and draw(styles) >= 3:
            edited["ends_at"] = _moment(draw, campaign, later)
        else:
            edited["ends_at"] = now + draw(spans) + DAY - draw(steps)
    if "start" in edits:
        edited |= {"schedule_type": "scheduled", "scheduled_at": now + draw(spans) / 4 - draw(steps)}
    return edited


@st.composite
def replannings(draw: DrawFn, *, by_number: bool = False) -> Replanning:
    """Draw a campaign under way and what is to be planned beside the calls and slots it has.

    Its first version comes from the oracle, and sometimes a second one that adds to it. Then calls are
    started, missed, due again or late in the list, or an edit spreads them anew. ``by_number`` gives people
    the zones of their numbers, several of which may have to be open at once.
    """
    palette = draw(palettes)
    people = some_people(draw, palette)
    settings, scheduled = settings_and_now(draw, [person.timezone for person in people])
    if by_number:
        settings["contact_timezone"] = "phone"
        digits = _digits(draw)
        people = [
            replace(person, number_zones=ZONES_OF_NUMBERS[digits[place % 5]])
            for place, person in enumerate(people)
        ]
    settings["phone_numbers"] = settings["phone_numbers"] or draw(_orders)
    if draw(styles) >= 5:
        settings |= {"phone_numbers": draw(_orders), "phone_rotation_strategy": draw(_rotations)}
        settings["max_calls_per_number_per_day"] = draw(_number_caps)
    campaign = Campaign.from_mapping(settings)
    listed = {person.contact_id: person for person in people}
    style = draw(_kinds_of_replanning)
    late = draw(st.integers(1, 8)) if style == "late" or draw(styles) >= 6 else 0
    early = people[: max(1, len(people) - late)]

    try:
        slots, _ = oracle.plan(early, campaign, scheduled)
    except Infeasible:
        reject()
    assume(slots)
    starts_at = now = oracle.start_of(campaign, scheduled)
    calls, plan_version = _kept(draw, slots, campaign, 1), 2
    if draw(styles) >= 5:
        now = _moment(draw, campaign, calls)
        standing, due, _ = _became(calls, now, _digits(draw), "recurring")
        adding = Replanning(
            early,
            campaign,
            starts_at,
            max(starts_at, now),
            plan_version,
            list(standing.values()),
            [(listed[contact_id], attempt) for contact_id, attempt in due],
            0,
            0,
            _last_number(standing.values()),
        )
        try:
            slots, _ = adding.planned()
        except Infeasible:
            reject()
        calls = standing | _kept(draw, slots, campaign, plan_version)
        plan_version += 1

    now = max(now, _moment(draw, campaign, calls))
    if style in ("edit", "keep"):
        try:
            campaign = Campaign.from_mapping(_edited(draw, settings, now, campaign, calls))
        except ValueError:
            reject()
        starts_at = oracle.start_of(campaign, scheduled)
    calls = {
        key: replace(row, call_date=clocks.wall_clock(campaign.timezone, row.scheduled_at).date())
        for key, row in calls.items()
    }
    standing, due, carried = _became(calls, now, _digits(draw), style)
    fresh_from = {"recurring": 0, "late": len(early)}.get(style, 0)
    fresh_until = (
        0 if style == "recurring" else draw(st.sampled_from([None, None, None, len(early), len(people)]))
    )
    replanning = Replanning(
        people,
        campaign,
        starts_at,
        max(starts_at, now),
        plan_version,
        list(standing.values()),
        [(listed[contact_id], attempt) for contact_id, attempt in due],
        fresh_from,
        fresh_until,
        _last_number(standing.values()),
    )
    if carried:
        in_list_order = sorted(carried, key=lambda key: (people.index(listed[key[0]]), key[1]))
        rows, moved = _carry(replanning, [calls[key] for key in in_list_order])
        again = [(person, attempt) for person, attempt in moved if attempt > 1]
        replanning = replace(replanning, standing=rows, due=replanning.due + again)
    assume(replanning.to_place or any(row.kind == "carried" for row in replanning.standing))
    return replanning
