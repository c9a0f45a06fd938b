"""Requests through httpx: the only module that sends anything, and the only one that sees the credential."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.errors import ConnectionFailed, RedirectRefused, ResponseTooLarge, TransportError
from tinkex_py.outcome import Outcome
from tinkex_py.plans.authentication import Authentication
from tinkex_py.request import Address, AnyRequest, Encoded, Pairs, Reply
from tinkex_py.runtime.calling import BACKGROUND, METHOD
from tinkex_py.runtime.pools import Pools
from tinkex_py.version import __version__
from tinkex_py.wire import json
from tinkex_py.wire.inflating import accepted, inflated

log = logging.getLogger("tinkex_py")

_OS_NAMES = {"Darwin": "MacOS"}
_ARCHITECTURES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}
_NOTES, _LONGEST_NOTE = 100, 1000
_REDIRECTS = 5
_REPEATING = frozenset({307, 308})
_MOVED = frozenset({301, 302, 303, *_REPEATING})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class HttpTransport:
    """Exchanges over httpx clients, each made with the first request of its purpose on the runtime's loop.

    The credential goes to the configured origin and nowhere else; redirects are followed within that origin only.
    `inject` adds what a tracer wants to send along to a dict of headers.
    """

    def __init__(
        self,
        config: Config,
        transport: httpx.AsyncBaseTransport | None = None,
        authentication: Authentication | None = None,
        inject: Callable[[dict[str, str]], object] | None = None,
    ) -> None:
        self._config = config
        self._authentication = authentication or Authentication(credential=config.api_key)
        self._pools = Pools(config, transport)
        self._inject = inject
        self._headers = _standing_headers(config)
        self._base = config.base_url.rstrip("/")
        self._notes: set[str] = set()

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
        """The reply, or why there is none."""
        client = self._pools.client_for(request)
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
        await self._pools.close()

    def _sent(self, request: AnyRequest, content: Encoded | None, headers: Pairs, limit: float) -> dict[str, str]:
        """All headers; an address outside the service gets none but the request's own."""
        if request.address is not None:
            return dict(request.headers)
        sent = {
            **self._headers,
            **self._credential(request),
            **_content_headers(content),
            **dict(request.headers),
            **dict(headers),
            "x-stainless-read-timeout": f"{limit:g}",
        }
        if request.operation not in BACKGROUND:
            self._tell_caller(sent)
        return sent

    def _credential(self, request: AnyRequest) -> dict[str, str]:
        credential = self._authentication.credential_for(request)
        if credential is None:
            return {}
        return {"x-api-key": credential, **({"authorization": f"Bearer {credential}"} if self._config.bearer else {})}

    def _tell_caller(self, sent: dict[str, str]) -> None:
        """Which method the request is for, and the span it belongs to."""
        method = METHOD.get()
        if method:
            sent["x-sdk-version"] = self._config.sdk_version
            sent["x-sdk-method"] = method
        if self._inject is not None:
            _ = self._inject(sent)

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
            if sum(len(name) + len(text) for name, text in response.headers.raw) > self._config.max_header_bytes:
                return _too_large(request, self._config.max_header_bytes, "headers", "max_header_bytes")
            body = await self._body(response)
        finally:
            await response.aclose()
        if len(body) > self._config.max_response_bytes:
            return _too_large(request, self._config.max_response_bytes, "bytes", "max_response_bytes")
        received = tuple((name.lower(), text) for name, text in _resolved(response))
        self._heed(response)
        return Reply(status=response.status_code, headers=received, body=body, at=time.time())

    async def _body(self, response: httpx.Response) -> bytes:
        """The plain body; one that exceeds the limit is cut one byte behind it, compressed or not."""
        limit = self._config.max_response_bytes
        encoding = response.headers.get("content-encoding")
        plain = encoding is None or response.is_stream_consumed  # what is consumed was made whole, by a mock
        body = bytearray()
        async for part in response.aiter_bytes() if plain else response.aiter_raw():
            body += part
            if len(body) > limit:
                return bytes(body[: limit + 1])
        return bytes(body) if plain else _plain(inflated(encoding or "", bytes(body), limit))

    def _heed(self, response: httpx.Response) -> None:
        """Log a deprecation that the server announces, once."""
        note = response.headers.get("x-deprecation-note")
        if note and note not in self._notes and len(self._notes) < _NOTES:
            self._notes.add(note)
            level = logging.ERROR if response.headers.get("x-deprecation-level") == "error" else logging.WARNING
            log.log(level, "the server says: %s", _printable(note))

    def _url(self, request: AnyRequest) -> str:
        if request.address is not None:
            return request.address.url
        path = "/".join(map(path_part, request.path))
        query = (*self._config.default_query.items(), *request.query)
        return f"{self._base}/{path}?{urlencode(query)}" if query else f"{self._base}/{path}"

    def _failed(self, request: AnyRequest, error: Exception, *, sent: bool) -> ConnectionFailed:
        parts = urlsplit(self._config.base_url if request.address is None else request.address.url)
        what = "the connection broke off" if sent else "no connection"
        through = "" if self._config.proxy is None else " and the proxy before it"
        return ConnectionFailed(
            message=f"{request.operation}: {what} ({str(error) or type(error).__name__}); is the server at "
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{through} running and reachable?",
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
    access = {
        "cf-access-client-id": config.cloudflare_access_client_id,
        "cf-access-client-secret": config.cloudflare_access_client_secret,
    }
    return {
        "accept": "application/json",
        "accept-encoding": accepted(),
        "user-agent": f"tinkex_py/{__version__}",
        "x-stainless-package-version": __version__,
        "x-stainless-runtime": platform.python_implementation(),
        "x-stainless-runtime-version": platform.python_version(),
        "x-stainless-os": _OS_NAMES.get(platform.system(), platform.system()),
        "x-stainless-arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "x-stainless-async": "async:asyncio",
        **{name: text for name, text in access.items() if text is not None},
        **{name.lower(): text for name, text in config.default_headers.items()},
    }


def _plain(outcome: Outcome[bytes, str]) -> bytes:
    match outcome:
        case Success(body):
            return body
        case Failure(reason):
            raise ValueError(reason)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST_NOTE])


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


def _too_large(request: AnyRequest, limit: int, what: str, setting: str) -> ResponseTooLarge:
    return ResponseTooLarge(
        message=f"{request.operation}: the {what} of the answer exceed {limit}; allow more with Config.{setting}",
        endpoint=request.endpoint,
        limit=limit,
    )
