"""A network on which anything may go wrong, between a client and an embedded server, in virtual time."""

from __future__ import annotations

import asyncio
import shutil
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp

import httpx
import msgspec
from msgspec import Struct
from typing_extensions import override

from tinkex_py.local.engine import LoraModel
from tinkex_py.local.incoming import Held, Incoming, incoming
from tinkex_py.local.server import Server
from tinkex_py.request import Reply
from tinkex_py.testing.clock import VirtualLoop, running_loop
from tinkex_py.testing.faults import ELSEWHERE, Fault, Kind
from tinkex_py.types.raised import shortened

_NOTHING = Fault()
LONGEST_POLL = 20.0
"""Seconds that the network's server holds a question."""


class Exchange(Struct, frozen=True):
    """A request as the server saw it, and its answer."""

    request: Incoming
    answer: Reply


class _Open(Server):
    """A server whose models can be looked at, which changes nothing."""

    def model(self, model_id: str) -> LoraModel | None:
        run = self._state.runs.get(model_id)
        return None if run is None else run.model


class Network(httpx.AsyncBaseTransport):
    """Carries each exchange to a fresh embedded server under the next of `faults`, and undisturbed after the last.

    The server, its checkpoints and its clock outlive a simulation: a second one over the same network meets what the
    first one left, as a program does that is started again. `lives` counts those that ended, and has the next draw
    other keys for its commands, lest the server take them for repetitions.

    `working` is how many seconds each piece of the server's work takes. `happened` counts the faults by kind; `log` has
    what the server saw, `carried` what the client sent, and `settled` the promises that were settled, all in order.
    The server wants the `api_key`, if there is one, and announces these `limits` in its `client/config`.
    """

    def __init__(
        self,
        faults: Iterable[Fault] = (),
        *,
        working: float = 0.01,
        api_key: str | None = None,
        limits: Mapping[str, object] | None = None,
    ) -> None:
        self._folder = mkdtemp(prefix="tinkex-")
        _ = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._api_key = api_key
        self._limits = limits
        self._faults = map(_fault, faults) if isinstance(faults, Iterator) else iter([*map(_fault, faults)])
        self._working = working
        self._news: dict[str, asyncio.Event] = {}
        self._deliveries: set[asyncio.Task[Reply]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ahead = self._latest = 0.0
        self._begun = 0
        self.lives = 0
        self.happened: Counter[Kind] = Counter()
        self.log: list[Exchange] = []
        self.carried: list[httpx.Request] = []
        self.settled: list[str] = []
        self.server = self._start()

    @property
    def directory(self) -> Path:
        """Where the server's checkpoints are."""
        return Path(self._folder)

    @property
    def busy(self) -> frozenset[asyncio.Task[Reply]]:
        """What is still on its way, whether or not anybody waits for it."""
        return frozenset(self._deliveries)

    def ask(self, operation: str, body: Mapping[str, object]) -> Reply:
        """The server's own answer to a command, with no network between; for what isn't ready, that it isn't."""
        headers = () if self._api_key is None else (("x-api-key", self._api_key),)
        content = msgspec.json.encode(body)
        answer = self.server.handle(incoming("POST", f"/api/v1/{operation}", headers, content))
        return answer.otherwise if isinstance(answer, Held) else answer

    def weights(self, model_id: str) -> bytes | None:
        """A model's adapter and optimizer when all that the server has to do is done; None if it has no such model."""
        while self.server.work():
            pass
        model = self.server.model(model_id)
        if model is None:
            return None
        parts = (model.adapter, model.state.first, model.state.second)
        return b"".join(array.tobytes() for part in parts for _, array in sorted(part.items()))

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange, or the exception that httpx raises for what happened to it."""
        self.carried.append(request)
        body = await request.aread()
        headers = tuple(request.headers.items())
        asked = incoming(request.method, request.url.raw_path.decode(), headers, body)
        fault = self._next(asked)
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                return await self._exchange(request, asked, fault)
        except TimeoutError:
            raise httpx.ReadTimeout("nothing came in time", request=request) from None

    @override
    async def aclose(self) -> None:
        """Let what is on its way vanish."""
        while self._deliveries:
            for task in self._deliveries:
                task.cancel()
            await asyncio.gather(*self._deliveries, return_exceptions=True)
        self._news.clear()
        self.lives += 1

    def _next(self, asked: Incoming) -> Fault:
        """What happens now; a fault that can't happen to such a request is used up."""
        fault = next(self._faults, _NOTHING)
        if not fault.concerns(asked.path):
            return _NOTHING
        self.happened[fault.kind] += 1
        return fault

    async def _exchange(self, request: httpx.Request, asked: Incoming, fault: Fault) -> httpx.Response:
        if str(request.url).startswith(ELSEWHERE):
            return _response(Reply(status=200, body=b"{}"))
        match fault.kind:
            case "refused":
                raise httpx.ConnectError("nobody listens there", request=request)
            case "lost":
                raise httpx.ReadError("the request was lost", request=request)
            case "silent":
                await asyncio.sleep(request.extensions.get("timeout", {}).get("read") or 60.0)
                raise httpx.ReadTimeout("nothing came in time", request=request)
            case "overtaken":
                _ = self._deliver(asked, fault.seconds)
                raise httpx.ReadError("the connection broke", request=request)
            case "restarted" | "restored":
                _ = await self._arrives(asked)
                self._restart(restored=fault.kind == "restored")
                raise httpx.ReadError("the server stopped", request=request)
            case _:
                return await self._answered(request, asked, fault)

    async def _answered(self, request: httpx.Request, asked: Incoming, fault: Fault) -> httpx.Response:
        """What comes back where something does."""
        if fault.instead is not None and fault.kind != "status afterwards":
            return _response(fault.instead)
        self._set_clocks(fault)
        if fault.kind == "duplicated":
            _ = await asyncio.shield(self._deliver(asked))
        delay = fault.seconds if fault.kind == "late" else 0.0
        reply = await asyncio.shield(self._deliver(asked, delay))
        await asyncio.sleep(delay)
        match fault.kind:
            case "unanswered":
                raise httpx.ReadError("the answer was lost", request=request)
            case "reset":
                return _response(reply, httpx.ReadError("the connection was reset", request=request))
            case "truncated":
                return _response(Reply(status=reply.status, headers=reply.headers, body=_half(reply.body)))
            case _:
                return _response(fault.instead or reply)

    def _set_clocks(self, fault: Fault) -> None:
        loop = asyncio.get_running_loop()
        if fault.kind == "leap" and isinstance(loop, VirtualLoop):
            loop.leap(fault.seconds)
        elif fault.kind == "wall clock":
            self._ahead = self._wall_clock() + fault.seconds - loop.time()

    def _deliver(self, asked: Incoming, delay: float = 0.0) -> asyncio.Task[Reply]:
        """The request on its way, which goes on when nobody waits for its answer any more."""
        task = asyncio.ensure_future(self._arrives(asked, delay))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)
        return task

    async def _arrives(self, asked: Incoming, delay: float = 0.0) -> Reply:
        await asyncio.sleep(delay)
        answer = self._handled(asked)
        return await self._held(asked, answer) if isinstance(answer, Held) else answer

    def _handled(self, asked: Incoming) -> Reply | Held:
        answer = self.server.handle(asked)
        self.log.append(Exchange(asked, answer.otherwise if isinstance(answer, Held) else answer))
        asyncio.get_running_loop().call_later(self._working, self._work)
        return answer

    async def _held(self, asked: Incoming, held: Held) -> Reply:
        news = self._news.setdefault(held.key, asyncio.Event())
        try:
            async with asyncio.timeout(LONGEST_POLL if held.seconds is None else held.seconds):
                await news.wait()
        except TimeoutError:
            return held.otherwise
        news.clear()
        answer = self.server.handle(asked)
        return answer.otherwise if isinstance(answer, Held) else answer

    def _work(self) -> None:
        if self.server.work():
            asyncio.get_running_loop().call_later(self._working, self._work)

    def _announce(self, key: str) -> None:
        self.settled.append(key)
        self._news.setdefault(key, asyncio.Event()).set()

    def _start(self) -> _Open:
        self._begun += 1
        return _Open(
            now=self._wall_clock,
            directory=self.directory,
            seed=self._begun,
            on_settled=self._announce,
            api_key=self._api_key,
            limits=self._limits,
        )

    def _wall_clock(self) -> float:
        """Seconds of virtual time, which go on where they were when another loop begins at 0."""
        loop = running_loop()
        if loop is not self._loop:
            self._loop, self._ahead = loop, self._latest
        self._latest = self._ahead + (0.0 if loop is None else loop.time())
        return self._latest

    def _restart(self, *, restored: bool) -> None:
        """Every model is gone, and what was asked for breaks off; the last checkpoint never was, if it is restored."""
        if restored:
            written = sorted(self.directory.glob("*/*/*/record.json"), key=lambda path: path.stat().st_mtime_ns)
            for last in written[-1:]:
                shutil.rmtree(last.parent)
        self.server = self._start()
        for news in self._news.values():
            news.set()


def _fault(given: object) -> Fault:
    if isinstance(given, Fault):
        return given
    raise TypeError(f"one of the faults is {shortened(given)}: give each as Fault(kind=...)")


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


class _Broken(httpx.AsyncByteStream):
    """Half of a body, and then the end of the connection."""

    def __init__(self, body: bytes, error: httpx.TransportError) -> None:
        self._body = body
        self._error = error

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield _half(self._body)
        raise self._error


def _response(reply: Reply, breaking: httpx.TransportError | None = None) -> httpx.Response:
    if breaking is None:
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)
    return httpx.Response(reply.status, headers=reply.headers, stream=_Broken(reply.body, breaking))


__all__ = ["Exchange", "Fault", "Network"]
