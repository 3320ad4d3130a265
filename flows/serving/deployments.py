"""The deployments: an operation each. ``prefect.yaml`` has the same for a work pool."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from flows.dispatch_in_turns import BEAT

TAG = "callplan"
"""Every deployment and every run of one has this tag."""


@dataclass(frozen=True)
class Operation:
    """A deployment: its name, the flow, and when it runs by itself.

    ``every_seconds`` and ``cron`` (in UTC) are schedules; ``most_runs`` is how many of its runs Prefect lets
    go on at once, an outer guard around those of the ledger.
    """

    name: str
    flow: str
    every_seconds: int | None = None
    cron: str | None = None
    most_runs: int | None = None
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
    Operation("dispatch", "dispatch_in_turns", every_seconds=int(BEAT.total_seconds()), most_runs=2),
    Operation("replan", "replan_campaigns", every_seconds=600),
    Operation("sweep", "sweep_runs", every_seconds=120),
    Operation("report", "report_campaigns", cron="0 6 * * *"),
    Operation("recover", "recover_ledger"),
)
"""Every operation. Two runs of dispatch: one that has its turn and one that waits for it."""


def flow_of(operation: Operation) -> Flow[..., Any]:
    """Return the flow of an operation."""
    return cast("Flow[..., Any]", getattr(import_module(f"flows.{operation.flow}"), operation.flow))


def deployment_of(operation: Operation) -> RunnerDeployment:
    """Return an operation's deployment, to be run by a runner."""
    limit = operation.most_runs and ConcurrencyLimitConfig(
        limit=operation.most_runs, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
    )
    return RunnerDeployment.from_flow(
        flow_of(operation),
        operation.name,
        interval=operation.every_seconds,
        cron=operation.cron,
        concurrency_limit=limit or None,
        tags=list(operation.tags),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
