"""Connections that are there when a request needs one: made ahead, or for one that was called off.

A request leaves within a slice, which is shorter than a connection over TLS to a far provider takes to make.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import aiohttp

CONNECTED_WITHIN_SECONDS = 10.0
"""A connection not made by then is given up; the provider is as good as down."""

MADE_AHEAD = 20
"""How many connections are made ready for a batch at most: what it has under way at a common pace."""

_MOST_CONNECTING = 100
"""So many are being made on behalf of nobody at most: each takes a file descriptor."""

T = TypeVar("T")


class Connections:
    """Makes the connections of a session. Used in its event loop only; ``outlive`` is a middleware of it."""

    def __init__(self, connector: aiohttp.BaseConnector, timeout: aiohttp.ClientTimeout) -> None:
        self._connector = connector
        self._timeout = timeout
        self._under_way: set[asyncio.Task[Any]] = set()

    async def outlive(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Connect, then send the request; if it is called off meanwhile, the next one has the connection."""
        if len(self._under_way) >= _MOST_CONNECTING:
            return await handler(request)
        connecting = self._begin(self._connector.connect(request, [], self._timeout))
        try:
            connection = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_put_back)
            raise
        connection.release()  # and the handler, which takes its connection itself, finds it
        return await handler(request)

    def make_ahead(self, session: aiohttp.ClientSession, address: str, count: int) -> None:
        """Begin to have ``count`` connections to ``address``, or ``MADE_AHEAD``; nothing is sent."""
        for _ in range(min(count, MADE_AHEAD) - len(self._under_way)):
            self._begin(self._make_one(session, address))

    async def close(self) -> None:
        """Give up what is not made yet."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _make_one(self, session: aiohttp.ClientSession, address: str) -> None:
        with suppress(Exception):  # what goes wrong is told by the requests that then have no connection
            await session.get(address, middlewares=(self._only_connect,))

    async def _only_connect(
        self,
        request: aiohttp.ClientRequest,
        handler: aiohttp.ClientHandlerType,  # noqa: ARG002 - the signature is aiohttp's
    ) -> aiohttp.ClientResponse:
        connection = await self._connector.connect(request, [], self._timeout)
        await asyncio.sleep(0)  # those that are made side by side each take one of their own first
        connection.release()
        raise _ConnectedError


class _ConnectedError(Exception):
    """The request has done all it was made for."""


def _put_back(connecting: "asyncio.Task[aiohttp.connector.Connection]") -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().release()
