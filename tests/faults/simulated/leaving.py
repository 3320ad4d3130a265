"""What must hold of all that leaves for the provider: when, how fast and how much, at which number, for whom.

Windows and caps are judged by the independent planner.
"""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from flows.campaigns import LATE_LIMIT
from tests.faults.simulated.judging import named
from tests.faults.simulated.network import KEYS_LIVE, Key, Request
from tests.faults.simulated.world import World
from tests.transforms import clocks, oracle
from transforms.campaign import Campaign


def nobody_rings_twice(world: World) -> Iterator[str]:
    """I1: at most one ring per contact and attempt."""
    rings = Counter(call.key for call in world.network.rings)
    for key, count in rings.items():
        if count > 1:
            yield f"I1: {named(world, key)} rang {count} times"


class OpenTime:
    """When campaigns are open, by the independent planner, asked once for each settings, zone and date."""

    def __init__(self) -> None:
        self._settings: dict[int, str] = {}
        self._known: dict[tuple[str, str, date], list[clocks.Stretch]] = {}

    def of(self, settings: Campaign, zone: str, day: date) -> list[clocks.Stretch]:
        """Return the stretches in which a zone is open on a date of the campaign's clock."""
        written = self._settings.setdefault(id(settings), settings.canonical_json())
        if (written, zone, day) not in self._known:
            self._known[written, zone, day] = oracle.open_time(
                settings, zone, day, oracle.BEGINNING, oracle.end_of(settings)
            )
        return self._known[written, zone, day]


def requests_are_allowed(world: World) -> Iterator[str]:
    """I5 and I6: in its hours, at its slot, by its owner, none that a pause, skip, edit or person forbids."""
    held: set[str] = set()
    skipped: set[tuple[str, str]] = set()
    settled: set[Key] = set()
    current: dict[str, int] = {}
    first: dict[Key, timedelta] = {}
    opened = OpenTime()
    for kind, what in world.network.log:
        if kind == "paused":
            held.add(what)
        elif kind == "resumed":
            held.discard(what)
        elif kind == "skipped":
            skipped.add(what)
        elif kind == "settled":
            settled.add(what[0])
        elif kind == "replaced":
            current.update([what])
        elif kind == "clock":
            first.clear()
        if kind != "request":
            continue
        wrong = [("I5", why) for why in _out_of_time(world, what, opened)]
        if what.key[0] in held:
            wrong.append(("I5", "after its campaign was held back"))
        if what.key[:2] in skipped:
            wrong.append(("I5", "after the contact was skipped"))
        if what.key in settled:
            wrong.append(("I6", "after a person had settled it"))
        if what.row["owner_id"] != what.sender:
            wrong.append(("I6", "by another than its owner"))
        if not what.row["replays"]:
            first[what.key] = what.since_boot
            if what.row["plan_version"] < current.get(what.key[0], 0):
                wrong.append(("I5", "though its version was replaced"))
        begun = first.get(what.key, what.since_boot)
        if what.row["replays"] and what.since_boot - begun > KEYS_LIVE:
            wrong.append(("I1", "again, when its key was forgotten"))
        for guarantee, why in wrong:
            yield f"{guarantee}: {named(world, what.key)} was requested at {what.at}, {why}"


def _out_of_time(world: World, request: Request, opened: OpenTime) -> Iterator[str]:
    version = request.key[0], request.row["plan_version"]
    row, settings = request.row, world.settings[version]
    if request.at < world.starts[version]:
        yield f"before its campaign begins at {world.starts[version]}"
    if request.at < row["scheduled_at"]:
        yield "before its slot"
    if request.at >= row["not_after"]:
        yield f"after its end at {row['not_after']}"
    if not row["replays"] and request.at >= row["scheduled_at"] + LATE_LIMIT:
        yield f"too long after its slot at {row['scheduled_at']}"
    day = clocks.wall_clock(settings.timezone, request.at).date()
    stretches = opened.of(settings, row["timezone"], day)
    if not any(opens <= request.at < closes for opens, closes in stretches):
        yield f"outside the windows of {row['timezone']}"
    if day != row["call_date"]:
        yield f"on another date than {row['call_date']}"


