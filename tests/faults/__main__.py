"""``python -m tests.faults``: does the trials of the table of faults and prints the table."""

import argparse
import os
import random
import sys
from pathlib import Path

from tests.faults.guards import show_guards
from tests.faults.rows import all_rows
from tests.faults.table import Results, table
from tests.faults.trying import run


def main() -> int:
    """Read the command line and do what it says; 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--rows", help="numbers of rows, with commas, R or S behind where one kind is meant; else all"
    )
    parser.add_argument("--fault", default="", help="only rows whose fault has this text")
    parser.add_argument(
        "--trials", type=int, help="how often each fault is met, instead of what the table of faults says"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first trial of each row; the next ones follow"
    )
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count() or 1, help="how many trials run side by side"
    )
    parser.add_argument(
        "--results", type=Path, default=Path(".faults.jsonl"), help="what was done is not done again"
    )
    parser.add_argument(
        "--guards",
        nargs="?",
        const="",
        help="take out each guard in turn, or those so named, and see trials fail",
    )
    asked = parser.parse_args()
    if asked.guards is not None:
        return show_guards(random.Random(asked.seed), asked.guards)
    wanted = set(asked.rows.upper().split(",")) if asked.rows else None
    rows = [
        row
        for row in all_rows()
        if (wanted is None or {str(row.number), f"{row.number}{row.kind}"} & wanted)
        and asked.fault in row.fault
    ]
    results = Results(asked.results)
    for row in rows:
        for result in run(row, results, asked.seed, asked.trials or row.trials, asked.at_once):
            if result["broke"]:
                sys.stderr.write(f"{row.name}, seed {result['seed']}: {result['broke']}\n")
    sys.stdout.write(table(rows, results) + "\n")
    return int(any(result["broke"] for row in rows for result in results.of(row)))


if __name__ == "__main__":
    sys.exit(main())
