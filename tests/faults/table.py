"""Keeping what came of each trial in a file, and printing the table."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults.row import Row

_MOST_SEEDS = 5


class Results:
    """What came of trials, a JSON line for each, so that a run can be gone on with."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._by_row: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        for line in file.read_text().splitlines() if file.exists() else ():
            self._take(json.loads(line))

    def _take(self, result: dict[str, Any]) -> None:
        if "met" in result:  # else it is of a time when faults were not counted
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

    def met(self, row: Row) -> int:
        """Return how often the fault of a row was met."""
        return sum(result["met"] for result in self.of(row))


def table(rows: Iterable[Row], results: Results) -> str:
    """Return the table: what was tried how often, how often the fault was met, and what did not hold."""
    lines = [("row", "", "fault", "trials", "held", "faults met", "of", "seconds", "failed seeds")]
    for row in rows:
        done = results.of(row)
        failed = [result["seed"] for result in done if result["broke"]]
        seeds = ", ".join(map(str, failed[:_MOST_SEEDS])) + (" …" if len(failed) > _MOST_SEEDS else "")
        counts = [len(done), len(done) - len(failed), results.met(row), row.trials]
        seconds = sum(result["seconds"] for result in done)
        numbers = [f"{number:,.0f}" for number in (*counts, seconds)]
        lines.append((str(row.number), row.kind, row.fault, *numbers, seeds))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    left_aligned = {1, 2, len(widths) - 1}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in left_aligned else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
