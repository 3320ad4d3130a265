"""A provider that runs as long as a test needs it."""

import json
import select
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.provider import record

LOG = "provider.log"

_ROOT = Path(__file__).parents[2]
_UP_WITHIN_SECONDS = 20
_DOWN_WITHIN_SECONDS = 5

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the machine has


@dataclass(frozen=True)
class RunningProvider:
    """A provider in process ``pid``, which serves at ``address`` and keeps its record in ``folder``."""

    address: str
    folder: Path
    pid: int

    def set(self, **settings: Any) -> None:
        """Change settings, which the next request already meets.

        Raises:
            ValueError: A setting that the provider refuses, with its reason.
        """
        self._control(settings)

    def settings(self) -> dict[str, Any]:
        """Return all settings as they are."""
        return dict(self._control()["settings"])

    def counts(self) -> dict[str, int]:
        """Return how many ``requests`` and ``look_ups`` came and how many ``rings`` went out."""
        return dict(self._control()["counts"])

    def rings(self) -> list[dict[str, Any]]:
        """Return the rings on its record; see ``tests.provider.record.rings``."""
        return record.rings(self.folder)

    def requests(self) -> list[dict[str, Any]]:
        """Return the call requests on its record; see ``tests.provider.record.requests``."""
        return record.requests(self.folder)

    def _control(self, settings: dict[str, Any] | None = None) -> Any:
        body = None if settings is None else json.dumps(settings).encode()
        try:
            with _direct.open(self.address + "/control", body, timeout=_UP_WITHIN_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ValueError(json.load(refusal)["error"]) from None


@contextmanager
def running_provider(
    folder: Path, seed: int = 0, *, port: int = 0, **settings: Any
) -> Iterator[RunningProvider]:
    """Start a provider whose record is in ``folder``, give it, and stop it at the end.

    On a folder that has a record it goes on with it; ``port`` 0 is any that is free.

    Raises:
        RuntimeError: It did not come up, with what it said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.provider", "--while-stdin"]
    command += ["--record", str(folder.absolute()), "--seed", str(seed), "--port", str(port)]
    with (
        (folder / LOG).open("ab") as log,
        subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            provider = RunningProvider(f"http://127.0.0.1:{_port_of(process, folder)}", folder, process.pid)
            if settings:
                provider.set(**settings)
            yield provider
        finally:
            _stop(process)


def _port_of(process: subprocess.Popen[bytes], folder: Path) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _UP_WITHIN_SECONDS)
    line = process.stdout.readline() if ready else b""
    if not line:
        said = (folder / LOG).read_text(errors="replace").strip()
        raise RuntimeError(f"the provider did not come up within {_UP_WITHIN_SECONDS} s: {said or 'no word'}")
    return int(json.loads(line)["port"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_DOWN_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
