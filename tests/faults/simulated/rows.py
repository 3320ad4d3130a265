"""The rows of the table of faults that are tried in simulation.

A trial lives through a world of several campaigns under its seed and counts how often it met its fault.
"""

from tests.faults.simulated import (
    calendar_rows,
    clock_changes,
    damaged_plans,
    people_rows,
    provider_rows,
    twice,
)

ROWS = [
    row
    for room in (provider_rows, people_rows, calendar_rows, clock_changes, twice, damaged_plans)
    for row in room.ROWS
]
