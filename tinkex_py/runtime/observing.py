"""Observers run on a thread of their own, so that a slow or failing one harms nothing."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

from tinkex_py.events import AnyEvent

Observer: TypeAlias = Callable[[AnyEvent], None]

_CAPACITY = 10_000
_ENDING = 1.0

log = logging.getLogger("tinkex_py")


class Observatory:
    """Hands events to observers in order; `dropped` counts those that came faster than the observers could look."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self.dropped = 0
        self._observers = tuple(observers)
        self._events: queue.Queue[AnyEvent | None] = queue.Queue(_CAPACITY)
        self._thread: threading.Thread | None = None

    def observe(self, event: AnyEvent) -> None:
        """Pass an event on; never waits."""
        if self._observers:
            self._thread = self._thread or self._begin()
            try:
                self._events.put_nowait(event)
            except queue.Full:
                self.dropped += 1

    def close(self) -> None:
        """Let the observers look at what is left, for a moment."""
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._finish()
            thread.join(_ENDING)

    def _finish(self) -> None:
        try:
            self._events.put(None, timeout=_ENDING)
        except queue.Full:
            self.dropped += self._events.qsize()

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._look, name="tinkex-observers", daemon=True)
        thread.start()
        return thread

    def _look(self) -> None:
        while (event := self._events.get()) is not None:
            for observer in self._observers:
                try:
                    observer(event)
                except Exception:
                    log.exception("an observer failed; the client goes on")
