"""What must hold whatever went wrong, I1 to I6: judged from the provider's record and the ledger together.

Each judge yields a sentence for all that it finds broken, and takes time in proportion to the calls of the
world. Windows are judged by the independent planner.
"""

import heapq
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import polars as pl

from flows.archiving import past_calls
from flows.campaigns import LATE_LIMIT, find_campaign
from flows.contact_store import current_snapshot
from flows.plan_store import EXCLUDED_SUFFIX, version_name
from flows.standing import calls_of
from tests.faults.simulated.network import KEYS_LIVE, Key, Request
from tests.faults.simulated.world import CONTACT_ZONES, World
from tests.transforms import clocks, oracle
from transforms.campaign import Campaign

FINAL = {"completed", "no_answer", "busy", "voicemail", "failed"}
RETRYABLE = FINAL - {"completed"}


def nobody_rings_twice(world: World) -> Iterator[str]:
    """I1: at most one ring per contact and attempt."""
    rings = Counter(call.key for call in world.network.rings)
    for key, count in rings.items():
        if count > 1:
            yield f"I1: {_named(world, key)} rang {count} times"


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
            yield f"{guarantee}: {_named(world, what.key)} was requested at {what.at}, {why}"


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


def never_too_many_in_flight(world: World) -> Iterator[str]:
    """I3: at the provider at any instant, and in the order of the ledger's events."""
    if any(kind == "clock" for kind, _ in world.network.log):
        return
    yield from _too_many_at_once(world)
    in_flight: dict[str, set[Key]] = defaultdict(set)
    for event in sorted(events_of(world), key=_moment):
        campaign_id = event["campaign_id"]
        if event["to_state"] == "claimed":
            in_flight[campaign_id].add(_key_of(event))
            allowed = world.most_in_flight(campaign_id, event["happened_at"] - world.network.began)
            count = len(in_flight[campaign_id])
            if count > allowed:
                yield f"I3: {count} claims of {campaign_id}, where {allowed} are allowed"
        elif _frees(event):
            in_flight[campaign_id].discard(_key_of(event))


def _too_many_at_once(world: World) -> Iterator[str]:
    closes = _ends_at_most(world)
    rings = sorted(world.network.rings, key=lambda call: (call.key[0], call.rang_at))
    for campaign_id, calls in groupby(rings, key=lambda call: call.key[0]):
        ends: list[timedelta] = []
        for rang_at, at_once in groupby(calls, key=lambda call: call.rang_at):
            for call in at_once:
                heapq.heappush(ends, min(call.ends_at, closes.get(call.key, call.ends_at)))
            while ends and ends[0] <= rang_at:
                heapq.heappop(ends)
            allowed = world.most_in_flight(campaign_id, rang_at)
            if len(ends) > allowed:
                yield f"I3: {len(ends)} calls of {campaign_id} at once, where {allowed} are allowed"


def _moment(event: dict[str, Any]) -> tuple[datetime, bool]:
    return event["happened_at"], event["to_state"] == "claimed"


def _ends_at_most(world: World) -> dict[Key, timedelta]:
    """Return when the question about a call was closed at the latest: from then on it is not in flight."""
    first: dict[Key, Request] = {}
    for request in world.network.requests:
        first.setdefault(request.key, request)
    return {
        key: request.since_boot + timedelta(minutes=request.row["max_call_minutes"])
        for key, request in first.items()
    }


def _key_of(row: dict[str, Any]) -> Key:
    return row["campaign_id"], row["contact_id"], row["attempt"]


def _frees(event: dict[str, Any]) -> bool:
    was_open = event["from_state"] in ("claimed", "in_progress", "unknown")
    return was_open and event["to_state"] in FINAL | {"scheduled", "unknown (final)"}


def slots_are_freed_once(world: World) -> Iterator[str]:
    """I6: a call goes from state to state without a leap, and ends once."""
    state: dict[Key, str] = {}
    for event in events_of(world):
        if event["from_state"] == "pending":
            continue
        key = _key_of(event)
        before = state.get(key, "scheduled")
        if not _follows(event, before):
            yield f"I6: {_named(world, key)} went from {event['from_state']}, after it was {before}"
        state[key] = event["to_state"]


