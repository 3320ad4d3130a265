"""The runner: registers the deployments on the server and executes their runs.

A process of its own (``python -m flows.serving.runner``), started and watched by ``callplan up``.
"""

import asyncio
from datetime import UTC, datetime

from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.runner import Runner

from flows.home import find_home
from flows.serving.deployments import OPERATIONS, TAG, deployment_of
from flows.serving.setting_up import set_up
from flows.sweep_runs import sweep

_LOOKS_EVERY_SECONDS = 2
"""How often the runner looks for runs whose time has come; it takes none early."""

_MOST_RUNS = 8
"""How many runs go on at once: after an outage many are late, and each is a process of some 250 MB."""


def sweep_first() -> None:
    """Take away what an earlier runner left, before anything of it is begun."""
    with get_client(sync_client=True) as client:
        sweep(find_home().require(), client, datetime.now(UTC))


async def serve() -> None:
    """Register the deployments and execute their runs until this process ends; schedules stay live."""
    runner = Runner(
        name="callplan",
        query_seconds=_LOOKS_EVERY_SECONDS,
        prefetch_seconds=0,
        limit=_MOST_RUNS,
        pause_on_shutdown=False,
    )
    paused = await _paused_ones()
    for operation in OPERATIONS:
        deployment = await asyncio.to_thread(deployment_of, operation, paused=operation.name in paused)
        await runner.aadd_deployment(deployment)
    await runner.start()


async def _paused_ones() -> set[str]:
    """Return the deployments that a person paused: registering them again must not undo it."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    async with get_client() as client:
        return {found.name for found in await client.read_deployments(deployment_filter=ours) if found.paused}


if __name__ == "__main__":
    set_up()
    sweep_first()
    asyncio.run(serve())
