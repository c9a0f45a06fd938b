"""Where an answer begins and ends: one belongs to one request, however servers, loops and connections behave."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import struct
import zlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from returns.result import Success

from tests.runtime.test_sockets import (
    ASK,
    CARRIERS,
    KEY,
    LARGE,
    LARGE_BYTES,
    OK,
    Answer,
    always,
    answer_of,
    chosen,
    connected,
    deaf,
    exchange,
    in_thread,
    serving,
    with_body,
)
from tinkex_py import Config, ServiceClient, errors
from tinkex_py.request import AnyRequest, Reply

REFUSAL = b"HTTP/1.1 413 Too Large\r\ncontent-length: 6\r\n\r\ndenied"
BOTH_WAYS = pytest.mark.parametrize("proxied", [False, True])
Serving = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True, params=CARRIERS)
def _carried_by(request: pytest.FixtureRequest) -> Iterator[None]:
    token = chosen.set(CARRIERS[request.param])
    yield
    chosen.reset(token)


@asynccontextmanager
async def served(serve: Serving) -> AsyncGenerator[str]:
    """The address of a server that treats connections so, until all of them have ended."""
    connections: list[asyncio.Event] = []

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        connections.append(ended)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()
        ended.set()

    async with await asyncio.start_server(connection, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for each in connections:
            _ = await each.wait()


def leading_to(address: str, *, proxied: bool, **settings: Any) -> Config:
    """Settings for the server there, or for one that is reached through it."""
    there: dict[str, Any] = {"proxy": address, "base_url": "http://server.test"} if proxied else {"base_url": address}
    return Config(api_key=KEY, **there, **settings)


def shown(found: Answer) -> object:
    return (found.status, found.body) if isinstance(found, Reply) else type(found)


def once(serve: Serving, request: AnyRequest = ASK, *, proxied: bool = False) -> object:
    async def asked() -> Answer:
        async with served(serve) as address:
            return await answer_of(connected(leading_to(address, proxied=proxied)), request)

    return shown(asyncio.run(asked()))


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection so that the other side is told so."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


UNASKED = {
    "an answer": with_body(b"another"),
    "a farewell": b"HTTP/1.1 408 Request Time-out\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    "noise": b"what?\r\n\r\n",
}


@BOTH_WAYS
@pytest.mark.parametrize("unasked", UNASKED.values(), ids=UNASKED)
def test_what_comes_between_two_requests_answers_none(unasked: bytes, *, proxied: bool) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(with_body(b"%d" % len(writers)))

    async def twice() -> list[object]:
        async with served(serve) as address, serving(always(OK)) as elsewhere:
            transport = connected(leading_to(address, proxied=proxied))
            found = [shown(await transport.exchange(ASK, ()))]
            writers[0].write(unasked)
            _ = await answer_of(connected(Config(base_url=elsewhere.address, api_key=KEY)))  # it arrives meanwhile
            found.append(shown(await transport.exchange(ASK, ())))
            await transport.close()
            return found

    assert asyncio.run(twice()) == [(200, b"1"), (200, b"2")]


def test_what_comes_right_behind_an_answer_answers_nothing() -> None:
    async def twice() -> tuple[list[object], int]:
        async with serving(lambda _head, number: with_body(b"%d" % number) + with_body(b"another")) as server:
            transport = connected(Config(base_url=server.address, api_key=KEY))
            found = [shown(await transport.exchange(ASK, ())) for _ in range(2)]
            await transport.close()
            return found, server.connections

    assert asyncio.run(twice()) == ([(200, b"1"), (200, b"2")], 2)


UNFINISHED = {
    "nothing": b"",
    "an announcement": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
    "two announcements": b"HTTP/1.1 100 Continue\r\n\r\n" * 2,
    "half of a head": b"HTTP/1.1 200 OK\r\n",
    "half of a body": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{",
    "an announcement and half": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
    "no status": b"HTTP/1.1 000 None\r\n\r\n",
}


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED)
def test_a_server_that_falls_silent_is_given_up_wherever_it_does(begun: bytes) -> None:
    found, _ = exchange(always(begun), read_timeout=0.2)
    assert isinstance(found, errors.ConnectionFailed)


@BOTH_WAYS
def test_an_answer_is_the_end_of_a_request_that_is_still_leaving(*, proxied: bool) -> None:
    """Its connection, on which the rest of the body would follow, is not used again."""

    async def twice() -> tuple[list[object], int]:
        async with deaf(REFUSAL) as (address, heads):
            transport = connected(leading_to(address, proxied=proxied, pool_sizes={"training": 1}))
            found = [shown(await transport.exchange(LARGE, ())) for _ in range(2)]
            await transport.close()
            return found, len(heads)

    assert asyncio.run(twice()) == ([(413, b"denied")] * 2, 2)


@BOTH_WAYS
def test_an_answer_counts_although_the_connection_breaks_behind_it(
    caplog: pytest.LogCaptureFixture, *, proxied: bool
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _ = await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSAL)
        reset(writer)

    with caplog.at_level(logging.WARNING):
        assert once(refuse, LARGE, proxied=proxied) == (413, b"denied")
    assert [record.message for record in caplog.records] == []


def test_an_announcement_is_not_the_end_of_a_request() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _ = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        _ = await reader.readexactly(LARGE_BYTES)
        writer.write(OK)

    assert once(serve, LARGE) == (200, b"{}")


BROKEN = {
    "with a length": (b"content-length: 2\r\n\r\n{}", (200, b"{}")),
    "in chunks": (b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", (200, b"{}")),
    "up to the end": (b"\r\n{}", errors.ConnectionFailed),
}


@pytest.mark.parametrize(("rest", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_body_without_a_length_is_whole_if_the_connection_ended_well(rest: bytes, expected: object) -> None:
    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _ = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + rest)
        reset(writer)

    async def ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _ = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + rest)

    assert (once(breaking), once(ending)) == (expected, (200, b"{}"))


def test_a_length_beside_chunks_does_not_get_round_the_limit() -> None:
    chunk = b"%x\r\n%s\r\n" % (1 << 20, bytes(1 << 20))
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
    found, _ = exchange(always(head + chunk * 4 + b"0\r\n\r\n"))
    assert isinstance(found, errors.ResponseTooLarge | errors.ConnectionFailed)


@pytest.mark.parametrize("allowed", [1 << 16, 1 << 20])
@pytest.mark.parametrize("lines", [[f"x: {'y' * 200_000}"], [f"x-{n}: {'y' * 10}" for n in range(10_000)]])
def test_as_many_headers_are_read_as_are_allowed(lines: list[str], allowed: int) -> None:
    found, _ = exchange(always(with_body(b"{}", *lines)), max_header_bytes=allowed)
    assert shown(found) == ((200, b"{}") if allowed == 1 << 20 else errors.ResponseTooLarge)
    assert isinstance(found, Reply) or (isinstance(found, errors.ResponseTooLarge) and found.limit == allowed)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_refusal_says_why_by_its_status_alone_if_its_body_can_not_be_read(encoding: str) -> None:
    found, _ = exchange(always(REFUSAL.replace(b"\r\n\r\n", b"\r\ncontent-encoding: %s\r\n\r\n" % encoding.encode())))
    assert shown(found) == (413, b"")


def test_encodings_may_be_named_in_a_line_each() -> None:
    body = gzip.compress(zlib.compress(b"{}"))
    found, _ = exchange(always(with_body(body, "content-encoding: deflate", "content-encoding: gzip")))
    assert shown(found) == (200, b"{}")


REDIRECTS = {
    "a space": ("/a b", "/a%20b"),
    "a line's end": ("/a HTTP/1.1", "/a%20HTTP/1.1"),
    "UTF-8": ("/\xc3\xa4?b=\xff", "/%C3%A4?b=%FF"),
    "quoted": ("/a%20b?c=%zz", "/a%20b?c=%zz"),
    "braces": ('/{"a"}|^', "/%7B%22a%22%7D%7C%5E"),
}


@pytest.mark.parametrize(("location", "asked"), REDIRECTS.values(), ids=REDIRECTS)
def test_a_redirect_leads_to_an_address(location: str, asked: str) -> None:
    moved = f"HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode("latin-1")
    found, server = exchange(lambda head, _number: moved if b"get_server" in head else OK)
    assert shown(found) == (200, b"{}")
    assert server.heads[1].startswith(f"GET {asked} HTTP/1.1\r\n")


def test_callers_may_have_a_loop_of_another_make() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def asked() -> Answer:
        async with serving(always(OK)) as server:
            address = server.address.replace("127.0.0.1", "localhost")
            return await answer_of(connected(Config(base_url=address, api_key=KEY)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert shown(runner.run(asked())) == (200, b"{}")


@pytest.mark.filterwarnings("ignore:.*olicy.*:DeprecationWarning")
@pytest.mark.parametrize("transport", CARRIERS)
def test_a_client_has_its_own_loop_whatever_the_policy_of_the_process(transport: str) -> None:
    policy = pytest.importorskip("uvloop").EventLoopPolicy
    process: Any = asyncio
    with in_thread(always(with_body(b'{"supported_models":[]}'))) as server:
        process.set_event_loop_policy(policy())
        try:
            with ServiceClient(Config(base_url=server.address, api_key=KEY, transport=transport)) as client:
                assert isinstance(client.get_server_capabilities(), Success)
        finally:
            process.set_event_loop_policy(None)
