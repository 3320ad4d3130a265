"""Run by a test in a process of its own: the flows on a real Prefect server; prints what the server saw."""

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from flows.home import find_home
from flows.serving.credentials import credentials_of
from flows.serving.server import prefect_server
from tests.provider.running import RunningProvider, running_provider

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ARRIVING_SECONDS = 120
DATA = Path(__file__).parents[2] / "data"
SECRET = "a-key-that-nobody-may-see"


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


def call_with_credentials_of_a_block(provider: RunningProvider) -> tuple[int, list[list[str]]]:
    """Schedule a campaign whose dialer finds its key in a block only, and dispatch it.

    Returns how often it rang, and how orders to resume end: one overtaken, one late, one in time.
    """
    from prefect import get_client

    from flows.cancel_campaign import cancel_campaign
    from flows.dialers.truedy_block import BLOCK_NAME, TruedyCredentials
    from flows.dispatch_due import dispatch_due
    from flows.orders import HOLDS_FOR
    from flows.pause_campaign import pause_campaign
    from flows.schedule_campaign import schedule_campaign
    from transforms.campaign import Campaign

    TruedyCredentials(base_url=f"{provider.address}/api/public/v1", api_key=SECRET).save(BLOCK_NAME)
    settings = {
        "name": "By block",
        "agent_id": "agent",
        "contact_list": "sample",
        "dialer": "truedy",
        "phone_numbers": ["+12125550190"],
        "start_time": "00:00",
        "end_time": "24:00",
        "working_days": [1, 2, 3, 4, 5, 6, 7],
        "ends_at": (datetime.now(UTC) + timedelta(seconds=200)).isoformat(),
    }
    schedule_campaign(Campaign.from_mapping(settings))
    dispatch_due(for_seconds=12)  # for five of them it rests, as the simulation had another clock
    pause_campaign("By block")
    overtaken = order_resuming("By block")
    pause_campaign("By block")
    late = order_resuming("By block", datetime.now(UTC) - HOLDS_FOR - timedelta(minutes=1))
    ends = [carry_out(order) for order in (overtaken, late, order_resuming("By block"))]
    cancel_campaign("By block")
    with get_client(sync_client=True) as client:
        said = credentials_of(str(client.api_url), {})
    assert said["TRUEDY_API_KEY"] == SECRET, sorted(said)
    return len(provider.rings()), ends


def order_resuming(campaign: str, ordered_for: datetime | None = None) -> UUID:
    """Have the server order that a campaign goes on, as its form does; return the id of the run."""
    from prefect import get_client
    from prefect.states import Scheduled

    from flows.resume_campaign import resume_campaign

    at = Scheduled() if ordered_for is None else Scheduled(scheduled_time=ordered_for)
    with get_client(sync_client=True) as client:
        return client.create_flow_run(resume_campaign, parameters={"campaign": campaign}, state=at).id


def carry_out(order: UUID) -> list[str]:
    """Run what was ordered, as a runner does; return the state in which it ends and what it says."""
    from prefect import get_client
    from prefect.flow_engine import run_flow

    from flows.resume_campaign import resume_campaign

    with get_client(sync_client=True) as client:
        run = client.read_flow_run(order)
    state = run_flow(resume_campaign, flow_run=run, parameters=run.parameters, return_type="state")
    return [str(state.name), str(state.message)]


def have_arrived(task_runs, events) -> bool:
    """Return whether all task runs have ended, one of them failed, and the last change was told."""
    states = {run.state_name for run in task_runs}
    ended = "Failed" in states and states <= {"Completed", "Failed"}
    return ended and any(event["event"].endswith("cancelled") for event in events)


async def seen_by_server() -> dict[str, object]:
    """Return the state of every flow run and task run by name, artifacts and events, once all have arrived.

    Task runs arrive as events, which may be some time after their flow has ended.
    """
    from prefect import get_client

    ours = {"filter": {"event": {"prefix": ["callplan."]}}}
    give_up_at = time.monotonic() + ARRIVING_SECONDS
    async with get_client() as client:
        while True:
            task_runs = await client.read_task_runs()
            events = (await client.request("POST", "/events/filter", json=ours)).json()["events"]
            if have_arrived(task_runs, events) or time.monotonic() > give_up_at:
                break
            await asyncio.sleep(0.2)
        flows = {flow.id: flow.name for flow in await client.read_flows()}
        flow_runs = await client.read_flow_runs()
        return {
            "flows": sorted([flows[run.flow_id], run.state_name] for run in flow_runs),
            "names": sorted(run.name for run in flow_runs),
            "tasks": sorted([run.name, run.state_name] for run in task_runs),
            "artifacts": sorted([one.key, one.type] for one in await client.read_artifacts() if one.key),
            "events": sorted([one["resource"]["prefect.resource.name"], one["event"]] for one in events),
        }


