"""The network as httpcore wants it, by asyncio's own streams: several steps less for each read than through anyio."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import httpcore
from httpcore import SOCKET_OPTION
from typing_extensions import override

from tinkex_py.runtime.connecting import closing_what_is_lost
from tinkex_py.runtime.patience import patience

_HAPPY_EYEBALLS = 0.25
"""Seconds that a connection to one address may take before the next address is tried beside it (RFC 8305)."""
_REMEMBERED = 10.0
"""Seconds for which a name's address is taken for known, unless no connection to it can be made."""
_LAST_PORT = 65535
_ANNOUNCEMENT = b"HTTP/1.1 1"
"""How an answer begins that only says that there will be one."""
_EARLY = "the answer came before the request had left"


class Reader(asyncio.StreamReader):
    """What comes on a connection; what came before it broke is handed out before that is said.

    `unread` bytes are there. They are an answer if `answered` is true, and more than the announcement of one.
    """

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.unread = 0
        self.answered = self.ended = False
        self.sending: asyncio.Timeout | None = None
        self._lost: Exception | None = None

    @override
    def feed_data(self, data: Any) -> None:
        super().feed_data(data)
        self.unread += len(data)
        self.answered = self.answered or not data.startswith(_ANNOUNCEMENT)
        if self.sending is not None and self.answered and not self.sending.expired():
            self.sending.reschedule(0)

    @override
    def feed_eof(self) -> None:
        self.ended = True
        super().feed_eof()

    @override
    def set_exception(self, exc: Exception) -> None:
        if not self.ended:
            self._lost = exc
            self.feed_eof()

    def took(self, data: bytes) -> bytes:
        """What was just read, which is no longer unread; OSError when it is nothing, because the connection broke."""
        self.unread -= len(data)
        if self._lost is not None and not data:
            raise self._lost
        return data


class Stream(httpcore.AsyncNetworkStream):
    """A connection.

    In HTTP/1.1 an answer that comes before a request has left is the end of the request. Nothing is asked on a
    connection on which something came that nobody asked for: it would be taken for the answer.
    """

    def __init__(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asking = self._used = self._shared = False

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._asking, self._used = False, True
        try:
            return await self._read(max_bytes, timeout)
        except TimeoutError:
            return await self._last_look(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        async with asyncio.timeout(timeout):
            return self._reader.took(await self._reader.read(max_bytes))

    async def _last_look(self, max_bytes: int) -> bytes:
        """What came while this process had no time to look came in time."""
        try:
            return await self._read(max_bytes, 0)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("nothing came in time") from error

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:  # so httpcore ends each request
            return
        if not self._shared:
            self._ask()
        try:
            self._writer.write(buffer)
            if self._writer.transport.get_write_buffer_size():
                await self._drain(timeout)
        except TimeoutError as error:
            if self._reader.answered and not self._shared:
                raise httpcore.WriteError(_EARLY) from error
            raise httpcore.WriteTimeout("nothing was taken in time") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def _ask(self) -> None:
        """Begin a request, or go on with it; httpcore answers a WriteError by reading what came."""
        if not self._asking:
            if self._spoilt() and (self._used or not self._reader.unread):
                raise httpcore.ConnectError("the connection ended, or something came that was not asked for")
            self._asking, self._reader.answered = True, False
        elif self._reader.answered:
            raise httpcore.WriteError(_EARLY)
        elif self._writer.is_closing():
            raise httpcore.WriteError("the connection was closed")

    async def _drain(self, seconds: float | None) -> None:
        async with asyncio.timeout(seconds) as sending:
            self._reader.sending = None if self._shared else sending
            try:
                await self._writer.drain()
                await asyncio.sleep(0)  # a write to a connection that was reset would lose the answer that is there
            finally:
                self._reader.sending = None

    def _spoilt(self) -> bool:
        return self._reader.unread > 0 or self._reader.ended or self._writer.is_closing()

    @override
    async def aclose(self) -> None:
        """Close it without waiting for the other side, which over TLS may take its time."""
        if not self._writer.transport.get_write_buffer_size():  # else asyncio's abort fails if it leaves meanwhile
            self._writer.close()
            await asyncio.sleep(0)
        self._writer.transport.abort()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        async with _connecting(timeout):
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        self._shared = self._writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        return self

    @override
    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._spoilt()
        return self._writer.get_extra_info({"server_addr": "peername", "client_addr": "sockname"}.get(info, info))


class Network(httpcore.AsyncNetworkBackend):
    """Opens connections to one server. Where its name led is remembered: a burst opens hundreds of them at once."""

    def __init__(self) -> None:
        self._address = ""
        self._until = 0.0

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if port > _LAST_PORT:
            raise httpcore.ConnectError(f"{port} is no port")
        async with _connecting(timeout):
            local = None if local_address is None else (local_address, 0)
            stream = await self._opened(host, port, local)
        for option in socket_options or ():
            stream.get_extra_info("socket").setsockopt(*option)
        return stream

    async def _opened(self, host: str, port: int, local: tuple[str, int] | None) -> Stream:
        now = asyncio.get_running_loop().time()
        if now < self._until:
            try:
                return await _stream(self._address, port, local_addr=local)
            except OSError:
                self._until = 0.0
                raise
        stream = await _stream(host, port, local_addr=local, **_beside())
        peer = stream.get_extra_info("peername")
        if peer is not None:  # None of a connection that was reset at once
            self._address, self._until = peer[0], now + _REMEMBERED
        return stream

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _stream(host: str, port: int, **options: Any) -> Stream:
    loop, reader = asyncio.get_running_loop(), Reader()
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    with closing_what_is_lost():
        transport, _ = await loop.create_connection(lambda: protocol, host, port, **options)
    return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


def _beside() -> dict[str, float]:
    """What has asyncio's own loops try addresses beside one another; other loops, as uvloop's, can't be told to."""
    own = isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop)
    return {"happy_eyeballs_delay": _HAPPY_EYEBALLS} if own else {}


@asynccontextmanager
async def _connecting(seconds: float | None) -> AsyncGenerator[None]:
    """What goes wrong before there is a connection, in httpcore's words; certificates that are refused among it."""
    try:
        async with patience(inf if seconds is None else seconds):
            yield
    except TimeoutError as late:
        raise httpcore.ConnectTimeout(f"nothing answered within {seconds:g} s") from late
    except (OSError, UnicodeError) as error:  # a host may have a name that no resolver can be asked for
        raise httpcore.ConnectError(str(error)) from error
