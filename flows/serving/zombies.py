"""The automation that ends flow runs whose heartbeat has stopped, so that none is for ever running."""

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.serving.deployments import TAG

NAME = "callplan: end runs without a heartbeat"

SILENT_FOR = timedelta(seconds=90)
"""A run that has not said that it lives for this long is taken for dead; it says so every 30 seconds."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}


def install(client: SyncPrefectClient) -> None:
    """Put the automation on the server, unless one of its name is there.

    One that is there is left as it is: a new one would not know of the heartbeats that came before it.
    """
    if client.read_automations_by_name(NAME):
        return
    client.create_automation(
        AutomationCore(
            name=NAME,
            description="A run of callplan that stops saying that it lives has crashed.",
            trigger=EventTrigger(
                after={_HEARTBEAT},
                expect={_HEARTBEAT, *_ENDS},
                match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
                match_related=ResourceSpecification({"prefect.resource.id": [f"prefect.tag.{TAG}"]}),
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=SILENT_FOR,
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message="its heartbeat has stopped")],
        )
    )
