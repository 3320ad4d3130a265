"""A server that answers as it is told, in place of Prefect's."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def answering(says: Callable[[str], tuple[int, bytes]]) -> Iterator[str]:
    """Yield the address of a server whose answer to a GET, status and body, is what ``says`` of the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = says(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api"
        finally:
            server.shutdown()
