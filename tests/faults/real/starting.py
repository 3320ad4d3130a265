"""Commands of callplan in process groups of their own: from a cold start, or forked from a warm process."""

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tests.faults.real.guards import missing

_ROOT = Path(__file__).parents[3]
_CONSOLE_SCRIPT = Path(sys.executable).with_name("callplan")
_OURS = ("CALLPLAN_", "PREFECT_", "TRUEDY_")
_PLAINLY = ("pyarrow", "flows.cli")
_AS_FLOW = (*_PLAINLY, "flows.dispatch_due")


class Command(Protocol):
    """A command that runs."""

    pid: int

    def ended(self, seconds: float) -> int | None:
        """Wait and return how it ended, minus the signal or its exit code; None where it has not."""
        ...


def end(command: Command, number: int = signal.SIGKILL) -> int:
    """Send a signal to a command that runs, to all of its group, and return how it ended."""
    code = command.ended(0)
    if code is not None:
        return code
    os.killpg(command.pid, number)
    code = command.ended(30)
    if code is None:
        raise TimeoutError(f"signal {number} did not end a command")
    return code


def surroundings(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command: this process's own, with nothing of callplan but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"PYTHONPATH": str(_ROOT)} | dict(given)


class Cold:
    """A command that starts as it does for a person: a new interpreter, the console script."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [_CONSOLE_SCRIPT, *arguments],
                cwd=_ROOT,
                env=surroundings(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def ended(self, seconds: float) -> int | None:
        """Wait and return how it ended."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None


class Warm:
    """A command that was forked by a process that keeps everything imported."""

    def __init__(self, stove: "Stove", pid: int) -> None:
        self._stove, self.pid = stove, pid
        self._code: int | None = None

    def ended(self, seconds: float) -> int | None:
        """Wait and return how it ended."""
        if self._code is None:
            self._code = self._stove.ask("wait", pid=self.pid, seconds=seconds)["code"]
        return self._code


class Stove:
    """A process that keeps everything imported and forks commands; see ``tests.faults.real.warm``."""

    def __init__(self, modules: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.real.warm", *modules],
            cwd=_ROOT,
            env=surroundings(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        threads = self._answer()["threads"]
        if threads:
            raise RuntimeError(f"what was imported keeps threads that a fork lacks: {', '.join(threads)}")

    def start(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> Warm:
        """Start a command, which lacks the guards that are taken out at present."""
        asked = {"environment": dict(environment), "log": str(log), "lacking": missing()}
        return Warm(self, self.ask("start", arguments=arguments, **asked)["pid"])

    def ask(self, what: str, **values: object) -> dict[str, Any]:
        """Ask for something and return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, "with": values}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that keeps everything imported has ended")
        return dict(json.loads(line))

    def close(self) -> None:
        """End the process and what it started."""
        self._process.kill()
        self._process.communicate()


@cache
def stove(prefect: tuple[tuple[str, str], ...] = ()) -> Stove:
    """Return the process that forks commands with these settings of Prefect."""
    found = Stove(_AS_FLOW if prefect else _PLAINLY, dict(prefect))
    atexit.register(found.close)
    return found
