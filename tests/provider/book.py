"""The calls the provider knows, and what it says about each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.provider.draws import draw_name
from tests.provider.settings import FINAL, Settings


@dataclass
class Call:
    """A call that was taken on; ``rang_at`` is unset until it rings, and for ever if it ``failed``."""

    id: str
    key: str | None
    phone_number: str
    from_number: str
    agent_id: str
    taken_at: float
    rang_at: float | None = None
    failed: bool = False


class Book:
    """Finds calls by their id and, while keys are kept, by their key."""

    def __init__(self, seed: int, rung: Iterable[Mapping[str, Any]] = ()) -> None:
        self._seed = seed
        self._calls: dict[str, Call] = {}
        self._latest: dict[str, Call] = {}
        for ring in rung:
            fields = {name: ring[name] for name in ("key", "phone_number", "from_number", "agent_id")}
            self.take_on(Call(ring["ring"], **fields, taken_at=ring["at"], rang_at=ring["at"]))

    def take_on(self, call: Call) -> None:
        """Add a call, which its key finds from now on."""
        self._calls[call.id] = call
        if call.key is not None:
            self._latest[call.key] = call

    def find(self, call_id: str) -> Call | None:
        """Return the call of this id, if there is one."""
        return self._calls.get(call_id)

    def first_of(self, key: str | None, now: float, settings: Settings) -> Call | None:
        """Return the call that this key already has, unless the key is no longer kept."""
        call = self._latest.get(key) if key is not None else None
        return call if call and now - call.taken_at < settings.keys_for_seconds else None

    def answered(self, call: Call, settings: Settings) -> dict[str, Any]:
        """Return what the answer to its request says of a call."""
        status = "failed" if call.failed else "queued"
        if settings.answer_final and not call.failed:
            last = settings.life[-1][1] if settings.life else "completed"
            status = last if last in FINAL else "completed"
        return self._said(call, status, settings)

    def looked_up(self, call: Call, now: float, settings: Settings) -> dict[str, Any]:
        """Return what a look-up says of a call."""
        status = "failed" if call.failed else "queued"
        if call.rang_at is not None:
            for seconds, name in settings.life:
                if now - call.rang_at >= seconds:
                    status = name
        return self._said(call, status, settings)

    def _said(self, call: Call, status: str, settings: Settings) -> dict[str, Any]:
        outcome = None
        if status == "failed":
            outcome = "failed"
        elif status in FINAL and status != "cancelled":
            outcome = draw_name(settings.weights, self._seed, "outcome", call.key or call.id)
        return {
            "id": call.id,
            "status": status,
            "phone_number": call.phone_number,
            "from_number": call.from_number,
            "agent_id": call.agent_id,
            "outcome": outcome,
            "ended_reason": outcome and outcome.replace("_", "-"),
        }
