"""Servers that answer to do harm: bounded memory, bounded time, and a failure that says what was wrong."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from msgspec import structs
from returns.result import Failure

from tests.runtime.test_sockets import ASK, CARRIERS, KEY, always, serving, with_body
from tinkex_py import Config, errors
from tinkex_py.endpoints.promises import retrieve_future
from tinkex_py.interpret import interpret
from tinkex_py.outcome import Outcome
from tinkex_py.request import Address, Reply, Request
from tinkex_py.runtime.carriage import gathered
from tinkex_py.runtime.http import HttpTransport
from tinkex_py.types.training import ForwardBackwardOutput

zstandard = pytest.importorskip("zstandard")
RESULT = retrieve_future("r", "ForwardBackward", ForwardBackwardOutput)
LIMIT = 100_000
PROTOBUF = "content-type: application/x-protobuf"


def result(body: bytes, *headers: str) -> tuple[Request[Any], bytes, type]:
    return RESULT, with_body(body, *headers), errors.Undecodable


def moved(location: str, status: int = 307) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()


def too_large(body: bytes, *headers: str) -> tuple[Request[Any], bytes, type]:
    return ASK, with_body(body, *headers), errors.ResponseTooLarge


ANSWERS: dict[str, tuple[Request[Any], bytes, type]] = {
    "gzip bomb": too_large(gzip.compress(bytes(10**7)), "content-encoding: gzip"),
    "gzip bomb within a gzip bomb": too_large(
        gzip.compress(gzip.compress(bytes(10**7))), "content-encoding: gzip, gzip"
    ),
    "zstd bomb": too_large(zstandard.compress(bytes(10**8)), "content-encoding: zstd"),
    "header flood": too_large(b"{}", *(f"x-{number}: {'y' * 100}" for number in range(800))),
    "an encoding of another kind": (ASK, with_body(b"junk", "content-encoding: br"), errors.Undecodable),
    "protobuf in an encoding of another kind": result(b"", PROTOBUF, "content-encoding: br"),
    "deep JSON": result(b'{"metrics":' + b"[" * 90_000),
    "deep JSON that closes": result(b'{"metrics":' + b"[" * 40_000 + b"]" * 40_000 + b"}"),
    "a number of 90,000 digits": result(b'{"loss_fn_outputs":[],"metrics":{"loss:sum":"' + b"9" * 90_000 + b'"}}'),
    "a shape of 10^18 elements": result(
        b'{"loss_fn_output_type":"x","metrics":{},"loss_fn_outputs":'
        b'[{"a":{"data":[1.0],"dtype":"float32","shape":[1000000000,1000000000]}}]}'
    ),
    "no UTF-8": result(b'{"loss_fn_output_type":"\xff\xfe","loss_fn_outputs":[],"metrics":{}}'),
    "half of a surrogate": result(b'{"loss_fn_output_type":"\\ud800'),
    "protobuf with a length of 2 GB": result(b"\x12\xff\xff\xff\xff\x07" + bytes(100), PROTOBUF),
    "protobuf with a length without end": result(b"\x12" + b"\xff" * 100, PROTOBUF),
    "protobuf of another message": result(b"\x0a\x04junk\x12\x02\x0a\x7f", PROTOBUF),
    "a circle of redirects": (ASK, moved("/api/v1/get_server_capabilities"), errors.RedirectRefused),
    "a redirect to another origin": (ASK, moved("http://127.0.0.2/"), errors.RedirectRefused),
    "a redirect beyond all ports": (ASK, moved("http://127.0.0.1:99999/"), errors.RedirectRefused),
    "a redirect to no port": (ASK, moved("http://127.0.0.1:port/"), errors.RedirectRefused),
    "a redirect to half an address": (ASK, moved("http://[::1/"), errors.ConnectionFailed),
    "a redirect to a file": (ASK, moved("file:///etc/passwd"), errors.RedirectRefused),
}


def outcome_of(request: Request[Any], answer: bytes, carrier: str) -> Outcome[Any]:
    async def once() -> Outcome[Any]:
        async with serving(always(answer)) as server:
            config = Config(base_url=server.address, api_key=KEY, max_response_bytes=LIMIT)
            transport = HttpTransport(config, CARRIERS[carrier](config))
            try:
                found = await asyncio.wait_for(transport.exchange(request, ()), 10)
            finally:
                await transport.close()
        assert isinstance(found, Reply | errors.ConnectionFailed | errors.RedirectRefused | errors.ResponseTooLarge)
        return interpret(request, found) if isinstance(found, Reply) else Failure(found)

    return asyncio.run(once())


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(("request_", "answer", "cause"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_does_harm_is_a_typed_failure(
    request_: Request[Any], answer: bytes, cause: type, carrier: str
) -> None:
    outcome = outcome_of(request_, answer, carrier)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), cause)
    assert len(outcome.failure().message) < 1000


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/", "http://127.0.0.1:port/", "http://[::1/", "x", ""])
def test_an_address_that_nothing_can_be_at_is_refused_at_once(address: str, carrier: str) -> None:
    async def once() -> object:
        config = Config(base_url="http://127.0.0.1:1", api_key=KEY)
        transport = HttpTransport(config, CARRIERS[carrier](config))
        try:
            return await transport.exchange(structs.replace(ASK, address=Address(address)), ())
        finally:
            await transport.close()

    assert isinstance(asyncio.run(once()), errors.RedirectRefused)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    "answer", [b"what?\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", moved("http://[")]
)
def test_an_answer_that_is_none_does_not_bring_the_address_to_light(answer: bytes, carrier: str) -> None:
    async def once() -> object:
        async with serving(always(answer)) as server:
            config = Config(base_url=server.address, api_key=KEY, default_query={"token": "hush"})
            transport = HttpTransport(config, CARRIERS[carrier](config))
            try:
                return await transport.exchange(ASK, ())
            finally:
                await transport.close()

    found = asyncio.run(once())
    assert (type(found), "hush" in repr(found)) == (errors.ConnectionFailed, False)


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await pour(writer, bytes(1 << 16))


async def endless_header(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    await pour(writer, b"y" * (1 << 16))


async def endless_headers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await pour(writer, b"set-cookie: a=b\r\n" * 4000)


async def endless_chunks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    await pour(writer, b"1\r\nx\r\n" * 10_000)


async def pour(writer: asyncio.StreamWriter, more: bytes) -> None:
    try:
        while True:
            writer.write(more)
            await writer.drain()
    except ConnectionError:
        writer.close()


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("pouring", [endless, endless_header, endless_headers, endless_chunks])
def test_an_answer_without_end_is_left_and_costs_little(
    pouring: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any], carrier: str
) -> None:
    async def once() -> object:
        async with await asyncio.start_server(pouring, "127.0.0.1", 0) as listening:
            address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            config = Config(base_url=address, api_key=KEY, max_response_bytes=LIMIT // 10)
            transport = HttpTransport(config, CARRIERS[carrier](config))
            _ = await transport.exchange(ASK, ())  # what loads when it is first used is not counted
            tracemalloc.start()
            found = await asyncio.wait_for(transport.exchange(ASK, ()), 10)
            await transport.close()
            listening.close()
            return found

    try:
        found = asyncio.run(once())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, errors.ResponseTooLarge | errors.ConnectionFailed)
    assert most < 4 << 20


def test_crumbs_cost_no_more_than_they_hold() -> None:
    async def crumbs(count: int) -> AsyncGenerator[bytes]:
        for _ in range(count):
            yield b"no" * 2

    tracemalloc.start()
    try:
        body = asyncio.run(gathered(crumbs(100_000), 300_000))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(body), most < 5 * len(body)) == (300_001, True)


@pytest.mark.parametrize("said", [None, 3, 7, 9, 1 << 40])
def test_a_body_is_what_came_whatever_it_says_of_its_length(said: int | None) -> None:
    async def portions() -> AsyncGenerator[bytes]:
        for portion in (b"abc", b"d", b"efg"):
            yield portion

    assert asyncio.run(gathered(portions(), 20, said)) == b"abcdefg"
    assert asyncio.run(gathered(portions(), 5, said)) == b"abcdef"
