"""The runner: registers the deployments on the server and executes their runs.

A process of its own (``python -m flows.serving.runner``), started and watched by ``callplan up``.
"""

import asyncio

from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.runner import Runner

from flows.serving.deployments import OPERATIONS, TAG, deployment_of
from flows.serving.setting_up import set_up

_LOOKS_EVERY_SECONDS = 2
"""How often the runner looks for runs whose time has come; it takes none early."""

_MOST_RUNS = 8
"""How many runs go on at once: after an outage many are late, and each is a process of some 250 MB."""


async def serve() -> None:
    """Register the deployments and execute their runs until this process ends; schedules stay live."""
    runner = Runner(
        name="callplan",
        query_seconds=_LOOKS_EVERY_SECONDS,
        prefetch_seconds=0,
        limit=_MOST_RUNS,
        pause_on_shutdown=False,
    )
    there = await _deployments_there()
    for operation in OPERATIONS:
        left = _as_left(there.get(operation.name))
        await runner.aadd_deployment(await asyncio.to_thread(deployment_of, operation, **left))
    await runner.start()


async def _deployments_there() -> dict[str, DeploymentResponse]:
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    async with get_client() as client:
        return {found.name: found for found in await client.read_deployments(deployment_filter=ours)}


def _as_left(found: DeploymentResponse | None) -> dict[str, bool]:
    """Return what a person paused or switched off of a deployment: registering it again must not undo it."""
    if found is None:
        return {}
    is_off = bool(found.schedules) and not any(schedule.active for schedule in found.schedules)
    return {"paused": found.paused, "active": not is_off}


if __name__ == "__main__":
    set_up()
    asyncio.run(serve())
