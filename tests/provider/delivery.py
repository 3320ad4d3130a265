"""How an answer leaves: at once, drop by drop, without end, never, or with a reset in its place."""

import asyncio
import socket
import struct
from contextlib import suppress

from aiohttp import web

from tests.provider.answers import NO_ANSWER, Answer
from tests.provider.faults import Fault

_CHUNK_BYTES = 65_536


async def deliver(request: web.Request, answer: Answer, fault: Fault | None) -> web.StreamResponse:
    """Send an answer as the fault its request met wants it."""
    if answer is NO_ANSWER:
        return reset(request)
    if fault is None:
        return _plain(answer)
    match fault.kind:
        case "timeout_placed" | "timeout_not_placed" | "placed_late":
            await asyncio.sleep(fault.own["seconds"])
            return reset(request)
        case "reset_before" | "reset_after":  # before: of a look-up, which has no body
            return reset(request)
        case "huge":
            return await _send_huge(request, answer, fault.own["bytes"])
        case "slow_body":
            return await _drip(request, answer, fault.own["seconds"])
        case "compressed":
            response = _plain(answer)
            if "gzip" in request.headers.get("Accept-Encoding", ""):
                response.enable_compression(web.ContentCoding.gzip)
            return response
        case _:
            return _plain(answer)


def _plain(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.encoded(),
        content_type=answer.content_type,
        headers=answer.headers,
    )


def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection with a reset; what is returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        # with no time to linger, close sends a reset instead of the end of the stream
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()
    return web.Response()


async def _send_huge(request: web.Request, answer: Answer, size_bytes: int) -> web.StreamResponse:
    """Send the answer followed by as many spaces as make it ``size_bytes`` long: valid JSON, and too much."""
    body = answer.encoded()
    left = max(size_bytes - len(body), 0)
    response = await _started(request, answer, len(body) + left)
    with suppress(ConnectionError):
        await response.write(body)
        while left > 0:
            await response.write(b" " * min(left, _CHUNK_BYTES))
            left -= _CHUNK_BYTES
    return response


async def _drip(request: web.Request, answer: Answer, seconds: float) -> web.StreamResponse:
    """Send the head at once and the body byte by byte, evenly over the seconds."""
    body = answer.encoded()
    response = await _started(request, answer, len(body))
    with suppress(ConnectionError):
        for place in range(len(body)):
            await asyncio.sleep(seconds / len(body))
            await response.write(body[place : place + 1])
    return response


async def _started(request: web.Request, answer: Answer, length: int) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type, response.content_length = answer.content_type, length
    await response.prepare(request)
    return response
