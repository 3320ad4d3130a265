"""Commands on calls: status, calls, dispatch."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any

import polars as pl
import typer

from flows.campaigns import find_campaign
from flows.cli.options import Json, MaybeNamed, Named, moment, open_ledger
from flows.cli.output import local_rows, say, show, show_json, show_rows
from flows.clock import SystemClock
from flows.damage import naming_damage
from flows.dialers import unready_dialers
from flows.dispatcher import Tally
from flows.dispatching import dispatch_for
from flows.errors import InputError, WorkError
from flows.ledger import Ledger
from flows.pools import ThreadPool
from flows.serving.server import answers
from flows.standing import CALL_STATES, calls_of, due_calls, held_back, reasons, standing, why_not_planned
from transforms.wall_clock import to_local

_ANSWERS_WITHIN_SECONDS = 10.0
"""A Prefect server that takes longer is away; calls do not wait for it."""

_SHORT = ("contact_id", "attempt", "phone", "from_number", "timezone", "scheduled_at", "state", "finished_at")

_MOST_ROWS = 1_000_000_000
_MOST_SECONDS = 366 * 24 * 60 * 60

_ENDING = b"ending: what is under way comes to its end first; once more leaves at once\n"
_LEFT = b"left at once, as by a crash: the next dispatcher looks after what was under way\n"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (status, calls, dispatch):
        app.command()(command)


def status(
    named: MaybeNamed = None,
    as_json: Json = False,
) -> None:
    """Show where campaigns stand, and why nothing is being delivered."""
    home, ledger = open_ledger()
    now = moment(None)
    found = standing(home, ledger, now)
    campaigns = found.campaigns
    if named is not None:
        with ledger.session() as session:
            campaigns = campaigns.filter(pl.col("campaign_id") == find_campaign(session, named).campaign_id)
    rows = [row | {"why": reasons(row, found, now)} for row in campaigns.to_dicts()]
    if as_json:
        of_store = {"store": str(home.path), "dispatchers": len(found.dispatchers), "refusal": found.refusal}
        show_json(of_store | {"campaigns": rows})
        return
    show(f"store {home.path}, {len(found.dispatchers)} dispatchers running")
    if found.refusal is not None and not rows:
        show(f"nothing is dispatched: {found.refusal}")
    for row in rows:
        _show_campaign(row)


def _show_campaign(row: dict[str, Any]) -> None:
    show(f"{row['name']} ({row['campaign_id']}): {row['state']}")
    if row["plan_version"] is not None:
        first, last = (to_local(row["timezone"], row[name]) for name in ("first_at", "last_at"))
        waiting = "not called" if row["state"] in ("cancelled", "failed") else "waiting"
        show(
            f"  {row['contact_count']:,} contacts: {row['final_count']:,} final, "
            f"{row['in_flight_count']:,} in flight, {row['waiting_count']:,} {waiting}, "
            f"{row['skipped_count']:,} skipped, {row['unknown_count']:,} unknown; "
            f"{row['excluded_count']:,} excluded"
        )
        if row["retried_count"] or row["retry_count"]:
            show(f"  {row['retried_count']:,} further attempts made, {row['retry_count']:,} waiting")
        show(
            f"  plan version {row['plan_version']}, from {first:%Y-%m-%d %H:%M%z} to {last:%Y-%m-%d %H:%M%z}"
        )
    for sentence in row["why"]:
        show(f"  {sentence}")


def calls(
    named: Named,
    state: Annotated[str | None, typer.Option("--status", help="Only calls in this state.")] = None,
    contact: Annotated[str | None, typer.Option("--contact", help="Only this contact, and why then.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=_MOST_ROWS, help="Rows at most.")] = 50,
    offset: Annotated[
        int, typer.Option("--offset", min=0, max=_MOST_ROWS, help="Rows to leave out first.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Show the calls of a campaign, made and planned; for one contact also why then, or why not at all."""
    if state is not None and state not in CALL_STATES:
        raise InputError(f"--status: {state!r} is no state of a call; those are {', '.join(CALL_STATES)}")
    home, ledger = open_ledger()
    with ledger.session() as session:
        campaign = find_campaign(session, named)
    with naming_damage(home, ledger, campaign.campaign_id):
        found = calls_of(home, ledger, campaign)
    if state is not None:
        found = found.filter(pl.col("state") == state)
    if contact is not None:
        found = found.filter(pl.col("contact_id") == contact)
    with naming_damage(home, ledger, campaign.campaign_id):
        some = found.slice(offset, limit + 1).collect()
    rows = some.head(limit)
    if some.height > limit:
        say(f"these are {limit:,} calls, and there are more: --limit and --offset show others")
    if contact is not None and rows.is_empty() and state is None and not offset:
        with naming_damage(home, ledger, campaign.campaign_id):
            why = why_not_planned(home, ledger, campaign, contact)
        show_json({"contact_id": contact, "why": why}) if as_json else show(f"{contact}: {why}")
    elif as_json:
        show_json(rows.to_dicts())
    else:
        show_rows(local_rows(rows.select(_SHORT), campaign.settings.timezone))
        if contact is not None:
            _show_why(rows)


