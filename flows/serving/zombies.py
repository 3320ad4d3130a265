"""The automation that ends flow runs whose heartbeat has stopped, so that none is for ever running."""

from datetime import timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

NAME = "callplan: end runs without a heartbeat"

HEARTBEAT = timedelta(seconds=30)
"""How often a run says that it lives."""

SILENT_FOR = timedelta(seconds=90)
"""A run that has not said so for this long is taken for dead."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}


def install(client: SyncPrefectClient) -> None:
    """Put the automation on the server; one of the same name is replaced."""
    automation = AutomationCore(
        name=NAME,
        description="A run that stops saying that it lives has crashed.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT, *_ENDS},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT_FOR,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="its heartbeat has stopped")],
    )
    for known in client.read_automations_by_name(NAME):
        client.delete_automation(known.id)
    client.create_automation(automation)
