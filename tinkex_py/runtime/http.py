"""Requests as they leave, and answers as they arrive: the only module that sees the credential."""

from __future__ import annotations

import logging
import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.config.masking import SHORTEST
from tinkex_py.errors import ConnectionFailed, RedirectRefused, ResponseTooLarge, TransportError
from tinkex_py.outcome import Outcome
from tinkex_py.plans.authentication import Authentication
from tinkex_py.plans.effects import Unready
from tinkex_py.request import Address, AnyRequest, Encoded, Pairs, Reply
from tinkex_py.runtime.calling import BACKGROUND, METHOD
from tinkex_py.runtime.carriage import WHO_ASKS, Barred, BrokenOff, Carrier, Message, Overlong, Received, Untrusted
from tinkex_py.runtime.purposes import purpose_of
from tinkex_py.types.kinds import is_header
from tinkex_py.types.raised import in_words, one_line
from tinkex_py.version import __version__
from tinkex_py.wire import json
from tinkex_py.wire.compression import Unreadable, readable, unpacked
from tinkex_py.wire.replies import Whole

log = logging.getLogger("tinkex_py")

_OS_NAMES = {"Darwin": "MacOS"}
_ARCHITECTURES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}
_NOTES, _LONGEST_NOTE = 100, 1000
_ANSWERED = range(200, 300)
_MEANT = "%/:?#[]@!$&'()*+,;="
"""Characters that have a meaning in an address, and are left as they are; `%` begins what is quoted already."""
_PRESENTED = ("x-api-key", "cf-access-client-secret")
"""The headers of a request that a refusal may repeat, whose values are kept out of it."""
_REDIRECTS = 5
_REPEATING = frozenset({307, 308})
_MOVED = frozenset({301, 302, 303, *_REPEATING})


