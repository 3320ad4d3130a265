"""Truedy's dialer against a TLS server to which a connection takes longer than a slice lasts."""

import contextlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime

import pytest
import trustme

from flows.clock import SystemClock
from flows.dialers import connections, truedy
from flows.dialers.connections import Connections
from flows.dialers.truedy import LEAVES_WITHIN_SECONDS, TruedyDialer
from flows.dialers.truedy_access import TruedyAccess
from tests.flows.dialers.test_truedy import _replies, _requests

SLOWLY = 3 * LEAVES_WITHIN_SECONDS
ANSWER = b'{"data": {"id": "call", "status": "queued"}}'


class FarServer:
    """Shakes hands slowly, answers every request at once, and counts both."""

    def __init__(self, ca):
        self.connections, self.requests = 0, 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1").configure_cert(self.tls)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self._listening.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # it was closed
            while True:
                accepted, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted):
        time.sleep(SLOWLY)  # what a far provider takes, cannot be handed in
        with contextlib.suppress(OSError), self.tls.wrap_socket(accepted, server_side=True) as connection:
            self.connections += 1
            received = b""
            while part := connection.recv(65_536):
                received += part
                if b'"variables"' in received:
                    received = b""
                    self.requests += 1
                    head = f"HTTP/1.1 201 Created\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
                    connection.sendall(head.encode() + ANSWER)


@pytest.fixture
def far(monkeypatch):
    ca = trustme.CA()
    server = FarServer(ca)
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)

    class Trusting(Connections):
        def __init__(self):
            super().__init__()
            self._ssl = trusting

    monkeypatch.setattr(truedy, "Connections", Trusting)
    yield server
    server.close()


@pytest.fixture
def dialer(far, tmp_path):
    with TruedyDialer(TruedyAccess(far.address, "good", 100), tmp_path, SystemClock()) as opened:
        yield opened


def _sent(dialer, *contacts):
    return _replies(dialer.send(_requests(*contacts), datetime.now(UTC)))


def _wait_for(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(0.1)  # the dialer learns of the end of the handshake a moment after the server


def test_a_connection_that_came_too_late_for_its_request_is_there_for_the_next(far, dialer):
    answers = _sent(dialer, "a", "b")
    assert answers["state"].to_list() == ["unsent", "unsent"]
    assert answers["reason"].unique().to_list() == [
        f"there was no connection within {LEAVES_WITHIN_SECONDS} s"
    ]
    _wait_for(lambda: far.connections == 2)
    assert far.requests == 0
    assert _sent(dialer, "a", "b")["state"].to_list() == ["in_progress", "in_progress"]
    assert (far.connections, far.requests) == (2, 2)


def test_what_was_prepared_for_leaves_at_the_first_try(far, dialer):
    dialer.prepare(3)
    _wait_for(lambda: far.connections == 3)
    dialer.prepare(3)  # they are still at hand
    assert _sent(dialer, "a", "b", "c")["state"].to_list() == ["in_progress"] * 3
    assert (far.connections, far.requests) == (3, 3)


def test_no_more_connections_are_made_for_nobody_than_a_process_can_bear(far, dialer, monkeypatch):
    monkeypatch.setattr(connections, "MADE_AHEAD", 2)
    monkeypatch.setattr(connections, "_MOST_CONNECTING", 3)
    dialer.prepare(50)
    _wait_for(lambda: far.connections == 2)
    assert set(_sent(dialer, *"abcdefgh")["state"]) == {"unsent", "in_progress"}
    time.sleep(2 * SLOWLY)
    assert far.connections <= 5


def test_a_connection_that_served_nobody_for_long_is_not_used_again(far, dialer, monkeypatch):
    dialer.prepare(2)
    _wait_for(lambda: far.connections == 2)
    monkeypatch.setattr(connections, "_IDLE_SECONDS", SLOWLY)

    def others_are_there():
        dialer.prepare(2)  # to look whether they are there does not keep them fresh
        return far.connections >= 4

    _wait_for(others_are_there)


def test_what_a_connection_fails_with_is_told_by_the_next_request_that_has_none(far, dialer, monkeypatch):
    monkeypatch.setattr(far, "tls", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    trustme.CA().issue_cert("127.0.0.1").configure_cert(far.tls)  # nobody trusts it
    _sent(dialer, "a")
    time.sleep(SLOWLY)
    (reason,) = _sent(dialer, "a")["reason"]
    assert reason.endswith("the last one failed: ClientConnectorCertificateError")


def test_a_dialer_that_is_closed_waits_for_no_connection(far, tmp_path):
    with TruedyDialer(TruedyAccess(far.address, "good", 100), tmp_path, SystemClock()) as opened:
        opened.prepare(5)
        _sent(opened, "a", "b")
    assert far.connections == 0
