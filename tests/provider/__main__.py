"""``python -m tests.provider --record FOLDER``: says its port in a line of JSON and serves until stopped."""

import argparse
import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

from aiohttp import web

from tests.provider.record import Record, requests, rings
from tests.provider.server import Provider


async def serve(folder: Path, port: int, seed: int, while_stdin: bool) -> None:
    """Serve on the loopback until a signal, the end of stdin if asked to, or a record that cannot be kept."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if while_stdin:
        Thread(target=_stop_at_end_of_stdin, args=(loop, stop), daemon=True).start()
    record = Record(folder)
    provider = Provider(record, seed, rings(folder), requests(folder))
    keeping = asyncio.create_task(record.keep())
    runner = web.AppRunner(provider.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    record.close()


def _stop_at_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock would still be held when the interpreter ends
        pass
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop.set)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.provider", description=__doc__)
    parser.add_argument("--record", type=Path, required=True, help="the folder of its record")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--seed", type=int, default=0, help="of the faults, the outcomes and the ids")
    parser.add_argument("--while-stdin", action="store_true", help="stop when stdin ends")
    asked = parser.parse_args()
    asyncio.run(serve(asked.record, asked.port, asked.seed, asked.while_stdin))


if __name__ == "__main__":
    main()
