"""Over TLS: which certificates are trusted, what is said of others, and HTTP/2 where the server has it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trustme
from returns.result import Failure

from tests.runtime.test_sockets import ASK, CARRIERS, KEY, LARGE, OK, Answer, always, answer_of, serving, slowly_reading
from tinkex_py import Config, errors
from tinkex_py.events import AnyEvent, RequestSent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Unready
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Reply
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.http import HttpTransport

AUTHORITY, UNKNOWN = trustme.CA(), trustme.CA()


def certified(authority: trustme.CA, name: str = "127.0.0.1", *protocols: str) -> ssl.SSLContext:
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Of the two kinds of contexts that it takes one is pyOpenSSL's, which isn't installed.
    authority.issue_cert(name).configure_cert(secure)  # pyright: ignore[reportUnknownMemberType]
    secure.set_alpn_protocols(protocols or ["http/1.1"])
    return secure


@pytest.fixture(autouse=True)
def _trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is one of the user's own, named as the settings page says."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


def asked(secure: ssl.SSLContext, carrier: str) -> tuple[Outcome[Any], int]:
    """The outcome, and how often the request went out."""

    async def once() -> tuple[Outcome[Any], int]:
        async with serving(always(OK), secure) as server:
            config, events = Config(base_url=server.address, api_key=KEY), list[AnyEvent]()
            executor = Executor(HttpTransport(config, CARRIERS[carrier](config)), observe=events.append)
            try:
                outcome = await executor.run(call(ASK, Policy(seconds=20, first=0.01)))
                return outcome, sum(isinstance(event, RequestSent) for event in events)
            finally:
                await executor.close()

    return asyncio.run(once())


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_certificate_of_an_authority_in_ssl_cert_file_is_trusted(carrier: str) -> None:
    outcome, sent = asked(certified(AUTHORITY), carrier)
    assert (isinstance(outcome, Failure), sent) == (False, 1)


UNTRUSTED: dict[str, tuple[trustme.CA, str]] = {
    "of an unknown authority": (UNKNOWN, "127.0.0.1"),
    "of another name": (AUTHORITY, "other.test"),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(("authority", "name"), UNTRUSTED.values(), ids=UNTRUSTED)
def test_a_certificate_that_is_not_trusted_is_said_once_with_the_way_on(
    authority: trustme.CA, name: str, carrier: str
) -> None:
    outcome, sent = asked(certified(authority, name), carrier)
    assert isinstance(outcome, Failure)
    error = outcome.failure()
    assert isinstance(error, errors.ConnectionFailed)
    assert ("is not trusted" in error.message, "SSL_CERT_FILE" in error.message) == (True, True)
    assert (error.sent, sent) == (False, 1)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_said_once_with_its_variable(
    content: str | None, carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mistyped.pem"
    if content is not None:
        _ = file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    outcome, sent = asked(certified(AUTHORITY), carrier)
    assert isinstance(outcome, Failure)
    error = outcome.failure()
    assert isinstance(error, errors.ConnectionFailed)
    assert ("SSL_CERT_FILE" in error.message, error.sent, sent) == (True, False, 1)


class Http2:
    """Answers every request over HTTP/2 as told, or breaks the connection off; counts connections and requests."""

    def __init__(self, answer: Callable[[Any, int], None]) -> None:
        self.answer = answer
        self.connections = self.requests = 0
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        from h2.events import StreamEnded

        self.connections += 1
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        while not writer.is_closing():
            writer.write(connection.data_to_send())
            data = await reader.read(1 << 16)
            if not data:
                break
            for event in connection.receive_data(data):
                if isinstance(event, StreamEnded):
                    self.requests += 1
                    try:
                        self.answer(connection, event.stream_id)
                    except ConnectionError:
                        writer.close()
        writer.close()


@asynccontextmanager
async def serving_http2(answer: Callable[[Any, int], None]) -> AsyncGenerator[Http2]:
    server = Http2(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=certified(AUTHORITY, "127.0.0.1", "h2"))
    server.address = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def together(
    answer: Callable[[Any, int], None], count: int
) -> tuple[list[Reply | errors.TransportError | Unready], Http2]:
    async def all_of_them() -> tuple[list[Reply | errors.TransportError | Unready], Http2]:
        async with serving_http2(answer) as server:
            config = Config(base_url=server.address, api_key=KEY, read_timeout=5.0)
            transport = HttpTransport(config, CARRIERS["httpx"](config))
            first = await transport.exchange(ASK, ())
            found = await asyncio.gather(*[transport.exchange(ASK, ()) for _ in range(count)])
            await transport.close()
            return [first, *found], server

    pytest.importorskip("h2")
    return asyncio.run(all_of_them())


def answered(connection: Any, stream: int) -> None:
    location = ("location", "https://files.test/a?signature=hush")
    connection.send_headers(stream, [(":status", "200"), ("content-type", "application/json"), location])
    connection.send_data(stream, b"{}", end_stream=True)


def stream_reset(connection: Any, stream: int) -> None:
    connection.reset_stream(stream)


def reset_midway(connection: Any, stream: int) -> None:
    connection.send_headers(stream, [(":status", "200")])
    connection.send_data(stream, b"{")
    connection.reset_stream(stream)


def gone_away(connection: Any, _: int) -> None:
    connection.close_connection(error_code=2)


def test_requests_share_connections_over_http2() -> None:
    found, server = together(answered, 60)
    assert {each.body if isinstance(each, Reply) else None for each in found} == {b"{}"}
    assert (server.requests, server.connections) == (61, 1)


def test_no_log_shows_the_credential_or_a_location_over_http2(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("hpack").setLevel(logging.NOTSET)
    found, _ = together(answered, 1)
    assert {type(each) for each in found} == {Reply}
    assert KEY not in caplog.text
    assert "signature" not in caplog.text


@pytest.mark.parametrize("broken", [stream_reset, reset_midway, gone_away])
def test_what_breaks_off_over_http2_is_a_typed_failure(broken: Callable[[Any, int], None]) -> None:
    found, _ = together(broken, 3)
    assert {type(each) for each in found} == {errors.ConnectionFailed}


def test_after_a_connection_broke_off_over_http2_a_new_one_is_made() -> None:
    numbers = count()

    def once_broken(connection: Any, stream: int) -> None:
        if next(numbers) == 1:
            raise ConnectionError
        answered(connection, stream)

    async def in_turn() -> tuple[list[type], int]:
        async with serving_http2(once_broken) as server:
            config = Config(base_url=server.address, api_key=KEY, read_timeout=5.0)
            transport = HttpTransport(config, CARRIERS["httpx"](config))
            found = [type(await transport.exchange(ASK, ())) for _ in range(4)]
            await transport.close()
            return found, server.connections

    pytest.importorskip("h2")
    assert asyncio.run(in_turn()) == ([Reply, errors.ConnectionFailed, Reply, Reply], 2)


USED: dict[str, tuple[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    name: (name, asyncio.new_event_loop) for name in CARRIERS
}
"""The carriers and the loops that they are used on, of which one may not be there."""
if find_spec("uvloop") is not None:
    USED["fast on uvloop"] = "fast", import_module("uvloop").new_event_loop


@pytest.mark.parametrize(("carrier", "make_loop"), USED.values(), ids=USED)
def test_a_large_body_leaves_as_slowly_as_it_has_to(
    carrier: str, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """It takes longer than a server may be silent, but moves all the time."""

    async def once() -> Answer:
        async with slowly_reading(1.2, certified(AUTHORITY)) as address:
            config = Config(base_url=address, api_key=KEY, read_timeout=0.5)
            return await answer_of(HttpTransport(config, CARRIERS[carrier](config)), LARGE)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        found = runner.run(once())
    assert isinstance(found, Reply)
