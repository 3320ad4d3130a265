"""Commands on contact lists: load, lists."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Json, Map, Region, headers_of, moment
from flows.cli.output import say, show, show_json, show_rows, steps
from flows.contact_loading import load_list
from flows.contact_store import LoadSummary, open_contacts
from flows.errors import InputError
from flows.home import find_home


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(load)
    app.command()(lists)


def load(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON lines.")],
    list_name: Annotated[str, typer.Option("--list", help="The list to load into; it is made if new.")],
    region: Region = None,
    header_map: Map = None,
    as_json: Json = False,
) -> None:
    """Load a contact file into a list."""
    with steps() as progress:
        summary = load_list(
            find_home(), file, list_name, region, headers_of(header_map), moment(None), progress
        )
    if as_json:
        show_json(vars(summary))
    else:
        _tell(file, summary)


def _tell(file: Path, summary: LoadSummary) -> None:
    if summary.already_loaded:
        show(
            f"{file.name} was loaded already, nothing changed; "
            f"{summary.list_name}: {summary.contacts:,} contacts"
        )
        if summary.loaded_since:
            say(
                f"what was loaded since stands: {', '.join(summary.loaded_since)}; "
                f"{file.name} counts again once anything in it is changed"
            )
        return
    aside = sum(summary.set_aside.values())
    show(
        f"{summary.rows:,} rows: {summary.added:,} added, {summary.updated:,} updated, "
        f"{summary.unchanged:,} unchanged, {aside:,} set aside. "
        f"{summary.list_name}: {summary.contacts:,} contacts"
    )
    for kind, rows in summary.set_aside.items():
        show(f"  set aside, {kind}: {rows:,}")
    if aside:
        say(f"callplan lists {summary.list_name} shows each of them with its line")


def lists(
    name: Annotated[str | None, typer.Argument(help="Show this list's set-aside rows.")] = None,
    as_json: Json = False,
) -> None:
    """Show the lists, or the rows of one that were set aside, with line and reason."""
    home = find_home().require()
    if not home.contacts.exists():
        raise InputError(f"{home.path}: no list has been loaded")
    with open_contacts(home) as store:
        known = store.lists()
        if name is None:
            rows = known.to_dicts()
        elif name in known["list_name"].to_list():
            rows = store.rejects(name).to_dicts()
        else:
            loaded = ", ".join(known["list_name"])
            raise InputError(f"{name}: there is no such list; loaded are: {loaded}")
    if as_json:
        show_json(rows)
    else:
        show_rows(rows)
