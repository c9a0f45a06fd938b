"""A time in which this process could look: a starved loop gives up nothing that is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_LOOKS = 10
"""How often the loop comes round before a connection is given up; making one takes about as many rounds."""


@asynccontextmanager
async def patience(seconds: float) -> AsyncGenerator[None]:
    """TimeoutError after `seconds`, not counting time in which the loop couldn't look whether there is an answer."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    async with asyncio.timeout(None) as scope:

        def wait(looks: int) -> None:
            if looks:
                timers[:] = [loop.call_later(seconds / _LOOKS, wait, looks - 1)]
            else:
                scope.reschedule(loop.time())

        wait(_LOOKS)
        try:
            yield
        finally:
            timers[0].cancel()
