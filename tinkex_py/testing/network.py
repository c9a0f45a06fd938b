"""A network that loses and delays, between a client and an embedded server, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

import httpx
from msgspec import Struct
from typing_extensions import override

from tinkex_py.local.incoming import Held, Incoming, incoming
from tinkex_py.local.server import Server
from tinkex_py.request import Reply

LONGEST_POLL = 20.0
"""Seconds that the network's server holds a question."""


class Fault(Struct, frozen=True, kw_only=True):
    """What happens to one exchange: it is late by `delay` seconds each way, and the request or its answer is lost."""

    lost: Literal["nothing", "request", "answer"] = "nothing"
    delay: float = 0.0


class Network(httpx.AsyncBaseTransport):
    """Carries each exchange to a fresh embedded server under the next of `faults`, and undisturbed after the last.

    `working` is how many seconds each piece of the server's work takes. `delivered` counts what the server saw.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, working: float = 0.01) -> None:
        self.server = Server(now=lambda: 0.0, on_settled=self._announce)
        self.delivered = 0
        self._faults = iter(faults)
        self._working = working
        self._news: dict[str, asyncio.Event] = {}

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange, or the exception that httpx raises for what happened to it."""
        fault = next(self._faults, Fault())
        body = await request.aread()
        await asyncio.sleep(fault.delay)
        if fault.lost == "request":
            raise httpx.ConnectError("the request was lost", request=request)
        headers = tuple(request.headers.items())
        reply = await self._answer(incoming(request.method, request.url.raw_path.decode(), headers, body))
        await asyncio.sleep(fault.delay)
        if fault.lost == "answer":
            raise httpx.ReadError("the answer was lost", request=request)
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)

    @override
    async def aclose(self) -> None:
        """Delete the server's temporary folder."""
        self.server.close()

    async def _answer(self, request: Incoming) -> Reply:
        answer = self.server.handle(request)
        self.delivered += 1
        asyncio.get_running_loop().call_later(self._working, self.server.work)
        if isinstance(answer, Held):
            return await self._held(request, answer)
        return answer

    async def _held(self, request: Incoming, held: Held) -> Reply:
        news = self._news.setdefault(held.key, asyncio.Event())
        try:
            async with asyncio.timeout(LONGEST_POLL if held.seconds is None else held.seconds):
                await news.wait()
        except TimeoutError:
            return held.otherwise
        news.clear()
        answer = self.server.handle(request)
        return answer.otherwise if isinstance(answer, Held) else answer

    def _announce(self, key: str) -> None:
        self._news.setdefault(key, asyncio.Event()).set()
