"""What the supervisor keeps of the block with Truedy's key."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.serving.credentials import credentials_of

BEFORE = {"TRUEDY_API_KEY": "before"}
BLOCK = {"base_url": "https://example.org/v1", "api_key": "secret", "requests_per_minute": 60}


def _said(status, data):
    """Return what comes of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"data": data}).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            return credentials_of(f"http://127.0.0.1:{server.server_port}/api", BEFORE)
        finally:
            server.shutdown()


def test_what_the_block_says_is_what_the_environment_would():
    assert _said(200, BLOCK) == {
        "TRUEDY_BASE_URL": "https://example.org/v1",
        "TRUEDY_API_KEY": "secret",
        "TRUEDY_REQUESTS_PER_MINUTE": "60",
    }


@pytest.mark.parametrize(
    ("status", "data", "said"),
    [
        (404, {}, {}),
        (200, BLOCK | {"base_url": "nowhere"}, {}),
        (503, {}, BEFORE),
        (200, None, BEFORE),
    ],
)
def test_a_block_that_is_gone_or_not_valid_gives_none_and_a_server_in_trouble_leaves_what_there_was(
    status, data, said
):
    assert _said(status, data) == said


def test_a_server_that_is_away_leaves_what_there_was():
    assert credentials_of("http://127.0.0.1:9/api", BEFORE) == BEFORE