def starts_keep_the_pace(world: World) -> Iterator[str]:
    """I4: at most as many starts in any second, and in any five, as the pace allows, and none too soon."""
    for campaign_id, requests in _by_campaign(world).items():
        for before, request in pairwise(requests):
            pace = max(one.row["calls_per_second"] or math.inf for one in (before, request))
            if pace < 1 and request.since_boot - before.since_boot < timedelta(seconds=1 / pace):
                yield f"I4: two starts of {campaign_id} until {request.at}, at {pace} calls per second"
        for span in (1, 5):
            begins = 0
            for place, request in enumerate(requests):
                while request.since_boot - requests[begins].since_boot >= timedelta(seconds=span):
                    begins += 1
                if request.row["calls_per_second"] is None:
                    continue
                paces = [one.row["calls_per_second"] for one in requests[begins : place + 1]]
                if None not in paces and len(paces) > math.ceil(max(paces) * span):
                    yield (
                        f"I4: {len(paces)} starts of {campaign_id} within {span} s of {request.at}, "
                        f"at {max(paces)} calls per second"
                    )


def caps_hold(world: World) -> Iterator[str]:
    """I5: no date and no number above its cap, counted by what rang, by the clock the campaign has then."""
    zones: dict[str, set[str]] = defaultdict(set)
    for (campaign_id, _), settings in world.settings.items():
        zones[campaign_id].add(settings.timezone)
    rang_at = {call.key: call.rang_at for call in world.network.rings}
    made: Counter[tuple[object, ...]] = Counter()
    that_rang = {  # an earlier request of the same key was turned away
        request.key: request
        for request in world.network.requests
        if request.key in rang_at and request.since_boot <= rang_at[request.key]
    }
    for request in that_rang.values():
        campaign_id, number = request.key[0], request.row["from_number"]
        version = campaign_id, request.row["plan_version"]
        settings = world.settings[version]
        for zone in zones[campaign_id]:
            read = clocks.wall_clock(zone, request.at).date()
            made[campaign_id, zone, read] += 1
            made[campaign_id, zone, read, number] += 1
        day = clocks.wall_clock(settings.timezone, request.at).date()
        of_number = settings.max_calls_per_number_per_day
        for calls, cap in (
            (
                made[campaign_id, settings.timezone, day],
                oracle.cap_of(settings, day, world.starts[version], oracle.end_of(settings)),
            ),
            (
                made[campaign_id, settings.timezone, day, number],
                math.inf if of_number is None else of_number,
            ),
        ):
            if calls > cap:
                yield f"I5: call {calls} of {campaign_id} on {day}, where {cap} are allowed"


def dialled_numbers_are_right(world: World) -> Iterator[str]:
    """Everybody is called at the number that the list had when dispatchers last looked, or has got since."""
    looked_at = [at for at, _ in world.ticked]
    changed: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    changes = 0
    for kind, what in world.network.log:
        if kind == "renumbered":
            name, contact, number = what
            changes += 1
            changed[name, contact].append((changes, number))
        if kind != "request":
            continue
        version, contact = (what.key[0], what.row["plan_version"]), what.key[1]
        name = world.settings[version].contact_list or ""
        first = (0, f"+1{int(contact.removeprefix('c')) + 2_125_550_000}")
        numbers = [first, *changed[name, contact]]
        looked = bisect_left(looked_at, what.row["claimed_at"])
        seen = max(world.numbered[version], world.ticked[looked - 1][1] if looked else 0)
        oldest = max(place for place, _ in numbers if place <= seen)
        if what.row["phone"] not in {number for place, number in numbers if place >= oldest}:
            yield f"{named(world, what.key)} was rung at {what.row['phone']}, of {numbers}"


def _by_campaign(world: World) -> dict[str, list[Request]]:
    found: dict[str, list[Request]] = defaultdict(list)
    for request in world.network.requests:
        found[request.key[0]].append(request)
    return found
