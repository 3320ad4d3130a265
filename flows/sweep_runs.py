"""The flow that sweeps away runs whose process is gone, and dispatch runs that come too late."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from prefect import flow, get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.dispatch_in_turns import TOO_LATE, dispatch_in_turns
from flows.home import Home, find_home
from flows.runs import forget_old, has_died, living_run

STUCK_AFTER = timedelta(minutes=3)
"""A run that is still being submitted after this was forgotten by a runner that died meanwhile."""

_MOST_RUNS = 200
"""How many runs one sweep looks at; what is beyond that waits for the next one."""


@flow(name="sweep-runs", flow_run_name="sweep")
def sweep_runs() -> int:
    """End runs whose process is gone, delete dispatch runs that are late; return how many those were."""
    home = find_home().require()
    with living_run(home), get_client(sync_client=True) as client:
        swept = sweep(home, client, datetime.now(UTC))
    get_run_logger().info("%d runs swept away", swept)
    return swept


def sweep(home: Home, client: SyncPrefectClient, now: datetime) -> int:
    """Sweep once: return how many runs were ended or deleted.

    A run has died where its file is there and not held; one that is being submitted for minutes is stuck.
    """
    forget_old(home)
    died = [
        run for run in _runs_in(client, StateType.RUNNING, StateType.CANCELLING) if has_died(home, run.id)
    ]
    stuck = [run for run in _runs_in(client, StateType.PENDING) if _since(run, now) > STUCK_AFTER]
    for run in died:
        _end(client, run, "its process is gone")
    for run in stuck:
        _end(client, run, "it was never started")
    late = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[dispatch_in_turns.name])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=now - TOO_LATE),
        ),
        limit=_MOST_RUNS,
    )
    for run in late:
        with suppress(ObjectNotFound):  # another sweep was here
            client.delete_flow_run(run.id)
    return len(died) + len(stuck) + len(late)


def _end(client: SyncPrefectClient, run: FlowRun, why: str) -> None:
    with suppress(ObjectNotFound):  # somebody deleted it meanwhile
        client.set_flow_run_state(run.id, Crashed(message=why), force=True)


def _runs_in(client: SyncPrefectClient, *states: StateType) -> list[FlowRun]:
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))))
    return client.read_flow_runs(flow_run_filter=wanted, limit=_MOST_RUNS)


def _since(run: FlowRun, now: datetime) -> timedelta:
    return timedelta() if run.state is None or run.state.timestamp is None else now - run.state.timestamp
