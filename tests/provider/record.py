"""The provider's own record in a folder: every ring, synced before it is answered, and every call request."""

import asyncio
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RINGS, REQUESTS = "rings.jsonl", "requests.jsonl"


def rings(folder: Path) -> list[dict[str, Any]]:
    """Return the rings so far, in order, without a last line that was torn.

    Each has ``ring`` (the call's id), ``key``, ``phone_number``, ``from_number``, ``agent_id``, and in Unix
    seconds ``started_at`` (when the head of its request had come) and ``at`` (when it rang).
    """
    return _rows(folder / RINGS)


def requests(folder: Path) -> list[dict[str, Any]]:
    """Return the call requests so far, in the order of their answers, without a last line that was torn.

    Each has ``key``, ``at`` (when its head had come, in Unix seconds), ``status`` (``None``: no answer) and
    ``fault`` (the kind it met, ``None``: none).
    """
    return _rows(folder / REQUESTS)


def _rows(path: Path) -> list[dict[str, Any]]:
    whole = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in whole.split(b"\n")[:-1]]


@dataclass
class _Batch:
    lines: list[bytes] = field(default_factory=list)
    synced: asyncio.Event = field(default_factory=asyncio.Event)


class Record:
    """Writes the record; ``keep`` has to run for a ring to be taken down.

    Rings that come while one sync runs share the next, so their number does not depend on the disk's pace.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._rings = _open_to_append(folder / RINGS)
        self._requests = _open_to_append(folder / REQUESTS)
        _sync_folder(folder)
        self._gathering = self._last = _Batch()
        self._gathered = asyncio.Event()

    async def ring(self, row: Mapping[str, Any]) -> None:
        """Take down a ring and return once it is synced."""
        batch = self._last = self._gathering
        batch.lines.append(_line(row))
        self._gathered.set()
        await batch.synced.wait()

    async def caught_up(self) -> None:
        """Return once every ring that was given so far is synced."""
        if self._last.lines:
            await self._last.synced.wait()

    def request(self, row: Mapping[str, Any]) -> None:
        """Take down a request, unsynced."""
        _write(self._requests, _line(row))

    async def keep(self) -> None:
        """Write and sync what gathers, until cancelled.

        Raises:
            OSError: The disk refused; a provider that cannot record must not go on.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            while True:
                await self._gathered.wait()
                self._gathered.clear()
                batch, self._gathering = self._gathering, _Batch()
                await loop.run_in_executor(pool, self._write_rings, b"".join(batch.lines))
                batch.synced.set()

    def _write_rings(self, lines: bytes) -> None:
        _write(self._rings, lines)
        os.fdatasync(self._rings)

    def close(self) -> None:
        """Close the files."""
        os.close(self._rings)
        os.close(self._requests)


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _write(file: int, lines: bytes) -> None:
    while lines:
        lines = lines[os.write(file, lines) :]


def _open_to_append(path: Path) -> int:
    """Open a file of lines; a torn last line is cut off, lest the next one joins it."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
