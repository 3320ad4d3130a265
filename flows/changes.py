"""A number that rises with every change of the ledger that may forbid a call: cheap to look at."""

import os
from pathlib import Path


class Changes:
    """The number in ``file``, shared by all processes of a store; in memory without a file.

    It is raised before the change is committed, under the ledger's lock. Whoever sees a new number reads the
    ledger, waits for that lock, and so finds the change.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._in_memory = 0

    def number(self) -> int:
        """Return how many changes there have been; after a power loss the count may begin anew."""
        if self._file is None:
            return self._in_memory
        try:
            return int(self._file.read_text(encoding="ascii") or 0)
        except (FileNotFoundError, ValueError):
            return 0

    def announce(self) -> None:
        """Raise the number; the caller holds the ledger's lock."""
        if self._file is None:
            self._in_memory += 1
            return
        part = self._file.with_suffix(".part")
        part.write_text(str(self.number() + 1), encoding="ascii")
        os.replace(part, self._file)  # noqa: PTH105 - says atomic more clearly than Path.replace
