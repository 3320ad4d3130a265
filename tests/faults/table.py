"""Running rows of trials, keeping what came of each in a file, and printing the table."""

import json
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.row import Row, Tried

MOST_IN_VAIN = 20
"""A row is given up when so many trials in a row did not meet its fault."""

_MOST_SEEDS = 5


def outcome(row: Row, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Do one trial and return what came of it; an error counts as broken."""
    begun = time.monotonic()
    try:
        tried = row.tried(seed, scale)
    except Exception:
        tried = Tried(traceback.format_exc(limit=-4), 1)
    seconds = round(time.monotonic() - begun, 2)
    return {"row": row.name, "seed": seed, "broke": tried.broke, "met": tried.met, "seconds": seconds}


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


def run(row: Row, results: Results, first_seed: int, wanted: int) -> Iterator[dict[str, Any]]:
    """Do trials of a row, seed after seed, until its fault was met ``wanted`` times; yield what came of each.

    Trials that were done count and are not done again.
    """
    in_vain = 0
    for seed in count(first_seed):
        if results.met(row) >= wanted or in_vain == MOST_IN_VAIN:
            return
        if not results.has(row, seed):
            result = outcome(row, seed)
            results.add(result)
            in_vain = 0 if result["met"] else in_vain + 1
            yield result


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
