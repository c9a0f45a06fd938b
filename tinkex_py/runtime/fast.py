"""The transport of the extra `fast`: messages over the connections of aiohttp, for HTTP/1.1."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from math import inf
from typing import TypeAlias

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace
from typing_extensions import override
from yarl import URL

from tinkex_py.config import Config
from tinkex_py.runtime.carriage import WHO_ASKS, Barred, BrokenOff, Message, Overlong, Received, broken_off
from tinkex_py.runtime.exchange import exchanged, head_of
from tinkex_py.runtime.patience import patience
from tinkex_py.runtime.places import Places, affordable
from tinkex_py.runtime.proxies import proxy_for, proxy_shown
from tinkex_py.runtime.purposes import COMES_FIRST, share_of
from tinkex_py.types.once import made_once

_OVERLONG = ("Got more than", "Too many headers")
"""How aiohttp says that the headers of an answer are longer than is allowed: it tells by no type."""
_SHOWN = 100
_Place: TypeAlias = tuple[str, str | None, int | None]


class _Way(aiohttp.ClientRequest):
    """Where connections lead, which is all that aiohttp's connector asks of a request: none is sent by it."""

    def __init__(self, url: URL, proxy: URL | None, for_proxy: Mapping[str, str]) -> None:
        if url.scheme not in {"http", "https"}:
            raise aiohttp.InvalidURL(url)
        super().__init__("GET", url, proxy=proxy, proxy_headers=None if proxy is None else {**for_proxy})
        self._key = super().connection_key
        self._relaying = None if proxy is None or url.scheme == "https" else {**_presented(proxy), **for_proxy}

    @property
    @override
    def connection_key(self) -> ConnectionKey:
        """What connections of this way are kept under, whatever a connector writes into a proxy's headers."""
        return self._key

    def head(self, message: Message, url: URL) -> bytes:
        """The first lines of a message; a proxy that only passes it on has to be told the whole address."""
        headers = {"host": self.headers["Host"], **message.standing, **message.headers}
        if message.content is not None or message.method != "GET":
            headers["content-length"] = str(0 if message.content is None else message.content.size)
        if self._relaying is None:
            return head_of(message.method, url.raw_path_qs, headers)
        return head_of(message.method, str(url), {**headers, **self._relaying})


class _Connector(aiohttp.TCPConnector):
    """Makes connections with patience; aiohttp's own time-out stands aside.

    None is used again on which something came that nobody asked for: it would be taken for the next answer.
    """

    @override
    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is None or not connection.protocol.should_close:
                break
            connection.close()
        return connection

    @override
    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        async with patience(inf if timeout.sock_connect is None else timeout.sock_connect):
            unlimited = aiohttp.ClientTimeout(total=None, sock_read=timeout.sock_read)
            return await super()._create_connection(req, traces, unlimited)


class _Lanes:
    """The connections of one purpose."""

    def __init__(self, config: Config, purpose: str, trust: ssl.SSLContext | None, first: Places | None) -> None:
        self._config = config
        self._connector = _Connector(limit=0, ssl=trust or True, keepalive_timeout=30)
        self._ways: dict[_Place, _Way] = {}
        most = config.pool_sizes.get(purpose, config.max_connections)
        self.places = Places(affordable(most, share_of(purpose)), first)

    async def carry(self, message: Message, limit: int) -> Received:
        """The answer, or BrokenOff."""
        try:
            url = parsed(message.url)
            place = url.scheme, url.raw_host, url.port
            way = self._ways.get(place) or self._open(place, url, message.url)
            head = way.head(message, url)
            connection = await self._connector.connect(way, [], _times(message.seconds, message.connecting))
        except BrokenOff:
            raise
        except aiohttp.ClientHttpProxyError as error:
            kind = Barred if error.status == WHO_ASKS else BrokenOff
            raise kind(f"{error.status} {error.message}", sent=False) from error
        except Exception as error:  # whatever a library or a loop raises, no operation does
            raise broken_off(error, sent=False, said=_said(error)) from error
        most, seconds = self._config.max_header_bytes, message.seconds
        try:
            return await exchanged(connection, head, message.content, seconds=seconds, header_bytes=most, limit=limit)
        except Exception as error:
            if isinstance(error, HttpProcessingError) and error.message.startswith(_OVERLONG):
                raise Overlong(error.message[:_SHOWN], sent=True) from error
            raise broken_off(error, sent=True, said=_said(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._connector.close()

    def _open(self, place: _Place, url: URL, address: str) -> _Way:
        """A way, through the proxy that there is for it."""
        proxy = proxy_for(self._config, address)
        way = _Way(url.origin(), None if proxy is None else URL(proxy), self._config.proxy_headers)
        self._ways[place] = way
        return way


class FastCarrier:
    """Carries messages through connections of aiohttp's, each purpose through its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lanes: dict[str, _Lanes] = {}

    async def carry(self, message: Message, limit: int) -> Received:
        """The answer, or BrokenOff."""
        try:
            lanes = self._lanes.get(message.purpose) or self._open(message)
        except Exception as error:
            raise broken_off(error, sent=False) from error
        if not lanes.places.take():
            await lanes.places.turn()
        try:
            return await lanes.carry(message, limit)
        finally:
            lanes.places.leave()

    def through(self, url: str) -> str | None:
        """The proxy that an address is reached through, as it may be shown."""
        return proxy_shown(self._config, url)

    async def close(self) -> None:
        """Close all connections."""
        for lanes in self._lanes.values():
            await lanes.close()

    def _open(self, message: Message) -> _Lanes:
        first = self._lanes.get(COMES_FIRST.get(message.purpose, ""))
        trust = self._trust if message.url.startswith("https:") else None
        lanes = _Lanes(self._config, message.purpose, trust, None if first is None else first.places)
        self._lanes[message.purpose] = lanes
        return lanes

    @made_once
    def _trust(self) -> ssl.SSLContext:
        """Loading certificates takes long, so all purposes share them, and those of plain HTTP do without."""
        return ssl.create_default_context()


@lru_cache(maxsize=256)
def parsed(url: str) -> URL:
    """The address taken apart, its path as it is and its host as it is asked for."""
    apart = URL(url, encoded=True)
    host = apart.raw_host or ""
    return apart if host.isascii() else apart.with_host(host)


def _presented(proxy: URL) -> dict[str, str]:
    """What a proxy is told of who asks, if its address says so."""
    if proxy.user is None and proxy.password is None:
        return {}
    return {"proxy-authorization": aiohttp.encode_basic_auth(proxy.user or "", proxy.password or "")}


@lru_cache(maxsize=64)
def _times(seconds: float, connecting: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connecting, sock_read=seconds)


def _said(error: Exception) -> str | None:
    """What aiohttp says without the address, of which a part may be secret; None for errors that don't show it."""
    match error:
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return error.message
        case aiohttp.InvalidURL():
            return "it is no address"
        case _:
            return None
