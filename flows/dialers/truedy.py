"""The dialer for Truedy's public API: one POST per attempt over HTTP, never retried by the client."""

import asyncio
import hashlib
import json
import threading
import uuid
from collections import deque
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import polars as pl

from flows.budget import RequestBudget
from flows.clock import Clock
from flows.dialers.connections import CONNECTED_WITHIN_SECONDS, Connections
from flows.dialers.dialer import ANSWERS, REPORTS, UNSENT
from flows.dialers.truedy_access import TruedyAccess
from flows.dialers.truedy_answers import MOST_ANSWER_BYTES, Answer, Report, read_answer, read_report

LEAVES_WITHIN_SECONDS = 0.2
"""A request not on its way after this is called off: a pause waits no longer than a slice lasts. The
connection that it waited for is there for the next one."""

ANSWER_SECONDS = 30.0
"""After this nobody waits for an answer any more; the call is then unknown."""

_KEY = ("campaign_id", "contact_id", "attempt")
_REPLIES_EVERY = timedelta(milliseconds=20)


def idempotency_key(campaign_id: str, contact_id: str, attempt: int) -> str:
    """Return the key of an attempt: the same for the same campaign, contact and attempt, and for no other."""
    return str(uuid.uuid5(uuid.UUID(campaign_id), f"{attempt}:{contact_id}"))


class TruedyDialer:
    """Speaks to Truedy from a thread of its own. Use it as a context manager."""

    keys_live = timedelta(minutes=10)

    def __init__(self, access: TruedyAccess, budgets: Path, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        name = hashlib.sha256(access.api_key.encode()).hexdigest()[:16]
        self._budget = RequestBudget(budgets / f"truedy-{name}.json", access.requests_per_minute)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="truedy", daemon=True)
        self._session: aiohttp.ClientSession | None = None
        self._connections: Connections | None = None

    @property
    def budget(self) -> RequestBudget:
        """The requests that everything with this key may make."""
        return self._budget

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._open_session())
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._close_session())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def prepare(self, requests: int) -> None:
        """Have connections made, as far as there are none at hand."""
        self._loop.call_soon_threadsafe(self._connect_ahead, requests)

    def send(self, requests: pl.DataFrame, now: datetime) -> "HttpExchange":  # noqa: ARG002 - time passes
        """Send one POST per row; when this returns each has left, or has failed to and is called off.

        The clock is read once more as each leaves: the process may have been stopped since ``now``.
        """
        exchange = HttpExchange(ANSWERS, requests.height)
        self._await(self._send_all(list(requests.iter_rows(named=True)), exchange))
        return exchange

    def look_up(self, calls: pl.DataFrame, now: datetime) -> "HttpExchange":  # noqa: ARG002 - as above
        """Ask once for each call."""
        exchange = HttpExchange(REPORTS, calls.height)
        for call in calls.iter_rows(named=True):
            asyncio.run_coroutine_threadsafe(self._look_up(call, exchange), self._loop)
        return exchange

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open_session(self) -> None:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(_may_leave)
        tracing.on_request_chunk_sent.append(_has_left)
        self._connections = Connections()
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._access.api_key}"},
            connector=self._connections,
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, connect=CONNECTED_WITHIN_SECONDS),
            trace_configs=[tracing],
        )

    async def _close_session(self) -> None:
        if self._connections is not None:
            await self._connections.give_up()
        if self._session is not None:
            await self._session.close()

    def _connect_ahead(self, requests: int) -> None:
        if self._session is not None and self._connections is not None:
            self._connections.make_ahead(self._session, self._access.base_url, requests)

    async def _send_all(self, requests: list[dict[str, Any]], exchange: "HttpExchange") -> None:
        """Start every POST, wait until all have left, and call off those that have no connection in time."""
        departures = [
            _Departure(self._loop.create_future(), request["not_after"], self._clock) for request in requests
        ]
        posts = [
            self._loop.create_task(self._post(request, exchange, departure))
            for request, departure in zip(requests, departures, strict=True)
        ]
        exchange.keep(posts)
        await asyncio.wait([departure.left for departure in departures], timeout=LEAVES_WITHIN_SECONDS)
        for post, departure in zip(posts, departures, strict=True):
            if not departure.may_leave:
                post.cancel()
        under_way = [departure.left for departure in departures if not departure.left.done()]
        if under_way:  # called off, or with a connection and written to in the next turns of the loop
            await asyncio.wait(under_way, timeout=LEAVES_WITHIN_SECONDS)
        await asyncio.sleep(0)  # what is being written is handed to the system in this turn of the loop

    async def _post(self, request: dict[str, Any], exchange: "HttpExchange", departure: "_Departure") -> None:
        answer = await self._answer(request, departure)
        departure.has_left()
        now = self._clock.now()
        try:
            if answer.state == "limited":
                self._budget.hold(answer.held_until, now)
        finally:  # its batch waits for the reply, whatever becomes of the budget
            exchange.add(
                {name: request[name] for name in ("campaign_id", "contact_id", "attempt", "lease_id")}
                | {
                    "state": answer.state,
                    "provider_call_id": answer.provider_call_id,
                    "answered_at": now,
                    "reason": answer.reason,
                }
            )

    async def _answer(self, request: dict[str, Any], departure: "_Departure") -> Answer:
        """Send one POST, and return what came of it; only a contact's own data fail that contact."""
        try:
            body = _body_of(request)
        except MemoryError:
            return Answer(UNSENT, reason="there was no memory to write the request")
        except Exception as error:  # a contact's data can be wrong in any way
            return Answer("failed", reason=f"its data cannot be sent: {type(error).__name__}")
        try:
            return await self._answered(body, idempotency_key(*(request[name] for name in _KEY)), departure)
        except _TooLateError:
            return Answer(UNSENT, reason="its time was past before it could leave")
        except (Exception, asyncio.CancelledError) as error:  # whatever it is, it must be known what it means
            if departure.may_leave:
                return Answer("unknown", reason=f"{type(error).__name__} after the request could leave")
            if isinstance(error, asyncio.CancelledError):
                return Answer(UNSENT, reason=self._no_connection())
            return Answer(UNSENT, reason=f"{type(error).__name__} before the request could leave")

    def _no_connection(self) -> str:
        failure = self._connections.last_failure if self._connections is not None else None
        last = f"; the last one failed: {failure}" if failure else ""
        return f"there was no connection within {LEAVES_WITHIN_SECONDS} s{last}"

    async def _answered(self, body: bytes, key: str, departure: "_Departure") -> Answer:
        assert self._session is not None  # noqa: S101 - opened before anything is sent
        async with self._session.post(
            f"{self._access.base_url}/calls",
            data=body,
            headers={"Content-Type": "application/json", "X-Idempotency-Key": key},
            allow_redirects=False,
            trace_request_ctx=departure,
        ) as response:
            answered = await _content_of(response)
            return read_answer(response.status, response.headers, answered, self._clock.now())

    async def _look_up(self, call: Mapping[str, Any], exchange: "HttpExchange") -> None:
        try:
            report = await self._reported(call["provider_call_id"])
        except (aiohttp.ClientError, TimeoutError, OSError, MemoryError, asyncio.CancelledError):
            report = Report()  # it is asked again
        except Exception as error:  # whatever is in the answer: the inquiry must come to its end
            report = Report(provider_status=f"an answer that cannot be read: {type(error).__name__}")
        now = self._clock.now()
        if report.provider_status is None:
            try:
                if report.is_limited:
                    self._budget.hold(report.held_until, now)
            finally:  # as for an answer
                exchange.add(None)
            return
        exchange.add(
            {name: call[name] for name in ("campaign_id", "contact_id", "attempt")}
            | {
                "state": report.state,
                "provider_status": report.provider_status,
                "reported_at": report.reported_at or now,
                "reason": report.reason,
            }
        )

    async def _reported(self, provider_call_id: str) -> Report:
        assert self._session is not None  # noqa: S101 - opened before anything is asked
        place = quote(provider_call_id, safe="")
        url = f"{self._access.base_url}/calls/{place}"
        async with self._session.get(url, allow_redirects=False) as response:
            body = await _content_of(response)
            now = self._clock.now()
            return read_report(provider_call_id, response.status, response.headers, body, now)


