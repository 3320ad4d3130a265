"""What must hold of further attempts, and of a campaign's end: judged from the ledger and the settings."""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from flows.campaigns import find_campaign
from flows.standing import calls_of
from tests.faults.simulated.judging import RETRYABLE, calls_made, events_of
from tests.faults.simulated.network import Key, Request, key_of
from tests.faults.simulated.world import World
from transforms.campaign import Retry, RetryableOutcome

_COUNTS = ("final_count", "in_flight_count", "retry_count", "waiting_count", "skipped_count")


def further_attempts_are_made(world: World) -> Iterator[str]:
    """I2: whoever is to be tried again is, unless it is told why not, and only as the settings say."""
    told = {(*key_of(event), event["to_state"]) for event in events_of(world)}
    for campaign_id in world.campaign_ids:
        with world.ledger.session() as session:
            stored = find_campaign(session, campaign_id)
            skips = set(session.read("list_skips", campaign_id=campaign_id)["contact_id"])
        retries = [settings.retry for (of, _), settings in world.settings.items() if of == campaign_id]
        calls = calls_made(world, campaign_id)
        made = {(row["contact_id"], row["attempt"]): row for row in calls.iter_rows(named=True)}
        for (contact, attempt), call in made.items():
            if (contact, attempt + 1) in made:
                if all(_delay(retry, attempt, call["state"]) is None for retry in retries):
                    yield f"I2: {contact} of {stored.name} was tried again after {call['state']}"
                continue
            is_wanted = all(_delay(retry, attempt, call["state"]) is not None for retry in retries)
            is_told = {
                (campaign_id, contact, attempt + 1, "lapsed"),
                (campaign_id, contact, attempt, "unknown (final)"),
            } & told
            if is_wanted and stored.state == "completed" and contact not in skips and not is_told:
                yield f"I2: {contact} of {stored.name} was {call['state']} and is not tried again"


def delays_are_kept(world: World) -> Iterator[str]:
    """I5: nobody is tried again sooner after an outcome than some settings of the campaign allow."""
    if _clock_was_set(world):
        return
    first: dict[Key, Request] = {}
    for request in world.network.requests:
        first.setdefault(request.key, request)
    for campaign_id in world.campaign_ids:
        retries = [settings.retry for (of, _), settings in world.settings.items() if of == campaign_id]
        for call in calls_made(world, campaign_id).iter_rows(named=True):
            attempt = call["attempt"]
            again = first.get((campaign_id, call["contact_id"], attempt + 1))
            delays = [_delay(retry, attempt, call["state"]) for retry in retries]
            least = min((delay for delay in delays if delay is not None), default=None)
            if again is not None and least is not None and again.at < call["finished_at"] + least:
                yield f"I5: {call['contact_id']} was tried again sooner than {least} after attempt {attempt}"


def completed_is_over(world: World) -> Iterator[str]:
    """I2: a campaign is completed once no call is open and no slot counts any more, and its counts say so."""
    with world.ledger.session() as session:
        standing = session.read("list_campaigns")
        events = session.read("copy_event").filter(pl.col("contact_id").is_null(), to_state="completed")
    doubted = {key_of(event) for event in events_of(world) if event["to_state"] == "unknown (final)"}
    for row in standing.iter_rows(named=True):
        campaign_id, counts = row["campaign_id"], {name: row[name] for name in _COUNTS}
        if min(counts.values()) < 0:
            yield f"I2: of {row['name']} less than none are counted: {counts}"
        if row["state"] != "completed":
            continue
        calls = calls_made(world, campaign_id)
        if counts["final_count"] != calls["contact_id"].n_unique() or any(
            counts[name] for name in ("in_flight_count", "retry_count", "waiting_count")
        ):
            yield f"I2: {row['name']} is completed, and its counts are {counts}"
        with world.ledger.session() as session:
            stored = find_campaign(session, campaign_id)
        left = calls_of(world.home, world.ledger, stored).filter(state="scheduled").collect()
        if not left.is_empty():
            yield f"I2: {row['name']} is completed, and {left['contact_id'][0]} has a slot that counts"
        for ended_at in (
            [] if _clock_was_set(world) else events.filter(campaign_id=campaign_id)["happened_at"]
        ):
            open_then = (pl.col("claimed_at") < ended_at) & (pl.col("finished_at") > ended_at)
            for call in calls.filter(open_then).iter_rows(named=True):
                if (campaign_id, call["contact_id"], call["attempt"]) not in doubted:
                    yield f"I2: {row['name']} was completed while {call['contact_id']} was called"


def _delay(retry: Retry, attempt: int, outcome: str) -> timedelta | None:
    """Return after how long settings have an attempt with this outcome followed by another."""
    if outcome not in RETRYABLE or attempt >= retry.max_attempts:
        return None
    minutes = retry.delay_minutes.get(RetryableOutcome(outcome))
    return None if minutes is None else timedelta(minutes=minutes)


def _clock_was_set(world: World) -> bool:
    return any(kind == "clock" for kind, _ in world.network.log)
