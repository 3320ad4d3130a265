"""Commands for when something went wrong: settle, recover."""

from typing import Annotated

import typer

from flows import recovering, settling
from flows.cli.options import Json, Named, Now, moment, open_ledger
from flows.cli.output import steps, tell
from flows.errors import WorkError
from flows.home import find_home


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (settle, recover):
        app.command()(command)


def settle(
    named: Named,
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="The contact's id.")],
    outcome: Annotated[str, typer.Option("--as", help="How it ended, such as completed or no_answer.")],
    as_json: Json = False,
) -> None:
    """Say how a call ended of which nobody else knows."""
    home, ledger = open_ledger()
    attempt = settling.settle(home, ledger, named, contact, outcome, moment(None))
    tell(
        as_json,
        {"contact_id": contact, "attempt": attempt, "state": outcome},
        f"attempt {attempt} to {contact} ended as {outcome}",
    )


def recover(now: Now = None, as_json: Json = False) -> None:
    """Build a lost ledger anew from plans, journal and lists; what is not over comes back paused."""
    home = find_home().require()
    with steps() as progress:
        found = recovering.recover(home, moment(now), progress)
    aside = "" if found.set_aside is None else f"; the old ledger is {found.set_aside}"
    tell(
        as_json,
        {
            "campaigns": found.campaigns,
            "versions": found.versions,
            "calls": found.calls,
            "lost": found.lost,
            "left_out": found.left_out,
            "set_aside": found.set_aside,
        },
        f"{found.campaigns:,} campaigns, {found.versions:,} plan versions and {found.calls:,} calls are "
        + "\n".join([f"back, campaigns that are not over paused, drafts not at all{aside}", *found.left_out]),
    )
    if found.lost:
        raise WorkError(*found.lost)
