"""What can be set while the provider runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from tests.provider.faults import Fault

FINAL = ("ended", "completed", "failed", "cancelled")
"""The statuses after which nothing more happens to a call."""

STATUSES = ("queued", "ringing", "in-progress", "in_progress", *FINAL)
"""Every status a call can have, in both spellings."""

OUTCOMES = ("completed", "no_answer", "busy", "voicemail", "failed")
"""How a call that ended went."""


@dataclass(frozen=True)
class Settings:
    """How the provider behaves; each is followed from the next request on.

    - ``api_key``: the bearer key it accepts.
    - ``delay_seconds``: how long it waits between the ring and the answer, and before it answers a look-up.
    - ``requests_per_minute``: beyond it a request gets a 429 until its minute is over; ``None`` is no limit.
    - ``minute_seconds``: how long such a minute lasts.
    - ``life``: ``[seconds, status]`` steps after the ring, in order; ``queued`` before the first.
    - ``weights``: how likely each outcome is; outcomes not named do not occur.
    - ``answer_final``: whether the 201 already has the final status.
    - ``keys_for_seconds``: how long a repeated key finds its first call.
    - ``faults``: see ``tests.provider.faults``.
    """

    api_key: str = "good"
    delay_seconds: float = 0
    requests_per_minute: int | None = None
    minute_seconds: float = 60
    life: Sequence[tuple[float, str]] = ((0, "completed"),)
    weights: Mapping[str, float] = field(default_factory=lambda: {"completed": 1})
    answer_final: bool = False
    keys_for_seconds: float = 3600
    faults: Sequence[Fault] = ()

    def __post_init__(self) -> None:
        for name in ("delay_seconds", "minute_seconds", "keys_for_seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is below zero")
        if unknown := sorted({status for _, status in self.life} - set(STATUSES)):
            raise ValueError(f"unknown status in life: {', '.join(unknown)}")
        if list(self.life) != sorted(self.life, key=lambda step: step[0]):
            raise ValueError("the steps of life are out of order")
        if unknown := sorted(self.weights.keys() - set(OUTCOMES)):
            raise ValueError(f"unknown outcome in weights: {', '.join(unknown)}")
        if not sum(self.weights.values()) > 0 or min(self.weights.values()) < 0:
            raise ValueError("weights want one above zero and none below")
        if self.requests_per_minute is not None and not self.requests_per_minute >= 0:
            raise ValueError("requests_per_minute is below zero")

    def changed(self, given: Mapping[str, Any]) -> Self:
        """Return settings with the given ones changed.

        Raises:
            ValueError: An unknown name or a value that means nothing.
        """
        if unknown := sorted(given.keys() - {setting.name for setting in fields(self)}):
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        changes = dict(given)
        if "faults" in changes:
            changes["faults"] = tuple(Fault.of(fault) for fault in changes["faults"])
        if "life" in changes:
            changes["life"] = tuple((seconds, status) for seconds, status in changes["life"])
        return replace(self, **changes)

    def as_given(self) -> dict[str, Any]:
        """Return the settings as they are sent to ``changed``."""
        return asdict(self) | {"faults": [fault.as_given() for fault in self.faults]}
