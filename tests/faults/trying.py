"""Trying a row of the table: seed after seed, several at once, until its fault was met often enough."""

import multiprocessing
import os
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from typing import Any
from unittest import mock

from tests.faults.row import Row, Tried
from tests.faults.rows import all_rows
from tests.faults.table import Results

MOST_IN_VAIN = 20
"""A row is given up when so many trials in a row did not meet its fault."""

_ONE_THREAD = {"POLARS_MAX_THREADS": "1"}
"""For worlds in simulated time: their frames are small, and every core has a world to itself."""


ERROR = "Traceback"
"""Begins what broke a trial where it was an error and not the judge's word."""


def outcome(row: Row, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Do one trial and return what came of it; an error counts as broken."""
    begun = time.monotonic()
    try:
        tried = row.tried(seed, scale)
    except Exception:
        tried = Tried(traceback.format_exc(limit=-4), 1)
    seconds = round(time.monotonic() - begun, 2)
    return {"row": row.name, "seed": seed, "broke": tried.broke, "met": tried.met, "seconds": seconds}


def run(row: Row, results: Results, first_seed: int, wanted: int, at_once: int) -> Iterator[dict[str, Any]]:
    """Do trials of a row, seed after seed, until its fault was met ``wanted`` times; yield what came of each.

    Trials that were done count and are not done again. ``at_once`` are done at once, in a process each.
    """
    if results.met(row) >= wanted:
        return
    seeds = (seed for seed in count(first_seed) if not results.has(row, seed))
    under_way: set[Future[dict[str, Any]]] = set()
    in_vain = 0
    surroundings = _ONE_THREAD if row.kind == "S" else {}
    with (
        mock.patch.dict(os.environ, surroundings),
        ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn")) as workers,
    ):
        while True:
            while results.met(row) < wanted and in_vain < MOST_IN_VAIN and len(under_way) < at_once:
                under_way.add(workers.submit(_outcome_of, row.name, next(seeds)))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for result in (trial.result() for trial in done):
                results.add(result)
                in_vain = 0 if result["met"] else in_vain + 1
                yield result


def _outcome_of(name: str, seed: int) -> dict[str, Any]:
    """Do one trial of the row of this name, in a process to which no row can be handed."""
    return outcome(next(row for row in all_rows() if row.name == name), seed)
