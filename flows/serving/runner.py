"""The runner: registers the deployments on the server and executes their runs.

A process of its own (``python -m flows.serving.runner``), started and watched by ``callplan up``.
"""

import asyncio

from prefect import get_client
from prefect.runner import Runner

from flows.dialers.truedy_block import TruedyCredentials
from flows.serving import zombies
from flows.serving.deployments import OPERATIONS, deployment_of

_LOOKS_EVERY_SECONDS = 2
"""How often the runner looks for runs whose time has come; it takes none early."""


def set_up() -> None:
    """Register the kind of block that credentials are kept in, and the automation against zombies."""
    TruedyCredentials.register_type_and_schema()
    with get_client(sync_client=True) as client:
        zombies.install(client)


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
