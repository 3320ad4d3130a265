"""The requests that all processes with the same credentials may make in a minute, kept in a shared file."""

import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.database import locked

_MINUTE = timedelta(minutes=1)
LONGEST_BLOCK = timedelta(minutes=15)
"""No provider's word holds requests back for longer: an absurd one is tried again after this."""
SHORTEST_BLOCK = timedelta(seconds=1)


class RequestBudget:
    """At most ``per_minute`` requests in any minute, and none while the provider has asked to wait.

    Calls are placed first, but a tenth is kept for asking how they stand: otherwise none would ever end.
    ``file`` holds what was taken; all that use the same credentials share it. It is not synced: it matters
    for a minute only.
    """

    def __init__(self, file: Path, per_minute: int) -> None:
        self._file = file
        self.per_minute = per_minute
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def take_to_place(self, wanted: int, now: datetime) -> int:
        """Take up to ``wanted`` requests that place calls, and return how many."""
        with locked(self._file.with_suffix(".lock")):
            taken = self._read(now)
            granted = self._granted(wanted, max(taken.asked, self._kept_to_ask) + taken.placed, taken, now)
            if granted:
                self._write(replace(taken, placing=[*taken.placing, (now, granted)]))
        return granted

    def take_to_ask(self, wanted: int, now: datetime, due_soon: int) -> int:
        """Take up to ``wanted`` requests that ask about calls, and return how many.

        Calls that fall due within a minute take the place of those that were placed in the last one; where
        they are more, room is left for them.
        """
        with locked(self._file.with_suffix(".lock")):
            taken = self._read(now)
            to_place = max(taken.placed, min(due_soon, self.per_minute - self._kept_to_ask))
            granted = self._granted(wanted, to_place + taken.asked, taken, now)
            if granted:
                self._write(replace(taken, asking=[*taken.asking, (now, granted)]))
        return granted

    @property
    def _kept_to_ask(self) -> int:
        return max(1, self.per_minute // 10) if self.per_minute > 1 else 0

    def _granted(self, wanted: int, gone: int, taken: "_Taken", now: datetime) -> int:
        return 0 if taken.held_until > now else max(0, min(wanted, self.per_minute - gone))

    def hold(self, until: datetime | None, now: datetime) -> datetime:
        """Let nobody take any before ``until``, as the provider has asked; return when that is.

        A moment that is missing, past or absurdly far is brought to between a second and fifteen minutes.
        """
        asked = now + _MINUTE if until is None else until
        bounded = min(max(asked, now + SHORTEST_BLOCK), now + LONGEST_BLOCK)
        with locked(self._file.with_suffix(".lock")):
            taken = self._read(now)
            self._write(replace(taken, held_until=max(taken.held_until, bounded)))
        return bounded

    def free_at(self, now: datetime) -> datetime:
        """Return when there may be room to place a call: ``now`` if there is."""
        with locked(self._file.with_suffix(".lock")):
            taken = self._read(now)
        if taken.held_until > now:
            return taken.held_until
        if max(taken.asked, self._kept_to_ask) + taken.placed < self.per_minute:
            return now
        return min((at for at, _ in [*taken.placing, *taken.asking]), default=now) + _MINUTE

    def _read(self, now: datetime) -> "_Taken":
        """Return until when requests are held, and what was taken in the last minute.

        What lies further ahead than it can was written by a clock that was set back since, and is forgotten,
        as is a file that a power loss spoilt or an older callplan wrote: at worst the provider refuses for a
        minute.
        """
        if not self._file.exists():
            return _Taken(now, [], [])
        try:
            written = json.loads(self._file.read_bytes())
            held_until = _instant(written["held_until"])
            placing, asking = (
                [(_instant(at), count) for at, count in written[name]] for name in ("placing", "asking")
            )
        except (ValueError, KeyError):
            return _Taken(now, [], [])
        return _Taken(
            held_until if held_until <= now + LONGEST_BLOCK else now,
            [(at, count) for at, count in placing if now - _MINUTE < at <= now + _MINUTE],
            [(at, count) for at, count in asking if now - _MINUTE < at <= now + _MINUTE],
        )

    def _write(self, taken: "_Taken") -> None:
        written = {
            "held_until": taken.held_until.timestamp(),
            "placing": [(at.timestamp(), count) for at, count in taken.placing],
            "asking": [(at.timestamp(), count) for at, count in taken.asking],
        }
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(written), encoding="ascii")
        os.replace(part, self._file)  # noqa: PTH105 - says atomic more clearly than Path.replace


@dataclass(frozen=True)
class _Taken:
    """Until when all requests are held, and when how many were taken in the last minute."""

    held_until: datetime
    placing: list[tuple[datetime, int]]
    asking: list[tuple[datetime, int]]

    @property
    def placed(self) -> int:
        """How many were taken to place calls."""
        return sum(count for _, count in self.placing)

    @property
    def asked(self) -> int:
        """How many were taken to ask about calls."""
        return sum(count for _, count in self.asking)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
