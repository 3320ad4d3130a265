"""Hypothesis strategies for campaigns, lists and starts, crowded where clocks and windows have edges.

Weighted choices are one draw from a list that repeats what should come often: draws are what takes time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import combinations, permutations, product
from typing import Any

from hypothesis import assume, reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.transforms import oracle
from tests.transforms.oracle import Infeasible, Person, Slot, Standing
from transforms.campaign import Campaign

ALL_ZONES = sorted(oracle.zone_names())
ODD_ZONES = [
    "America/New_York",
    "UTC",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "America/Scoresbysund",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Adelaide",
    "America/St_Johns",
    "America/Santiago",
    "Atlantic/Azores",
    "Europe/London",
]
TWINS = ["America/New_York", "America/Toronto", "US/Eastern", None]
"""Zones that are open at the same time, so that their slots clash."""
DATE_LINE = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Apia", None]
"""Zones up to 25 hours apart."""
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
UNKNOWN_ZONES = ["Mars/Olympus_Mons", "america/new_york", "EST5EDT4", "+02:00"]

EDGES = [f"{hour:02}:{minute}" for hour in (0, 1, 2, 3, 23) for minute in ("00", "30")]
EDGES += ["00:01", "09:00", "10:00", "12:00", "13:00", "17:00", "18:00", "22:30", "23:59", "24:00"]
SINGLE_WINDOWS = [
    ("09:00", "18:00"),
    ("10:00", "17:00"),
    ("00:00", "24:00"),
    ("02:00", "02:30"),
    ("01:30", "02:30"),
    ("02:30", "03:30"),
    ("00:30", "01:30"),
    ("00:00", "00:30"),
    ("02:00", "02:01"),
    ("01:59", "02:00"),
    ("23:30", "24:00"),
    ("23:59", "24:00"),
    ("00:00", "00:01"),
]
SEVERAL_WINDOWS = [
    ["09:00", "12:00", "13:00", "18:00"],
    ["09:00", "12:00", "18:00"],
    ["00:00", "02:00", "02:30", "24:00"],
    ["00:30", "01:30", "02:30"],
    ["00:00", "00:01", "23:59", "24:00"],
]
"""Edges of a day: windows with breaks between an even number, windows that touch between an odd one."""
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
WEEKS = [[1, 2, 3, 4, 5], EVERY_DAY, [6, 7], [7], [1, 3, 5], [4, 5, 6, 7]]
ALL_WEEKS = [list(days) for size in range(1, 8) for days in combinations(range(1, 8), size)]
BLACKOUTS = [list(days) for size in range(1, 4) for days in combinations(range(-1, 9), size)]
"""In days after the date of the start."""
HOLIDAYS = [
    {"country": "US"},
    {"country": "US", "subdivision": "TX"},
    {"country": "DE", "subdivision": "BY"},
    {"country": "GB", "subdivision": "SCT"},
    {"country": "JP"},
]
NUMBERS = ["+18005550103", "+18005550101", "+18005550102", "+442079460100"]
CAPS_AND_NUMBERS = [
    {
        "phone_numbers": NUMBERS[:numbers],
        "phone_rotation_strategy": rotation,
        "max_calls_per_day": cap,
        "first_day_cap": first_day_cap,
        "max_calls_per_number_per_day": number_cap,
    }
    for number_cap, cap, first_day_cap, numbers, rotation in product(
        [None, None, 1, 2, 4],
        [None, None, None, 1, 2, 3, 5, 7, 12],
        ["full", "prorated"],
        range(5),
        ["round_robin", "sequential", "random"],
    )
    if numbers or not number_cap  # the specification does not say what the cap of no number is
]
EXTRAS = [
    frozenset(extras)
    for size in range(6)
    for extras in combinations(["contact", "scheduled", "blackout", "ends", "holidays"], size)
    if size < 3 or "contact" in extras
]
STEPS = [
    *(timedelta(microseconds=number) for number in (0, -1, -2, -3, 1, 2)),
    timedelta(seconds=-1),
    timedelta(seconds=-59, microseconds=-999_999),
    timedelta(minutes=30),
    timedelta(hours=-1),
    timedelta(hours=-9),
    timedelta(days=-1),
    timedelta(days=-2, hours=7, microseconds=1),
]
MOMENTS = [
    *(timedelta(microseconds=number) for number in (0, 0, 0, 1, -1, 2, -2, 900, -900, -1_500)),
    *(timedelta(milliseconds=number) for number in (3, -3, 12, -12)),
    *(timedelta(seconds=number) for number in (1, -1, 59, -240, 300, -600)),
    *(timedelta(minutes=number) for number in (20, -45, 180, -300)),
]
"""How far the moment of replanning is from a slot, the end of its window or a midnight."""
SPANS = [timedelta(days=days) for days in (60, 30, 20, 9, 5, 3, 1, 0)] + [timedelta(hours=2)]
LAGS = [timedelta(), timedelta(microseconds=1), timedelta(days=20), timedelta(hours=-1), timedelta(days=-2)]
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
DAY = timedelta(days=1)
FIRST_HOUR = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = (datetime(2031, 1, 1, tzinfo=UTC) - FIRST_HOUR) // timedelta(hours=1)

_zones = st.sampled_from(ODD_ZONES * 40 + ALL_ZONES)
_contact_zones = st.sampled_from([None, ""] * 40 + ODD_ZONES * 40 + ALL_ZONES + UNKNOWN_ZONES * 40)
_palettes = st.one_of(*[st.tuples(*[_contact_zones] * 4)] * 4, st.sampled_from([TWINS, DATE_LINE]))
_weeks = st.sampled_from(WEEKS * 20 + [EVERY_DAY] * 80 + ALL_WEEKS)
_single_windows = st.sampled_from(SINGLE_WINDOWS)
_several_windows = st.one_of(
    st.sampled_from(SEVERAL_WINDOWS),
    st.lists(st.sampled_from(EDGES), min_size=2, max_size=5, unique=True).map(sorted),
)
_blackouts, _holidays = st.sampled_from(BLACKOUTS), st.sampled_from(HOLIDAYS)
_caps_and_numbers, _extras = st.sampled_from(CAPS_AND_NUMBERS), st.sampled_from(EXTRAS)
_steps, _spans, _lags = st.sampled_from(STEPS), st.sampled_from(SPANS), st.sampled_from(LAGS)
_moments, _edits = st.sampled_from(MOMENTS), st.sampled_from(EDITS)
_number_caps = st.sampled_from(NUMBER_CAPS)
_orders, _rotations = st.sampled_from(ORDERS_OF_NUMBERS), st.sampled_from(ROTATIONS)
_kinds_of_replanning = st.sampled_from(STYLES)
_styles = st.integers(0, 7)
_twelve_digits = st.integers(0, 10**12 - 1)
_hours = st.integers(0, HOURS - 1)


def _local(day: datetime, hhmm: str) -> datetime:
    hours, minutes = map(int, hhmm.split(":"))
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=hours, minutes=minutes)


def _hhmm(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _windows_between(edges: list[str]) -> list[dict[str, Any]]:
    step = 2 if len(edges) % 2 == 0 else 1
    pairs = zip(edges[::step], edges[1::step], strict=False)
    return [{"start_time": start, "end_time": end} for start, end in pairs]


def _opening_hours(draw: DrawFn, working_days: list[int], odd: Sequence[datetime]) -> dict[str, Any]:
    """Draw one window, several, or others on some of the days, perhaps with ``odd`` edges."""
    style = draw(_styles)
    if style <= 1:
        start, end = draw(_single_windows)
        return {"start_time": start, "end_time": end}
    if style == 2:
        start_minute = draw(st.integers(0, 24 * 60 - 1))
        return {
            "start_time": _hhmm(start_minute),
            "end_time": _hhmm(draw(st.integers(start_minute + 1, 1440))),
        }
    if style >= 6 and odd:
        edges = {f"{draw(st.sampled_from(odd)):%H:%M}" for _ in range(3)} | {"24:00"}
        windows = _windows_between(sorted(edges))
    else:
        windows = _windows_between(draw(_several_windows))
    if style == 4 and len(windows) > 1:
        windows[-1]["days"] = working_days[-1:]
    if style == 5 and len(working_days) > 1:
        cut = draw(st.integers(1, len(working_days) - 1))
        windows = [window | {"days": working_days[:cut]} for window in windows]
        windows += [
            window | {"days": working_days[cut:]} for window in _windows_between(draw(_several_windows))
        ]
    return {"windows": windows}


@cache
def _changes(zone: str) -> list[datetime]:
    return [change for year in range(2026, 2031) for change in oracle.clock_changes(zone, year)]


def _odd_times(zone: str, near: datetime) -> list[datetime]:
    """Return wall times in and around the gap or fold that is near in time, if there is one."""
    change = next((change for change in _changes(zone) if -DAY < change - near < 4 * DAY), None)
    if change is None:
        return []
    before = oracle.wall_clock(zone, change - oracle.MICROSECOND) + oracle.MICROSECOND
    first, last = sorted([before, oracle.wall_clock(zone, change)])
    minute, half = timedelta(minutes=1), timedelta(minutes=30)
    return [first, first + (last - first) // 2, first + minute, last - minute, last, first - half]


def _start(draw: DrawFn, zone: str, change: datetime | None, edges: Sequence[str]) -> datetime:
    """Draw any hour of 2026-2030, or an instant near a change of the clock or near an edge of a window."""
    style = draw(_styles)
    if change is None:
        at = FIRST_HOUR + timedelta(hours=draw(_hours))
    elif style >= 5:
        return change + draw(_steps)
    else:
        at = change - timedelta(days=(1, 0, 1, 0, 3)[style])
    if style == 0:
        return at
    at = oracle.closing(zone, _local(oracle.wall_clock(zone, at), draw(st.sampled_from(edges))))
    return at + draw(_steps)


def _written(draw: DrawFn, zone: str, instant: datetime, odd: Sequence[datetime]) -> datetime:
    """Draw a way to write that instant, with an offset or as wall time, or an ``odd`` wall time instead."""
    style = draw(_styles)
    if style == 0:
        return instant
    if style == 1:
        return instant.astimezone(timezone(timedelta(hours=5, minutes=30)))
    if style == 2 or not odd:
        return oracle.wall_clock(zone, instant)
    return draw(st.sampled_from(odd))


def _as_instant(zone: str, written: datetime, *, closes: bool) -> datetime:
    if written.tzinfo is not None:
        return written.astimezone(UTC)
    return oracle.closing(zone, written) if closes else oracle.opening(zone, written)


def _settings_and_now(draw: DrawFn, contact_zones: Sequence[str | None]) -> tuple[dict[str, Any], datetime]:
    """Draw settings and the present moment, often near a change of one of the zones and its odd times."""
    known = sorted({name for name in contact_zones if name in oracle.zone_names()})
    zone = draw(st.sampled_from(known)) if known and draw(_styles) >= 4 else draw(_zones)
    working_days, extras = draw(_weeks), draw(_extras)
    near = draw(st.sampled_from([zone, zone, zone, *known]))
    change = draw(st.sampled_from(_changes(near))) if draw(_styles) >= 2 and _changes(near) else None
    odd = [] if change is None else _odd_times(near, change)
    hours = _opening_hours(draw, working_days, odd)
    edges = [window[edge] for window in hours.get("windows", [hours]) for edge in ("start_time", "end_time")]
    now = start = _start(draw, near, change, edges)
    settings: dict[str, Any] = {
        "name": "Renewals",
        "agent_id": "agent",
        "timezone": zone,
        "contact_timezone": "contact" if "contact" in extras else "campaign",
        "working_days": working_days,
        **hours,
        **draw(_caps_and_numbers),
    }
    if "scheduled" in extras:
        written = _written(draw, zone, start, _odd_times(zone, start))
        settings |= {"schedule_type": "scheduled", "scheduled_at": written}
        start = _as_instant(zone, written, closes=False)
        now = start - draw(_lags)
    if "ends" in extras:
        started = oracle.wall_clock(zone, start)
        later = [odd_time for odd_time in _odd_times(zone, start) if odd_time > started]
        ends_at = _written(draw, zone, start + draw(_spans) - draw(_steps), later)
        if _as_instant(zone, ends_at, closes=True) > start:
            settings["ends_at"] = ends_at
    if "blackout" in extras:
        first_date = oracle.wall_clock(zone, start).date()
        settings["blackout_dates"] = [first_date + timedelta(days=days) for days in draw(_blackouts)]
    if "holidays" in extras:
        settings["holidays"] = draw(_holidays)
    return settings, now


def _campaign_and_now(draw: DrawFn, contact_zones: Sequence[str | None]) -> tuple[Campaign, datetime]:
    settings, now = _settings_and_now(draw, contact_zones)
    return Campaign.from_mapping(settings), now


def _people(draw: DrawFn, palette: Sequence[str | None]) -> list[Person]:
    """Draw 1 to 40 people over up to four zones, with ids that do not sort in list order."""
    count, width = draw(st.integers(1, 40)), draw(st.integers(1, len(palette)))
    pattern = draw(st.integers(0, 4**10 - 1))  # its ten digits in base four say whose zone is which
    zones = [palette[pattern // 4 ** (place % 10) % 4 % width] for place in range(count)]
    return [
        Person(f"{place * 7_919 % 1_000:03}", f"+1212555{place:04}", zone) for place, zone in enumerate(zones)
    ]


@st.composite
def campaigns(draw: DrawFn) -> Campaign:
    """Draw valid settings; ``plannings`` draws the moment that goes with them too."""
    return _campaign_and_now(draw, ())[0]


@st.composite
def people(draw: DrawFn, campaign: Campaign) -> list[Person]:
    """Draw 1 to 40 people in up to four zones, one of them perhaps the campaign's, none or an unknown one."""
    return _people(draw, [campaign.timezone, *draw(_palettes)][:4])


