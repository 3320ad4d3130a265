"""Briefs of publications: what the ledger and the plan files say of a campaign, read for the planner."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.archiving import past_calls, past_files
from flows.campaigns import LATE_LIMIT, StoredCampaign
from flows.home import Home
from flows.ledger import Session
from flows.plan_store import given_up, planned_rows
from transforms.brief import Brief, Edition
from transforms.campaign import Campaign
from transforms.days import room_of_dates
from transforms.eligibility import eligible, with_zone, without_skipped
from transforms.preflight import ASSUMED_CALL
from transforms.replan import (
    counting_slots,
    missed_slots,
    open_slots,
    positioned,
    slots_to_carry,
    still_planned,
)
from transforms.schemas import STANDING
from transforms.standing import Held, held_per_date, held_per_number, redated
from transforms.wall_clock import to_local
from transforms.windows import openings

FEWEST_MEASURED = 20
"""From this many ended calls on, their length counts instead of an assumed one."""

_ATTEMPT = ["contact_id", "attempt"]


@dataclass(frozen=True)
class Found:
    """What a publication finds of a campaign, read in one transaction.

    ``versions`` are the current ones and ``last_version`` the highest number so far, 0 for none; ``calls``
    (``STANDING``) all that were started on or after a date, ``gone`` (``contact_id``, ``attempt``) those of
    any date; ``past_files`` how many files some of them are in; ``pending`` the attempts that wait for a slot
    or got one from a later version; ``ripe`` those for which a slot can be looked for now; ``missed`` the
    staged slots that were not called in time, with their ``plan_version``; ``call_lasts`` how long a call
    lasted so far, or is taken to.
    """

    stored: StoredCampaign
    versions: pl.DataFrame
    last_version: int
    skipped: pl.DataFrame
    calls: pl.DataFrame
    gone: pl.LazyFrame
    past_files: int
    last_number: str | None
    called: int
    pending: pl.DataFrame
    ripe: pl.DataFrame
    missed: pl.DataFrame
    call_lasts: timedelta

    @property
    def passed_over(self) -> pl.DataFrame:
        """Return the versions of which slots were passed over that nobody has looked after."""
        return self.versions.filter(pl.col("missed_from").is_not_null())


def find(
    home: Home, session: Session, stored: StoredCampaign, now: datetime, *, looking_ahead: bool = False
) -> Found:
    """Return what ledger and past have of a campaign.

    ``looking_ahead`` leaves out the calls of dates on which no slot waits or is looked for any more. They are
    gone all the same: by a clock that was set back somebody is called before the date of an earlier slot.
    """
    of: dict[str, Any] = {"campaign_id": stored.campaign_id}
    last = session.read("list_versions", **of)["plan_version"].max()
    versions = session.read("list_current_versions", **of)
    from_date = _first_open_date(stored, versions, now) if looking_ahead else None
    here = session.read("list_standing_calls", **of)
    on_dates = here if from_date is None else here.filter(pl.col("call_date") >= from_date)
    past = _started(past_calls(home, session, stored.campaign_id, from_date)).collect()
    made = past_calls(home, session, stored.campaign_id).select(_ATTEMPT)
    numbers = session.read("find_last_call", **of)["from_number"]
    return Found(
        stored=stored,
        versions=versions,
        last_version=last if isinstance(last, int) else 0,
        skipped=session.read("list_skips", **of).select("contact_id", "reason"),
        calls=pl.concat([_as_standing(on_dates), _as_standing(past)]),
        gone=pl.concat([here.lazy().select(_ATTEMPT), made]),
        past_files=past_files(session, stored.campaign_id),
        last_number=numbers[0] if numbers.len() else None,
        called=int(session.read("count_called", **of).item()),
        pending=session.read("list_pending", **of),
        call_lasts=_measured(session.read("measure_calls", **of, fewest=FEWEST_MEASURED).item()),
        ripe=session.read("list_ripe", **of, now=now, late_limit=LATE_LIMIT),
        missed=session.read("list_missed", **of, now=now, late_limit=LATE_LIMIT),
    )


def _started(calls: pl.LazyFrame) -> pl.LazyFrame:
    return calls.with_columns(kind=pl.lit("started"), timezone_source=pl.lit(None, pl.String))


def _as_standing(calls: pl.DataFrame) -> pl.DataFrame:
    return calls.select(pl.col(name).cast(dtype) for name, dtype in STANDING.items())


def _first_open_date(stored: StoredCampaign, versions: pl.DataFrame, now: datetime) -> date:
    """Return today, or the date of the first slot that was passed over, by the campaign's clock."""
    passed_over = versions["missed_from"].min()
    since = min(now, passed_over) if isinstance(passed_over, datetime) else now
    return to_local(stored.settings.timezone, since).date()


