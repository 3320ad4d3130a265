"""A row of the table of faults: what goes wrong, and the trial that shows it is survived."""

from collections.abc import Callable
from dataclasses import dataclass

Trial = Callable[[int], str | None]
"""Takes a seed and returns None where everything held, else what broke."""


@dataclass(frozen=True)
class Row:
    """A fault and its trial.

    ``number`` is the fault's place in the table; ``kind`` is R for real processes and S for a simulation
    under a seed; ``trials`` is how many make the number below which failures lie, after the rule of three.
    ``each`` is how often one trial tries the fault, so that the table counts kills, not stores. A run of the
    tests tries ``sample`` where a trial is long, and nothing of a row that is not ``sampled``.
    """

    number: int
    kind: str
    fault: str
    trial: Trial
    trials: int
    each: int = 1
    sample: Trial | None = None
    sampled: bool = True

    @property
    def name(self) -> str:
        """Names the row in results: its number, its kind and its fault."""
        return f"{self.number}{self.kind} {self.fault}"
