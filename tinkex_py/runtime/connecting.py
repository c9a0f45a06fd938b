"""How httpx makes connections here: with patience."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import httpcore
from typing_extensions import override

from tinkex_py.runtime.patience import patience


class Patient(httpcore.AsyncNetworkBackend):
    """Makes connections; those that TLS will `secure` have the same patience for its handshake."""

    def __init__(self, *, secure: bool) -> None:
        # pyright sees the stand-in that httpcore has where anyio is missing; httpx requires it.
        self._backend: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()  # pyright: ignore[reportAttributeAccessIssue]
        self._secure = secure

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        async with _connecting(timeout):
            stream = await self._backend.connect_tcp(host, port, None, local_address, socket_options)
        return _Insecure(stream) if self._secure else stream


class _Insecure(httpcore.AsyncNetworkStream):
    """What the connection over TLS takes the place of."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        async with _connecting(timeout):
            return await self._stream.start_tls(ssl_context, server_hostname)

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@asynccontextmanager
async def _connecting(seconds: float | None) -> AsyncGenerator[None]:
    try:
        async with patience(inf if seconds is None else seconds):
            yield
    except TimeoutError as late:
        raise httpcore.ConnectTimeout(f"nothing answered within {seconds:g} s") from late
