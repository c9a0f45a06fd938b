"""On real sockets: broken and hostile servers, proxies, and what is said of this client."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import pytest
from returns.result import Failure, Success

from tinkex_py import Config, ServiceClient, errors
from tinkex_py.endpoints.checkpoints import copy_weights, get_checkpoint_archive_url
from tinkex_py.endpoints.service import create_session, get_server_capabilities, session_heartbeat
from tinkex_py.endpoints.steps import submit_step
from tinkex_py.outcome import Outcome
from tinkex_py.plans.downloads import piece
from tinkex_py.plans.effects import Unready
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Address, AnyRequest, Encoded, Reply, Request
from tinkex_py.runtime.carriage import Carrier
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.fast import FastCarrier
from tinkex_py.runtime.http import HttpTransport
from tinkex_py.runtime.pools import Pools

KEY = "tml-0123456789abcdef"
ASK = get_server_capabilities()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
Answer: TypeAlias = "Reply | errors.TransportError | Unready"
Answering: TypeAlias = Callable[[bytes, int], bytes | None]
"""What is sent for a request's head on a connection of that number; None breaks the connection off."""


class Server:
    """Answers every request as told; keeps the heads and bodies of requests, and counts connections."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        number = self.connections
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                text = head.decode("latin-1")
                length = next((line for line in text.split("\r\n") if line.lower().startswith("content-length")), ":0")
                self.bodies.append(await reader.readexactly(int(length.split(":")[1])))
                self.heads.append(text)
                answer = self.answer(head, number)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if b"close-now" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: Answering, secure: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=secure)
    scheme = "http" if secure is None else "https"
    server.address = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


CARRIERS: dict[str, Callable[[Config], Carrier]] = {"httpx": Pools, "fast": FastCarrier}
chosen = ContextVar[Callable[[Config], Carrier]]("chosen")


@pytest.fixture(autouse=True, params=CARRIERS)
def _carried_by(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each rule holds whatever carries the requests."""
    token = chosen.set(CARRIERS[request.param])
    yield
    chosen.reset(token)


def connected(config: Config, **options: Any) -> HttpTransport:
    return HttpTransport(config, chosen.get()(config), **options)


async def answer_of(transport: HttpTransport, request: AnyRequest = ASK) -> Answer:
    """The answer to the one request that a transport is for."""
    try:
        return await asyncio.wait_for(transport.exchange(request, ()), 20)
    finally:
        await transport.close()


def exchange(answer: Answering, request: AnyRequest = ASK, **settings: Any) -> tuple[Answer, Server]:
    async def once() -> tuple[Answer, Server]:
        async with serving(answer) as server:
            usual: dict[str, Any] = {"base_url": server.address, "api_key": KEY, "max_response_bytes": 100_000}
            return await answer_of(connected(Config(**{**usual, **settings})), request), server

    return asyncio.run(once())


def repeated(answer: Answering, request: Request[Any]) -> tuple[Outcome[Any], Server]:
    async def once() -> tuple[Outcome[Any], Server]:
        async with serving(answer) as server:
            executor = Executor(connected(Config(base_url=server.address, api_key=KEY)))
            try:
                _ = await executor.run(call(request, Policy(seconds=20, first=0.01)))
                return await executor.run(call(request, Policy(seconds=20, first=0.01))), server
            finally:
                await executor.close()

    return asyncio.run(once())


def always(answer: bytes) -> Answering:
    return lambda _head, _number: answer


