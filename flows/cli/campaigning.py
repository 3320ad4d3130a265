"""Commands on the life of a campaign: create, schedule, update, pause, resume, cancel, skip."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from flows import campaigns, pausing, scheduling
from flows.cli.comparing import show_difference
from flows.cli.options import Json, MaybeNamed, Named, Now, moment, open_ledger
from flows.cli.output import say, show, show_json, steps, tell
from flows.cli.planning import show_plan, warn_of_past_start
from flows.errors import InputError
from flows.home import find_home
from flows.ledger import Ledger
from flows.previewing import summarised
from flows.settings_file import read_campaign, read_changes


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (create, schedule, update, pause, resume, cancel, skip):
        app.command()(command)


def create(
    settings: Annotated[Path, typer.Argument(metavar="CAMPAIGN.yaml", help="The campaign's settings.")],
    as_json: Json = False,
) -> None:
    """Keep a campaign as a draft and print its id."""
    campaign = read_campaign(settings)
    home = find_home().make()
    now = moment(None)
    campaign_id = campaigns.create_campaign(Ledger(home.ledger), campaign, now)
    warn_of_past_start(campaign, now)
    if as_json:
        show_json({"campaign_id": campaign_id, "state": "draft"})
    else:
        show(campaign_id)
        say(f"{campaign.name} is a draft: callplan schedule {campaign_id} plans it")


def schedule(named: Named, now: Now = None, as_json: Json = False) -> None:
    """Plan a draft campaign from its list, or the contacts that came to the list since; publish the plan."""
    scheduled_at = moment(now)
    home, ledger = open_ledger()
    with steps() as progress:
        written = scheduling.schedule(home, ledger, named, scheduled_at, progress)
    with ledger.session() as session:
        campaign = campaigns.find_campaign(session, named).settings
    if as_json:
        show_json(summarised(campaign, written, written.excluded))
    else:
        show_plan(written, campaign.timezone)


def update(
    named: Named,
    changes: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE…", help="Settings and their new values, as YAML.")
    ],
    keep: Annotated[
        bool, typer.Option("--keep", help="Move only the slots that the new settings make impossible.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Change settings of a campaign; the calls not yet started are planned again."""
    fields, changed_at = read_changes(changes), moment(now)
    home, ledger = open_ledger()
    with steps() as progress:
        edit = scheduling.update(
            home, ledger, named, fields, changed_at, keep=keep, dry_run=dry_run, progress=progress
        )
    if as_json:
        show_json(_as_result(edit, dry_run=dry_run))
        return
    changed = ", ".join(edit.fields) or "nothing"
    show(f"{edit.campaign.name}: {changed} {'would change' if dry_run else 'changed'}")
    if edit.difference is not None:
        show_difference(edit.difference, edit.campaign.timezone)


def _as_result(edit: scheduling.Edit, *, dry_run: bool) -> dict[str, object]:
    return {
        "changed": edit.fields,
        "dry_run": dry_run,
        "difference": None if edit.difference is None else asdict(edit.difference),
    }


def pause(
    named: MaybeNamed = None,
    everything: Annotated[bool, typer.Option("--all", help="The emergency stop: every campaign.")] = False,
    as_json: Json = False,
) -> None:
    """Hold a campaign back, or all of them; when this returns no further call starts."""
    home, ledger = open_ledger()
    if everything == (named is not None):
        raise InputError("pause: name one campaign, or give --all")
    if named is None:
        held = pausing.pause_all(home, ledger, moment(None))
        told = f"{len(held.campaigns):,} campaigns paused; {held.in_flight:,} calls were still in flight"
        tell(as_json, {"paused": len(held.campaigns), "in_flight": held.in_flight}, told)
    else:
        _tell_held(as_json, pausing.pause(home, ledger, named, moment(None)), "paused")


def _tell_held(as_json: bool, held: pausing.Held, state: str) -> None:
    (campaign,) = held.campaigns
    tell(
        as_json,
        {"campaign_id": campaign.campaign_id, "state": state, "in_flight": held.in_flight},
        f"{campaign.name} is {state}; {held.in_flight:,} calls were still in flight",
    )


def resume(named: Named, as_json: Json = False) -> None:
    """Let a paused campaign go on."""
    _, ledger = open_ledger()
    state = campaigns.resume(ledger, named, moment(None))
    with ledger.session() as session:
        campaign_id = campaigns.find_campaign(session, named).campaign_id
    tell(as_json, {"campaign_id": campaign_id, "state": state}, f"{named} is {state}")


def cancel(named: Named, as_json: Json = False) -> None:
    """End a campaign for good; when this returns no further call starts."""
    home, ledger = open_ledger()
    _tell_held(as_json, pausing.cancel(home, ledger, named, moment(None)), "cancelled")


def skip(
    named: Named,
    contacts: Annotated[list[str], typer.Argument(metavar="CONTACT…", help="Contact ids.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    as_json: Json = False,
) -> None:
    """Never call these contacts (again) in this campaign."""
    if not reason.strip():
        raise InputError("--reason: is empty; say why, for the record")
    home, ledger = open_ledger()
    ids = pl.Series("contact_id", contacts, dtype=pl.String).unique(maintain_order=True)
    added = pausing.skip(home, ledger, named, ids, reason, moment(None))
    before = len(ids) - added
    tell(
        as_json,
        {"skipped": added, "skipped_before": before},
        f"{added:,} contacts skipped, {before:,} were already",
    )
