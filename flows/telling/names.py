"""Names that people can read: of a campaign with the version of its plan, and of the run that is about it."""

from uuid import UUID

from prefect import get_client
from prefect.runtime import flow_run


def titled(name: str, plan_version: int | None) -> str:
    """Return what a campaign is called beside the version of its plan, if it has one."""
    return name if plan_version is None else f"{name}, version {plan_version}"


def name_run(operation: str, name: str, plan_version: int | None) -> None:
    """Rename the flow run that is running for what it is about: ``pause Spring renewals, version 2``.

    Before it is at work nobody knows which version that is, or whose id it was given.
    """
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(flow_run.id), name=f"{operation} {titled(name, plan_version)}")
