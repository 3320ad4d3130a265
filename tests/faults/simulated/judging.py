"""What must hold of calls and campaigns whatever went wrong, by the provider's record and the ledger.

Each judge yields a sentence for all that it finds broken, and takes time in proportion to the calls of the
world.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import polars as pl

from flows.archiving import past_calls
from flows.campaigns import find_campaign
from flows.contact_store import current_snapshot
from flows.plan_store import EXCLUDED_SUFFIX, version_name
from flows.standing import calls_of
from tests.faults.simulated.network import Key, Request, key_of
from tests.faults.simulated.world import CONTACT_ZONES, World
from transforms.campaign import Campaign

FINAL = {"completed", "no_answer", "busy", "voicemail", "failed"}
RETRYABLE = FINAL - {"completed"}


def never_too_many_in_flight(world: World) -> Iterator[str]:
    """I3: at the provider at any instant, and in the order of the ledger's events."""
    if any(kind == "clock" for kind, _ in world.network.log):
        return
    yield from _too_many_at_once(world)
    in_flight: dict[str, set[Key]] = defaultdict(set)
    for event in sorted(events_of(world), key=_moment):
        campaign_id = event["campaign_id"]
        if event["to_state"] == "claimed":
            in_flight[campaign_id].add(key_of(event))
            allowed = world.most_in_flight(campaign_id, event["happened_at"] - world.network.began)
            count = len(in_flight[campaign_id])
            if count > allowed:
                yield f"I3: {count} claims of {campaign_id}, where {allowed} are allowed"
        elif _frees(event):
            in_flight[campaign_id].discard(key_of(event))


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


def _frees(event: dict[str, Any]) -> bool:
    was_open = event["from_state"] in ("claimed", "in_progress", "unknown")
    return was_open and event["to_state"] in FINAL | {"scheduled", "unknown (final)"}


def slots_are_freed_once(world: World) -> Iterator[str]:
    """I6: a call goes from state to state without a leap, and ends once."""
    state: dict[Key, str] = {}
    for event in events_of(world):
        if event["from_state"] == "pending":
            continue
        key = key_of(event)
        before = state.get(key, "scheduled")
        if not _follows(event, before):
            yield f"I6: {named(world, key)} went from {event['from_state']}, after it was {before}"
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
            yield f"I6: {named(world, key)} is {known[key]['state']} and was settled as {outcome}"
    for key, call in rang.items():
        row = known.get(key)
        if row is None or row["noted_at"] is None:
            yield f"I2: {named(world, key)} rang, and the ledger does not know it"
        elif key not in settled and row["state"] in FINAL and row["state"] != call.outcome:
            yield f"I6: {named(world, key)} is {row['state']} and was {call.outcome}"
    for key, row in known.items():
        if key in settled:
            continue
        if row["state"] in FINAL and key not in rang and (row["state"] != "failed" or key not in asked):
            yield f"I6: {named(world, key)} is {row['state']} and never rang"


def closed_after_a_look_up(world: World) -> Iterator[str]:
    """A question about a call that the provider knows is closed only once it was asked again, or in vain."""
    calls = {
        (campaign_id, row["contact_id"], row["attempt"]): row
        for campaign_id in world.campaign_ids
        for row in calls_made(world, campaign_id).iter_rows(named=True)
    }
    for event in events_of(world):
        key = key_of(event)
        if event["to_state"] != "unknown (final)" or calls[key]["provider_call_id"] is None:
            continue
        asked = [event["happened_at"] - at for at in world.network.asked_at[key]]
        in_vain = event["happened_at"] >= calls[key]["deadline_at"] + _GRACE
        if not in_vain and not any(timedelta() <= ago <= _TWO_ROUNDS for ago in asked):
            yield f"{named(world, key)} was closed at {event['happened_at']} without a look-up"


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


def named(world: World, key: Key) -> str:
    """Say which call a key is of."""
    place = world.campaign_ids.index(key[0])
    return f"attempt {key[2]} of {key[1]} in campaign {place} ({key[0]})"
