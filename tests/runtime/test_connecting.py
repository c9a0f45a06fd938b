"""Whoever gives up a connection while it is being made leaves no open socket."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from tinkex_py.runtime.connecting import Loop
from tinkex_py.runtime.network import Network

ROUNDS = 60
"""How often the loop comes round in which a connection is made, and more."""


@asynccontextmanager
async def listening() -> AsyncGenerator[int]:
    """The port of a server that says nothing."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def given_up(port: int, rounds: int) -> bool:
    """Whether the connection was there before it was given up."""
    connecting = asyncio.ensure_future(Network().connect_tcp("127.0.0.1", port, 10))
    for _ in range(rounds):
        await asyncio.sleep(0)
    made = not connecting.cancel()
    with suppress(asyncio.CancelledError):
        await (await connecting).aclose()
    return made


def test_a_connection_that_is_given_up_at_any_moment_leaves_no_open_socket() -> None:
    async def program() -> list[bool]:
        async with listening() as port:
            return [await given_up(port, rounds) for rounds in range(ROUNDS)]

    with warnings.catch_warnings(record=True) as told, asyncio.Runner(loop_factory=Loop) as runner:
        warnings.simplefilter("always")
        made = runner.run(program())
        gc.collect()
    assert (made[0], made[-1]) == (False, True)
    assert [str(each.message) for each in told] == []
