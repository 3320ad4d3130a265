"""The command that answers questions in SQL: sql."""

from pathlib import Path
from typing import Annotated

import polars as pl
import polars.selectors as cs
import typer

from flows.asking import ask
from flows.cli.options import Json, open_ledger
from flows.cli.output import show_json, show_rows
from flows.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="sql")(answer)


def answer(
    question: Annotated[
        str | None, typer.Argument(help="One select over plan, call, event, campaign, contact, …")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Read the question from a file.", exists=True, dir_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a question in SQL over the plans and a snapshot of the ledger; nothing can be written."""
    if (question is None) == (file is None):
        raise InputError("sql: give either a question or --file with a file that has one")
    home, ledger = open_ledger()
    asked = question if file is None else file.read_text(encoding="utf-8", errors="replace")
    rows = ask(home, ledger, str(asked))
    if as_json:  # which has no number that is not finite
        show_json(rows.with_columns(pl.when(cs.float().is_finite()).then(cs.float())).to_dicts())
    else:
        show_rows(rows.to_dicts())