def _follows(event: dict[str, Any], before: str) -> bool:
    """Say whether an event begins where the last one ended, and that was no end.

    A closed question may still get its answer.

    Questions closed twice within one simulated instant are told of twice.
    """
    if before in FINAL:
        return False
    if event["to_state"] == "unknown (final)":
        return before in ("claimed", "in_progress", "unknown", "unknown (final)")
    return event["from_state"] == before or (event["from_state"], before) == ("unknown", "unknown (final)")


def nobody_is_lost(world: World) -> Iterator[str]:
    """I2: everyone is called, waits, or is out of the campaign; attempts follow one another."""
    for campaign_id in world.campaign_ids:
        with world.ledger.session() as session:
            stored = find_campaign(session, campaign_id)
            skips = set(session.read("list_skips", campaign_id=campaign_id)["contact_id"])
            pending = session.read("list_pending", campaign_id=campaign_id)
            versions = session.read("list_current_versions", campaign_id=campaign_id)["plan_version"]
        calls = calls_made(world, campaign_id)
        if stored.state == "failed" and campaign_id not in world.damaged:
            yield f"I2: {stored.name} ({campaign_id}) failed although nobody damaged its plan"
        yield from _attempts_follow(stored.name, calls)
        if stored.state == "cancelled" and calls["finished_at"].null_count():
            yield f"I2: {stored.name} was cancelled and has calls that are open for ever"
        if stored.state in ("failed", "cancelled"):
            continue
        if stored.state != "completed":
            yield f"I2: {stored.name} ({campaign_id}) does not come to its end, it is {stored.state}"
        excluded = {
            (contact, version)
            for version in versions
            for contact in pl.read_parquet(
                world.home.plans / version_name(campaign_id, version).replace(".parquet", EXCLUDED_SUFFIX)
            )["contact_id"]
        }
        wrongly = {
            contact
            for contact, version in excluded
            if contact not in skips and not _is_placeless(contact, world.settings[campaign_id, version])
        }
        if wrongly:
            yield f"I2: {sorted(wrongly)} of {stored.name} ({campaign_id}) are left out for no reason"
        waiting: set[str] = set()
        if stored.state != "completed":
            planned = (
                calls_of(world.home, world.ledger, stored).filter(pl.col("state") == "scheduled").collect()
            )
            waiting = set(planned["contact_id"]) | set(pending["contact_id"])
        snapshot = current_snapshot(world.home, stored.settings.contact_list or "")
        listed = set(pl.read_parquet(snapshot)["contact_id"].head(stored.listed_count))
        lost = listed - set(calls["contact_id"]) - skips - waiting - {contact for contact, _ in excluded}
        if lost:
            yield f"I2: {sorted(lost)} of {stored.name} ({campaign_id}, {stored.state}) are lost"
        if stored.state == "completed" and calls["finished_at"].null_count():
            yield f"I2: {stored.name} is completed with open calls"
        if stored.state == "completed" and not pending.is_empty():
            yield f"I2: {stored.name} is completed while somebody waits"


def _attempts_follow(name: str, calls: pl.DataFrame) -> Iterator[str]:
    states = {(row[0], row[1]): row[2] for row in calls.select("contact_id", "attempt", "state").rows()}
    if len(states) != calls.height:
        yield f"I2: an attempt of {name} is there twice"
    for contact, attempt in states:
        if attempt > 1 and states.get((contact, attempt - 1)) not in RETRYABLE:
            before = states.get((contact, attempt - 1))
            yield f"I2: attempt {attempt} of {contact} of {name} came after one that was {before}"


def _is_placeless(contact: str, settings: Campaign) -> bool:
    """Say whether somebody is in a zone that nobody knows, where that matters."""
    if settings.contact_timezone != "contact":
        return False
    return CONTACT_ZONES[int(contact.removeprefix("c")) % len(CONTACT_ZONES)] == CONTACT_ZONES[-1]


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
            yield f"{_named(world, what.key)} was rung at {what.row['phone']}, of {numbers}"


