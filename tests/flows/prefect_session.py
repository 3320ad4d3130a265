"""Run by a test in a process of its own: the flows on a real Prefect server; prints what the server saw."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.home import find_home
from flows.serving.server import prefect_server

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ARRIVING_SECONDS = 120
DATA = Path(__file__).parents[2] / "data"


def live_through() -> list[str]:
    """Load, schedule and simulate the sample, then run a day whose every request fails; return its errors."""
    from prefect import flow

    from flows.clock import SimulatedClock
    from flows.dialers.simulated import SimulatedDialer
    from flows.dispatch_due import TaskPool, dispatch_due, refuse_errors
    from flows.dispatcher import Dispatcher
    from flows.errors import WorkError
    from flows.ledger import Ledger
    from flows.load_contacts import load_contacts
    from flows.owners import Owner
    from flows.schedule_campaign import schedule_campaign
    from flows.settings_file import read_campaign

    class Failing(SimulatedDialer):
        def send(self, requests, now):  # noqa: ARG002
            raise ValueError("no line")

    home = find_home()
    load_contacts(DATA / "sample_contacts.csv", "sample", "US")
    ledger = Ledger(home.ledger)
    dispatch_due(for_seconds=1)  # by the machine's clock, for which the slots below are long past
    schedule_campaign(read_campaign(DATA / "sample_campaign.yaml"), NOW)

    def dispatch(dialer, from_at, until):
        clock = SimulatedClock(from_at)
        with Owner(home.owners, ledger, clock) as owner:
            pool = TaskPool(clock, at_once=True)
            dispatcher = Dispatcher(home, ledger, clock, {"simulated": dialer}, pool, owner, timedelta())
            refuse_errors(dispatcher.run(until, tick=None))

    first_slot = datetime(2026, 3, 5, 15, 30, tzinfo=UTC)
    flow(name="dispatch-good")(dispatch)(SimulatedDialer(), NOW, first_slot + timedelta(minutes=10))
    try:
        flow(name="dispatch-bad")(dispatch)(
            Failing(), first_slot + timedelta(minutes=10), first_slot + timedelta(minutes=20)
        )
    except WorkError as error:
        return error.problems
    return []


def have_arrived(task_runs) -> bool:
    """Return whether all task runs have ended and one of them failed, as the last do."""
    states = {run.state_name for run in task_runs}
    return "Failed" in states and states <= {"Completed", "Failed"}


async def seen_by_server() -> dict[str, object]:
    """Return the state of every flow run and task run by name, once all have arrived.

    Task runs arrive as events, which may be some time after their flow has ended.
    """
    from prefect import get_client

    give_up_at = time.monotonic() + ARRIVING_SECONDS
    async with get_client() as client:
        while not have_arrived(task_runs := await client.read_task_runs()) and time.monotonic() < give_up_at:
            await asyncio.sleep(0.2)
        flows = {flow.id: flow.name for flow in await client.read_flows()}
        flow_runs = await client.read_flow_runs()
        return {
            "flows": {flows[run.flow_id]: run.state_name for run in flow_runs},
            "tasks": sorted([run.name, run.state_name] for run in task_runs),
        }


if __name__ == "__main__":
    with prefect_server(find_home().make().path / "prefect"):
        problems = live_through()
        seen = asyncio.run(seen_by_server())
    sys.stdout.write(json.dumps(seen | {"errors": problems}))
