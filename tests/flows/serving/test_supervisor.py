"""What ``callplan up`` keeps is started again when the clock is set."""

import subprocess
import sys

from flows.serving.kept import Kept
from flows.serving.supervisor import _stop_for_new_clock


def _begin():
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)


def test_runner_and_server_are_started_again_after_the_clock_was_set():
    told, at = [], [0.0]
    runner, server = (Kept(name, _begin, told.append, lambda: at[0]) for name in ("runner", "server"))
    before = {runner.process.pid, server.process.pid}
    try:
        _stop_for_new_clock(runner, server, told.append)
        at[0] = 10.0
        for kept in (runner, server):
            kept.look()
            assert kept.process.poll() is None
        assert not before & {runner.process.pid, server.process.pid}
        assert told[0] == "the clock was set: runner and server are started again"
    finally:
        for kept in (runner, server):
            kept.process.kill()
            kept.process.wait()
