"""The runner: registers the deployments on the server and executes their runs.

A process of its own (``python -m flows.serving.runner``), started and watched by ``callplan up``.
"""

import asyncio

from prefect.runner import Runner

from flows.serving.deployments import OPERATIONS, deployment_of
from flows.serving.setting_up import set_up

_LOOKS_EVERY_SECONDS = 2
"""How often the runner looks for runs whose time has come; it takes none early."""


async def serve() -> None:
    """Register the deployments and execute their runs until this process ends; schedules stay live."""
    runner = Runner(
        name="callplan",
        query_seconds=_LOOKS_EVERY_SECONDS,
        prefetch_seconds=0,
        limit=None,
        pause_on_shutdown=False,
    )
    for operation in OPERATIONS:
        await runner.aadd_deployment(await asyncio.to_thread(deployment_of, operation))
    await runner.start()


if __name__ == "__main__":
    set_up()
    asyncio.run(serve())