class HttpTransport:
    """Exchanges requests for replies by way of a carrier.

    The credential goes to the configured origin and nowhere else; redirects are followed within that origin only.
    `inject` adds what a tracer wants to send along to a dict of headers.
    """

    def __init__(
        self,
        config: Config,
        carrier: Carrier,
        authentication: Authentication | None = None,
        inject: Callable[[dict[str, str]], object] | None = None,
    ) -> None:
        self._config = config
        self._authentication = authentication or Authentication(credential=config.api_key)
        self._carrier = carrier
        self._inject = inject
        self._standing = _standing_headers(config)
        self._base = _quoted(config.base_url.rstrip("/"))
        self._notes: set[str] = set()

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError | Unready:
        """The reply, or why there is none."""
        written = _content(request)
        if isinstance(written, Failure):
            return Unready(written.failure())
        message = self._message(request, written.unwrap(), headers)
        try:
            for _ in range(_REDIRECTS):
                if request.address is not None and not _is_web(message.url):
                    return _refused(request, message.url, "it is no web address")
                received = await self._carrier.carry(message, self._config.max_response_bytes)
                answer = self._read(request, message, received)
                location = _moved(request, answer)
                if location is None:
                    return answer
                message = message._replace(url=location)
                if request.address is None and _origin(location) != _origin(self._config.base_url):
                    return _refused(request, location, "it leaves the configured origin, and the credential stays here")
        except Overlong:
            return _too_large(request, self._config.max_header_bytes, "headers", "max_header_bytes")
        except (Untrusted, Barred) as final:
            told = self._untrusted if isinstance(final, Untrusted) else self._barred
            return Unready(told(request, final.reason))
        except BrokenOff as broken:
            return self._failed(request, broken.reason, sent=broken.sent)
        return _refused(request, message.url, f"it is the {_REDIRECTS}th in a row")

    async def close(self) -> None:
        """Close the connections."""
        await self._carrier.close()

    def _message(self, request: AnyRequest, content: Encoded | None, headers: Pairs) -> Message:
        limit = request.timeout or self._config.read_timeout
        return Message(
            purpose=purpose_of(request),
            method=request.method,
            url=self._url(request),
            standing=self._standing if request.address is None else {},
            headers=self._sent(request, content, headers, limit),
            content=content,
            seconds=limit,
            connecting=min(limit, self._config.connect_timeout),
        )

    def _sent(self, request: AnyRequest, content: Encoded | None, headers: Pairs, limit: float) -> dict[str, str]:
        """All headers but the standing ones; an address outside the service gets none but the request's own."""
        sent: dict[str, str] = {}
        if request.address is not None:
            sent.update(request.headers)
            return sent
        self._present_credential(request, sent)
        if content is not None:
            sent["content-type"] = content.content_type
            if content.content_encoding is not None:
                sent["content-encoding"] = content.content_encoding
        sent.update(request.headers)
        sent.update(headers)
        sent["x-stainless-read-timeout"] = f"{limit:g}"
        if request.operation not in BACKGROUND:
            self._tell_caller(sent)
        return sent

    def _present_credential(self, request: AnyRequest, sent: dict[str, str]) -> None:
        credential = self._authentication.credential_for(request)
        if credential is not None:
            sent["x-api-key"] = credential
            if self._config.bearer:
                sent["authorization"] = f"Bearer {credential}"

    def _tell_caller(self, sent: dict[str, str]) -> None:
        """Which method the request is for, and the span it belongs to."""
        method = METHOD.get()
        if method:
            sent["x-sdk-version"] = self._config.sdk_version
            sent["x-sdk-method"] = method
        if self._inject is not None:
            sent |= self._injected(self._inject)

    def _injected(self, inject: Callable[[dict[str, str]], object]) -> dict[str, str]:
        """What a tracer sends along. It sees no header of the request, and nothing that is wrong with it harms one."""
        added: dict[str, str] = {}
        try:
            _ = inject(added)
            return {name: text for name, text in added.items() if is_header(name, text)}
        except Exception as error:  # noqa: BLE001 - propagators of others raise what they like
            self._note(logging.WARNING, f"no span is sent along: {in_words(error)}")
            return {}

    def _read(self, request: AnyRequest, message: Message, received: Received) -> Reply | ResponseTooLarge:
        config = self._config
        if received.status == WHO_ASKS:
            raise Barred(f"status {WHO_ASKS}", sent=False)
        size = 0
        headers: list[tuple[str, str]] = []
        for name, text in received.headers:
            size += len(name) + len(text)
            headers.append((name.decode("latin-1").lower(), text.decode("latin-1")))
        if size > config.max_header_bytes:
            return _too_large(request, config.max_header_bytes, "headers", "max_header_bytes")
        reply = Reply(status=received.status, headers=tuple(headers), body=received.body, at=time.time())
        self._heed(reply)
        encoding = "" if received.plain else ",".join(text for name, text in headers if name == "content-encoding")
        if encoding or len(reply.body) > config.max_response_bytes:
            match unpacked(encoding, reply.body, config.max_response_bytes):
                case Success(body):
                    reply = structs.replace(reply, body=body)
                case Failure(problem) if problem.kind == "large":
                    return _too_large(request, config.max_response_bytes, "bytes", "max_response_bytes")
                case Failure(problem):
                    reply = _unreadable(request, reply, problem)
        return _resolved(_hushed(reply, _presented(request, message)), message.url)

    def _heed(self, reply: Reply) -> None:
        """Log a deprecation that the server announces, once."""
        note = reply.header("x-deprecation-note")
        if note:
            level = logging.ERROR if reply.header("x-deprecation-level") == "error" else logging.WARNING
            self._note(level, f"the server says: {note}")

    def _note(self, level: int, note: str) -> None:
        """Log what is the same with many requests once."""
        if note not in self._notes and len(self._notes) < _NOTES:
            self._notes.add(note)
            log.log(level, "%s", one_line(note[:_LONGEST_NOTE]))

    def _url(self, request: AnyRequest) -> str:
        if request.address is not None:
            return request.address.url
        path = joined_path(request.path)
        query = (*self._config.default_query.items(), *request.query)
        return f"{self._base}/{path}?{urlencode(query)}" if query else f"{self._base}/{path}"

    def _untrusted(self, request: AnyRequest, reason: str) -> ConnectionFailed:
        return ConnectionFailed(
            message=f"{request.operation}: no connection: the certificate of {self._place(request)} is not trusted "
            f"({reason}); if an authority of your own made it, put that authority's certificate into a file and its "
            "name into SSL_CERT_FILE",
            endpoint=request.endpoint,
            sent=False,
        )

    def _place(self, request: AnyRequest) -> str:
        return (request.address or Address(self._config.base_url)).server

    def _failed(self, request: AnyRequest, reason: str, *, sent: bool) -> ConnectionFailed:
        what = "the connection broke off" if sent else "no connection"
        proxy, place = self._carrier.through(self._url(request)), self._place(request)
        these = f"is the server at {place}" if proxy is None else f"are the proxy {proxy} and the server at {place}"
        return ConnectionFailed(
            message=f"{request.operation}: {what} ({reason}); {these} running and reachable?",
            endpoint=request.endpoint,
            sent=sent,
        )

    def _barred(self, request: AnyRequest, reason: str) -> ConnectionFailed:
        proxy = self._carrier.through(self._url(request)) or "before the server"
        return ConnectionFailed(
            message=f"{request.operation}: no connection: the proxy {proxy} wants to know who asks ({reason}); check "
            "the user and the password in its address, as in http://user:password@host:3128, or give what else it "
            "wants with Config.proxy_headers",
            endpoint=request.endpoint,
            sent=False,
        )


@lru_cache(maxsize=1024)
def joined_path(parts: tuple[str, ...]) -> str:
    """The parts of a path as one."""
    return "/".join(map(path_part, parts))


