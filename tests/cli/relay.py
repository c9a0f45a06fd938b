"""A server in front of another: one that makes no archives, and whose addresses are good for one small piece."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from typing_extensions import override

PIECE = 1000
"""Bytes that come at once, whatever is asked for."""
_DROPPED = frozenset({"transfer-encoding", "content-length", "connection", "date", "server"})


class Relay(ThreadingHTTPServer):
    """Passes requests on to `behind`, under this one's name; `instead` has its own answers, by a path's ending."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.client = httpx.Client(base_url=behind)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        self.used: set[str] = set()
        self.given = 0
        self.watching: Callable[[str], object] = len
        """Called with each path that is asked for, before it is answered."""
        self.instead = {"/archive": (404, b'{"detail": "Not Found"}')}

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone."""

    def addresses(self, body: bytes) -> bytes:
        """Addresses that end in a minute, each with a number of its own."""
        said = json.loads(body)
        self.given += 1
        urls = {name: f"{url}?given={self.given}" for name, url in said["urls"].items()}
        return json.dumps({"urls": urls, "expires": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}).encode()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        relay = self.server
        assert isinstance(relay, Relay)
        relay.asked.append(f"{self.command} {self.path}")
        relay.watching(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        own = next((answer for ending, answer in relay.instead.items() if self.path.endswith(ending)), None)
        if own is not None:
            self._answer(own[0], [], own[1])
        elif "?given=" in self.path and self.path in relay.used:
            self._answer(403, [], b'{"detail": "this address has ended"}')
        else:
            relay.used.add(self.path)
            answer = relay.client.request(self.command, self.path, headers=self._asking(), content=body)
            renewing = self.path.endswith("/external_weights_urls")
            kept = [(name, value) for name, value in answer.headers.items() if name not in _DROPPED]
            self._answer(answer.status_code, kept, relay.addresses(answer.content) if renewing else answer.content)

    def _asking(self) -> dict[str, str]:
        """The headers, with a smaller range."""
        headers = {**dict(self.headers.items()), "accept-encoding": "identity"}
        if found := re.fullmatch(r"bytes=(\d+)-\d+", headers.get("range", "")):
            headers["range"] = f"bytes={found[1]}-{int(found[1]) + PIECE - 1}"
        return headers

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        _ = self.wfile.write(body)

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def do_DELETE(self) -> None:
        self._pass()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def relay(behind: str) -> Generator[Relay]:
    """The server, until the end of the block."""
    with Relay(behind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with server.client:
            yield server
        server.shutdown()
        thread.join()
