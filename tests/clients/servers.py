"""A server on a loopback port that keeps what it was asked, for clients of several processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

PROMISE = {"request_id": "r"}
ANSWERS: Mapping[str, tuple[int, object]] = {
    "config": (404, {}),
    "dynamic_config": (404, {}),
    "create_session": (200, {"session_id": "s"}),
    "session_heartbeat": (200, {}),
    "finish": (204, None),
    "get_server_capabilities": (404, {}),
    "create_sampling_session": (200, {"sampling_session_id": "q"}),
    "asample": (200, PROMISE),
    "retrieve_future": (200, {"sequences": [{"tokens": [7], "stop_reason": "length"}]}),
    "telemetry": (200, {"status": "accepted"}),
}


class Keeping(ThreadingHTTPServer):
    """Answers by the last part of the path, but those `held` never; `asked` has each question's part, body and key.

    Each promise has an id of its own.
    """

    daemon_threads = True

    def __init__(self, answers: Mapping[str, tuple[int, object]]) -> None:
        self.answers = {**ANSWERS, **answers}
        self.asked: list[tuple[str, Any, str | None]] = []
        self.held: set[str] = set()
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def bodies(self, part: str) -> list[Any]:
        return [body for name, body, _ in self.asked if name == part]

    @property
    def keys(self) -> set[str | None]:
        return {key for _, _, key in self.asked}


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"null"))

    def _answer(self, body: object) -> None:
        assert isinstance(self.server, Keeping)
        name = self.path.partition("?")[0].rpartition("/")[2]
        self.server.asked.append((name, body, self.headers.get("x-api-key")))
        if name in self.server.held:
            self.close_connection = self.server.over.wait()
            return
        status, answer = self.server.answers.get(name, (404, {}))
        if answer == PROMISE:
            answer = {"request_id": f"r{len(self.server.asked)}"}
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def keeping(answers: Mapping[str, tuple[int, object]] | None = None) -> Generator[Keeping]:
    """The server, until the end of the block."""
    with Keeping(answers or {}) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