def with_body(body: bytes, *headers: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 200 OK\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


def test_a_compressed_answer_is_read() -> None:
    found, _ = exchange(always(with_body(gzip.compress(b"{}"), "content-encoding: gzip")))
    assert isinstance(found, Reply)
    assert found.body == b"{}"


HOSTILE: dict[str, tuple[bytes, type]] = {
    "endless body": (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(10**6) + b"close-now", errors.ResponseTooLarge),
    "announced size": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n" + bytes(10**6),
        errors.ResponseTooLarge,
    ),
    "bomb": (with_body(gzip.compress(bytes(10**8)), "content-encoding: gzip"), errors.ResponseTooLarge),
    "broken gzip": (with_body(b"junk", "content-encoding: gzip"), errors.ConnectionFailed),
    "many headers": (with_body(b"{}", *(f"x-{n}: {'y' * 100}" for n in range(800))), errors.ResponseTooLarge),
    "header flood": (with_body(b"{}", *(f"x-{n}: {'y' * 100}" for n in range(9000))), errors.ResponseTooLarge),
    "no http": (b"what?\r\n\r\nclose-now", errors.ConnectionFailed),
    "cut": (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", errors.ConnectionFailed),
    "two lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", errors.ConnectionFailed),
}


@pytest.mark.parametrize(("answer", "cause"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_a_typed_failure(answer: bytes, cause: type) -> None:
    assert isinstance(exchange(always(answer), read_timeout=1.0)[0], cause)


def test_a_connection_that_was_reset_is_replaced_by_a_fresh_one() -> None:
    outcome, server = repeated(once_then_reset(), ASK)
    assert isinstance(outcome, Success)
    assert (server.connections, len(server.heads)) == (2, 3)


def test_a_connection_that_a_busy_loop_did_not_look_at_is_not_given_up() -> None:
    async def starved() -> Answer:
        async with serving(always(OK)) as server:
            transport = connected(Config(base_url=server.address, api_key=KEY, connect_timeout=0.03))
            asked = asyncio.ensure_future(transport.exchange(ASK, ()))
            while not asked.done():
                time.sleep(0.02)  # noqa: ASYNC251 - other work that takes all the time
                await asyncio.sleep(0)
            await transport.close()
            return asked.result()

    assert isinstance(asyncio.run(starved()), Reply)


def test_a_server_that_takes_no_connection_is_given_up() -> None:
    with ExitStack() as open_until_then, socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        for _ in range(4):  # more than the kernel takes for it
            waiting = open_until_then.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        found, _ = exchange(always(OK), base_url=address, connect_timeout=0.1)
    assert isinstance(found, errors.ConnectionFailed)
    assert not found.sent


def once_then_reset() -> Answering:
    """The first connection answers once, and breaks off at its second request."""
    asked: list[int] = []

    def answer(_: bytes, number: int) -> bytes | None:
        asked.append(number)
        return None if asked.count(1) == 2 and number == 1 else OK

    return answer


def test_a_large_body_leaves_whole_and_again_after_a_reset() -> None:
    parts = (b"a" * 300_000, memoryview(b"b" * 10), memoryview(b"c" * 900_000))
    answer = with_body(b'{"request_id":"r"}')
    request = submit_step("optim_step", Encoded.of("application/json", *parts))
    outcome, server = repeated(lambda _head, number: None if number == 1 else answer, request)
    assert isinstance(outcome, Success)
    assert [body == b"".join(parts) for body in server.bodies] == [True] * 3


def test_what_must_not_be_repeated_is_not_sent_again_after_a_reset() -> None:
    outcome, server = repeated(once_then_reset(), session_heartbeat("s"))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.ConnectionFailed)
    assert len(server.heads) == 2


@pytest.mark.parametrize(("rounds", "at_once", "most"), [(20, 1, 1), (1, 500, 8)])
def test_no_more_connections_are_opened_than_are_needed_or_allowed(rounds: int, at_once: int, most: int) -> None:
    async def all_of_them() -> tuple[list[Any], Server]:
        async with serving(always(OK)) as server:
            transport = connected(Config(base_url=server.address, api_key=KEY, max_connections=8))
            found: list[Any] = []
            for _ in range(rounds):
                found += await asyncio.gather(*[transport.exchange(ASK, ()) for _ in range(at_once)])
            await transport.close()
            return found, server

    found, server = asyncio.run(all_of_them())
    assert {each.status for each in found} == {200}
    assert server.connections <= most


def test_each_purpose_has_connections_of_its_own() -> None:
    """Sixty requests at once: three connections for REST, one for signs of life."""

    async def all_of_them() -> int:
        async with serving(always(OK)) as server:
            pools = {"rest": 3, "session": 1}
            transport = connected(Config(base_url=server.address, api_key=KEY, pool_sizes=pools))
            asked: list[AnyRequest] = [ASK, session_heartbeat("s")] * 30
            await asyncio.gather(*[transport.exchange(each, ()) for each in asked])
            await transport.close()
            return server.connections

    assert asyncio.run(all_of_them()) == 4


def test_the_path_of_the_servers_address_is_quoted_once() -> None:
    async def once() -> list[str]:
        async with serving(always(OK)) as server:
            _ = await answer_of(connected(Config(base_url=f"{server.address}/\u00fc/%41/", api_key=KEY)), ASK)
            return server.heads

    assert asyncio.run(once())[0].startswith("GET /%C3%BC/%41/api/v1/get_server_capabilities HTTP/1.1")


def test_what_announces_an_answer_is_none() -> None:
    found, _ = exchange(always(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK))
    assert isinstance(found, Reply)
    assert (found.status, found.body) == (200, b"{}")


@pytest.mark.parametrize("name", ["location", "Location"])
@pytest.mark.parametrize("url", ["https://files.test/a?signature=hush", "/a'b?signature=hush"])
def test_no_log_shows_where_a_redirect_leads(caplog: pytest.LogCaptureFixture, name: str, url: str) -> None:
    caplog.set_level(logging.DEBUG)
    moved = f"HTTP/1.1 302 Found\r\n{name}: {url}\r\ncontent-length: 0\r\n\r\n".encode()
    found, _ = exchange(always(moved), get_checkpoint_archive_url("run", "weights/a"))
    assert isinstance(found, Reply)
    assert (str(found.header("location")).endswith("signature=hush"), "hush" in caplog.text) == (True, False)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9/a\r\nx-api-key: b", "http://a..b/a", "http://xn--/a"],
)
def test_what_is_no_address_is_sent_nowhere(url: str) -> None:
    found, server = exchange(always(OK), piece("download", Address(url), 0))
    assert isinstance(found, errors.ConnectionFailed)
    assert (found.sent, server.connections, "x-api-key" in found.message) == (False, 0, False)


