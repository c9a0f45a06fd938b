"""A relay between a client and a server that treats the answers to chosen requests badly."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

Deliver: TypeAlias = Callable[[asyncio.StreamWriter, bytes], Awaitable[bool]]
"""Hands an answer on in its own way; says whether the connection goes on."""


async def whole(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    """As it came."""
    writer.write(answer)
    await writer.drain()
    return True


async def dripped(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    """Byte after byte."""
    for at in range(len(answer)):
        writer.write(answer[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0)
    return True


async def finished(writer: asyncio.StreamWriter, _: bytes) -> bool:
    """Nothing but the server's end of the connection, of which the client's half stays open."""
    writer.write_eof()
    return True


async def answered_and_finished(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    """The answer, and the server's end of the connection with it."""
    await whole(writer, answer)
    writer.write_eof()
    return True


async def reset(writer: asyncio.StreamWriter, _: bytes) -> bool:
    """Nothing but a reset."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


async def reset_midway(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    """All but the last byte, and a reset."""
    await whole(writer, answer[:-1])
    return await reset(writer, answer)


FAULTS: Mapping[str, Deliver] = {
    "slow bytes": dripped,
    "half-closed": finished,
    "stale connection": answered_and_finished,
    "reset": reset,
    "reset mid-body": reset_midway,
}


class Relay:
    """Carries each request to the server, and treats the first answer of each of some operations as told."""

    def __init__(self, server: str, deliver: Deliver, operations: tuple[str, ...]) -> None:
        self.server = server
        self.deliver = deliver
        self.left = set(operations)
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        host, _, port = self.server.removeprefix("http://").partition(":")
        from_server, to_server = await asyncio.open_connection(host, int(port))
        try:
            going_on = True
            while going_on:
                request = await _message(reader)
                to_server.write(request)
                answer = await _message(from_server)
                going_on = await self._treatment(request)(writer, answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            to_server.close()
            writer.close()

    def _treatment(self, request: bytes) -> Deliver:
        operation = request.split(b" ", 2)[1].decode().rpartition("/")[2]
        if operation not in self.left:
            return whole
        self.left.discard(operation)
        return self.deliver


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)


@contextmanager
def relaying(server: str, deliver: Deliver, operations: tuple[str, ...]) -> Generator[Relay]:
    """The relay, on a thread of its own until the end of the block."""
    relay, ready, ending = Relay(server, deliver, operations), threading.Event(), threading.Event()

    async def run() -> None:
        async with await asyncio.start_server(relay.serve, "127.0.0.1", 0) as listening:
            relay.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            ready.set()
            await asyncio.to_thread(ending.wait)
            listening.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10)
    try:
        yield relay
    finally:
        ending.set()
        thread.join()