def sweep_away_the_dead() -> dict[str, object]:
    """Have runs that died, that were never started and that come too late swept away; return what is left."""
    from prefect import get_client
    from prefect.states import Pending, Running, Scheduled

    from flows import sweep_runs as sweeping
    from flows.dispatch_in_turns import TOO_LATE, dispatch_in_turns
    from flows.file_locks import try_lock
    from flows.serving.deployments import TAG

    home, long_ago = find_home(), datetime.now(UTC) - 2 * TOO_LATE
    sweeping.STUCK_AFTER = sweeping.REPORTS_WITHIN = timedelta()  # no state can be made older than it is
    with get_client(sync_client=True) as client:
        died, alive, stuck, late = (
            client.create_flow_run(dispatch_in_turns, state=state, tags=[TAG])
            for state in (
                Running(),
                Running(),
                Pending(),
                Scheduled(scheduled_time=long_ago),
            )
        )
        locks = [home.runs / f"{run.id}.lock" for run in (died, alive)]
        for lock in locks:
            lock.touch()
            days_ago = time.time() - 3 * 24 * 3600  # as after a weekend without callplan up
            os.utime(lock, (days_ago, days_ago))
        held = try_lock(locks[1])
        swept = sweeping.sweep_runs()
        assert held is not None
        os.close(held)
        states = {
            name: client.read_flow_run(run.id).state_name
            for name, run in (("died", died), ("alive", alive), ("stuck", stuck))
        }
        left = {run.id for run in client.read_flow_runs()}
    return states | {"late": late.id in left, "swept": swept}


def end_the_silent() -> dict[str, object]:
    """Have automations end a run whose heartbeat stops and one that never begins, beside a living one."""
    from prefect import get_client
    from prefect.states import Pending, Running

    from flows.dispatch_in_turns import dispatch_in_turns
    from flows.serving import zombies
    from flows.serving.deployments import TAG

    zombies.SILENT_FOR = zombies.STUCK_AFTER = timedelta(seconds=10)  # the least that Prefect watches for
    with get_client(sync_client=True) as client:
        for _ in range(2):
            zombies.install(client)
        silent, alive, stuck = (
            client.create_flow_run(dispatch_in_turns, state=state, tags=[TAG])
            for state in (Running(), Running(), Pending())
        )
        _beat(silent.id)
        give_up_at = time.monotonic() + ARRIVING_SECONDS
        ended = []
        while len(ended) < 2 and time.monotonic() < give_up_at:
            _beat(alive.id)
            time.sleep(1)
            ended = [run for run in (silent, stuck) if client.read_flow_run(run.id).state_name == "Crashed"]
        states = [client.read_flow_run(run.id).state for run in (silent, stuck)]
        return {
            "automations": len(client.read_automations_by_name(zombies.NAME)),
            "ended": [[state.name, state.message] for state in states if state is not None],
            "alive": client.read_flow_run(alive.id).state_name,
        }


def _beat(run_id: UUID) -> None:
    """Tell the server that a run lives, as Prefect does for a run that is a process."""
    from prefect.events import emit_event

    from flows.serving.deployments import TAG

    emit_event(
        "prefect.flow-run.heartbeat",
        resource={"prefect.resource.id": f"prefect.flow-run.{run_id}"},
        related=[{"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"}],
    )


def files_with(secret: str, folder: Path) -> list[str]:
    """Return the files of a folder that have a text in them."""
    found = (file for file in folder.rglob("*") if file.is_file())
    return [str(file) for file in found if secret.encode() in file.read_bytes()]


if __name__ == "__main__":
    from flows.replan_campaigns import replan_campaigns

    home = find_home().make()
    with (
        prefect_server(home.prefect),
        running_provider(home.path.parent / "provider", api_key=SECRET) as provider,
    ):
        problems = live_through()
        replan_campaigns()
        rings, orders = call_with_credentials_of_a_block(provider)
        seen = asyncio.run(seen_by_server())
        swept = sweep_away_the_dead()
        ended = end_the_silent()
    told = {"errors": problems, "rings": rings, "orders": orders, "swept": swept, "ended": ended}
    sys.stdout.write(json.dumps(seen | told | {"secrets": files_with(SECRET, home.path)}))
