"""The command that shows the main job in one go: demo."""

import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import typer

import sql
from flows.asking import ask
from flows.cli.output import say, show, show_rows
from flows.cli.planning import show_plan
from flows.dispatcher import Tally
from flows.errors import InputError
from flows.home import Home, find_home
from flows.ledger import Ledger
from flows.serving.server import prefect_server
from flows.settings_file import read_campaign
from transforms.campaign import Campaign

_QUESTIONS = ("planned_against_actual", "outcomes_per_number", "most_in_flight", "who_is_excluded")
_LIST = "sample"
_SCHEDULED_AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)


def demo() -> None:
    """Show the main job: a sample list, its plan, a campaign lived through in simulated time, SQL."""
    home = _fresh_home()
    campaign = read_campaign(_sample("sample_campaign.yaml"))
    say(f"the demo's store is {home.path}; a Prefect server starts, which takes some seconds")
    with prefect_server(home.path / "prefect") as address:
        say(f"Prefect answers at {address}")
        _live_through(home, campaign)
    for name in _QUESTIONS:
        question = sql.statement(f"questions/{name}")
        title = question.splitlines()[0].removeprefix("-- ")
        show("")
        show_rows(ask(home, Ledger(home.ledger), question).to_dicts(), title=title)
    show(f"\nlook around: CALLPLAN_HOME={home.path} callplan status")


def _live_through(home: Home, campaign: Campaign) -> None:
    from flows.load_contacts import load_contacts
    from flows.schedule_campaign import schedule_campaign
    from flows.simulate_campaign import simulate_campaign

    summary = load_contacts(_sample("sample_contacts.csv"), _LIST, "US")
    aside = sum(summary.set_aside.values())
    show(f"loaded {summary.rows:,} rows: {summary.added:,} contacts, {aside:,} set aside")
    show_plan(schedule_campaign(campaign, _SCHEDULED_AT), campaign.timezone)
    show("\nthe campaign, day by day in simulated time")
    tally = simulate_campaign(campaign.name, _SCHEDULED_AT, _tell_day)
    with Ledger(home.ledger).session() as session:
        stored = session.read("find_campaigns", named=campaign.name).row(0, named=True)
    show(
        f"{stored['state']}: {tally.placed:,} calls placed, {tally.finished:,} outcomes, never more than "
        f"{tally.most_in_flight} in flight of {campaign.max_concurrent_calls} allowed"
    )


def _tell_day(day: date, tally: Tally, placed: int) -> None:
    show(f"  {day:%a %Y-%m-%d}: {placed:>4,} calls placed, {tally.finished:>4,} outcomes so far")


def _fresh_home() -> Home:
    """Return an empty store beside the real one; what an earlier demo left there is removed.

    Raises:
        InputError: there is a folder of that name which no demo made.
    """
    home = find_home()
    home = Home(home.path.with_name(f"{home.path.name}-demo"))
    marker = home.path / ".made-by-demo"
    if marker.is_file():
        shutil.rmtree(home.path)
    elif home.path.exists():
        raise InputError(f"{home.path}: this folder is in the way of the demo's store; move it away")
    home.make()
    marker.touch()
    os.environ["CALLPLAN_HOME"] = str(home.path)
    return home


def _sample(name: str) -> Path:
    """Return a sample file, from the checkout or from the installed package."""
    root = Path(__file__).resolve().parents[2]
    return next(file for file in (root / "data" / name, root / "flows" / "sample" / name) if file.is_file())
