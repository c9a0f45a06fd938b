"""One thread for the engine's matrices, however many the process may use.

They are small. Several threads of a BLAS library gain nothing on an idle machine, and on a busy one they wait for one
another by spinning: a step then takes many times as long (docs/performance.md).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

# Untyped, hence this way; it is asked for here, so that who lacks it is told before anything is computed.
_threadpoolctl: Any = import_module("threadpoolctl")


class _Setting:
    """How many engines are inside, and what puts back what was set before the first of them came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limits: Any = None

    def renew(self) -> None:
        """Begin anew in a process that was forked off: nobody is inside, as threads of the other one are not there."""
        self._lock = threading.Lock()
        self._inside = 0

    def come(self) -> None:
        """One more is inside."""
        with self._lock:
            if self._inside == 0:
                self._limits = _libraries().limit(limits=1, user_api="blas")
            self._inside += 1

    def go(self) -> None:
        """One has left; the last one puts back what was set, also where another thread has set it."""
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _let_go()
                self._limits.restore_original_limits()
                _let_go()


_SETTING = _Setting()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_SETTING.renew)


@contextmanager
def one_thread() -> Generator[None]:
    """BLAS computes on one thread inside, and on as many as before once every engine of the process has left.

    The setting is the process's own: what others multiply meanwhile has one thread too. Matrices that are multiplied on
    several come out otherwise in their last digits, so an engine that is alone must not be told from one that is not.
    """
    _SETTING.come()
    try:
        yield
    finally:
        _SETTING.go()


@cache
def _libraries() -> Any:
    """The libraries that this process has loaded, numpy's among them; looking for them takes a millisecond."""
    return _threadpoolctl.ThreadpoolController()


def _let_go() -> None:
    """From 3.8 on threadpoolctl lets only the thread change a library that has done so first, until it is let go."""
    for library in _libraries().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)
