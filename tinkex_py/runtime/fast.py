"""The transport of the extra `fast`: messages through aiohttp, for HTTP/1.1."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cached_property, lru_cache
from math import inf

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace
from aiohttp.typedefs import LooseHeaders
from typing_extensions import override
from yarl import URL

from tinkex_py.config import Config
from tinkex_py.request import Encoded
from tinkex_py.runtime.carriage import PORTION, Message, Received, broken_off, gathered
from tinkex_py.runtime.patience import patience
from tinkex_py.runtime.places import Places, affordable
from tinkex_py.runtime.proxies import proxy_for
from tinkex_py.runtime.purposes import COMES_FIRST

_APART = 64 << 10
"""Bytes from which on a part of a body leaves as it is: joining it with others costs more than a write of its own."""
_HEADERS = 2000
"""Headers that are read, if they aren't too large in all."""
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_BROKEN = (aiohttp.ClientError, TimeoutError, ValueError, OSError)


class _Connector(aiohttp.TCPConnector):
    """Makes connections with patience; aiohttp's own time-out stands aside."""

    @override
    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        async with patience(inf if timeout.sock_connect is None else timeout.sock_connect):
            unlimited = aiohttp.ClientTimeout(total=None, sock_read=timeout.sock_read)
            return await super()._create_connection(req, traces, unlimited)


class _Request(aiohttp.ClientRequest):
    """Takes all headers in one go."""

    @override
    def update_headers(self, headers: LooseHeaders | None) -> None:
        super().update_headers(None)
        self.headers.update(headers or {})


class _Lanes:
    """The connections of one purpose."""

    def __init__(self, config: Config, message: Message, trust: ssl.SSLContext | None, first: Places | None) -> None:
        self.places = Places(affordable(config.pool_sizes.get(message.purpose, config.max_connections)), first)
        self.session = aiohttp.ClientSession(
            connector=_Connector(limit=0, ssl=trust or True, keepalive_timeout=30),
            request_class=_Request,
            headers=message.standing,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=config.max_header_bytes,
            max_line_size=config.max_header_bytes,
            max_headers=_HEADERS,
            auto_decompress=False,
        )


class FastCarrier:
    """Carries messages through aiohttp sessions, one a purpose."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lanes: dict[str, _Lanes] = {}
        self._proxies: dict[tuple[str, str], str | None] = {}

    async def carry(self, message: Message, limit: int) -> Received:
        """The answer, or BrokenOff."""
        lanes = self._lanes.get(message.purpose) or self._open(message)
        if not lanes.places.take():
            await lanes.places.turn()
        try:
            url = parsed(message.url)
            through = self._through(url)
            async with lanes.session.request(
                message.method,
                url,
                data=_body(message.content),
                headers=self._headers(message, relayed=through is not None and url.scheme == "http"),
                allow_redirects=False,
                timeout=_times(message.seconds, message.connecting),
                proxy=through,
                proxy_headers=self._config.proxy_headers if through else None,
            ) as response:
                return Received(response.status, response.raw_headers, await _whole(response, limit))
        except _NOT_SENT as error:
            raise broken_off(error, sent=False, said=_said(error)) from error
        except _BROKEN as error:
            raise broken_off(error, sent=True, said=_said(error)) from error
        finally:
            lanes.places.leave()

    async def close(self) -> None:
        """Close all connections."""
        for lanes in self._lanes.values():
            await lanes.session.close()

    def _through(self, url: URL) -> str | None:
        """The proxy for that address, looked up once for each server."""
        place = (url.scheme, url.host or "")
        if place not in self._proxies:
            self._proxies[place] = proxy_for(self._config, *place)
        return self._proxies[place]

    def _headers(self, message: Message, *, relayed: bool) -> Mapping[str, str]:
        """With the length of a body in parts, which aiohttp doesn't know, and with what is for a proxy to read."""
        headers = message.headers
        if message.content is not None and message.content.size > PORTION:
            headers = {**headers, "content-length": str(message.content.size)}
        return {**headers, **self._config.proxy_headers} if relayed else headers

    def _open(self, message: Message) -> _Lanes:
        first = self._lanes.get(COMES_FIRST.get(message.purpose, ""))
        trust = self._trust if message.url.startswith("https:") else None
        lanes = _Lanes(self._config, message, trust, None if first is None else first.places)
        self._lanes[message.purpose] = lanes
        return lanes

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Loading certificates takes long, so all sessions share them, and those of plain HTTP do without."""
        return ssl.create_default_context()


@lru_cache(maxsize=256)
def parsed(url: str) -> URL:
    """The address taken apart, its path as it is."""
    return URL(url, encoded=True)


@lru_cache(maxsize=64)
def _times(seconds: float, connecting: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connecting, sock_read=seconds)


def _said(error: Exception) -> str | None:
    """What aiohttp says without the address, of which a part may be secret; None for errors that don't show it."""
    match error:
        case aiohttp.ClientResponseError():
            return error.message
        case aiohttp.InvalidURL():
            return "it is no address"
        case _:
            return None


def _body(content: Encoded | None) -> bytes | AsyncIterator[bytes | memoryview] | None:
    return None if content is None else content.content if content.size <= PORTION else _portions(content)


async def _whole(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """A body, cut one byte behind the limit; most come in one piece."""
    content = response.content
    body, _ = await content.readchunk()
    if content.at_eof():
        return body[: limit + 1]
    return await gathered(_chunks(body, content), limit, response.content_length)


async def _chunks(first: bytes, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """A body in the pieces in which it came, as aiohttp's other ways join them before they are gathered."""
    yield first
    async for chunk, _ in content.iter_chunks():
        yield chunk


async def _portions(content: Encoded) -> AsyncIterator[bytes | memoryview]:
    for portion in content.portions(PORTION, _APART):
        yield portion