def _body_of(request: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {
            "agent_id": request["agent_id"],
            "phone_number": request["phone"],
            "from_number": request["from_number"],
            "variables": json.loads(request["variables"]),
        }
    ).encode()


class _TooLateError(Exception):
    """The time of a request is past, and it has not left."""


class _Departure:
    """How far a request has come on its way out."""

    def __init__(self, left: "asyncio.Future[None]", not_after: datetime, clock: Clock) -> None:
        self.left = left
        self._not_after = not_after
        self._clock = clock
        self.may_leave = False
        """Whether it has a connection: from then on nobody can say for certain that it has not left."""

    def let_go(self) -> None:
        """Note that it has a connection and is about to be written.

        Raises:
            _TooLateError: it may not leave any more.
        """
        if self._clock.now() >= self._not_after:
            raise _TooLateError
        self.may_leave = True

    def has_left(self) -> None:
        """Note that it is gone, or will never go."""
        if not self.left.done():
            self.left.set_result(None)


class HttpExchange:
    """Requests on their way; the replies come in from the dialer's thread."""

    def __init__(self, schema: pl.Schema, requests: int) -> None:
        self._schema = schema
        self._outstanding = requests
        self._replies: deque[dict[str, Any] | None] = deque()
        self._posts: list[asyncio.Task[None]] = []

    def keep(self, posts: "list[asyncio.Task[None]]") -> None:
        """Hold on to tasks, which the event loop itself does not."""
        self._posts = posts

    def add(self, reply: dict[str, Any] | None) -> None:
        """Take in a reply, or None where there is no news."""
        self._replies.append(reply)

    @property
    def is_open(self) -> bool:
        """Whether a reply is still to come or to be asked for."""
        return self._outstanding > 0

    def replies(self, now: datetime) -> pl.DataFrame:  # noqa: ARG002 - what has come in has come in
        """Return what has come in since this was asked last, each reply once."""
        found = [self._replies.popleft() for _ in range(len(self._replies))]
        self._outstanding -= len(found)
        return pl.DataFrame([reply for reply in found if reply is not None], schema=self._schema)

    def wakes_at(self, now: datetime) -> datetime:
        """Return when it is worth asking again."""
        return now + _REPLIES_EVERY


async def _may_leave(
    session: aiohttp.ClientSession,  # noqa: ARG001 - the signature is aiohttp's
    context: SimpleNamespace,
    _: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.let_go()


async def _has_left(
    session: aiohttp.ClientSession,  # noqa: ARG001 - the signature is aiohttp's
    context: SimpleNamespace,
    _: aiohttp.TraceRequestChunkSentParams,
) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.has_left()


async def _content_of(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, and no more of it than an answer can have."""
    body = await response.content.read(MOST_ANSWER_BYTES)
    while len(body) < MOST_ANSWER_BYTES and (
        more := await response.content.read(MOST_ANSWER_BYTES - len(body))
    ):
        body += more
    return body
