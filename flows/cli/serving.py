"""The command that brings everything up: a Prefect server, the deployments and their schedules."""

from typing import Annotated

import typer

from flows.cli.output import say
from flows.home import find_home
from flows.ledger import Ledger
from flows.serving.server import free_port
from flows.serving.supervisor import keep_up


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)


def up(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Where the UI is; else 4200 or a free one.")
    ] = None,
) -> None:
    """Run a Prefect server with the deployments and their schedules, until Ctrl-C."""
    home, chosen = find_home().make(), free_port(port)
    Ledger(home.ledger)
    say(f"the store is {home.path}; a Prefect server starts, which takes some seconds")
    keep_up(home, chosen, say)
