"""Threads for what takes its time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from typing_extensions import override

T = TypeVar("T")


class Computing(ThreadPoolExecutor):
    """A pool of threads that still works after the main thread has ended.

    Python's own refuse work from then on; here each piece of it gets a thread of its own.
    """

    @override
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """The function's result, as soon as it is there."""
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            result: Future[T] = Future()
            Thread(target=_compute, args=(result, partial(fn, *args, **kwargs)), daemon=True).start()
            return result


def _compute(result: Future[T], function: Callable[[], T]) -> None:
    try:
        result.set_result(function())
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
        result.set_exception(error)
