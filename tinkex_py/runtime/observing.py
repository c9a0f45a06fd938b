"""Observers run on a thread of their own, so that a slow or failing one harms nothing."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from tinkex_py.events import AnyEvent, EventsDropped

Observer: TypeAlias = Callable[[AnyEvent], Awaitable[None] | None]
"""A function of one event, plain or async."""

CAPACITY = 10_000
"""Events that wait to be looked at; those that come on top are dropped and counted."""

_FAILED = "the observer %r failed; the client goes on, and counts further failures"

log = logging.getLogger("tinkex_py")


class Observatory:
    """Hands events to observers in order; `dropped` counts those that came faster than the observers could look.

    An observer may have a method `cares(event)`, called at once: it gets only what it cares for. The observers are told
    of a loss by `EventsDropped`, before the next event that they get. `failures` counts what they raise, whatever it
    is.
    """

    def __init__(self, observers: Sequence[Observer], *, capacity: int = CAPACITY, ending: float = 1.0) -> None:
        self.dropped = 0
        self.failures = 0
        self._told = 0
        self._ending = ending
        self._counting = threading.Lock()
        self._observers = tuple((observer, _care(observer)) for observer in observers)
        self._events: queue.Queue[tuple[AnyEvent, Sequence[Observer]] | None] = queue.Queue(capacity)
        self._thread: threading.Thread | None = None

    def observe(self, event: AnyEvent) -> None:
        """Pass an event on to those who care for it; never waits."""
        caring = self._caring(event)
        if caring:
            self._thread = self._thread or self._begin()
            try:
                self._events.put_nowait((event, caring))
            except queue.Full:
                self.dropped += 1

    def _caring(self, event: AnyEvent) -> Sequence[Observer]:
        """Who cares for it: not those who raise when they are asked."""
        caring: list[Observer] = []
        for observer, cares in self._observers:
            try:
                if cares(event):
                    caring.append(observer)
            except BaseException as bug:  # noqa: BLE001 - nothing that an observer raises ends what it watches
                self._fail(observer, bug)
        return caring

    def close(self) -> None:
        """Let the observers look at what is left, for a moment; the rest is dropped, so that the thread ends soon."""
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            with suppress(queue.Full):
                self._events.put(None, timeout=self._ending)
            thread.join(self._ending)
            if thread.is_alive():
                self._forget()
                self._events.put(None)

    def _forget(self) -> None:
        """Drop what waits, so that there is room to say that nothing more will come."""
        with suppress(queue.Empty):
            while True:
                self.dropped += self._events.get_nowait() is not None

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._look, name="tinkex-observers", daemon=True)
        thread.start()
        return thread

    def _look(self) -> None:
        with asyncio.Runner() as runner:
            while (passed := self._events.get()) is not None:
                event, caring = passed
                lost, self._told = self.dropped - self._told, self.dropped
                if lost:
                    loss = EventsDropped(at=event.at, count=lost)
                    self._show(loss, self._caring(loss), runner)
                self._show(event, caring, runner)

    def _show(self, event: AnyEvent, observers: Sequence[Observer], runner: asyncio.Runner) -> None:
        for observer in observers:
            try:
                answer = observer(event)
                if answer is not None:
                    runner.run(_awaited(answer))
            except BaseException as bug:  # noqa: BLE001 - a SystemExit too would end the watching of the others
                self._fail(observer, bug)

    def _fail(self, observer: Observer, bug: BaseException) -> None:
        """Count a failure, and name the first one. Called by two threads."""
        with self._counting:
            self.failures += 1
            first = self.failures == 1
        if first:
            log.error(_FAILED, observer, exc_info=bug)


def _care(observer: Observer) -> Callable[[AnyEvent], bool]:
    cares: Callable[[AnyEvent], bool] = getattr(observer, "cares", _always)
    return cares


def _always(_: AnyEvent) -> bool:
    return True


async def _awaited(answer: Awaitable[None]) -> None:
    await answer