@pytest.mark.parametrize("url", ["ftp://localhost/a", "http:///a", "/a", ""])
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    found, server = exchange(always(OK), piece("download", Address(url), 0))
    assert isinstance(found, errors.RedirectRefused)
    assert (server.connections, "it is no web address" in found.message) == (0, True)


@asynccontextmanager
async def deaf(answer: bytes = b"") -> AsyncGenerator[tuple[str, list[bytes]]]:
    """The address of a server that answers to a head, reads no more, and closes in the end; and the heads it saw."""
    over, heads, connections = asyncio.Event(), list[bytes](), list[asyncio.Event]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        connections.append(ended)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        _ = await over.wait()
        writer.transport.abort()
        ended.set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", heads
    finally:
        over.set()
        for each in connections:
            _ = await each.wait()
        listening.close()
        await listening.wait_closed()


LARGE_BYTES = 30_000_000
LARGE = submit_step("optim_step", Encoded.of("application/json", bytes(LARGE_BYTES)))


def test_a_server_that_stops_reading_is_given_up() -> None:
    async def once() -> Answer:
        async with deaf() as (address, _):
            return await answer_of(connected(Config(base_url=address, api_key=KEY, read_timeout=0.3)), LARGE)

    found = asyncio.run(once())
    assert isinstance(found, errors.ConnectionFailed)
    assert found.sent


