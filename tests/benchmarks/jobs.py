"""Empty jobs in procrastinate: ``python -m tests.benchmarks.jobs DATABASE JOBS CONCURRENCY``.

A process of its own, as a dispatcher is one: it defers the jobs in batches, then works as a worker does until
none is left. A job does nothing, where a call is a request over HTTP.
"""

import asyncio
import json
import sys
import time

from procrastinate import App, PsycopgConnector

_BATCH = 1_000


async def measured(database: str, jobs: int, concurrency: int) -> dict[str, float]:
    """Return the seconds of deferring and of finishing the jobs, and how many succeeded."""
    app = App(connector=PsycopgConnector(conninfo=database))

    @app.task(name="empty")
    async def empty() -> None:
        pass

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        begun = time.perf_counter()
        for first in range(0, jobs, _BATCH):
            await empty.batch_defer_async(*({} for _ in range(min(_BATCH, jobs - first))))
        deferred = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=concurrency, install_signal_handlers=False)
        finished = time.perf_counter()
        counted = await app.job_manager.list_queues_async()
    return {
        "deferring": deferred - begun,
        "finishing": finished - deferred,
        "succeeded": sum(queue["succeeded"] for queue in counted),
    }


if __name__ == "__main__":
    database, jobs, concurrency = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(measured(database, int(jobs), int(concurrency)))))
