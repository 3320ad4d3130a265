"""``python -m tests.faults.real.warm MODULE…``: imports callplan once and starts its commands by forking.

A command that is killed after a second would spend most of its life importing. What is forked here has
imported everything and computed nothing; it then sets ``sys.argv`` and calls ``flows.cli.main``, as the
console script does. Requests come as lines of JSON from stdin, and each is answered by a line.
"""

import json
import os
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from tests.faults.real.guards import without
from tests.forking import end_with_parent

_LOOK_AGAIN_SECONDS = 0.003


def main() -> None:
    """Import the modules that are named, say which threads a fork would lack, and do what is asked."""
    for name in sys.argv[1:]:
        import_module(name)
    _say(
        {
            "threads": [
                thread.name for thread in threading.enumerate() if thread is not threading.main_thread()
            ]
        }
    )
    for line in sys.stdin:
        asked = json.loads(line)
        match asked["do"]:
            case "start":
                _say({"pid": _started(**asked["with"])})
            case "wait":
                _say({"code": _ended(**asked["with"])})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _started(arguments: list[str], environment: dict[str, str], log: str, lacking: list[str]) -> int:
    """Fork a command into a process group of its own, which ends with this process; guards may be lacking."""
    pid = os.fork()
    if pid:
        with suppress(PermissionError, ProcessLookupError):  # it has done so itself, or has ended
            os.setpgid(pid, pid)
        return pid
    try:
        os.setpgid(0, 0)
        end_with_parent()
        _redirect(log)
        os.environ.update(environment)
        sys.argv = ["callplan", *arguments]
        from flows.cli import main as callplan

        with without(tuple(lacking)):
            callplan()
    except SystemExit as leaving:
        _leave(leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _leave(1)
    _leave(0)
    raise AssertionError("a process that has left goes on")


def _redirect(log: str) -> None:
    nothing, file = (
        os.open(os.devnull, os.O_RDONLY),
        os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
    )
    os.dup2(nothing, 0)
    for stream in (1, 2):
        os.dup2(file, stream)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ended(pid: int, seconds: float) -> int | None:
    """Wait for a command and return how it ended, minus the signal or its exit code; None: it has not."""
    until = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(_LOOK_AGAIN_SECONDS)


if __name__ == "__main__":
    main()