def _measured(seconds: float | None) -> timedelta:
    return timedelta(seconds=seconds) if seconds else ASSUMED_CALL


def first_brief(found: Found, starts_at: datetime) -> Brief:
    """Return the brief of a campaign's first publication: the whole list from its start on."""
    return Brief(
        starts_at=starts_at,
        from_at=starts_at,
        edition=Edition(found.stored.campaign_id, found.last_version + 1),
        skipped=found.skipped,
    )


def late_brief(home: Home, found: Found, starts_at: datetime, now: datetime) -> Brief:
    """Return the brief for the contacts that came to the list after the campaign was scheduled."""
    standing = pl.concat([found.calls.lazy(), _kept(home, found, now)])
    return _adding(home, found, starts_at, now, standing, fresh_from=found.stored.listed_count)


def replan_brief(home: Home, found: Found, starts_at: datetime, now: datetime) -> Brief:
    """Return the brief for those who missed their slot and for the retries whose delay is over."""
    due = pl.concat([_missed(home, found, now), found.ripe.lazy()])
    skipped = found.skipped.lazy().select("contact_id")
    waiting = due.unique().join(skipped, on="contact_id", how="anti").sort(_ATTEMPT).collect()
    kept = _kept(home, found, now).join(waiting.lazy(), on=_ATTEMPT, how="anti")
    standing = pl.concat([found.calls.lazy(), kept, _due(waiting)])
    return _adding(home, found, starts_at, now, standing, fresh_from=0, fresh_until=0)


def edit_brief(
    home: Home,
    found: Found,
    contacts: pl.LazyFrame,
    campaign: Campaign,
    starts_at: datetime,
    now: datetime,
    *,
    keep: bool,
) -> Brief:
    """Return the brief of an edit: everyone of the campaign who is not started, spread again.

    With ``keep``, the slots that the new settings leave possible keep their times.
    """
    from_at = max(starts_at, now)
    started = found.calls.lazy()
    if campaign.timezone != found.stored.settings.timezone:
        started = redated(found.calls, campaign.timezone).lazy()
    waiting = _waiting_again(found, campaign, now)
    carried = STANDING.to_frame()
    if keep:
        kept = open_slots(
            plan_rows(home, found), found.gone, found.pending.lazy(), from_at, LATE_LIMIT
        ).filter(pl.col("scheduled_at") >= from_at)
        listed = contacts.head(found.stored.listed_count)
        carried = _to_carry(kept, started, listed, campaign, found.skipped, starts_at, from_at)
        waiting = waiting.join(carried, on=_ATTEMPT, how="anti")
    return Brief(
        starts_at=starts_at,
        from_at=from_at,
        edition=Edition(found.stored.campaign_id, found.last_version + 1),
        fresh_from=0,
        fresh_until=found.stored.listed_count,
        skipped=found.skipped,
        standing=pl.concat([started, carried.lazy(), _due(waiting)]),
        last_number=found.last_number,
    )


def plan_rows(home: Home, found: Found) -> pl.LazyFrame:
    """Return the rows of the current versions (schema ``PLAN``), replaced ones included."""
    return current_plan(home, found.versions)


def current_plan(home: Home, versions: pl.DataFrame) -> pl.LazyFrame:
    """Return the rows of a campaign's current ``versions``, as the ledger lists them, as ``planned_rows``."""
    return planned_rows(_files_of(home, versions).values(), _leaving_out(home, versions))


def _files_of(home: Home, versions: pl.DataFrame) -> dict[int, Path]:
    return {number: home.plans / name for number, name in versions.select("plan_version", "file").iter_rows()}


def _leaving_out(home: Home, versions: pl.DataFrame) -> dict[int, Path]:
    """Return the plan files of those of a campaign's current versions that may have given somebody up."""
    later = versions.sort("plan_version").tail(-1)
    return _files_of(home, later.filter(pl.col("excluded_count").ne_missing(0)))


def slots_not_started(home: Home, found: Found) -> pl.LazyFrame:
    """Return the rows of the current plan (schema ``PLAN``) that count and have not been started."""
    return counting_slots(plan_rows(home, found), found.gone, found.pending.lazy())


def _adding(
    home: Home,
    found: Found,
    starts_at: datetime,
    now: datetime,
    standing: pl.LazyFrame,
    fresh_from: int,
    fresh_until: int | None = None,
) -> Brief:
    return Brief(
        starts_at=starts_at,
        from_at=max(starts_at, now),
        edition=Edition(found.stored.campaign_id, found.last_version + 1),
        fresh_from=fresh_from,
        fresh_until=fresh_until,
        skipped=found.skipped,
        standing=standing.collect().lazy(),  # it is asked many times, and each time read many files
        last_number=_number_planned_last(home, found),
    )


