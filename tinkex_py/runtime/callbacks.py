"""Functions of others: each is called on a thread of its own, so that it holds up nothing but itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tinkex_py.types.raised import in_words


def called(function: Callable[[], None], *, waited_for: bool = False) -> asyncio.Future[str | None]:
    """Call the function on a thread of its own: None when it has returned, or the text of what it raised.

    It may take any time, as it takes no place in a pool, and the process ends without it unless it is `waited_for`.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str | None] = loop.create_future()

    def call() -> None:
        reason = reason_of(function)
        with suppress(RuntimeError):  # the loop has closed, and nobody waits
            loop.call_soon_threadsafe(partial(_settle, ended, reason))

    threading.Thread(target=call, name="tinkex-callback", daemon=not waited_for).start()
    return ended


def reason_of(function: Callable[[], None]) -> str | None:
    """Call the function here: the text of what it raised, if it did."""
    try:
        function()
    except BaseException as error:  # noqa: BLE001 - it may raise anything, and nothing of that ends a client
        return in_words(error)
    return None


def _settle(ended: asyncio.Future[str | None], reason: str | None) -> None:
    if not ended.done():
        ended.set_result(reason)