def nobody_is_left_off_the_stage(world: World) -> Iterator[str]:
    """I2, at any moment: a slot is staged, or is still to be, or it is known that it was passed over."""
    for campaign_id in world.those_in("scheduled", "active"):
        with world.ledger.session() as session:
            stored = find_campaign(session, campaign_id)
            versions = session.read("list_current_versions", campaign_id=campaign_id)
            of_campaign = "select contact_id, attempt from slot where campaign_id = $campaign_id"
            staged = session._connection.sql(of_campaign, params={"campaign_id": campaign_id}).pl()
        waiting = calls_of(world.home, world.ledger, stored).filter(state="scheduled").collect()
        for version in versions.iter_rows(named=True):
            slots = pl.read_parquet(world.home.plans / version["file"]).join(
                waiting, on=["contact_id", "attempt", "scheduled_at"], how="semi"
            )
            looked_for_from = version["missed_from"] or version["staged_until"]
            left = slots.filter(pl.col("scheduled_at") < looked_for_from).join(
                staged, on=["contact_id", "attempt"], how="anti"
            )
            for contact_id, scheduled_at in left.select("contact_id", "scheduled_at").iter_rows():
                yield f"I2: {contact_id} of {stored.name} waits for {scheduled_at}, which is not staged"


def outcomes_are_true(world: World) -> Iterator[str]:
    """The ledger knows of every ring, and has no outcome that the provider did not give."""
    rang = {call.key: call for call in world.network.rings}
    asked = {request.key for request in world.network.requests}
    known = {
        (campaign_id, row["contact_id"], row["attempt"]): row
        for campaign_id in world.campaign_ids
        for row in calls_made(world, campaign_id).iter_rows(named=True)
    }
    settled = dict(what for kind, what in world.network.log if kind == "settled")
    for key, outcome in settled.items():
        if known[key]["state"] != outcome:
            yield f"I6: {_named(world, key)} is {known[key]['state']} and was settled as {outcome}"
    for key, call in rang.items():
        row = known.get(key)
        if row is None or row["noted_at"] is None:
            yield f"I2: {_named(world, key)} rang, and the ledger does not know it"
        elif key not in settled and row["state"] in FINAL and row["state"] != call.outcome:
            yield f"I6: {_named(world, key)} is {row['state']} and was {call.outcome}"
    for key, row in known.items():
        if key in settled:
            continue
        if row["state"] in FINAL and key not in rang and (row["state"] != "failed" or key not in asked):
            yield f"I6: {_named(world, key)} is {row['state']} and never rang"


def closed_after_a_look_up(world: World) -> Iterator[str]:
    """A question about a call that the provider knows is closed only once it was asked again, or in vain."""
    calls = {
        (campaign_id, row["contact_id"], row["attempt"]): row
        for campaign_id in world.campaign_ids
        for row in calls_made(world, campaign_id).iter_rows(named=True)
    }
    for event in events_of(world):
        key = _key_of(event)
        if event["to_state"] != "unknown (final)" or calls[key]["provider_call_id"] is None:
            continue
        asked = [event["happened_at"] - at for at in world.network.asked_at[key]]
        in_vain = event["happened_at"] >= calls[key]["deadline_at"] + _GRACE
        if not in_vain and not any(timedelta() <= ago <= _TWO_ROUNDS for ago in asked):
            yield f"{_named(world, key)} was closed at {event['happened_at']} without a look-up"


_GRACE = timedelta(minutes=5)
_TWO_ROUNDS = timedelta(minutes=2)


def events_of(world: World) -> list[dict[str, Any]]:
    """Return the events of calls as they were written, those of closed days first."""
    with world.ledger.session() as session:
        days = [
            session.read("list_past_days", campaign_id=campaign_id, from_date=None)
            for campaign_id in world.campaign_ids
        ]
        present = session.read("copy_event").filter(pl.col("contact_id").is_not_null())
    files = [world.home.past / name for found in days for name in found["events_file"]]
    return [event for frame in (*map(pl.read_parquet, files), present) for event in frame.to_dicts()]


def calls_made(world: World, campaign_id: str) -> pl.DataFrame:
    """Return every call of a campaign that was claimed or more, those of closed days included."""
    with world.ledger.session() as session:
        present = session.read("copy_call").filter(pl.col("campaign_id") == campaign_id)
        past = past_calls(world.home, session, campaign_id).collect()
    return pl.concat([past, present.select(pl.col(name).cast(dtype) for name, dtype in past.schema.items())])


def _by_campaign(world: World) -> dict[str, list[Request]]:
    found: dict[str, list[Request]] = defaultdict(list)
    for request in world.network.requests:
        found[request.key[0]].append(request)
    return found


def _named(world: World, key: Key) -> str:
    place = world.campaign_ids.index(key[0])
    return f"attempt {key[2]} of {key[1]} in campaign {place} ({key[0]})"
