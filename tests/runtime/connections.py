"""An HTTP server on a loopback port that counts its open connections."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override


class Counting(ThreadingHTTPServer):
    """Answers every request with an empty object and keeps the connection open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    @property
    def _counting(self) -> Counting:
        assert isinstance(self.server, Counting)
        return self.server

    @override
    def setup(self) -> None:
        super().setup()
        self._counting.begun.release()

    @override
    def finish(self) -> None:
        super().finish()
        self._counting.ended.release()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def counting() -> Generator[Counting]:
    """The server, until the end of the block."""
    with Counting() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
