"""httpx by purpose: each has connections of its own, so that polls can't keep signs of life from leaving."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

import httpcore
import httpx

from tinkex_py.config import Config
from tinkex_py.request import Encoded
from tinkex_py.runtime.carriage import (
    PORTION,
    WHO_ASKS,
    Barred,
    BrokenOff,
    HttpxTransport,
    Message,
    Overlong,
    Received,
    Untrusted,
    broken_off,
)
from tinkex_py.runtime.lanes import Given, Lanes, Origin, Queued, Relayed, Way
from tinkex_py.runtime.places import affordable
from tinkex_py.runtime.proxies import proxy_for, proxy_shown
from tinkex_py.runtime.purposes import COMES_FIRST, share_of
from tinkex_py.types.once import made_once

with suppress(ImportError):  # as with protobuf's messages: httpx would load it with the first request
    _ = import_module("anyio._backends._asyncio")

_OVERLONG = "Receive buffer too long"
"""How h11 says that the headers of an answer are longer than is allowed: it tells by no type."""
_TURNS = 2
"""How often a loop comes round until it has surely looked whether an answer came, which more of a body could spoil."""


class Pools:
    """Carries messages through httpx: over lanes, a proxy, or a transport of the user's own that serves everything."""

    def __init__(self, config: Config, transport: HttpxTransport | None = None) -> None:
        self._config = config
        self._given = None if transport is None else Given(transport)
        self._ways: dict[tuple[str, str], Way] = {}
        self._origins: dict[str, Origin] = {}

    async def carry(self, message: Message, limit: int) -> Received:
        """The answer, or BrokenOff."""
        try:
            url = parsed(message.url)
            way, request = self._given or self._way(message, url), _request(message, url)
        except BrokenOff:
            raise
        except Exception as error:  # whatever a library or a loop raises, no operation does
            raise broken_off(error, sent=False, said=_said(error)) from error
        try:
            return await way.send(request, limit)
        except BrokenOff:
            raise
        except httpx.ProxyError as error:
            kind = Barred if str(error).startswith(str(WHO_ASKS)) else BrokenOff
            raise kind(str(error), sent=False) from error
        except _NOT_SENT as error:
            raise broken_off(error, sent=False) from error
        except Exception as error:
            if _OVERLONG in str(error):
                raise Overlong(_OVERLONG, sent=True) from error
            raise broken_off(error, sent=True, said=_said(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        for way in (*self._ways.values(), *filter(None, [self._given])):
            await way.close()

    def through(self, url: str) -> str | None:
        """The proxy that an address is reached through, as it may be shown; what is in the user's own is not known."""
        return None if self._given else proxy_shown(self._config, url)

    def _way(self, message: Message, url: httpx.URL) -> Way:
        place = f"{url.scheme}://{url.netloc.decode('ascii')}"
        return self._ways.get((message.purpose, place)) or self._open(message, place, url)

    def _open(self, message: Message, place: str, url: httpx.URL) -> Way:
        config, purpose = self._config, message.purpose
        for name in _HEADS:
            logging.getLogger(name).addFilter(_hide_locations)
        most = affordable(config.pool_sizes.get(purpose, config.max_connections), share_of(purpose))
        through = proxy_for(config, message.url)
        if through is None:
            origin = self._origins.get(place) or Origin(
                url, self._trust(url), http2=_http2(url), header_bytes=config.max_header_bytes
            )
            self._origins[place] = origin
            first = self._ways.get((COMES_FIRST.get(purpose, ""), place))
            way: Way = Lanes(
                origin,
                most=most,
                kept=min(most, config.max_keepalive_connections),
                first=first.places if isinstance(first, Lanes) else None,
            )
        else:
            proxy = httpx.Proxy(through, headers=dict(config.proxy_headers))
            limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)
            pool = httpx.AsyncHTTPTransport(verify=self._trust(url), proxy=proxy, limits=limits, http2=_http2(url))
            way = Queued(Relayed(pool), most)
        self._ways[purpose, place] = way
        return way

    def _trust(self, url: httpx.URL) -> ssl.SSLContext:
        """Loading certificates takes long, so an address without TLS has it trust none, and all others share them."""
        return self._certificates if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    @made_once
    def _certificates(self) -> ssl.SSLContext:
        try:
            return httpx.create_ssl_context()
        except OSError as error:
            raise Untrusted(f"SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}", sent=False) from error


def _request(message: Message, url: httpx.URL) -> httpx.Request:
    """The message as httpx has it; of a large body it knows neither the length nor, then, the host."""
    headers = [
        (name.encode("ascii"), text.encode("ascii")) for name, text in {**message.standing, **message.headers}.items()
    ]
    times, body = {"timeout": _times(message.seconds, message.connecting)}, message.content
    if body is None or body.size <= PORTION:
        content = None if body is None else body.content
        return httpx.Request(message.method, url, headers=headers, content=content, extensions=times)
    headers += [(b"host", url.netloc), (b"content-length", b"%d" % body.size)]
    return httpx.Request(message.method, url, headers=headers, stream=_Portions(body), extensions=times)


class _Portions(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A large body, which leaves in portions, however often it is asked for; transports may look into it at once."""

    def __init__(self, body: Encoded) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return map(bytes, self._body.portions(PORTION))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for portion in self:
            yield portion
            for _ in range(_TURNS):
                await asyncio.sleep(0)


@lru_cache(maxsize=256)
def parsed(url: str) -> httpx.URL:
    """The address taken apart; most requests go to the same few."""
    return httpx.URL(url)


@lru_cache(maxsize=64)
def _times(seconds: float, connecting: float) -> dict[str, float | None]:
    return httpx.Timeout(seconds, connect=connecting, pool=None).as_dict()


def _said(error: Exception) -> str | None:
    """What httpx says without a header, which may be secret; None for errors that show none."""
    if isinstance(error, httpx.LocalProtocolError):
        return "it breaks the rules of HTTP, perhaps by a character that no header can carry"
    return None


def _http2(url: httpx.URL) -> bool:
    """Whether it may be spoken there; what packs its headers writes each of them into its log, the credential too."""
    spoken = url.scheme == "https" and find_spec("h2") is not None
    packing = logging.getLogger("hpack")
    if spoken and packing.level < logging.INFO:
        packing.setLevel(logging.INFO)
    return spoken


def _hide_locations(record: logging.LogRecord) -> bool:
    """The headers of an answer are written into the log as they came, and a location may be a signed address."""
    record.msg = _LOCATION.sub(r"\1***\2", str(record.msg))
    return True


_HEADS = ("httpcore.http11", "httpcore.http2")
"""The logs that headers of answers are written into."""
_LOCATION = re.compile(r"(\(b'location', b(['\"])).*?\2", re.IGNORECASE)
_NOT_SENT = (
    httpcore.ConnectionNotAvailable,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