def _kept(home: Home, found: Found, now: datetime) -> pl.LazyFrame:
    """Return the slots of the current plan that may still be called, as ``STANDING`` rows."""
    skipped = found.skipped.lazy().select("contact_id")
    ahead = found.versions.filter(pl.col("last_at") > now - LATE_LIMIT)  # of the others no slot is open
    if ahead.is_empty():
        return STANDING.to_frame().lazy()
    rows = planned_rows(_files_of(home, ahead).values(), _leaving_out(home, found.versions))
    kept = open_slots(rows, found.gone, found.pending.lazy(), now, LATE_LIMIT)
    return kept if found.skipped.is_empty() else kept.join(skipped, on="contact_id", how="anti")


def _missed(home: Home, found: Found, now: datetime) -> pl.LazyFrame:
    files, out = _files_of(home, found.versions), given_up(_leaving_out(home, found.versions))
    missed = [still_planned(found.missed.lazy(), out).select(_ATTEMPT)]
    for number, missed_from in found.passed_over.select("plan_version", "missed_from").iter_rows():
        rows = still_planned(pl.scan_parquet(files[number]), out)
        missed.append(missed_slots(rows, found.gone, found.pending.lazy(), missed_from, now, LATE_LIMIT))
    return pl.concat(missed)


def given_up_slots(home: Home, found: Found) -> pl.DataFrame:
    """Return those of the ``missed`` slots whose contact is out of the plan: nobody looks for another."""
    out = given_up(_leaving_out(home, found.versions))
    counting = still_planned(found.missed.lazy(), out).collect()
    return found.missed.join(counting, on=found.missed.columns, how="anti")


def _waiting_again(found: Found, campaign: Campaign, now: datetime) -> pl.DataFrame:
    """Return the further attempts that are planned or ripe, and still allowed."""
    further = found.pending.filter(
        pl.col("attempt") > 1,
        pl.col("attempt") <= campaign.retry.max_attempts,
        pl.col("plan_version").is_not_null() | (pl.col("ripe_at") <= now),
    )
    return further.join(found.skipped, on="contact_id", how="anti").select(_ATTEMPT).sort(_ATTEMPT)


def _to_carry(
    kept: pl.LazyFrame,
    started: pl.LazyFrame,
    listed: pl.LazyFrame,
    campaign: Campaign,
    skipped: pl.DataFrame,
    starts_at: datetime,
    from_at: datetime,
) -> pl.DataFrame:
    """Return the open slots that the new settings leave possible."""
    allowed = kept.filter(pl.col("attempt") <= campaign.retry.max_attempts)
    zoned = eligible(without_skipped(with_zone(positioned(listed), campaign), skipped))
    zones = zoned.select("timezone").unique().sort("timezone").collect()["timezone"].to_list()
    last_at = allowed.select(pl.col("scheduled_at").max()).collect().item()
    if last_at is None:
        return STANDING.to_frame()
    first, last = (to_local(campaign.timezone, at).date() for at in (from_at, last_at))
    opened = openings(campaign, zones, first, last, from_at, campaign.stops_at())
    held = Held(*pl.collect_all([held_per_date(started), held_per_number(started)]))
    room = room_of_dates(campaign, starts_at, held)
    dates = opened["call_date"].unique().sort()
    rooms = pl.DataFrame(
        {"call_date": dates, "room": [room(day) for day in dates]}, schema_overrides={"room": pl.Int64()}
    )
    return slots_to_carry(allowed, zoned, opened, rooms).collect()


def _due(waiting: pl.DataFrame) -> pl.LazyFrame:
    empty = {name: pl.lit(None, dtype).alias(name) for name, dtype in STANDING.items()}
    return waiting.lazy().select(
        **(empty | {"contact_id": pl.col("contact_id"), "attempt": pl.col("attempt").cast(pl.UInt8)})
        | {"kind": pl.lit("due")}
    )


def _number_planned_last(home: Home, found: Found) -> str | None:
    planning = found.versions.filter(pl.col("row_count") > 0)
    if planning.is_empty():
        return found.last_number
    file = home.plans / planning["file"][-1]
    number = pl.scan_parquet(file).select("from_number").tail(1).collect().item()
    return number if isinstance(number, str) else None


def calls_on_other_dates(found: Found, campaign: Campaign) -> pl.DataFrame:
    """Return the calls whose campaign-local date another time zone changes, with their new ``call_date``."""
    moved = redated(found.calls, campaign.timezone)
    changed = moved["call_date"] != found.calls["call_date"]
    return moved.filter(changed).select(*_ATTEMPT, "call_date")
