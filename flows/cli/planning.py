"""Commands on plans: plan, verify."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from flows.checking import CheckResult
from flows.cli.options import ContactsFile, Json, Map, Now, Region, headers_of, moment
from flows.cli.output import local_rows, say, show, show_json, show_rows, steps
from flows.contact_loading import contacts_for_preview
from flows.home import find_home
from flows.previewing import preview, summary_of
from flows.publishing import WrittenPlan
from flows.replaying import verify as verify_plan
from flows.settings_file import read_campaign
from transforms.campaign import Campaign
from transforms.preflight import ASSUMED_CALL, Preflight
from transforms.wall_clock import to_local

_SHOWN_PACKED = 3
_SHOWN_REASONS = 5
_FIRST_COLUMNS = ("contact_id", "phone", "from_number", "timezone", "scheduled_at", "not_after", "slot_index")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(plan)
    app.command()(verify)


def plan(
    settings: Annotated[Path, typer.Argument(metavar="CAMPAIGN.yaml", help="The campaign's settings.")],
    contacts: ContactsFile,
    out: Annotated[Path, typer.Option("--out", help="Folder for plan, excluded contacts and summary.")],
    region: Region = None,
    header_map: Map = None,
    now: Now = None,
    call_seconds: Annotated[
        float, typer.Option("--call-seconds", min=1, max=86_400, help="How long a call is taken to last.")
    ] = ASSUMED_CALL.total_seconds(),
    as_json: Json = False,
) -> None:
    """Preview the plan of a campaign; nothing is stored."""
    campaign = read_campaign(settings)
    headers, planned_at = headers_of(header_map), moment(now)
    warn_of_past_start(campaign, planned_at)
    with steps() as progress:
        lasts = timedelta(seconds=call_seconds)
        written = preview(campaign, contacts, out, region, headers, planned_at, progress, lasts)
    if as_json:
        show_json(summary_of(out))
    else:
        show_plan(written, campaign.timezone)
        say(f"written to {out}")


def show_plan(written: WrittenPlan, zone_name: str) -> None:
    """Print a plan's first rows, its dates and its check results, times in the campaign's zone."""
    first = local_rows(written.first_rows.select(_FIRST_COLUMNS), zone_name)
    show_rows(first, title=f"the first of {written.rows:,} calls, times in {zone_name}")
    show_rows(written.per_date.to_dicts(), title="calls per date")
    show_checks(written.checks)
    show_preflight(written.preflight)
    show_excluded(written)


def warn_of_past_start(campaign: Campaign, now: datetime) -> None:
    """Say it where a campaign was to start before ``now``: its calls start at once."""
    wanted_at = campaign.wanted_start()
    if wanted_at is not None and wanted_at < now:
        local = to_local(campaign.timezone, wanted_at)
        say(f"warning: scheduled_at, {local:%Y-%m-%d %H:%M%z}, is past: calls start as soon as it is open")


def show_excluded(written: WrittenPlan) -> None:
    """Say how many contacts are not planned, and why most of them are not."""
    if written.excluded.is_empty():
        return
    reasons = written.excluded.group_by("reason").len().sort("len", "reason", descending=[True, False])
    show(f"{written.excluded.height:,} contacts excluded")
    for reason, contacts in reasons.head(_SHOWN_REASONS).iter_rows():
        show(f"  {reason}: {contacts:,}")
    others = reasons[_SHOWN_REASONS:]
    if others.height:
        show(f"  for {others.height:,} other reasons: {others['len'].sum():,}")


def show_preflight(found: Preflight) -> None:
    """Say what can really be placed of a plan, and when it would be finished."""
    finish = "not before the end" if found.finishes_on is None else f"on {found.finishes_on}"
    show(f"with calls of {found.call_seconds:,.0f} seconds it would be finished {finish}")
    packed = found.dates.filter(found.dates["can_be_placed"] < found.dates["calls"])
    for row in packed.head(_SHOWN_PACKED).iter_rows(named=True):
        say(
            f"warning: {row['call_date']} is packed: of {row['calls']:,} calls {row['can_be_placed']:,} "
            f"({row['share']:.0%}) can be placed with max_concurrent_calls; the others move to later dates"
        )
    if packed.height > _SHOWN_PACKED:
        say(f"warning: {packed.height - _SHOWN_PACKED:,} more dates are packed")


def show_checks(checks: list[CheckResult]) -> None:
    """Print the outcome of every rule."""
    found = [
        {"rule": check.rule, "found": f"{check.broken:,} rows break it" if check.broken else "held"}
        for check in checks
    ]
    show_rows(found, title="rules")


def verify(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN.parquet", help="A plan file.")],
    contacts: Annotated[
        Path | None, typer.Option("--contacts", help="The contacts it was computed from.")
    ] = None,
    region: Region = None,
    header_map: Map = None,
    as_json: Json = False,
) -> None:
    """Check every rule over every row of a plan, and compute it again where its contacts are known."""
    headers = headers_of(header_map)
    with steps() as progress:
        given = None if contacts is None else contacts_for_preview(contacts, region, headers, progress)[0]
        verdict = verify_plan(plan_file, given, find_home(), progress)
    if as_json:
        show_json(
            {
                "holds": verdict.holds,
                "broken": {check.rule: check.broken for check in verdict.checks},
                "replayed": verdict.replayed,
                "not_checked": verdict.not_checked,
            }
        )
    else:
        show_checks(verdict.checks)
        for check in verdict.checks:
            for example in check.examples:
                show(f"  {check.rule}: {example['contact_id'] or ''} {example['problem']}")
        if verdict.replayed is not None:
            show("replay: the same bytes" if verdict.replayed else "replay: OTHER BYTES than this file")
        for skipped in verdict.not_checked:
            show(f"not checked: {skipped}")
    if not verdict.holds:
        raise typer.Exit(1)
