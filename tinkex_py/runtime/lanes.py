"""Connections through httpx, one a lane: httpx's own pool looks at all of its connections for every request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import httpcore
import httpx
from typing_extensions import override

from tinkex_py.runtime.carriage import HttpxTransport, Received, broken_off, gathered
from tinkex_py.runtime.network import Network
from tinkex_py.runtime.places import Places

_RESTING = 30.0
"""Seconds that a connection is kept without use."""
_SPARE = 5.0
"""Seconds for which more connections than are kept stay open without use: bursts follow one another."""
_STREAMS = 64
"""Requests that share one connection in HTTP/2; servers allow 100 or more."""
_HEADER_BYTES = 100 << 10
"""Bytes that the headers of an answer may have in all for httpcore, which asks nobody."""
_PORTS = {"http": 80, "https": 443}


class Way(Protocol):
    """A way to a server."""

    async def send(self, request: httpx.Request, limit: int) -> Received:
        """The answer to one request."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class Origin:
    """Where lanes lead, and whether it was found to speak HTTP/2."""

    def __init__(
        self, url: httpx.URL, trust: ssl.SSLContext, *, http2: bool, header_bytes: int = _HEADER_BYTES
    ) -> None:
        if url.scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{url.scheme} is not http or https")
        port = url.port or _PORTS[url.scheme]
        self.address = httpcore.Origin(url.raw_scheme, url.raw_host, port)
        self.trust = trust
        self.network = Network()
        self.http2 = http2
        self.header_bytes = header_bytes
        self.shared = False


class Lane(httpx.AsyncHTTPTransport):
    """httpx's transport over a single connection instead of a pool, so that what users do to httpx reaches it too."""

    def __init__(self, origin: Origin) -> None:
        self.connection = httpcore.AsyncHTTPConnection(
            origin=origin.address,
            ssl_context=origin.trust,
            keepalive_expiry=_RESTING,
            http2=origin.http2,
            network_backend=origin.network,
        )
        # httpx's own constructor puts a pool here; all that it asks of that is to handle a request and to close.
        self._pool = self.connection  # type: ignore[assignment]
        self.streams = 0
        self.offered = False

    @property
    def usable(self) -> bool:
        """Whether one more request may use it; one of HTTP/2 that broke off is neither closed nor expired."""
        return self.connection.is_available() and (self.streams > 0 or not self.connection.has_expired())

    @property
    def spoilt(self) -> bool:
        """Whether it can't be used again: an answer was not read to its end, or more than it has come."""
        if not self.connection.is_idle():
            return True
        state = self._state()
        return state is not None and bool(state.trailing_data[0])

    def allow(self, header_bytes: int) -> Callable[[str, object], Awaitable[None]]:
        """What allows longer headers, when httpcore tells it that a request begins."""

        async def told(event: str, _: object) -> None:
            state = self._state()
            if event == "http11.send_request_headers.started" and state is not None:
                state._max_incomplete_event_size = header_bytes  # noqa: SLF001

        return told

    def _state(self) -> Any:
        """What httpcore, which shows nobody, has read of an answer; None for HTTP/2."""
        return getattr(getattr(self.connection, "_connection", None), "_h11_state", None)


