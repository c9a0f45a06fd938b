"""Connections that are being made: what is given up in the middle is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from typing_extensions import override

_CONNECTED: ContextVar[list[socket.socket]] = ContextVar("tinkex_connected")


class Loop(asyncio.SelectorEventLoop):
    """A loop that tells which sockets it has connected."""

    @override
    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        await super().sock_connect(sock, address)
        _CONNECTED.get([]).append(sock)


@contextmanager
def closing_what_is_lost() -> Generator[None]:
    """Close what was connected inside if that doesn't end well.

    asyncio tries addresses beside one another. When that is cancelled after one of them has answered, it forgets the
    socket, open as it is.
    """
    connected = list[socket.socket]()
    token = _CONNECTED.set(connected)
    try:
        yield
    except BaseException:
        for each in connected:
            each.close()
        raise
    finally:
        _CONNECTED.reset(token)