@st.composite
def plannings(draw: DrawFn) -> tuple[list[Person], Campaign, datetime]:
    """Draw people, a campaign and the present moment, which lies near an edge of one of all these zones."""
    palette = draw(_palettes)
    contacts = _people(draw, palette)
    campaign, now = _campaign_and_now(draw, [contact.timezone for contact in contacts])
    return contacts, campaign, now


# ---------------------------------------------------------------- replanning


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
    earlier = draw(_styles) >= 5
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
    style, at = draw(_styles), draw(st.sampled_from(times))
    if style == 4:
        at = times[0] + (at - times[0]) / 2
    elif style >= 5:
        midnight, next_midnight = oracle.stretch_of_date(
            campaign.timezone, oracle.wall_clock(campaign.timezone, at).date()
        )
        zone = next(row.timezone for row in calls.values() if row.scheduled_at == at)
        opened = oracle.open_time(
            campaign, zone, oracle.wall_clock(campaign.timezone, at).date(), at, next_midnight
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
        edited["timezone"] = draw(_zones)
    if "hours" in edits:
        for name in ("windows", "start_time", "end_time"):
            edited.pop(name, None)
        edited["working_days"] = draw(_weeks)
        edited |= _opening_hours(draw, edited["working_days"], [])
    if "caps" in edits:
        caps = {"max_calls_per_day": [None, 1, 3, 5, 8], "max_calls_per_number_per_day": [None, *NUMBER_CAPS]}
        edited |= {name: draw(st.sampled_from(values)) for name, values in caps.items()}
    if "numbers" in edits:
        edited |= {"phone_numbers": draw(_orders), "phone_rotation_strategy": draw(_rotations)}
    if "blackout" in edits:
        today = oracle.wall_clock(edited["timezone"], now).date()
        edited["blackout_dates"] = [today + timedelta(days=days) for days in draw(_blackouts)]
    if "ends" in edits and edited.pop("ends_at", None) is None:
        later = {key: row for key, row in calls.items() if row.scheduled_at >= now}
        if later and draw(_styles) >= 3:
            edited["ends_at"] = _moment(draw, campaign, later)
        else:
            edited["ends_at"] = now + draw(_spans) + DAY - draw(_steps)
    if "start" in edits:
        edited |= {"schedule_type": "scheduled", "scheduled_at": now + draw(_spans) / 4 - draw(_steps)}
    return edited


@st.composite
def replannings(draw: DrawFn, *, by_number: bool = False) -> Replanning:
    """Draw a campaign under way and what is to be planned beside the calls and slots it has.

    Its first version comes from the oracle, and sometimes a second one that adds to it. Then calls are
    started, missed, due again or late in the list, or an edit spreads them anew. ``by_number`` gives people
    the zones of their numbers, several of which may have to be open at once.
    """
    palette = draw(_palettes)
    people = _people(draw, palette)
    settings, scheduled = _settings_and_now(draw, [person.timezone for person in people])
    if by_number:
        settings["contact_timezone"] = "phone"
        digits = _digits(draw)
        people = [
            replace(person, number_zones=ZONES_OF_NUMBERS[digits[place % 5]])
            for place, person in enumerate(people)
        ]
    settings["phone_numbers"] = settings["phone_numbers"] or draw(_orders)
    if draw(_styles) >= 5:
        settings |= {"phone_numbers": draw(_orders), "phone_rotation_strategy": draw(_rotations)}
        settings["max_calls_per_number_per_day"] = draw(_number_caps)
    campaign = Campaign.from_mapping(settings)
    listed = {person.contact_id: person for person in people}
    style = draw(_kinds_of_replanning)
    late = draw(st.integers(1, 8)) if style == "late" or draw(_styles) >= 6 else 0
    early = people[: max(1, len(people) - late)]

    try:
        slots, _ = oracle.plan(early, campaign, scheduled)
    except Infeasible:
        reject()
    assume(slots)
    starts_at = now = oracle.start_of(campaign, scheduled)
    calls, plan_version = _kept(draw, slots, campaign, 1), 2
    if draw(_styles) >= 5:
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
        key: replace(row, call_date=oracle.wall_clock(campaign.timezone, row.scheduled_at).date())
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
