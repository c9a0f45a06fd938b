"""A server, the thread that works for it, and the questions that wait for results."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from returns.result import Failure, Success

from tinkex_py.local.incoming import Held, Incoming
from tinkex_py.local.server import Server
from tinkex_py.local.threads import one_thread
from tinkex_py.locks import hold
from tinkex_py.request import Reply

POLL_SECONDS = 20.0
"""How long a question for a result is held at most."""
CLOSING_SECONDS = 5.0
"""How long closing waits for the work that is being done."""


class Worker:
    """Answers requests from any event loop; the engine computes on one daemon thread, started by the first request.

    Each piece of work is done inside `computing()`. An OSError says that the directory can't be used, or that another
    worker uses it: two would end each other's sessions.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        api_key: str | None = None,
        token_seconds: int | None = None,
        poll_seconds: float = POLL_SECONDS,
        computing: Callable[[], AbstractContextManager[None]] = one_thread,
    ) -> None:
        self._let_go = None if directory is None else weakref.finalize(self, _held(directory))
        self._server = Server(
            now=time.time,
            directory=directory,
            seed=secrets.randbits(64),
            lock=threading.Lock(),
            on_settled=self._settled,
            api_key=api_key,
            token_seconds=token_seconds,
        )
        self._poll_seconds = poll_seconds
        self._computing = computing
        self._lock = threading.Lock()
        self._work_came = threading.Event()
        self._waiting: dict[str, list[asyncio.Future[bool]]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def directory(self) -> Path:
        """Where the checkpoints are."""
        return self._server.directory

    @property
    def closed(self) -> bool:
        """Whether nothing is answered any more."""
        return self._closed

    async def answer(self, request: Incoming) -> Reply:
        """The answer; for the result of work, when it is done or a poll has lasted long enough."""
        self._start()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._poll_seconds
        found = self._server.handle(request)
        self._work_came.set()
        while isinstance(found, Held):
            left = end - loop.time() if found.seconds is None else min(found.seconds, end - loop.time())
            if not await self._settles(found.key, left):
                return found.otherwise
            found = self._server.handle(request)
        return found

    def release(self) -> None:
        """Answer every question that is held now as not ready."""
        with self._lock:
            futures = [future for waiting in self._waiting.values() for future in waiting]
            self._waiting.clear()
        _wake(futures, settled=False)

    async def close(self) -> None:
        """Answer what is held, and end the thread with the work that it is doing; 5 s later go on without that."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._work_came.set()
        self.release()
        if thread is None:
            self._end()
        else:
            await _ended(thread)

    def _end(self) -> None:
        self._server.close()
        if self._let_go is not None:
            _ = self._let_go()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="tinkex-engine", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            with self._computing():
                worked = self._server.work()
            if not worked:
                _ = self._work_came.wait()
                self._work_came.clear()
        self._end()

    async def _settles(self, key: str, seconds: float) -> bool:
        """Whether there is news of the key within so many seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        with self._lock:
            self._waiting.setdefault(key, []).append(future)
        # It may have been settled, or everything closed, just before this question was entered.
        if self._server.news(key) or self._closed:
            _resolve(future, settled=not self._closed)
        timer = loop.call_later(max(0.0, seconds), _resolve, future, False)
        try:
            return await future
        finally:
            timer.cancel()
            self._forget(key, future)

    def _forget(self, key: str, future: asyncio.Future[bool]) -> None:
        with self._lock:
            left = [other for other in self._waiting.get(key, ()) if other is not future]
            if left:
                self._waiting[key] = left
            else:
                _ = self._waiting.pop(key, None)

    def _settled(self, key: str) -> None:
        with self._lock:
            futures = self._waiting.pop(key, [])
        _wake(futures, settled=True)


def _held(directory: Path) -> Callable[[], None]:
    """Hold a directory; what lets it go again comes back."""
    remedy = "give another directory, or have both use one server (tinkex serve)"
    match hold(directory / ".lock", f"another client or server uses the folder {directory}: {remedy}"):
        case Success(let_go):
            return let_go
        case Failure(failed):
            raise OSError(failed.message)


def _wake(futures: list[asyncio.Future[bool]], *, settled: bool) -> None:
    for future in futures:
        with suppress(RuntimeError):  # the loop has closed, and nobody waits
            _ = future.get_loop().call_soon_threadsafe(_resolve, future, settled)


def _resolve(future: asyncio.Future[bool], settled: bool) -> None:  # noqa: FBT001
    if not future.done():
        future.set_result(settled)


async def _ended(thread: threading.Thread) -> None:
    """Wait a bounded time for a thread; looking now and then works even while the interpreter shuts down."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSING_SECONDS):
            while thread.is_alive():  # noqa: ASYNC110 - a thread that ends sets nothing that could be awaited
                await asyncio.sleep(0.002)
