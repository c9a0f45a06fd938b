"""Plans under way, and how callers of both worlds wait for them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from functools import partial
from pickle import PicklingError
from typing import Any, Generic, NamedTuple, NoReturn, Protocol, TypeAlias, TypeVar

from returns.result import Failure

from tinkex_py.errors import Cancelled, ClientClosed, ConnectionFailed
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan
from tinkex_py.runtime.executor import Executor, resolve
from tinkex_py.types.raised import in_words

T = TypeVar("T")


class Crash(NamedTuple):
    """A bug in a plan, to be raised where its result is asked for."""

    exception: BaseException


Settled: TypeAlias = "Outcome[T] | Crash"


STAYS = (
    "a client and its promises can't be copied or leave their process: make a client in the other one, or hand over a "
    "sampler, which can be pickled"
)
"""Said to whoever copies or pickles a client or a promise."""


class Running(Generic[T]):
    """A plan on its way through a runtime. `settled` is filled when it has ended."""

    __slots__ = ("_executor", "_process", "_runtime", "_task", "settled")

    def __init__(self, runtime: Runtime) -> None:
        self.settled: Cell[Settled[T]] = Cell()
        self._runtime = runtime
        self._process = os.getpid()
        self._executor: Executor
        self._task: asyncio.Task[Outcome[T]] | None = None

    def __reduce__(self) -> NoReturn:
        raise PicklingError(STAYS)

    def start(self, executor: Executor, plan: Plan[T], context: Context | None = None) -> None:
        """Begin, on the runtime's loop, in the caller's context or the current one."""
        self._executor = executor
        self._task = executor.track(executor.run(plan), context, self._settle)

    @property
    def orphaned(self) -> bool:
        """Whether it runs, if at all, in the process that this one was forked from."""
        return not self.settled.filled and self._process != os.getpid()

    def cancel(self) -> None:
        """Stop the plan; it settles as Cancelled unless it ends by itself, or has ended."""
        if not self.settled.filled:
            self._runtime.post(self._stop)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _settle(self, task: asyncio.Task[Outcome[T]]) -> None:
        """Called however the task ends, even if it was cancelled before its first step, or is left as it is."""
        _ = self._executor.tasks.pop(task, None)
        if not task.done():
            self.settled.fill(Failure(closed()))
        elif task.cancelled():
            self.settled.fill(Failure(closed() if self._executor.closing else _CANCELLED))
        elif (bug := task.exception()) is not None:
            self.settled.fill(Crash(bug))
        else:
            self.settled.fill(task.result())


class Runtime(Protocol):
    """Where a client's plans run."""

    def submit(self, plan: Plan[T]) -> Running[T]:
        """Start a plan; plans start in the order of their submission."""
        ...

    def post(self, function: Callable[[], None]) -> None:
        """Call on the runtime's loop; nothing when that has closed."""
        ...

    def close(self, farewell: Plan[None] | None = None) -> None:
        """End everything, `farewell` last; later plans settle as ClientClosed."""
        ...

    async def aclose(self, farewell: Plan[None] | None = None) -> None:
        """As `close`, without blocking the caller's event loop."""
        ...

    @property
    def here(self) -> bool:
        """Whether the caller is on the runtime's own thread, which must not block."""
        ...


_CANCELLED = Cancelled(
    message="the promise was cancelled; a training step may be done all the same, anything else may be submitted again"
)


_ORPHANED = ClientClosed(
    message="this was submitted before the process was forked, and its result comes to the parent; ask there, or "
    "submit it again here"
)


def closed() -> ClientClosed:
    """The error of operations on a closed client."""
    return ClientClosed(message="the client is closed; make a new one")


def unstarted(error: Exception) -> ConnectionFailed:
    """The error of operations while the system has no file or thread that a client could begin with."""
    message = f"the client can't begin ({in_words(error)}): end what has threads or files open, and call again"
    return ConnectionFailed(message=message, sent=False)


def wait(running: Running[T], timeout: float | None = None) -> Outcome[T] | None:
    """Block until the plan has ended; None when `timeout` seconds are over first."""
    if running.orphaned:
        return Failure(_ORPHANED)
    return opened(running.settled.values[0]) if filled_within(running.settled, timeout) else None


def filled_within(cell: Cell[Any], seconds: float | None) -> bool:
    """Block until the cell is filled, or so many seconds are over; whether it is."""
    if cell.filled:
        return True
    woken = threading.Lock()
    woken.acquire()
    cell.when_filled(woken.release)
    filled = woken.acquire(timeout=-1 if seconds is None else min(max(0.0, seconds), threading.TIMEOUT_MAX))
    if not filled:
        cell.forget(woken.release)
    return filled


async def arrival(running: Running[T]) -> Outcome[T]:
    """Wait on the caller's own loop until the plan has ended."""
    settled = running.settled
    if running.orphaned:
        return Failure(_ORPHANED)
    if not settled.filled:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        wake = partial(_wake, loop, woken)
        settled.when_filled(wake)
        try:
            await woken
        finally:
            settled.forget(wake)
    return opened(settled.values[0])


def _wake(loop: asyncio.AbstractEventLoop, woken: asyncio.Future[None]) -> None:
    """From another thread than the loop's."""
    with suppress(RuntimeError):  # the loop has closed, and nobody waits
        loop.call_soon_threadsafe(resolve, woken)


async def arrival_within(running: Running[T], seconds: float | None) -> Outcome[T] | None:
    """As `arrival`; None when `seconds` are over first."""
    waiting = asyncio.ensure_future(arrival(running))
    try:
        done, _ = await asyncio.wait({waiting}, timeout=seconds)
    finally:
        _ = waiting.cancel()
    return waiting.result() if done else None


def opened(settled: Settled[T]) -> Outcome[T]:
    """The outcome; a bug is raised."""
    if isinstance(settled, Crash):
        raise settled.exception
    return settled
