"""The provider's HTTP: placing a call, looking one up, and changing how it behaves."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from tests.provider.answers import NO_ANSWER, Answer, error, iso, limited, spoilt, success
from tests.provider.book import Book, Call
from tests.provider.delivery import deliver
from tests.provider.draws import draw
from tests.provider.faults import CALL, LOOK_UP, Fault, FaultChoice
from tests.provider.limit import MinuteLimit
from tests.provider.record import Record
from tests.provider.settings import Settings

CALLS = "/api/public/v1/calls"
CONTROL = "/control"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class Provider:
    """Takes on calls, rings each once per key, and follows its settings.

    ``rung`` and ``asked`` are the rings and requests of an earlier run on the same record: their calls and
    keys are still known.
    """

    def __init__(
        self,
        record: Record,
        seed: int = 0,
        rung: Iterable[Mapping[str, Any]] = (),
        asked: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._record = record
        self._seed = seed
        self._settings = Settings()
        self._faults = FaultChoice(seed, ())
        self._limit = MinuteLimit()
        self._book = Book(seed, rung)
        self._numbers = Counter(row["key"] for row in asked)
        self._look_up_numbers: Counter[str] = Counter()
        self._counts = {"requests": 0, "rings": 0, "look_ups": 0}
        self._answers = 0
        self._late: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """Return the application that serves this provider."""
        app = web.Application()
        app.router.add_post(CALLS, self._take_request)
        app.router.add_get(CALLS + "/{id}", self._take_look_up)
        app.router.add_get(CONTROL, self._tell)
        app.router.add_post(CONTROL, self._change)
        return app

    async def _take_request(self, request: web.Request) -> web.StreamResponse:
        started_at = time.time()
        key = request.headers.get("X-Idempotency-Key")
        self._counts["requests"] += 1
        self._numbers[key] += 1
        number = self._numbers[key]
        answer, fault = self._refusal(request, started_at), None
        if answer is None:
            fault = self._faults.next(CALL, key or "", number)
            answer = self._spoilt(await self._answer_request(request, fault, key, number, started_at), fault)
        status = None if answer is NO_ANSWER or (fault and fault.silent) else answer.status
        self._record.request(
            {"key": key, "at": started_at, "status": status, "fault": fault.kind if fault else None}
        )
        return await self._deliver(request, answer, fault)

    async def _answer_request(
        self, request: web.Request, fault: Fault | None, key: str | None, number: int, started_at: float
    ) -> Answer:
        """Read a request, ring unless its fault or its key says otherwise, and return the good answer."""
        if fault and fault.kind == "reset_before":
            return NO_ANSWER
        try:
            body = await _read(request)
        except ConnectionError:
            return NO_ANSWER
        if wrong := _what_is_wrong(body):
            return error(422, "validation_error", "the call cannot be placed", wrong, self._meta())
        settings = self._settings
        if call := self._book.first_of(key, time.time(), settings):
            await self._record.caught_up()
            return success(200, self._book.answered(call, settings), self._meta())
        kind = fault.kind if fault else None
        drawn = (self._seed, key, number)
        call = Call(
            id=f"call-{int(draw(*drawn, 'id') * 2**56):014x}",
            key=key,
            **{name: body[name] for name in ("phone_number", "from_number", "agent_id")},
            taken_at=time.time(),
            failed=kind == "failed_body",
        )
        if fault is None or fault.rings(*drawn):
            self._book.take_on(call)
            await self._ring(call, started_at)
        elif kind == "placed_late":
            self._book.take_on(call)
            self._ring_later(call, started_at, fault.own["seconds"])
        elif call.failed:
            self._book.take_on(call)
        return success(201, self._book.answered(call, settings), self._meta())

    async def _ring(self, call: Call, started_at: float) -> None:
        call.rang_at = time.time()
        await self._record.ring(
            {
                "ring": call.id,
                "key": call.key,
                "phone_number": call.phone_number,
                "from_number": call.from_number,
                "agent_id": call.agent_id,
                "at": call.rang_at,
                "started_at": started_at,
            }
        )
        self._counts["rings"] += 1

    def _ring_later(self, call: Call, started_at: float, seconds: float) -> None:
        async def ring() -> None:
            await asyncio.sleep(seconds)
            await self._ring(call, started_at)

        task = asyncio.create_task(ring())
        self._late.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._late.discard)

    async def _take_look_up(self, request: web.Request) -> web.StreamResponse:
        now = time.time()
        self._counts["look_ups"] += 1
        call_id = request.match_info["id"]
        self._look_up_numbers[call_id] += 1
        answer, fault = self._refusal(request, now), None
        if answer is None:
            fault = self._faults.next(LOOK_UP, call_id, self._look_up_numbers[call_id])
            if call := self._book.find(call_id):
                answer = success(200, self._book.looked_up(call, now, self._settings), self._meta())
            else:
                answer = error(404, "not_found", "no such call", {"id": call_id}, self._meta())
            answer = self._spoilt(answer, fault)
        return await self._deliver(request, answer, fault)

    def _refusal(self, request: web.Request, now: float) -> Answer | None:
        """Return the answer to a request that is not let in."""
        settings = self._settings
        if request.headers.get("Authorization") != f"Bearer {settings.api_key}":
            return error(401, "unauthorized", "the key is missing or wrong", {}, self._meta())
        until = self._limit.refused_until(now, settings)
        if until is not None:
            details = {"limit": settings.requests_per_minute, "reset_at": iso(until)}
            return limited(details, self._meta())
        return None

    async def _deliver(self, request: web.Request, answer: Answer, fault: Fault | None) -> web.StreamResponse:
        if self._settings.delay_seconds:
            await asyncio.sleep(self._settings.delay_seconds)
        return await deliver(request, answer, fault)

    def _spoilt(self, answer: Answer, fault: Fault | None) -> Answer:
        if fault is None or answer is NO_ANSWER:
            return answer
        return spoilt(answer, fault, self._meta(), time.time())

    def _meta(self) -> dict[str, Any]:
        self._answers += 1
        return {"request_id": f"req-{self._answers}", "ts": iso(time.time())}

    async def _tell(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response({"settings": self._settings.as_given(), "counts": self._counts})

    async def _change(self, request: web.Request) -> web.Response:
        try:
            given = await request.json()
            self._settings = self._settings.changed(given)
        except (AttributeError, TypeError, ValueError) as problem:
            return web.json_response({"error": str(problem)}, status=422)
        if "faults" in given:
            self._faults = FaultChoice(self._seed, self._settings.faults)
        return await self._tell(request)


async def _read(request: web.Request) -> Any:
    """Return the body of a request, ``None`` where it is no JSON."""
    try:
        return json.loads(await request.read())
    except ValueError:
        return None


def _what_is_wrong(body: Any) -> dict[str, str]:
    """Return what is wrong with the body of a request to call, by field."""
    if not isinstance(body, dict):
        return {"body": "is not a JSON object"}
    wrong = {
        name: "is not an E.164 number"
        for name in ("phone_number", "from_number")
        if not (isinstance(body.get(name), str) and _E164.fullmatch(body[name]))
    }
    if not (isinstance(body.get("agent_id"), str) and body["agent_id"]):
        wrong["agent_id"] = "is missing"
    for name in ("variables", "call_settings"):
        if not isinstance(body.get(name, {}), dict):
            wrong[name] = "is not an object"
    return wrong
