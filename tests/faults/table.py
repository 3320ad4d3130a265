"""Running rows of trials, keeping what came of each in a file, and printing the table."""

import json
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults.row import Row

_MOST_SEEDS = 5


def outcome(row: Row, seed: int) -> dict[str, Any]:
    """Do one trial and return what came of it; an error counts as broken."""
    begun = time.monotonic()
    try:
        broke = row.trial(seed)
    except Exception:
        broke = traceback.format_exc(limit=-4)
    return {"row": row.name, "seed": seed, "broke": broke, "seconds": round(time.monotonic() - begun, 2)}


class Results:
    """What came of trials, a JSON line for each, so that a run can be gone on with."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._by_row: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        for line in file.read_text().splitlines() if file.exists() else ():
            self._take(json.loads(line))

    def _take(self, result: dict[str, Any]) -> None:
        self._by_row[result["row"]][result["seed"]] = result

    def add(self, result: dict[str, Any]) -> None:
        """Keep a result."""
        with self._file.open("a") as file:
            file.write(json.dumps(result) + "\n")
        self._take(result)

    def has(self, row: Row, seed: int) -> bool:
        """Whether this trial was done."""
        return seed in self._by_row[row.name]

    def of(self, row: Row) -> list[dict[str, Any]]:
        """Return the results of a row."""
        return list(self._by_row[row.name].values())


def table(rows: Iterable[Row], results: Results) -> str:
    """Return the table: what was tried how often, and what did not hold."""
    lines = [("row", "", "fault", "trials", "held", "seconds", "failed seeds")]
    for row in rows:
        done = results.of(row)
        failed = [result["seed"] for result in done if result["broke"]]
        seeds = ", ".join(map(str, failed[:_MOST_SEEDS])) + (" …" if len(failed) > _MOST_SEEDS else "")
        seconds = sum(result["seconds"] for result in done)
        held = len(done) - len(failed)
        lines.append(
            (
                str(row.number),
                row.kind,
                row.fault,
                f"{len(done) * row.each:,}",
                f"{held * row.each:,}",
                f"{seconds:,.0f}",
                seeds,
            )
        )
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    numeric = {0, 3, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in numeric else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
