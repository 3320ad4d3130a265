"""The ways in which the provider misbehaves, and which request meets which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from tests.provider.draws import draw

CALL, LOOK_UP, BOTH = "call", "look_up", "both"


@dataclass(frozen=True)
class Kind:
    """What is fixed about a kind of fault.

    ``rings`` says whether a call request that meets it rings all the same; ``silent`` that no answer is ever
    sent; ``on`` the requests it can befall, the usual ones first; ``own`` its own fields and what they are
    when not given.
    """

    rings: bool
    silent: bool = False
    on: tuple[str, ...] = (CALL, LOOK_UP)
    own: Mapping[str, float | str] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "timeout_placed": Kind(rings=True, silent=True, own={"seconds": 600}),
        "timeout_not_placed": Kind(rings=False, silent=True, own={"seconds": 600}),
        "placed_late": Kind(rings=False, silent=True, on=(CALL,), own={"seconds": 75}),
        "error": Kind(rings=False, own={"status": 500, "placed": 0}),
        "limited": Kind(rings=False, own={"how": "reset_at", "seconds": 2}),
        "refused": Kind(rings=False, own={"status": 402}),
        "reset_before": Kind(rings=False, silent=True),
        "reset_after": Kind(rings=True, silent=True),
        "garbage": Kind(rings=True),
        "compressed": Kind(rings=True),
        "no_id": Kind(rings=True),
        "failed_body": Kind(rings=False, on=(CALL,)),
        "unknown_status": Kind(rings=True, on=(LOOK_UP, CALL)),
        "bad_field": Kind(rings=False),
        "huge": Kind(rings=True, own={"bytes": 20_000_000}),
        "slow_body": Kind(rings=True, own={"seconds": 30}),
    }
)
"""Every kind by its name."""

HOWS = ("reset_at", "seconds", "date", "absent", "negative", "absurd")
"""The ways in which a 429 says when to come back."""

REFUSALS = {401: "unauthorized", 402: "insufficient_credit", 403: "forbidden"}
"""The codes of the statuses with which the provider refuses a whole account."""


@dataclass(frozen=True)
class Fault:
    """One fault that a ``share`` of requests meets.

    ``first`` confines it to the first n requests after it was set, ``first_of_key`` to the first n of each
    idempotency key (or of each call, for look-ups). ``own`` holds the fields of its kind.
    """

    kind: str
    share: float = 1.0
    on: str = CALL
    first: int | None = None
    first_of_key: int | None = None
    own: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return the fault that a mapping names, fields of its kind beside the others.

        Raises:
            ValueError: A kind, a field or a value that this provider does not know.
        """
        kind = KINDS.get(given.get("kind", ""))
        if kind is None:
            raise ValueError(f"unknown kind of fault {given.get('kind')!r}; there are {', '.join(KINDS)}")
        shared = {name: value for name, value in given.items() if name in _SHARED}
        own = dict(kind.own) | {name: value for name, value in given.items() if name not in _SHARED}
        if unknown := sorted(own.keys() - kind.own.keys()):
            raise ValueError(f"{given['kind']} has no field {', '.join(unknown)}")
        fault = cls(**{"on": kind.on[0]} | shared, own=own)
        fault.refuse_nonsense()
        return fault

    def refuse_nonsense(self) -> None:
        """Raise ``ValueError`` for a value that would quietly do nothing or something else."""
        wanted = (CALL, LOOK_UP) if self.on == BOTH else (self.on,)
        if not set(wanted) <= set(KINDS[self.kind].on):
            able = " and ".join(KINDS[self.kind].on)
            raise ValueError(f"{self.kind} is not for {self.on!r}, only for {able}")
        for name, usual in KINDS[self.kind].own.items():
            if not isinstance(usual, str) and not isinstance(self.own[name], int | float):
                raise ValueError(f"{name} is {self.own[name]!r}, not a number")
        for name, share in (("share", self.share), ("placed", self.own.get("placed", 0))):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is {share}, not between 0 and 1")
        if self.kind == "limited" and self.own["how"] not in HOWS:
            raise ValueError(f"unknown how {self.own['how']!r}; there are {', '.join(HOWS)}")
        if self.kind == "refused" and self.own["status"] not in REFUSALS:
            raise ValueError(f"refused has the status {self.own['status']}, not 401, 402 or 403")
        if self.kind == "error" and not 500 <= self.own["status"] <= 599:
            raise ValueError(f"error has the status {self.own['status']}, not 500 to 599")

    @property
    def silent(self) -> bool:
        """Whether no answer is ever sent."""
        return KINDS[self.kind].silent

    def rings(self, *parts: object) -> bool:
        """Whether the call request that drew it rings all the same."""
        return KINDS[self.kind].rings or draw(*parts, "placed") < self.own.get("placed", 0)

    def as_given(self) -> dict[str, Any]:
        """Return the mapping it is made from, every field said."""
        return {name: getattr(self, name) for name in _SHARED} | dict(self.own)


_SHARED = ("kind", "share", "on", "first", "first_of_key")


class FaultChoice:
    """Chooses the fault a request meets: the first of the list that is drawn for it."""

    def __init__(self, seed: int, faults: Iterable[Fault]) -> None:
        self._seed = seed
        self._faults = tuple(faults)
        self._seen = [0] * len(self._faults)

    def next(self, on: str, key: str, number: int) -> Fault | None:
        """Return the fault of the ``number``-th request of this key, counted from 1, if it meets one."""
        met = None
        for place, fault in enumerate(self._faults):
            if fault.on not in (on, BOTH):
                continue
            self._seen[place] += 1
            if (
                met is None
                and (fault.first is None or self._seen[place] <= fault.first)
                and (fault.first_of_key is None or number <= fault.first_of_key)
                and draw(self._seed, "fault", place, on, key, number) < fault.share
            ):
                met = fault
        return met
