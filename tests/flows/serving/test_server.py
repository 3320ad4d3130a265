"""Whether a Prefect server is there, asked over HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.serving.server import answers, settings_for


@pytest.fixture
def api():
    """A server that answers ``/health``, and ``/ready`` with a status that can be set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(server.ready if self.path == "/api/ready" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.ready = 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    server.server_close()


def test_a_server_without_its_database_is_not_there(api):
    server, address = api
    assert answers(address)
    server.ready = 503
    assert not answers(address)


def test_a_server_of_this_machine_is_asked_without_a_proxy(api, monkeypatch):
    _, address = api
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "example.org,127.0.0.1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert settings_for("folder", 4200)["no_proxy"] == "127.0.0.1,example.org"
    monkeypatch.delenv("no_proxy")
    assert answers(address)
