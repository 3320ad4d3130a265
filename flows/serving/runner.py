"""The runner: registers the deployments on the server and executes their runs.

A process of its own (``python -m flows.serving.runner``), started and watched by ``callplan up``.
"""

import asyncio
from datetime import UTC, datetime

from prefect import get_client
from prefect.runner import Runner

from flows.home import find_home
from flows.serving.deployments import OPERATIONS, deployment_of
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
    for operation in OPERATIONS:
        await runner.aadd_deployment(await asyncio.to_thread(deployment_of, operation))
    await runner.start()


if __name__ == "__main__":
    set_up()
    sweep_first()
    asyncio.run(serve())