def _show_why(rows: pl.DataFrame) -> None:
    for row in rows.to_dicts():
        until = to_local(row["timezone"], row["not_after"])
        show(
            f"slot {row['slot_index'] + 1:,} of {row['call_date']}; the hours of {row['timezone']} count, "
            f"and it may start until {until:%H:%M%z} there"
        )


def dispatch(
    length: Annotated[str, typer.Option("--for", help="How long, such as 60s, 10m or 1h.")] = "60s",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dialled now.")] = False,
    as_json: Json = False,
) -> None:
    """Place the calls that fall due, for a while: the recurring flow, once."""
    home, ledger = open_ledger()
    lasting = _duration(length)
    if dry_run:
        now = moment(None)
        with ledger.session() as session:
            due = due_calls(session, now, _unready_here())
        rows = due.with_columns(
            would=pl.when(pl.col("held_because").is_null()).then(pl.lit("dial")).otherwise(pl.lit("hold"))
        )
        show_json(rows.to_dicts()) if as_json else show_rows(rows.to_dicts())
        return
    api, ended_by = os.environ.get("PREFECT_API_URL"), list[int]()
    if api and answers(api, _ANSWERS_WITHIN_SECONDS):
        tally = _dispatch_as_flow(lasting)
    else:
        missing = f"no Prefect server answers at {api}" if api else "PREFECT_API_URL is not set"
        say(f"{missing}: dispatching without Prefect")
        clock = SystemClock()
        with _signals_noted() as signals:
            tally = dispatch_for(home, clock, lasting, ThreadPool(clock), lambda _: bool(signals))
        ended_by = signals
    if as_json:
        show_json(tally.figures())
    else:
        show(f"{tally.placed:,} calls placed, {tally.finished:,} outcomes recorded in {tally.ticks:,} ticks")
    if tally.errors:
        raise WorkError(*tally.errors)
    if signal.SIGINT in ended_by:
        raise KeyboardInterrupt
    if not ended_by:
        _tell_held_back(ledger)


def _tell_held_back(ledger: Ledger) -> None:
    """Say of how many calls that are due now something holds them back, and what, where that can be read."""
    try:
        with ledger.session() as session:
            held = held_back(session, moment(None), _unready_here())
    except WorkError as error:
        say(f"what holds calls back cannot be told: {error}")
        return
    of_all = held.group_by("held_because", maintain_order=True).agg(pl.col("slots").sum())
    for why, slots in of_all.iter_rows():
        say(f"{slots:,} due calls are held: {why}")


def _unready_here() -> dict[str, str]:
    """Return why dialers cannot be used; with a Prefect server a block may have what is missing here."""
    return {} if os.environ.get("PREFECT_API_URL") else unready_dialers()


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Note Ctrl-C and SIGTERM during the block, instead of raising wherever the work just is.

    The second of them ends the process at once: that is a crash, which any dispatcher may have.
    """
    noted: list[int] = []

    def note(number: int, _: object) -> None:
        if noted:
            os.write(sys.stderr.fileno(), _LEFT)  # whatever the process is just printing
            os._exit(130)
        noted.append(number)
        os.write(sys.stderr.fileno(), _ENDING)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _dispatch_as_flow(lasting: timedelta) -> Tally:
    from flows.dispatch_due import dispatch_due

    return dispatch_due(for_seconds=lasting.total_seconds())


def _duration(text: str) -> timedelta:
    parts = re.fullmatch(r"(\d+)\s*([smh]?)", text.strip())
    if not parts or not int(parts[1]):
        raise InputError(f"--for: {text!r} is no length of time; use 60s, 10m or 1h")
    seconds = int(parts[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[parts[2]]
    if seconds > _MOST_SECONDS:
        raise InputError(
            f"--for: {text!r} is longer than a year; dispatchers are to be started again now and then"
        )
    return timedelta(seconds=seconds)
