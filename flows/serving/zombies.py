"""The automations that end flow runs whose heartbeat has stopped, and those that never begin."""

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.serving.deployments import TAG

NAME = "callplan: end runs without a heartbeat"
NAME_OF_STUCK = "callplan: end runs that never begin"

SILENT_FOR = timedelta(seconds=90)
"""A run that has not said that it lives for this long is taken for dead; it says so every 30 seconds."""

STUCK_AFTER = timedelta(minutes=3)
"""A run that is still being submitted after this was forgotten by a runner or worker that died meanwhile."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_PENDING = "prefect.flow-run.Pending"
_ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}


def install(client: SyncPrefectClient) -> None:
    """Put the automations on the server, unless those of their names are there.

    One that is there is left as it is: a new one would not know of the events that came before it.
    """
    _install(client, NAME, _HEARTBEAT, {_HEARTBEAT, *_ENDS}, SILENT_FOR, "its heartbeat has stopped")
    begins = {"prefect.flow-run.Running", *_ENDS}
    _install(client, NAME_OF_STUCK, _PENDING, begins, STUCK_AFTER, "it was never started")


def _install(
    client: SyncPrefectClient, name: str, after: str, expected: set[str], within: timedelta, why: str
) -> None:
    if client.read_automations_by_name(name):
        return
    client.create_automation(
        AutomationCore(
            name=name,
            description=f"A run of callplan has crashed where, after {after}, nothing is heard of it.",
            trigger=EventTrigger(
                after={after},
                expect=expected,
                match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
                match_related=ResourceSpecification({"prefect.resource.id": [f"prefect.tag.{TAG}"]}),
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=within,
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message=why)],
        )
    )