@asynccontextmanager
async def slowly_reading(seconds: float, secure: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    """The address of a server that takes so long for a large body, of which it reads a little at a time."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _ = await reader.readuntil(b"\r\n\r\n")
        left = LARGE_BYTES
        while left:
            read = len(await reader.read(left))
            left -= read
            await asyncio.sleep(seconds * read / LARGE_BYTES)
        writer.write(OK)
        await writer.drain()
        writer.close()

    taking = socket.socket()
    taking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # or the kernel takes most of the body for it
    taking.bind(("127.0.0.1", 0))
    async with await asyncio.start_server(serve, sock=taking, ssl=secure):
        yield f"{'http' if secure is None else 'https'}://127.0.0.1:{taking.getsockname()[1]}"


def test_a_server_that_reads_slowly_is_not_given_up() -> None:
    """The body takes longer than a server may be silent, but moves all the time."""

    async def once() -> Answer:
        async with slowly_reading(1.2) as address:
            return await answer_of(connected(Config(base_url=address, api_key=KEY, read_timeout=0.5)), LARGE)

    found = asyncio.run(once())
    assert isinstance(found, Reply)
    assert found.body == b"{}"


def test_cookies_are_not_kept() -> None:
    _, server = repeated(always(with_body(b"{}", "set-cookie: a=b")), ASK)
    assert len(server.heads) == 2
    assert not [head for head in server.heads if "cookie" in head.lower()]


def fields(head: str) -> dict[str, str]:
    pairs = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
    return {name.lower(): text for name, _, text in pairs}


def test_a_request_says_honestly_who_sends_it() -> None:
    _, server = exchange(
        always(OK),
        bearer=True,
        cloudflare_access_client_id="id",
        cloudflare_access_client_secret="hush",
        default_headers={"X-Extra": "1"},
        default_query={"a": "b c"},
    )
    sent = fields(server.heads[-1])
    assert server.heads[0].startswith("GET /api/v1/get_server_capabilities?a=b+c HTTP/1.1")
    assert sent["user-agent"].startswith("tinkex_py/")
    assert (sent["x-api-key"], sent["authorization"]) == (KEY, f"Bearer {KEY}")
    assert (sent["cf-access-client-id"], sent["cf-access-client-secret"], sent["x-extra"]) == ("id", "hush", "1")
    assert {"x-stainless-os", "x-stainless-arch", "x-stainless-runtime", "x-stainless-package-version"} <= set(sent)
    assert {"x-sdk-method", "cookie"}.isdisjoint(sent)


def through_a_proxy(base_url: str) -> tuple[object, Server]:
    async def through() -> tuple[object, Server]:
        async with serving(always(OK)) as server:
            address = server.address.replace("//", "//me:pass@")
            config = Config(base_url=base_url, api_key=KEY, proxy=address, proxy_headers={"X-Pass": "1"})
            return await answer_of(connected(config)), server

    return asyncio.run(through())


def test_a_server_may_have_a_name_of_any_letters() -> None:
    found, proxy = through_a_proxy("http://bücher.test")
    assert isinstance(found, Reply)
    assert proxy.heads[0].startswith("GET http://xn--bcher-kva.test/api/v1/get_server_capabilities HTTP/1.1")
    assert fields(proxy.heads[0])["host"] == "xn--bcher-kva.test"


def test_a_request_goes_through_the_proxy_that_was_given() -> None:
    found, proxy = through_a_proxy("http://server.test")
    assert isinstance(found, Reply)
    assert proxy.heads[0].startswith("GET http://server.test/api/v1/get_server_capabilities HTTP/1.1")
    assert (fields(proxy.heads[-1])["x-pass"], fields(proxy.heads[-1])["host"]) == ("1", "server.test")
    assert fields(proxy.heads[-1])["proxy-authorization"].startswith("Basic ")


def test_a_proxy_is_told_an_address_of_ipv6_in_brackets() -> None:
    found, proxy = through_a_proxy("http://[fd00::1]:8000")
    assert isinstance(found, Reply)
    assert proxy.heads[0].startswith("GET http://[fd00::1]:8000/api/v1/get_server_capabilities HTTP/1.1")
    assert fields(proxy.heads[0])["host"] == "[fd00::1]:8000"


def test_a_proxy_that_is_not_there_is_named() -> None:
    found, _ = exchange(always(OK), base_url="http://server.test", proxy="http://me:pass@127.0.0.1:9")
    assert isinstance(found, errors.ConnectionFailed)
    assert ("proxy http://***@127.0.0.1:9 and" in found.message, "pass" in found.message) == (True, False)
    assert not found.sent


def test_a_proxy_of_the_environment_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "me:pass@127.0.0.1:9")
    found, _ = exchange(always(OK), base_url="http://server.test")
    assert isinstance(found, errors.ConnectionFailed)
    assert ("proxy http://***@127.0.0.1:9 and" in found.message, "pass" in found.message) == (True, False)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_asks_is_named_and_not_asked_again(scheme: str) -> None:
    async def through() -> Answer:
        async with serving(always(b"HTTP/1.1 407 Who?\r\ncontent-length: 0\r\n\r\n")) as proxy:
            config = Config(base_url=f"{scheme}://server.test", api_key=KEY, proxy=proxy.address.replace("//", "//me@"))
            return await answer_of(connected(config))

    match asyncio.run(through()):
        case Unready(errors.ConnectionFailed(message=message, sent=False)):
            assert "proxy http://***@127.0.0.1" in message
            assert "407" in message
        case other:
            pytest.fail(str(other))


REFUSING = {
    "no way": b"HTTP/1.1 502 No\r\ncontent-length: 3\r\n\r\nbad",
    "no http": b"what?\r\n\r\nclose-now",
    "nothing": None,
    "a tunnel to nowhere": b"HTTP/1.1 200 OK\r\n\r\nclose-now",
}


@pytest.mark.parametrize("answer", REFUSING.values(), ids=REFUSING)
def test_what_a_proxy_leads_nowhere_was_not_sent(answer: bytes | None) -> None:
    async def through(scheme: str) -> Answer:
        async with serving(lambda _head, _number: answer) as proxy:
            config = Config(base_url=f"{scheme}://server.test", api_key=KEY, proxy=proxy.address, read_timeout=5.0)
            return await answer_of(connected(config))

    found = asyncio.run(through("https"))
    assert isinstance(found, errors.ConnectionFailed)
    assert not found.sent
    relayed = asyncio.run(through("http")) if answer is None else None
    assert relayed is None or (isinstance(relayed, errors.ConnectionFailed) and relayed.sent)


@pytest.mark.parametrize("transport", ["httpx", "fast"])
def test_a_proxy_of_another_kind_is_refused_by_name(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://me:pass@127.0.0.1:9")
    for name in ("HTTP_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ServiceClient(Config(base_url="http://server.test", api_key=KEY, transport=transport)) as client:
        error = client.get_server_capabilities().failure()
    assert isinstance(error, errors.InvalidConfig)
    assert (error.setting, "socks5" in error.message, "pass" in error.message) == ("proxy", True, False)


def test_an_address_that_no_proxy_leads_to_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    found, _ = exchange(always(OK), base_url="http://server.test")
    assert isinstance(found, errors.ConnectionFailed)
    assert ("socks5" in found.message, found.sent) == (True, False)


@pytest.mark.parametrize("setting", ["api_key", "default_headers", "proxy_headers", "cloudflare_access_client_secret"])
def test_a_secret_that_ends_in_a_space_is_refused_and_shown_nowhere(setting: str) -> None:
    hush: Any = {"x-hush": "tml-hush-hush-hush "} if setting.endswith("headers") else "tml-hush-hush-hush "
    settings: dict[str, Any] = {"base_url": "http://127.0.0.1:9", "api_key": KEY, setting: hush}
    with ServiceClient(Config(**settings)) as client:
        error = client.get_server_capabilities().failure()
    assert isinstance(error, errors.InvalidConfig)
    assert "hush-hush" not in repr(error)


def test_a_header_that_can_not_be_sent_is_not_shown() -> None:
    request = copy_weights("tinker://r/weights/a", "p", weights_access_token="hush\n")
    found, _ = exchange(always(OK), request)
    assert isinstance(found, errors.ConnectionFailed)
    assert "hush" not in repr(found)


def test_a_connection_that_is_reset_at_once_is_a_failed_one() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async def asked() -> set[type[object]]:
        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            config = Config(base_url=f"http://127.0.0.1:{port}", api_key=KEY)
            return {type(await answer_of(connected(config))) for _ in range(100)}

    assert asyncio.run(asked()) == {errors.ConnectionFailed}


def test_a_deprecation_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    answer = with_body(b"{}", "x-deprecation-note: go \x1b[31mon", "x-deprecation-level: error")
    with caplog.at_level(logging.WARNING, "tinkex_py"):
        repeated(always(answer), ASK)
    assert [(record.levelname, record.message) for record in caplog.records if record.name == "tinkex_py"] == [
        ("ERROR", "the server says: go  [31mon")
    ]


def trace(headers: dict[str, str]) -> None:
    headers["traceparent"] = "00-1"


def heads_with(inject: Callable[[dict[str, str]], object]) -> list[str]:
    """The heads of what a method sends and of what is sent in the background."""

    async def both() -> list[str]:
        async with serving(always(OK)) as server:
            config = Config(base_url=server.address, api_key=KEY)
            transport = connected(config, inject=inject)
            try:
                for request in (ASK, create_session(sdk_version="1")):
                    _ = await transport.exchange(request, ())
            finally:
                await transport.close()
            return server.heads

    return asyncio.run(both())


def test_a_tracer_adds_its_headers_to_what_a_method_sends() -> None:
    assert ["traceparent: 00-1" in head for head in heads_with(trace)] == [True, False]


def breaking(headers: dict[str, str]) -> None:
    raise RuntimeError(f"no span, {len(headers)}")


def odd_trace(headers: dict[str, Any]) -> None:
    headers |= {"x-odd": "\xfc\r\nx: y", "x-two words": "1", "x-empty": "", "traceparent": "00-1"}


def numbered_trace(headers: dict[str, Any]) -> None:
    headers |= {"x-number": 5}


@pytest.mark.parametrize(("inject", "kept"), [(breaking, False), (odd_trace, True), (numbered_trace, False)])
def test_no_request_is_lost_over_what_a_tracer_adds(inject: Callable[[dict[str, str]], object], *, kept: bool) -> None:
    heads = heads_with(inject)
    assert ["traceparent: 00-1" in head for head in heads] == [kept, False]
    assert "x-odd" not in heads[0]


def test_a_tracer_sees_no_header_of_a_request() -> None:
    seen: list[dict[str, str]] = []
    assert len(heads_with(lambda headers: seen.append(dict(headers)))) == 2
    assert seen == [{}]


@contextmanager
def in_thread(answer: Answering) -> Generator[Server]:
    ready, ending = threading.Event(), threading.Event()
    servers: list[Server] = []

    async def run() -> None:
        async with serving(answer) as server:
            servers.append(server)
            ready.set()
            await asyncio.to_thread(ending.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    _ = ready.wait(10)
    try:
        yield servers[0]
    finally:
        ending.set()
        thread.join()


def test_a_request_names_the_public_method_it_is_for() -> None:
    with in_thread(always(OK)) as server, ServiceClient(base_url=server.address, api_key=KEY) as service:
        assert isinstance(service.get_server_capabilities(), Success)
    assert server.heads[0].startswith("POST /api/v1/client/config ")
    (head,) = (head for head in server.heads if "x-sdk-method" in head)
    assert head.startswith("GET /api/v1/get_server_capabilities ")
    assert fields(head)["x-sdk-method"] == "ServiceClient.get_server_capabilities"
    assert fields(head)["x-sdk-version"] == "0.38.0"