class Lanes:
    """The connections to an origin for one purpose: up to `most`, of which `kept` stay open without use.

    The free ones are a stack: those at its bottom that were not reached for a while are not needed.
    """

    def __init__(
        self, origin: Origin, *, most: int, kept: int, spare: float = _SPARE, first: Places | None = None
    ) -> None:
        self._origin = origin
        self._kept = kept
        self._spare = spare
        self.places = Places(most * (_STREAMS if origin.shared else 1), first)
        self._lanes: set[Lane] = set()
        self._free: list[Lane] = []
        self._untouched = 0
        self._sweeping: asyncio.Task[None] | None = None

    async def send(self, request: httpx.Request, limit: int) -> Received:
        """The answer to one request."""
        await self.places.enter()
        try:
            lane = await self._take()
            if self._origin.header_bytes > _HEADER_BYTES and not lane.connection.is_idle():
                request.extensions["trace"] = lane.allow(self._origin.header_bytes)
            try:
                response = await lane.handle_async_request(request)
                received = await read(response, limit)
            finally:
                await self._put_back(lane)
        finally:
            self.places.leave()
        self._learn(response)
        return received

    async def close(self) -> None:
        """Close all connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for lane in tuple(self._lanes):
            await lane.aclose()

    async def _take(self) -> Lane:
        lane = await self._rested() or self._open()
        lane.streams += 1
        if self._origin.shared and lane.streams < _STREAMS:
            self._offer(lane)
        return lane

    async def _rested(self) -> Lane | None:
        """The one used last that has room, so that those that aren't needed come to rest."""
        while self._free:
            lane = self._free.pop()
            self._untouched = min(self._untouched, len(self._free))
            lane.offered = False
            if lane.usable:
                return lane
            if not lane.streams:
                await self._drop(lane)
        return None

    def _open(self) -> Lane:
        lane = Lane(self._origin)
        self._lanes.add(lane)
        return lane

    async def _put_back(self, lane: Lane) -> None:
        lane.streams -= 1
        if lane.streams == 0 and lane.spoilt:
            await self._drop(lane)
        elif not lane.offered:
            self._offer(lane)

    def _offer(self, lane: Lane) -> None:
        lane.offered = True
        self._free.append(lane)
        if len(self._free) > self._kept and (self._sweeping is None or self._sweeping.done()):
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        """Close what is not needed, as long as there is more than is kept."""
        while len(self._free) > self._kept:
            self._untouched = len(self._free)
            await asyncio.sleep(self._spare)
            unneeded = max(0, min(self._untouched, len(self._free) - self._kept))
            for lane in self._free[:unneeded]:
                if lane.offered and not lane.streams:
                    await self._drop(lane)

    async def _drop(self, lane: Lane) -> None:
        self._lanes.discard(lane)
        if lane.offered:
            self._free.remove(lane)
        await lane.aclose()

    def _learn(self, response: httpx.Response) -> None:
        if self._origin.http2 and not self._origin.shared:
            self._origin.shared = response.extensions.get("http_version") == b"HTTP/2"


class Given:
    """A transport or a client of httpx's own making, or the user's."""

    def __init__(self, transport: HttpxTransport) -> None:
        self._transport = transport

    async def send(self, request: httpx.Request, limit: int) -> Received:
        """The answer to one request."""
        if isinstance(self._transport, httpx.AsyncClient):
            return await read(await self._transport.send(request, stream=True, follow_redirects=False), limit)
        return await read(await self._transport.handle_async_request(request), limit)

    async def close(self) -> None:
        """Close its connections."""
        await self._transport.aclose()


class Relayed(Given):
    """A transport through a proxy: what ends before the request itself begins to leave, no server has seen."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        super().__init__(transport)
        # httpx has no word for it. Over the connections that it makes itself, an answer that comes early is lost.
        inner: Any = transport
        inner._pool._network_backend = Network()  # noqa: SLF001

    @override
    async def send(self, request: httpx.Request, limit: int) -> Received:
        begun = asyncio.Event()

        async def told(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
                begun.set()

        request.extensions["trace"] = told
        if request.url.scheme == "http":  # httpcore leaves out the brackets around an address of IPv6
            request.extensions["target"] = b"http://" + request.url.netloc + request.url.raw_path
        try:
            return await super().send(request, limit)
        except Exception as error:
            if begun.is_set() or isinstance(error, httpx.ProxyError):
                raise
            raise broken_off(error, sent=False) from error


class Queued:
    """A way with so many places: httpx's pools get slow when many wait in them."""

    def __init__(self, way: Way, most: int) -> None:
        self._way = way
        self._places = Places(most)

    async def send(self, request: httpx.Request, limit: int) -> Received:
        """The answer to one request."""
        await self._places.enter()
        try:
            return await self._way.send(request, limit)
        finally:
            self._places.leave()

    async def close(self) -> None:
        """Close its connections."""
        await self._way.close()


async def read(response: httpx.Response, limit: int) -> Received:
    """The answer, cut one byte behind the limit."""
    if response.is_stream_consumed:  # a mock's, which made it whole
        return Received(response.status_code, response.headers.raw, response.content[: limit + 1], plain=True)
    body = b""
    try:
        if isinstance(response.stream, httpx.AsyncByteStream):
            # A length beside chunks, by which a body is read, means nothing.
            length = "" if "transfer-encoding" in response.headers else response.headers.get("content-length", "")
            body = await gathered(response.stream, limit, int(length) if length.isdecimal() else None)
    finally:
        await response.aclose()
    return Received(response.status_code, response.headers.raw, body)
