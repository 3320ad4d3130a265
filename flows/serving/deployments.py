"""The deployments: an operation each. ``prefect.yaml`` has the same for a work pool."""

from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from typing import Any, cast

from prefect import Flow
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Schedule
from prefect.types.entrypoint import EntrypointType

from flows.turns import BEAT

TAG = "callplan"
"""Every deployment and every run of one has this tag."""


@dataclass(frozen=True)
class Operation:
    """A deployment: its name, the flow, and when it runs by itself.

    ``every_seconds`` and ``cron`` (in UTC) are schedules. No deployment has a concurrency limit of Prefect's:
    it is a lease, and where that cannot be renewed, because the server is away, the run is ended.
    """

    name: str
    flow: str
    every_seconds: int | None = None
    cron: str | None = None
    tags: tuple[str, ...] = field(default=(TAG,))

    @property
    def entrypoint(self) -> str:
        """The flow's place, as Prefect writes it: ``flows.<module>.<function>``."""
        return f"flows.{self.flow}.{self.flow}"


OPERATIONS = (
    Operation("load", "load_contacts"),
    Operation("plan", "plan_campaign"),
    Operation("schedule", "schedule_campaign"),
    Operation("late-contacts", "schedule_late_contacts"),
    Operation("update", "update_campaign"),
    Operation("pause", "pause_campaign"),
    Operation("resume", "resume_campaign"),
    Operation("cancel", "cancel_campaign"),
    Operation("dispatch", "dispatch_in_turns", every_seconds=int(BEAT.total_seconds())),
    Operation("replan", "replan_campaigns", every_seconds=600),
    Operation("sweep", "sweep_runs", every_seconds=120),
    Operation("report", "report_campaigns", cron="0 6 * * *"),
    Operation("recover", "recover_ledger"),
)
"""Every operation."""


def flow_of(operation: Operation) -> Flow[..., Any]:
    """Return the flow of an operation."""
    return cast("Flow[..., Any]", getattr(import_module(f"flows.{operation.flow}"), operation.flow))


def deployment_of(
    operation: Operation, *, paused: bool | None = None, active: bool = True
) -> RunnerDeployment:
    """Return the deployment of an operation, for a runner: ``paused``, or its schedule not ``active``."""
    return RunnerDeployment.from_flow(
        flow_of(operation),
        operation.name,
        schedules=_schedules_of(operation, active=active),
        paused=paused,
        tags=list(operation.tags),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _schedules_of(operation: Operation, *, active: bool) -> list[Schedule]:
    if operation.every_seconds is not None:
        return [Schedule(interval=timedelta(seconds=operation.every_seconds), active=active)]
    return [] if operation.cron is None else [Schedule(cron=operation.cron, active=active)]
