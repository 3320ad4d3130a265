"""Hypothesis strategies for campaigns, lists and starts, crowded where clocks and windows have edges.

Weighted choices are one draw from a list that repeats what should come often: draws are what takes time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import combinations, product
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.transforms import clocks
from tests.transforms.oracle import Person
from transforms.campaign import Campaign

ALL_ZONES = sorted(clocks.zone_names())
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
SPANS = [timedelta(days=days) for days in (60, 30, 20, 9, 5, 3, 1, 0)] + [timedelta(hours=2)]
LAGS = [timedelta(), timedelta(microseconds=1), timedelta(days=20), timedelta(hours=-1), timedelta(days=-2)]
DAY = timedelta(days=1)
FIRST_HOUR = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = (datetime(2031, 1, 1, tzinfo=UTC) - FIRST_HOUR) // timedelta(hours=1)

campaign_zones = st.sampled_from(ODD_ZONES * 40 + ALL_ZONES)
_contact_zones = st.sampled_from([None, ""] * 40 + ODD_ZONES * 40 + ALL_ZONES + UNKNOWN_ZONES * 40)
palettes = st.one_of(*[st.tuples(*[_contact_zones] * 4)] * 4, st.sampled_from([TWINS, DATE_LINE]))
weeks = st.sampled_from(WEEKS * 20 + [EVERY_DAY] * 80 + ALL_WEEKS)
_single_windows = st.sampled_from(SINGLE_WINDOWS)
_several_windows = st.one_of(
    st.sampled_from(SEVERAL_WINDOWS),
    st.lists(st.sampled_from(EDGES), min_size=2, max_size=5, unique=True).map(sorted),
)
blackouts, _holidays = st.sampled_from(BLACKOUTS), st.sampled_from(HOLIDAYS)
_caps_and_numbers, _extras = st.sampled_from(CAPS_AND_NUMBERS), st.sampled_from(EXTRAS)
steps, spans, _lags = st.sampled_from(STEPS), st.sampled_from(SPANS), st.sampled_from(LAGS)
styles = st.integers(0, 7)
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


def opening_hours(draw: DrawFn, working_days: list[int], odd: Sequence[datetime]) -> dict[str, Any]:
    """Draw one window, several, or others on some of the days, perhaps with ``odd`` edges."""
    style = draw(styles)
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
    return [change for year in range(2026, 2031) for change in clocks.clock_changes(zone, year)]


def _odd_times(zone: str, near: datetime) -> list[datetime]:
    """Return wall times in and around the gap or fold that is near in time, if there is one."""
    change = next((change for change in _changes(zone) if -DAY < change - near < 4 * DAY), None)
    if change is None:
        return []
    before = clocks.wall_clock(zone, change - clocks.MICROSECOND) + clocks.MICROSECOND
    first, last = sorted([before, clocks.wall_clock(zone, change)])
    minute, half = timedelta(minutes=1), timedelta(minutes=30)
    return [first, first + (last - first) // 2, first + minute, last - minute, last, first - half]


def _start(draw: DrawFn, zone: str, change: datetime | None, edges: Sequence[str]) -> datetime:
    """Draw any hour of 2026-2030, or an instant near a change of the clock or near an edge of a window."""
    style = draw(styles)
    if change is None:
        at = FIRST_HOUR + timedelta(hours=draw(_hours))
    elif style >= 5:
        return change + draw(steps)
    else:
        at = change - timedelta(days=(1, 0, 1, 0, 3)[style])
    if style == 0:
        return at
    at = clocks.closing(zone, _local(clocks.wall_clock(zone, at), draw(st.sampled_from(edges))))
    return at + draw(steps)


def _written(draw: DrawFn, zone: str, instant: datetime, odd: Sequence[datetime]) -> datetime:
    """Draw a way to write that instant, with an offset or as wall time, or an ``odd`` wall time instead."""
    style = draw(styles)
    if style == 0:
        return instant
    if style == 1:
        return instant.astimezone(timezone(timedelta(hours=5, minutes=30)))
    if style == 2 or not odd:
        return clocks.wall_clock(zone, instant)
    return draw(st.sampled_from(odd))


def _as_instant(zone: str, written: datetime, *, closes: bool) -> datetime:
    if written.tzinfo is not None:
        return written.astimezone(UTC)
    return clocks.closing(zone, written) if closes else clocks.opening(zone, written)


def settings_and_now(draw: DrawFn, contact_zones: Sequence[str | None]) -> tuple[dict[str, Any], datetime]:
    """Draw settings and the present moment, often near a change of one of the zones and its odd times."""
    known = sorted({name for name in contact_zones if name in clocks.zone_names()})
    zone = draw(st.sampled_from(known)) if known and draw(styles) >= 4 else draw(campaign_zones)
    working_days, extras = draw(weeks), draw(_extras)
    near = draw(st.sampled_from([zone, zone, zone, *known]))
    change = draw(st.sampled_from(_changes(near))) if draw(styles) >= 2 and _changes(near) else None
    odd = [] if change is None else _odd_times(near, change)
    hours = opening_hours(draw, working_days, odd)
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
        started = clocks.wall_clock(zone, start)
        later = [odd_time for odd_time in _odd_times(zone, start) if odd_time > started]
        ends_at = _written(draw, zone, start + draw(spans) - draw(steps), later)
        if _as_instant(zone, ends_at, closes=True) > start:
            settings["ends_at"] = ends_at
    if "blackout" in extras:
        first_date = clocks.wall_clock(zone, start).date()
        settings["blackout_dates"] = [first_date + timedelta(days=days) for days in draw(blackouts)]
    if "holidays" in extras:
        settings["holidays"] = draw(_holidays)
    return settings, now


def _campaign_and_now(draw: DrawFn, contact_zones: Sequence[str | None]) -> tuple[Campaign, datetime]:
    settings, now = settings_and_now(draw, contact_zones)
    return Campaign.from_mapping(settings), now


def some_people(draw: DrawFn, palette: Sequence[str | None]) -> list[Person]:
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
    return some_people(draw, [campaign.timezone, *draw(palettes)][:4])


@st.composite
def plannings(draw: DrawFn) -> tuple[list[Person], Campaign, datetime]:
    """Draw people, a campaign and the present moment, which lies near an edge of one of all these zones."""
    palette = draw(palettes)
    contacts = some_people(draw, palette)
    campaign, now = _campaign_and_now(draw, [contact.timezone for contact in contacts])
    return contacts, campaign, now
