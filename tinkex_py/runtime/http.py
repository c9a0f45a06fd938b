"""Requests through httpx: the only module that sends anything, and the only one that sees the credential."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx

from tinkex_py.config import Config
from tinkex_py.errors import ConnectionFailed, RedirectRefused, ResponseTooLarge, TransportError
from tinkex_py.plans.authentication import Authentication
from tinkex_py.request import Address, AnyRequest, Encoded, Pairs, Reply
from tinkex_py.version import __version__
from tinkex_py.wire import json

_REDIRECTS = 5
_REPEATING = frozenset({307, 308})
_MOVED = frozenset({301, 302, 303, *_REPEATING})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class HttpTransport:
    """Exchanges over one httpx client, made with the first request on the runtime's loop.

    The credential goes to the configured origin and nowhere else; redirects are followed within that origin only.
    """

    def __init__(
        self,
        config: Config,
        transport: httpx.AsyncBaseTransport | None = None,
        authentication: Authentication | None = None,
    ) -> None:
        self._config = config
        self._authentication = authentication or Authentication(credential=config.api_key)
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._headers = _standing_headers(config)

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
        """The reply, or why there is none."""
        client = self._client or self._connect()
        content = _content(request)
        limit = request.timeout or self._config.read_timeout
        timeout = httpx.Timeout(limit, connect=min(limit, self._config.connect_timeout))
        sent = self._sent(request, content, headers, limit)
        try:
            return await self._follow(client, request, content, sent, timeout)
        except _NOT_SENT as error:
            return self._failed(request, error, sent=False)
        except (httpx.HTTPError, httpx.StreamError, ValueError, OSError) as error:
            return self._failed(request, error, sent=True)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _connect(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=self._config.max_connections, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(transport=self._transport, limits=limits, follow_redirects=False)
        return self._client

    def _sent(self, request: AnyRequest, content: Encoded | None, headers: Pairs, limit: float) -> dict[str, str]:
        """All headers; an address outside the service gets none but the request's own."""
        if request.address is not None:
            return dict(request.headers)
        credential = self._authentication.credential_for(request)
        return {
            **self._headers,
            **({} if credential is None else {"x-api-key": credential}),
            **_content_headers(content),
            **dict(request.headers),
            **dict(headers),
            "x-stainless-read-timeout": f"{limit:g}",
        }

    async def _follow(
        self,
        client: httpx.AsyncClient,
        request: AnyRequest,
        content: Encoded | None,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
    ) -> Reply | TransportError:
        url = self._url(request)
        for _ in range(_REDIRECTS):
            body = None if content is None else content.content
            sent = client.build_request(request.method, url, content=body, headers=headers, timeout=timeout)
            answer = await self._read(client, request, sent)
            location = _moved(request, answer)
            if location is None:
                return answer
            url = location
            if request.address is None and _origin(url) != _origin(self._config.base_url):
                return _refused(request, location, "it leaves the configured origin, and the credential stays here")
        return _refused(request, url, f"it is the {_REDIRECTS}th in a row")

    async def _read(
        self, client: httpx.AsyncClient, request: AnyRequest, sent: httpx.Request
    ) -> Reply | ResponseTooLarge:
        response = await client.send(sent, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > self._config.max_response_bytes:
                    return _too_large(request, self._config.max_response_bytes)
        finally:
            await response.aclose()
        received = tuple((name.lower(), text) for name, text in _resolved(response))
        return Reply(status=response.status_code, headers=received, body=bytes(body), at=time.time())

    def _url(self, request: AnyRequest) -> str:
        if request.address is not None:
            return request.address.url
        path = "/".join(map(path_part, request.path))
        query = f"?{urlencode(request.query)}" if request.query else ""
        return f"{self._config.base_url.rstrip('/')}/{path}{query}"

    def _failed(self, request: AnyRequest, error: Exception, *, sent: bool) -> ConnectionFailed:
        parts = urlsplit(self._config.base_url if request.address is None else request.address.url)
        what = "the connection broke off" if sent else "no connection"
        return ConnectionFailed(
            message=f"{request.operation}: {what} ({str(error) or type(error).__name__}); "
            f"is the server at {parts.scheme}://{parts.netloc.rpartition('@')[2]} running and reachable?",
            endpoint=request.endpoint,
            sent=sent,
        )


def path_part(name: str) -> str:
    """A name as one part of a path: nothing in it can end the part, and no part is `.` or `..`.

    >>> path_part("a/b?c#d"), path_part("session:train:0"), path_part("..")
    ('a%2Fb%3Fc%23d', 'session:train:0', '%2E%2E')
    """
    return name.replace(".", "%2E") if name in {".", ".."} else quote(name, safe=":+")


def _content(request: AnyRequest) -> Encoded | None:
    match request.body:
        case None:
            return None
        case Encoded() as encoded:
            return encoded
        case body:
            return json.encode(body)


def _content_headers(content: Encoded | None) -> dict[str, str]:
    if content is None:
        return {}
    encoding = {} if content.content_encoding is None else {"content-encoding": content.content_encoding}
    return {"content-type": content.content_type, **encoding}


def _standing_headers(config: Config) -> dict[str, str]:
    """What goes with every request, the credential aside."""
    return {
        "accept": "application/json",
        "user-agent": f"tinkex_py/{__version__}",
        "x-stainless-package-version": __version__,
        "x-stainless-runtime": platform.python_implementation(),
        "x-stainless-runtime-version": platform.python_version(),
        "x-stainless-os": platform.system(),
        "x-stainless-arch": platform.machine(),
        "x-stainless-async": "async:asyncio",
        **{name.lower(): text for name, text in config.default_headers.items()},
    }


def _resolved(response: httpx.Response) -> list[tuple[str, str]]:
    """The headers, with a location that is an address of its own."""
    place = str(response.request.url)
    return [(name, urljoin(place, text) if name == "location" else text) for name, text in response.headers.items()]


def _moved(request: AnyRequest, answer: Reply | ResponseTooLarge) -> str | None:
    """Where to ask instead; a command is repeated only where the status says that it may be."""
    if not isinstance(answer, Reply) or answer.status not in _MOVED - request.returns.statuses:
        return None
    return answer.header("location") if request.method == "GET" or answer.status in _REPEATING else None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _refused(request: AnyRequest, location: str, why: str) -> RedirectRefused:
    shown = Address(location).shown[:200]
    return RedirectRefused(
        message=f"{request.operation}: a redirect to {shown} was refused: {why}; check TINKER_BASE_URL",
        endpoint=request.endpoint,
        location=shown,
    )


def _too_large(request: AnyRequest, limit: int) -> ResponseTooLarge:
    return ResponseTooLarge(
        message=f"{request.operation}: the answer exceeds {limit} bytes; allow more with Config.max_response_bytes",
        endpoint=request.endpoint,
        limit=limit,
    )
