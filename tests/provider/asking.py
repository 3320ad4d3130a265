"""Requests of a client that takes care of nothing by itself: one connection each, never sent again."""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.provider.running import RunningProvider

Seen = TypeVar("Seen")

CALLS = "/api/public/v1/calls"
BODY = {
    "agent_id": "agent-1",
    "phone_number": "+12125550101",
    "from_number": "+12125550190",
    "variables": {"name": "Ann"},
    "call_settings": {},
}


class Reply:
    """An answer: its status, its headers, and its body, parsed if it is JSON, with its size in bytes."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        whole = response.read()
        if response.headers["Content-Encoding"] == "gzip":
            whole = gzip.decompress(whole)
        self.size = len(whole)
        self.body: Any = whole.decode()
        if response.headers.get_content_type() == "application/json":
            self.body = json.loads(whole)

    @property
    def data(self) -> dict[str, Any]:
        """What a good answer carries."""
        return dict(self.body["data"])

    @property
    def error(self) -> dict[str, Any]:
        """What is said to be wrong."""
        return dict(self.body["error"])


def ask(
    provider: RunningProvider,
    method: str,
    path: str,
    body: str | bytes | None = None,
    timeout: float = 5,
    **headers: str,
) -> Reply:
    """Send one request with the good key, or with the headers given, and return its answer."""
    connection = http.client.HTTPConnection(urlsplit(provider.address).netloc, timeout=timeout)
    try:
        connection.request(method, path, body, {"Authorization": "Bearer good"} | headers)
        return Reply(connection.getresponse())
    finally:
        connection.close()


def post(provider: RunningProvider, key: str, timeout: float = 5, **changes: Any) -> Reply:
    """Ask for a call under a key; ``changes`` are to ``BODY``."""
    return ask(provider, "POST", CALLS, json.dumps(BODY | changes), timeout, **{"X-Idempotency-Key": key})


def look_up(provider: RunningProvider, call_id: str, timeout: float = 5) -> Reply:
    """Look a call up."""
    return ask(provider, "GET", f"{CALLS}/{call_id}", timeout=timeout)


def wait_for(look: Callable[[], Seen], seconds: float = 5) -> Seen:
    """Look again and again until there is something to see, and return it."""
    until = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < until, f"nothing came within {seconds} s"
        time.sleep(0.01)
    return seen


def rings_of(provider: RunningProvider, key: str) -> list[dict[str, Any]]:
    """Return the rings of a key."""
    return [ring for ring in provider.rings() if ring["key"] == key]


def requests_of(provider: RunningProvider, key: str) -> list[tuple[int | None, str | None]]:
    """Return status and fault of every request of a key."""
    return [(row["status"], row["fault"]) for row in provider.requests() if row["key"] == key]


def send_head(provider: RunningProvider, key: str, body: str, length: int) -> socket.socket:
    """Send the head of a call request and as much of its body as is given; return the open socket."""
    address = urlsplit(provider.address)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=5)
    head = f"POST {CALLS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nX-Idempotency-Key: {key}\r\n"
    connection.sendall(f"{head}Content-Length: {length}\r\n\r\n{body}".encode())
    return connection
