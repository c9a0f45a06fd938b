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

from tinkex_py.runtime.patience import patience

_HAPPY_EYEBALLS = 0.25
"""Seconds that a connection to one address may take before the next address is tried beside it (RFC 8305)."""
_REMEMBERED = 10.0
"""Seconds for which a name's address is taken for known, unless no connection to it can be made."""
_LAST_PORT = 65535


class Stream(httpcore.AsyncNetworkStream):
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._read(max_bytes, timeout)
        except TimeoutError:
            return await self._last_look(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        async with asyncio.timeout(timeout):
            return await self._reader.read(max_bytes)

    async def _last_look(self, max_bytes: int) -> bytes:
        """What came while this process had no time to look came in time."""
        try:
            return await self._read(max_bytes, 0)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("nothing came in time") from error

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._writer.write(buffer)
            if self._writer.transport.get_write_buffer_size():
                async with asyncio.timeout(timeout):
                    await self._writer.drain()
        except TimeoutError as error:
            raise httpcore.WriteTimeout("nothing was taken in time") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    @override
    async def aclose(self) -> None:
        """Close it without waiting for the other side, which over TLS may take its time."""
        self._writer.close()
        await asyncio.sleep(0)
        self._writer.transport.abort()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        async with _connecting(timeout):
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    @override
    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # what comes without a question is the end of the connection
            return self._reader.at_eof() or self._writer.is_closing()
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
            reader, writer = await self._opened(host, port, local)
        for option in socket_options or ():
            writer.get_extra_info("socket").setsockopt(*option)
        return Stream(reader, writer)

    async def _opened(
        self, host: str, port: int, local: tuple[str, int] | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        now = asyncio.get_running_loop().time()
        if now < self._until:
            try:
                return await asyncio.open_connection(self._address, port, local_addr=local)
            except OSError:
                self._until = 0.0
                raise
        reader, writer = await asyncio.open_connection(
            host, port, local_addr=local, happy_eyeballs_delay=_HAPPY_EYEBALLS
        )
        peer = writer.get_extra_info("peername")
        if peer is not None:  # None of a connection that was reset at once
            self._address, self._until = peer[0], now + _REMEMBERED
        return reader, writer

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _connecting(seconds: float | None) -> AsyncGenerator[None]:
    """What goes wrong before there is a connection, in httpcore's words; certificates that are refused among it."""
    try:
        async with patience(inf if seconds is None else seconds):
            yield
    except TimeoutError as late:
        raise httpcore.ConnectTimeout(f"nothing answered within {seconds:g} s") from late
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
