"""One exchange on a connection of aiohttp's, for HTTP/1.1.

What aiohttp puts on top of a connection and its parser (a session, a request, a response) costs twice what these do,
and is for what doesn't happen here: cookies, redirects, forms, middlewares. So heads are written here, of headers that
are all known, and answers are read as the parser gives them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage

from tinkex_py.request import Encoded
from tinkex_py.runtime.carriage import PORTION, Received, gathered
from tinkex_py.runtime.sending import Sending

_HEADERS = 2000
"""Headers that an answer may have; more where the settings allow more bytes of headers than usual."""
_HEADER = 32
"""Bytes for each of those."""
_SWITCHING = 101
"""The one status below 200 that ends an exchange; the others announce an answer."""


async def exchanged(
    connection: Connection, head: bytes, content: Encoded | None, *, seconds: float, header_bytes: int, limit: int
) -> Received:
    """The answer, its body cut one byte behind the limit; `seconds` may pass between two signs of life.

    The connection is kept for others if all went well.
    """
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        connection.close()
        raise aiohttp.ServerDisconnectedError
    try:
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=seconds,
            max_line_size=header_bytes,
            max_field_size=header_bytes,
            max_headers=max(_HEADERS, header_bytes // _HEADER),
        )
        if content is None or content.size <= PORTION:
            transport.write(head if content is None else head + content.content)
            protocol.start_timeout()
            received = await _received(protocol, limit)
        else:
            sending = Sending(protocol, transport, head, content)
            try:
                received = await _received(protocol, limit)
            finally:
                sending.end()
    except BaseException:
        connection.close()
        raise
    connection.release()
    return received


def head_of(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    r"""The first lines of a request; ValueError if one of them is more than a line.

    >>> head_of("GET", "/a?b=c", {"host": "localhost"})
    b'GET /a?b=c HTTP/1.1\r\nhost: localhost\r\n\r\n'
    """
    lines = [f"{method} {target} HTTP/1.1", *map(": ".join, headers.items()), "\r\n"]
    head = "\r\n".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines) or "\0" in head:
        raise ValueError("an address or a header has a line break in it")
    return head.encode()


async def _received(protocol: ResponseHandler, limit: int) -> Received:
    message, content = await protocol.read()
    while message.code < 200 and message.code != _SWITCHING:
        if message.code < 100:
            raise HttpProcessingError(message=f"{message.code} is no status")
        if not len(protocol):  # aiohttp waits for nothing more
            protocol.start_timeout()
        message, content = await protocol.read()
    body = await _whole(message, content, limit)
    broken = protocol.exception()
    if broken is not None and not isinstance(broken, aiohttp.ServerDisconnectedError) and _ends_last(message):
        raise broken
    return Received(message.code, message.raw_headers, body)


def _ends_last(message: RawResponseMessage) -> bool:
    """Whether the body ends where the connection does, so that a broken connection looks like the end of the body."""
    ended = message.chunked or "content-length" in message.headers or message.code in EMPTY_BODY_STATUS_CODES
    return not ended


async def _whole(message: RawResponseMessage, content: aiohttp.StreamReader, limit: int) -> bytes:
    """A body, cut one byte behind the limit; most come in one piece."""
    body, _ = await content.readchunk()
    if content.at_eof():
        return body[: limit + 1]
    length = message.headers.get("content-length", "")
    return await gathered(_chunks(body, content), limit, int(length) if length.isdecimal() else None)


async def _chunks(first: bytes, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """A body in the pieces in which it came, as aiohttp's other ways join them before they are gathered."""
    yield first
    async for chunk, _ in content.iter_chunks():
        yield chunk
