"""Virtual time: an asyncio loop whose clock jumps to the next timer, so that days pass in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

from typing_extensions import override

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class DeadlockError(RuntimeError):
    """Everything waits, and no timer will ever wake anything."""


class _Selector(selectors.SelectSelector):
    """Never waits: what would be waiting moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise DeadlockError("every task waits for another: nothing is ready, and no timer is set")
        if not ready and timeout is not None:
            self.now += max(0.0, timeout)
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
    if _is_running():
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


def _is_running() -> bool:
    try:
        _ = asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _cancel_rest(loop: VirtualLoop) -> None:
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
