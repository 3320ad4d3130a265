"""Connections that are there when a request needs one: made ahead, or for one that was called off.

A request leaves within a slice, which is shorter than a connection over TLS to a far provider takes to make.
"""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.connector import Connection

CONNECTED_WITHIN_SECONDS = 5.0
"""A connection not made by then is given up; the provider is as good as down."""

MADE_AHEAD = 20
"""How many connections are made ready for a batch at most: what it has under way at a common pace."""

_MOST_CONNECTING = 40
"""How many are made side by side that outlive their requests: each takes a file descriptor per address."""

_IDLE_SECONDS = 55.0
"""A connection that served nobody for so long is not used again: many a server closes it after a minute."""

T = TypeVar("T")


class Connections(aiohttp.TCPConnector):
    """The connections of a session; one whose request is called off meanwhile is there for the next."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=_IDLE_SECONDS)
        self.last_failure: str | None = None
        """What the last connection failed with, as long as none has succeeded since."""
        self._connecting: set[asyncio.Task[Any]] = set()
        self._spare: set[asyncio.Task[Any]] = set()
        self._served_at: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection for a request."""
        if len(self._connecting) >= _MOST_CONNECTING:
            connection = await self._fresh(req, traces, timeout)
        else:
            connecting = self._begin(self._fresh(req, traces, timeout))
            try:
                connection = await asyncio.shield(connecting)
            except asyncio.CancelledError:
                self._spare.add(connecting)
                connecting.add_done_callback(self._put_back)
                raise
        self._served_at[connection.protocol] = time.monotonic()
        return connection

    def make_ahead(self, session: aiohttp.ClientSession, address: str, count: int) -> None:
        """Begin to have ``count`` connections to ``address``, or ``MADE_AHEAD``; nothing is sent."""
        wanted = min(count, MADE_AHEAD) - len(self._spare)
        for _ in range(min(wanted, _MOST_CONNECTING - len(self._connecting))):
            self._spare.add(self._begin(self._make_one(session, address)))

    async def give_up(self) -> None:
        """Give up what is not made yet."""
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    async def _fresh(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection that served somebody lately, or a new one."""
        try:
            while True:
                connection = await super().connect(req, traces, timeout)
                served_at = self._served_at.setdefault(connection.protocol, time.monotonic())
                if served_at + _IDLE_SECONDS > time.monotonic():
                    self.last_failure = None
                    return connection
                connection.close()
        except Exception as error:
            self.last_failure = type(error).__name__
            raise

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        task.add_done_callback(self._spare.discard)
        return task

    def _put_back(self, connecting: "asyncio.Task[Connection]") -> None:
        self._spare.discard(connecting)
        if not connecting.cancelled() and connecting.exception() is None:
            connecting.result().release()

    async def _make_one(self, session: aiohttp.ClientSession, address: str) -> None:
        # The requests that then have no connection tell what the last one failed with.
        with suppress(Exception):
            await session.get(address, middlewares=(self._only_connect,))

    async def _only_connect(
        self,
        request: aiohttp.ClientRequest,
        handler: aiohttp.ClientHandlerType,  # noqa: ARG002 - the signature is aiohttp's
    ) -> aiohttp.ClientResponse:
        connection = await self._fresh(request, [], request.session.timeout)
        try:
            await asyncio.sleep(0)  # those that are made side by side each take one of their own first
        finally:
            connection.release()
        raise _ConnectedError


class _ConnectedError(Exception):
    """The request has done all it was made for."""
