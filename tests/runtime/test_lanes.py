"""Connections through httpx, one a lane: a burst finds those of the one before, and what nobody needs is closed."""

from __future__ import annotations

import asyncio
import ssl

import httpx

from tests.runtime.connections import Counting, counting
from tinkex_py.runtime.lanes import Lanes, Origin


def lanes_to(server: Counting, spare: float) -> Lanes:
    origin = Origin(httpx.URL(server.address), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), http2=False)
    return Lanes(origin, most=40, kept=2, spare=spare)


async def burst(lanes: Lanes, server: Counting) -> None:
    await asyncio.gather(*[lanes.send(httpx.Request("GET", server.address), 100) for _ in range(40)])


def opened(server: Counting) -> int:
    return sum(iter(lambda: server.begun.acquire(blocking=False), False))


def test_bursts_that_follow_one_another_share_connections() -> None:
    async def bursts(server: Counting) -> None:
        lanes = lanes_to(server, spare=60)
        for _ in range(5):
            await burst(lanes, server)
        await lanes.close()

    with counting() as server:
        asyncio.run(bursts(server))
        assert opened(server) <= 40


def test_connections_that_no_burst_reaches_are_closed() -> None:
    async def once(server: Counting) -> bool:
        lanes = lanes_to(server, spare=0.01)
        await burst(lanes, server)
        closed = [await asyncio.to_thread(server.ended.acquire, timeout=10) for _ in range(opened(server) - 2)]
        kept_open = not server.ended.acquire(blocking=False)
        await lanes.close()
        return all(closed) and kept_open

    with counting() as server:
        assert asyncio.run(once(server))
