"""The embedded server on a port, for any Tinker client: an ASGI application, and uvicorn that runs it."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import uvicorn
from returns.result import Failure, Success
from typing_extensions import override

from tinkex_py.local.answers import refusal
from tinkex_py.local.incoming import LARGEST_BODY, incoming
from tinkex_py.local.signals import heard
from tinkex_py.local.worker import Worker
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply

if sys.platform != "win32":
    import resource

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

LARGEST_DISCARDED = 1 << 30
"""Bytes of a body that are read at most: what is beyond the largest body is read and thrown away."""
STOPPING_SECONDS = 5
FILES = 8192
"""Files that may be open, if the system lets them: each question that is held has a connection."""
KEEPING_SECONDS = 75
"""How long a connection may rest: longer than clients keep one, so that none is closed while a request is under way."""

_TOO_LARGE = refusal(413, f"the body is larger than {LARGEST_BODY} bytes", {"connection": "close"})


class Application:
    """The ASGI application around a worker; `ready` is called when it begins to serve."""

    def __init__(self, worker: Worker, ready: Callable[[], None] = lambda: None) -> None:
        self._worker = worker
        self._ready = ready

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, or the beginning and the end of serving."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await _reply(send, await self._answered(scope, receive))

    async def _live(self, receive: Receive, send: Send) -> None:
        _ = await receive()
        self._ready()
        await send({"type": "lifespan.startup.complete"})
        _ = await receive()
        await self._worker.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answered(self, scope: Mapping[str, Any], receive: Receive) -> Reply | None:
        """The reply; None when the client has gone."""
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        named = dict(headers)
        if _announced_size(named) > LARGEST_BODY and "100-continue" in named.get("expect", "").lower():
            return _TOO_LARGE
        body = await _read(receive)
        if body is None or len(body) > LARGEST_BODY:
            return None if body is None else _TOO_LARGE
        target = f"{scope['raw_path'].decode('latin-1')}?{scope['query_string'].decode('latin-1')}"
        return await self._worker.answer(incoming(scope["method"], target, headers, body))


def _announced_size(headers: Mapping[str, str]) -> int:
    size = headers.get("content-length", "")
    return int(size) if size.isascii() and size.isdecimal() and len(size) < 19 else 0


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or a little more than the largest one; None when the client has gone.

    What is beyond is thrown away: most clients listen only once they have sent it all, unless they ask before.
    """
    body, size = bytearray(), 0
    while size <= LARGEST_DISCARDED:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        if len(body) <= LARGEST_BODY:
            body += part
        if not message.get("more_body", False):
            break
    return bytes(body)


async def _reply(send: Send, reply: Reply | None) -> None:
    if reply is None:
        return
    length = () if reply.status == 204 else ((b"content-length", b"%d" % len(reply.body)),)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": reply.body})


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    directory: str | None = None,
    api_key: str | None = None,
    token_seconds: int | None = None,
    announce: Callable[[str], None] = print,
) -> Outcome[None, str]:
    """Serve until SIGINT, SIGTERM or SIGHUP; port 0 takes a free one.

    `announce` is called with the address once it is open; what it raises ends serving, and is raised. A Failure says
    why the address or the folder can't be used.
    """
    _allow_files()
    try:
        folder = None if directory is None else Path(directory).expanduser()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError, RuntimeError) as error:  # the last of a home that isn't there
        return Failure(f"can't serve on {host}:{port}: {error}")
    # Without it an answer's body waits for the acknowledgement of its head, 40 ms: asyncio sets it on sockets that name
    # their protocol, which those accepted from this one do not.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listening:
        try:
            worker = Worker(folder, api_key=api_key, token_seconds=token_seconds)
        except OSError as error:
            return Failure(str(error))
        _run(worker, listening, announce)
    return Success(None)


def _allow_files() -> None:
    """Some systems begin with 256: a client with 1000 samples under way would wait to be let in, again and again."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < allowed:
            with suppress(OSError, ValueError):  # of a system that takes no limit, or not beside the other one
                resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _run(worker: Worker, listening: socket.socket, announce: Callable[[str], None]) -> None:
    host, port = listening.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    unannounced: list[BaseException] = []

    def ready() -> None:
        try:
            announce(address)
        except BaseException as error:  # noqa: BLE001 - uvicorn would print it, and end with a status of its own
            unannounced.append(error)
            server.should_exit = True

    config = uvicorn.Config(
        Application(worker, ready),
        log_level="warning",
        use_colors=False if sys.stdout is None else None,  # uvicorn asks the output whether it is a terminal
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_keep_alive=KEEPING_SECONDS,
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_for_users)
    server = _Uvicorn(config, worker)
    with _signals_end(server):
        server.run(sockets=[listening])
    if unannounced:
        raise unannounced[0]


def _is_for_users(record: logging.LogRecord) -> bool:
    """Not what uvicorn says of a request to upgrade, such as some clients make of any: that WebSockets be installed."""
    said = record.getMessage()
    return "upgrade request" not in said and "WebSocket library" not in said


class _Uvicorn(uvicorn.Server):
    """uvicorn, but what is held is answered first when it stops: it would wait for that. One signal is enough."""

    def __init__(self, config: uvicorn.Config, worker: Worker) -> None:
        super().__init__(config)
        self._worker = worker

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._worker.release()
        await super().shutdown(sockets)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second signal would leave the worker as it is, and stopping takes a bounded time without it."""
        if not self.should_exit:
            super().handle_exit(sig, frame)


def _signals_end(server: _Uvicorn) -> AbstractContextManager[None]:
    """From the beginning: uvicorn hears signals only later, and raises what stopped it once more when all is closed."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    return heard(server.handle_exit)
