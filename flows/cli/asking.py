"""The command that answers questions in SQL: sql."""

from typing import Annotated

import typer

from flows.asking import ask
from flows.cli.options import Json, open_ledger
from flows.cli.output import show_json, show_rows


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="sql")(answer)


def answer(
    question: Annotated[str, typer.Argument(help="One select over plan, call, event, campaign, contact, …")],
    as_json: Json = False,
) -> None:
    """Ask a question in SQL over the plans and a snapshot of the ledger; nothing can be written."""
    home, ledger = open_ledger()
    rows = ask(home, ledger, question).to_dicts()
    if as_json:
        show_json(rows)
    else:
        show_rows(rows)
