"""Who may have a connection now: first come, first served, and no more connections than are of use."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from time import thread_time

if sys.platform != "win32":
    import resource

AT_ONCE = 64
"""Connections that are used at once as long as they are all moving; more don't make one process faster."""
_STANDSTILL = 0.1
"""Seconds without an answer on any of them after which twice as many are used."""
_PATIENCE = 20
"""Standstills in a row during which others may come first: two seconds."""
_LOOKS = 5
"""How often the loop has to look in that time: one that was kept from looking has answers yet to read."""


def affordable(most: int) -> int:
    """So many connections, or half of the files that this process may have open if that is less."""
    if sys.platform == "win32":
        return most
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if files == resource.RLIM_INFINITY else min(most, max(1, files // 2))


class Places:
    """Up to `most` places. Beyond the first 64 more are given only while all are held, as by questions for promises.

    While others wait for places that come `first`, more are given later, so that opening them doesn't hold those up;
    so they are while this thread has enough to do, of which `spent` tells, in seconds: it would not get more done.
    """

    def __init__(self, most: int, first: Places | None = None, spent: Callable[[], float] = thread_time) -> None:
        self.most = most
        self._first = first
        self._spent = spent
        self._spent_before = 0.0
        self._stood_back = 0
        self._allowed = min(AT_ONCE, most)
        self._taken = 0
        self._left = 0
        self._seen = -1
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watch: asyncio.TimerHandle | None = None

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for one."""
        return bool(self._waiting)

    async def enter(self) -> None:
        """Take a place, when there is one."""
        if not self.take():
            await self.turn()

    def take(self) -> bool:
        """Take a place if there is one now; who gets none waits for a `turn`."""
        if self._taken < self._allowed and not self._waiting:
            self._taken += 1
            return True
        return False

    async def turn(self) -> None:
        """Take a place when all those before have had theirs."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._look_again()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._taken -= 1
        self._left += 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._taken < self._allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)

    def _stands_back(self) -> bool:
        """Whether those that come first still wait, or this thread was busy, and neither has gone on for too long."""
        busy = self._spent() - self._spent_before > _STANDSTILL / 2
        urgent = busy or (self._first is not None and self._first.wanted)
        self._stood_back = self._stood_back + 1 if urgent and self._stood_back < _PATIENCE else 0
        return self._stood_back > 0

    def _look_again(self) -> None:
        if self._watch is None and self._allowed < self.most:
            self._seen, self._spent_before = self._left, self._spent()
            self._look_later(_LOOKS)

    def _look_later(self, looks: int) -> None:
        self._watch = asyncio.get_running_loop().call_later(_STANDSTILL / _LOOKS, self._look, looks - 1)

    def _look(self, looks: int) -> None:
        self._watch = None
        if looks:
            self._look_later(looks)
            return
        if self._left == self._seen and not self._stands_back():
            self._allowed = min(2 * self._allowed, self.most)
            self._let_in()
        if self._waiting:
            self._look_again()
