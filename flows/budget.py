"""The requests that all processes with the same credentials may make in a minute, kept in a shared file."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.database import locked

_MINUTE = timedelta(minutes=1)
LONGEST_BLOCK = timedelta(minutes=15)
"""No provider's word holds requests back for longer: an absurd one is tried again after this."""
SHORTEST_BLOCK = timedelta(seconds=1)


class RequestBudget:
    """At most ``per_minute`` requests in any minute, and none while the provider has asked to wait.

    ``file`` holds what was taken; all that use the same credentials share it. It is not synced: it matters
    for a minute only.
    """

    def __init__(self, file: Path, per_minute: int) -> None:
        self._file = file
        self.per_minute = per_minute
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def take(self, wanted: int, now: datetime, *, leaving: int = 0) -> int:
        """Take up to ``wanted`` requests, so that ``leaving`` remain for others, and return how many."""
        with locked(self._file.with_suffix(".lock")):
            held_until, taken = self._read(now)
            room = 0 if held_until > now else self.per_minute - leaving - sum(count for _, count in taken)
            granted = max(0, min(wanted, room))
            if granted:
                self._write(held_until, [*taken, (now, granted)])
        return granted

    def hold(self, until: datetime | None, now: datetime) -> datetime:
        """Let nobody take any before ``until``, as the provider has asked; return when that is.

        A moment that is missing, past or absurdly far is brought to between a second and fifteen minutes.
        """
        asked = now + _MINUTE if until is None else until
        bounded = min(max(asked, now + SHORTEST_BLOCK), now + LONGEST_BLOCK)
        with locked(self._file.with_suffix(".lock")):
            held_until, taken = self._read(now)
            self._write(max(held_until, bounded), taken)
        return bounded

    def free_at(self, now: datetime) -> datetime:
        """Return when there may be room again: ``now`` if there is."""
        with locked(self._file.with_suffix(".lock")):
            held_until, taken = self._read(now)
        if held_until > now:
            return held_until
        if sum(count for _, count in taken) < self.per_minute:
            return now
        return min(at for at, _ in taken) + _MINUTE

    def _read(self, now: datetime) -> tuple[datetime, list[tuple[datetime, int]]]:
        """Return until when requests are held, and what was taken in the last minute.

        What lies further ahead than it can was written by a clock that was set back since, and is forgotten,
        as is a file that a power loss spoilt: at worst the provider refuses for a minute.
        """
        if not self._file.exists():
            return now, []
        try:
            written = json.loads(self._file.read_bytes())
        except ValueError:
            return now, []
        held_until = _instant(written["held_until"])
        taken = [(_instant(at), count) for at, count in written["taken"]]
        return (
            held_until if held_until <= now + LONGEST_BLOCK else now,
            [(at, count) for at, count in taken if now - _MINUTE < at <= now + _MINUTE],
        )

    def _write(self, held_until: datetime, taken: list[tuple[datetime, int]]) -> None:
        written = {
            "held_until": held_until.timestamp(),
            "taken": [(at.timestamp(), count) for at, count in taken],
        }
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(written), encoding="ascii")
        os.replace(part, self._file)  # noqa: PTH105 - says atomic more clearly than Path.replace


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
