"""The flow that sweeps away runs whose process is gone, and scheduled runs that come too late."""

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
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.home import Home, find_home
from flows.runs import REPORTS_WITHIN, forget_old, has_died, living_run
from flows.serving.deployments import OPERATIONS, TAG, flow_of
from flows.serving.zombies import STUCK_AFTER

_INTERVALS_LATE = 2
"""A scheduled run so many intervals late is of no use: the ones after it are there."""

_MOST_RUNS = 200
"""How many runs of a kind one sweep looks at, the longest there first; the next one looks at others."""


@flow(name="sweep-runs", retries=0, flow_run_name="sweep")
def sweep_runs() -> int:
    """End runs whose process is gone, delete scheduled runs that are late; return how many those were."""
    home = find_home().require()
    with living_run(home), get_client(sync_client=True) as client:
        swept = sweep(home, client, datetime.now(UTC))
    get_run_logger().info("%d runs swept away", swept)
    return swept


def sweep(home: Home, client: SyncPrefectClient, now: datetime) -> int:
    """Sweep once: return how many runs were ended or deleted.

    A run has died where its file is there and not held, whoever started it, unless it has only just begun. Of
    the deployments' runs one that is being submitted for minutes is stuck, and one that is two intervals late
    is deleted.
    """
    running = _runs(client, _in_state(StateType.RUNNING, StateType.CANCELLING))
    died = [run for run in running if has_died(home, run.id) and _since(run, now) > REPORTS_WITHIN]
    ours = FlowRunFilterTags(all_=[TAG])
    stuck = [
        run
        for run in _runs(client, FlowRunFilter(state=_state(StateType.PENDING), tags=ours))
        if _since(run, now) > STUCK_AFTER
    ]
    for run in died:
        _end(client, run, "its process is gone")
    for run in stuck:
        _end(client, run, "it was never started")
    if len(running) < _MOST_RUNS:  # else the files of others that have died are still needed
        forget_old(home)
    return len(died) + len(stuck) + _delete_late(client, now)


def _delete_late(client: SyncPrefectClient, now: datetime) -> int:
    deleted = 0
    for operation in OPERATIONS:
        if operation.every_seconds is None:
            continue
        too_late = now - _INTERVALS_LATE * timedelta(seconds=operation.every_seconds)
        late = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[flow_of(operation).name])),
            flow_run_filter=FlowRunFilter(
                state=_state(StateType.SCHEDULED),
                expected_start_time=FlowRunFilterExpectedStartTime(before_=too_late),
                tags=FlowRunFilterTags(all_=[TAG]),
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=_MOST_RUNS,
        )
        for run in late:
            with suppress(ObjectNotFound):  # another sweep was here
                client.delete_flow_run(run.id)
        deleted += len(late)
    return deleted


def _end(client: SyncPrefectClient, run: FlowRun, why: str) -> None:
    """Say that a run has crashed; the server refuses it of one that has ended meanwhile."""
    with suppress(ObjectNotFound):  # somebody deleted it
        client.set_flow_run_state(run.id, Crashed(message=why))


def _state(*types: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))


def _in_state(*types: StateType) -> FlowRunFilter:
    return FlowRunFilter(state=_state(*types))


def _runs(client: SyncPrefectClient, wanted: FlowRunFilter) -> list[FlowRun]:
    return client.read_flow_runs(
        flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_MOST_RUNS
    )


def _since(run: FlowRun, now: datetime) -> timedelta:
    return timedelta() if run.state is None or run.state.timestamp is None else now - run.state.timestamp
