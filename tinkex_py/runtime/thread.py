"""The runtime of a client: one thread with one event loop, for blocking and async callers alike."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from returns.result import Failure

from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan
from tinkex_py.runtime.callbacks import called
from tinkex_py.runtime.executor import Executor
from tinkex_py.runtime.memory import keep_what_is_freed
from tinkex_py.runtime.running import Running, closed, filled_within, unstarted

T = TypeVar("T")

CLOSING = 5.0
"""Seconds that closing may take."""
_FAREWELL = 0.8
"""The share of them that a farewell may take."""
_ENDING = 0.9
"""The share of them after which what still hasn't ended is left behind."""


class ThreadRuntime:
    """Starts its thread with the first plan. Plans go over by a deque and one wake for all that is waiting there.

    `make_loop` makes the thread's event loop. `afterwards` is called when everything has ended, which takes `closing`
    seconds at most.
    """

    def __init__(
        self,
        executor: Executor,
        afterwards: Callable[[], None] | None = None,
        *,
        closing: float = CLOSING,
        make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._executor = executor
        self._closing = closing
        self._make_loop = make_loop
        self._afterwards = afterwards
        # A signal handler may ask for something in the middle of a call that its thread makes here.
        self._lock = threading.RLock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._submitting = self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = self._stopped = False
        # Python before 3.13 takes a thread for ended when Ctrl-C came while it was waited for.
        self._over: Cell[None] = Cell()
        self._farewell: Plan[None] | None = None
        self._process = os.getpid()

    @property
    def here(self) -> bool:
        """Whether the caller is on the runtime's own thread."""
        return self._thread is threading.current_thread()

    def submit(self, plan: Plan[T]) -> Running[T]:
        """Start a plan from any thread; plans start in the order of their submission.

        It fails as ConnectionFailed while the runtime can't begin, which the next plan tries again.
        """
        running: Running[T] = Running(self)
        with self._lock:
            if not self._closed:
                try:
                    self._hand_over(partial(running.start, self._executor, plan, copy_context()))
                except (OSError, RuntimeError) as error:  # the system has no file or no thread to give
                    plan.close()
                    running.settled.fill(Failure(unstarted(error)))
            if self._closed:  # perhaps by a signal handler, in the middle of this
                self.post(self._stop)
                running.settled.fill(Failure(closed()))
        return running

    def post(self, function: Callable[[], None]) -> None:
        """Call on the runtime's loop; nothing when that has closed."""
        with suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)

    def close(self, farewell: Plan[None] | None = None) -> None:
        """End every plan, run `farewell`, end the transport and the thread, in a bounded time; once.

        Whoever closes while it is being closed waits for the same end. In a process that was forked off there is
        nothing to end.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            thread, first, self._closed = self._thread, not self._closed, True
            self._farewell = farewell if first else self._farewell
        if thread is not None:
            self.post(self._stop)
            if not self.here and filled_within(self._over, self._closing):
                thread.join()

    async def aclose(self, farewell: Plan[None] | None = None) -> None:
        """As `close`, without blocking the caller's event loop, whose pool may be full of work that takes its time."""
        _ = await called(partial(self.close, farewell), waited_for=True)

    def _hand_over(self, start: Callable[[], None]) -> None:
        """Have it called on the loop. The lock is held, but a signal handler may do the same in the middle of this."""
        if self._loop is None:
            self._begin()
        interrupting, self._submitting = self._submitting, True
        self._waiting.append(start)
        if interrupting or not self._woken:
            self._woken = True
            self.post(self._drain)
        self._submitting = interrupting

    def _begin(self) -> None:
        """A loop on a thread of its own, or the one that a signal handler has begun meanwhile."""
        keep_what_is_freed()
        loop = self._make_loop()
        if self._loop is None:
            self._start(loop)
        else:
            loop.close()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep the loop only once its thread runs, as Ctrl-C may come before; a thread whose loop isn't kept ends."""
        thread = threading.Thread(target=self._live, args=(loop,), name="tinkex-runtime", daemon=True)
        try:
            thread.start()
            if self._loop is None:
                self._thread, self._loop = thread, loop
        except RuntimeError:
            loop.close()
            raise
        finally:
            if self._loop is not loop and not loop.is_closed():
                loop.call_soon_threadsafe(loop.stop)

    def _stop(self) -> None:
        """Stop the loop, once: it runs again for what is done at its end, which a second stop would cut off."""
        if self._loop is not None and not self._stopped:
            self._stopped = True
            self._loop.stop()

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            try:
                if self._loop is loop:
                    self._finish(loop)
            finally:
                asyncio.set_event_loop(None)
                loop.close()
                if self._loop is loop:
                    self._executor.abandon()
                    if self._afterwards is not None:
                        self._afterwards()
                    self._over.fill(None)

    def _finish(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start what still waits, then end everything; what takes no notice of its end is not waited for.

        Where this was closed, the lock was taken then, and isn't taken again: a signal handler that closes waits for
        this thread, and may have interrupted the thread that holds the lock.
        """
        if not self._closed:
            with self._lock:
                self._closed = True
        _ = loop.run_until_complete(asyncio.wait({loop.create_task(self._end())}, timeout=self._closing * _ENDING))

    async def _end(self) -> None:
        """Part of the time is kept for closing the transport, however long the farewell wants to take."""
        self._drain()
        await self._executor.stop()
        with suppress(TimeoutError):
            if self._farewell is not None:
                await asyncio.wait_for(self._executor.run(self._farewell), self._closing * _FAREWELL)
        await self._executor.close()

    def _drain(self) -> None:
        """Begin what waits, without the lock: a signal handler that waits for it may have interrupted who holds it."""
        self._woken = False
        while self._waiting:
            self._waiting.popleft()()
