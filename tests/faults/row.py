"""A row of the table of faults: what goes wrong, and the trial that shows it is survived."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tried:
    """What came of a trial: what broke, None where everything held, and how often the fault was met in it."""

    broke: str | None
    met: int


Trial = Callable[..., Tried | str | None]
"""Takes a seed and, in simulated time, the scale of its world; returns what came of it.

A trial of real processes meets its fault once, so it returns only what broke, or None.
"""


@dataclass(frozen=True)
class Row:
    """A fault and its trial.

    ``number`` is the fault's place in the table; ``kind`` is R for real processes and S for a simulation
    under a seed; ``trials`` is how often the fault has to be met, which makes the number below which failures
    lie, after the rule of three. A run of the tests tries ``sample`` where a trial is long, and nothing of a
    row that is not ``sampled``.
    """

    number: int
    kind: str
    fault: str
    trial: Trial
    trials: int
    sample: Trial | None = None
    sampled: bool = True

    @property
    def name(self) -> str:
        """Names the row in results: its number, its kind and its fault."""
        return f"{self.number}{self.kind} {self.fault}"

    def tried(self, seed: int, scale: float = 1.0) -> Tried:
        """Do the trial of a seed; ``scale`` makes a simulated world smaller, so that it is over soon."""
        return _tried(self.trial(seed, scale) if self.kind == "S" else self.trial(seed))

    def sample_tried(self, seed: int, scale: float) -> Tried:
        """Do what a run of the tests has time for."""
        return self.tried(seed, scale) if self.sample is None else _tried(self.sample(seed))


def _tried(came: Tried | str | None) -> Tried:
    return came if isinstance(came, Tried) else Tried(came, 1)
