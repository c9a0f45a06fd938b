"""Virtual time: an asyncio loop whose clock jumps to the next timer, so that days pass in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, ContextVar
from typing import Any, TypeVar, TypeVarTuple, Unpack

from typing_extensions import override

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


PATIENCE = 86400.0
"""Seconds of virtual time in which whoever waits for somebody has to be woken, or at least something be done for it."""
ASIDE: ContextVar[bool] = ContextVar("tinkex_aside", default=False)
"""Whether what runs is a client's own work, whose timers need not mean that anybody is going to be woken."""


class DeadlockError(RuntimeError):
    """Everything waits, and no timer will ever wake anything."""


class _Selector(selectors.SelectSelector):
    """Never waits: what would be waiting moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.stirs = 0.0
        """When something was or will be done for whoever waits, as far as is known."""

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise DeadlockError("every task waits for another: nothing is ready, and no timer is set")
        if not ready and timeout is not None:
            self.now += max(0.0, timeout)
            if self.now - self.stirs > PATIENCE:
                self.stirs = self.now  # ending what runs has a day of its own
                raise DeadlockError(
                    "the program waits for what does not come: in a day of virtual time nothing was sent but signs of "
                    "life of its session, and no timer of its own was set"
                )
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time; `time()` starts at 0."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    @override
    def time(self) -> float:
        """Seconds of virtual time."""
        return self._clock.now

    @override
    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Set a timer; one of the program's own wakes somebody."""
        if not (ASIDE.get() if context is None else context.get(ASIDE, False)):
            self.stir(when)
        return super().call_at(when, callback, *args, context=context)

    def stir(self, when: float | None = None) -> None:
        """Take note that something is done for whoever waits, then or now."""
        self._clock.stirs = max(self._clock.stirs, self._clock.now if when is None else when)

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call the function here and now, which takes no time: the clock would not wait for another thread."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for whoever awaits
            done.set_exception(error)
        return done

    def leap(self, seconds: float) -> None:
        """Let time pass at once, as for a machine that slept: timers that are due by then are due now."""
        self._clock.now += seconds


def run(program: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time; whatever it leaves running is cancelled.

    RuntimeError where a loop is running already.
    """
    if running_loop() is not None:
        program.close()
        raise RuntimeError(
            "an event loop is running here, and virtual time needs one of its own: call this from a plain function, or "
            "by asyncio.to_thread"
        )
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(program)
    finally:
        try:
            _cancel_rest(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that is running here, if there is one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _cancel_rest(loop: VirtualLoop) -> None:
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
