"""One thread for the engine's matrices, however many the process may use.

They are small. Several threads of a BLAS library gain nothing on an idle machine, and on a busy one they wait for one
another by spinning: a step then takes many times as long (docs/performance.md).
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

# Untyped, hence this way; it is asked for here, so that who lacks it is told before anything is computed.
_threadpoolctl: Any = import_module("threadpoolctl")
_SETTING = threading.Lock()


@contextmanager
def one_thread() -> Generator[None]:
    """BLAS computes on one thread inside, and afterwards on as many as before.

    The setting is the process's own: what others multiply meanwhile has one thread too. While one engine is inside,
    others leave the setting to it; they don't wait.
    """
    if not _SETTING.acquire(blocking=False):
        yield
        return
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        _SETTING.release()


@cache
def _libraries() -> Any:
    """The libraries that this process has loaded, numpy's among them; looking for them takes a millisecond."""
    return _threadpoolctl.ThreadpoolController()
