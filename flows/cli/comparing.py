"""The command that compares plans: diff."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import Json
from flows.cli.output import local_rows, show, show_json, show_rows
from flows.comparing import Difference, changes, compare, plan_files
from flows.errors import InputError
from flows.home import find_home
from flows.plan_store import facts_of
from transforms.wall_clock import to_local

_A_PLAN = "A plan file, or CAMPAIGN@VERSION for the plan as it was then."


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(diff)


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_A_PLAN)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=_A_PLAN)],
    limit: Annotated[int, typer.Option("--limit", min=0, help="Changed rows to show at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what differs between two plans: who moved, came and went, and when they finish."""
    before, after = _both(old, new)
    found, rows = compare(before, after), changes(before, after, limit)
    if as_json:
        show_json(asdict(found) | {"changes": rows.to_dicts()})
        return
    zone_name = json.loads(facts_of(after[-1])["settings"])["timezone"]
    show_difference(found, zone_name)
    if rows.height:
        show_rows(local_rows(rows, zone_name))


def _both(old: str, new: str) -> tuple[list[Path], list[Path]]:
    """Return the files of both plans, or refuse with the mistakes in both names."""
    files: list[list[Path]] = []
    problems: list[str] = []
    for named in (old, new):
        try:
            files.append(plan_files(find_home(), named))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return files[0], files[1]


def show_difference(found: Difference, zone_name: str) -> None:
    """Print how two plans differ, times in the campaign's zone."""
    show(
        f"{found.moved:,} moved, {found.added:,} added, {found.dropped:,} dropped, "
        f"{found.renumbered:,} from another number, {found.unchanged:,} unchanged"
    )
    before, after = (
        "never" if at is None else f"{to_local(zone_name, at):%Y-%m-%d %H:%M%z}"
        for at in (found.finish_before, found.finish_after)
    )
    show(f"the last slot is {after}" + ("" if before == after else f", it was {before}"))