def path_part(name: str) -> str:
    """A name as one part of a path: nothing in it can end the part, and no part is `.` or `..`.

    >>> path_part("a/b?c#d"), path_part("session:train:0"), path_part("..")
    ('a%2Fb%3Fc%23d', 'session:train:0', '%2E%2E')
    """
    return name.replace(".", "%2E") if name in {".", ".."} else quote(name, safe=":+")


def _content(request: AnyRequest) -> Outcome[Encoded | None]:
    match request.body:
        case None:
            return Success(None)
        case Encoded() as encoded:
            return Success(encoded)
        case body:
            return json.encoded(body)


def _standing_headers(config: Config) -> dict[str, str]:
    """What goes with every request, the credential aside."""
    access = {
        "cf-access-client-id": config.cloudflare_access_client_id,
        "cf-access-client-secret": config.cloudflare_access_client_secret,
    }
    return {
        "accept": "application/json",
        "accept-encoding": readable(),
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


def _unreadable(request: AnyRequest, reply: Reply, problem: Unreadable) -> Reply:
    """The reply to go on with when a body can't be unpacked; BrokenOff where another attempt may bring a good one.

    An error keeps its status and loses its body. A success in an encoding that this client doesn't know would come in
    it again: the reason takes the place of the body, and no value can be read from that.
    """
    if reply.status not in _ANSWERED:
        return structs.replace(reply, body=b"")
    if problem.kind == "unknown" and not isinstance(request.returns, Whole):
        headers = tuple((name, text) for name, text in reply.headers if name != "content-type")
        return structs.replace(reply, headers=headers, body=problem.reason.encode())
    raise BrokenOff(problem.reason, sent=True)


def _hushed(reply: Reply, secrets: Iterable[str]) -> Reply:
    """The reply, of a refusal without the secrets that the request presented: some servers say again what they got."""
    body = reply.body
    if reply.status not in _ANSWERED:
        for secret in secrets:
            body = body.replace(secret.encode(), b"***")
    return reply if body is reply.body else structs.replace(reply, body=body)


def _presented(request: AnyRequest, message: Message) -> Iterator[str]:
    """What a request presents: the credential, or the parts of an address that may be its signature."""
    yield from filter(None, (message.headers.get(name) or message.standing.get(name) for name in _PRESENTED))
    if request.address is not None:
        parts = re.split("[&=]", urlsplit(message.url).query)
        yield from (each for part in parts for each in (part, unquote(part)) if len(each) >= SHORTEST)


def _resolved(reply: Reply, url: str) -> Reply:
    """The reply, with a location that is an address of its own."""
    place = reply.header("location")
    if place is None:
        return reply
    headers = tuple((name, _joined(url, text) if name == "location" else text) for name, text in reply.headers)
    return structs.replace(reply, headers=headers)


def _quoted(base: str) -> str:
    """The address, with everything quoted in its path that may not stand there."""
    server, between, path = base.partition("://")
    host, slash, path = path.partition("/")
    return f"{server}{between}{host}{slash}{quote(path, safe=_MEANT, errors='replace')}"


def _joined(url: str, location: str) -> str:
    """Where a redirect leads, with everything quoted that may not stand in an address, in the bytes that it came as."""
    try:
        return urljoin(url, quote(location, safe=_MEANT, encoding="latin-1"))
    except ValueError as error:
        raise BrokenOff(f"a redirect to no address: {error}", sent=True) from error


def _moved(request: AnyRequest, answer: Reply | ResponseTooLarge) -> str | None:
    """Where to ask instead; a command is repeated only where the status says that it may be."""
    if not isinstance(answer, Reply) or answer.status not in _MOVED - request.returns.statuses:
        return None
    return answer.header("location") if request.method == "GET" or answer.status in _REPEATING else None


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Where an address leads to; None for one that no server can be at."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # reading a port that is none raises
        return None


def _is_web(url: str) -> bool:
    """Whether a server can be asked there."""
    origin = _origin(url)
    return origin is not None and origin[0] in {"http", "https"} and bool(origin[1])


def _refused(request: AnyRequest, location: str, why: str) -> RedirectRefused:
    shown = Address(location).shown[:200]
    what, way_on = (
        ("a redirect to", "check TINKER_BASE_URL")
        if request.address is None
        else ("the address", "tell the operators of the server that gave it")
    )
    return RedirectRefused(
        message=f"{request.operation}: {what} {shown} was refused: {why}; {way_on}",
        endpoint=request.endpoint,
        location=shown,
    )


def _too_large(request: AnyRequest, limit: int, what: str, setting: str) -> ResponseTooLarge:
    return ResponseTooLarge(
        message=f"{request.operation}: the {what} of the answer exceed {limit}; allow more with Config.{setting}",
        endpoint=request.endpoint,
        limit=limit,
    )
