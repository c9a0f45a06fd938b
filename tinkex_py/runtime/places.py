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
AT_FIRST = 8
"""Connections that are opened without waiting. Each takes a handshake, and fewer exchanges at once are fewer objects
for the garbage collector to look through."""
_LOOK = 0.02
"""Seconds between two looks at those that wait."""
_STANDSTILL = 5
"""Looks in a row without an answer after which more than 64 are used: a tenth of a second, and twice as long each time
that they have doubled. A server that merely pauses now and then is not to be taken for one that holds questions."""
_PATIENCE = 100
"""Looks in a row during which others may come first: two seconds."""


def affordable(most: int, share: float) -> int:
    """So many connections, or that share of the files that this process may have open if that is less."""
    if sys.platform == "win32":
        return most
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if files == resource.RLIM_INFINITY else min(most, max(1, int(files * share)))


class Places:
    """Up to `most` places: 8 at first, up to 64 as soon as this thread waits for answers instead of working.

    More are given only while all are held and none moves, as by questions for promises that the server holds. They are
    given later while others wait for places that come `first`, and while this thread is busy, of whose time at work
    `spent` tells in seconds: opening connections would hold those up, and get nothing done.
    """

    def __init__(self, most: int, first: Places | None = None, spent: Callable[[], float] = thread_time) -> None:
        self.most = most
        self._first = first
        self._spent = spent
        self._spent_before = 0.0
        self._allowed = min(AT_FIRST, most)
        self._taken = 0
        self._left = 0
        self._seen = 0
        self._looks = 0
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

    def _look_again(self) -> None:
        if self._watch is None and self._allowed < self.most:
            self._begin()
            self._look_later()

    def _begin(self) -> None:
        """Count looks from here on, with what has happened till now."""
        self._looks, self._seen, self._spent_before = 0, self._left, self._spent()

    def _look_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _look(self) -> None:
        self._watch = None
        self._looks += 1
        if self._may_be_more():
            self._allowed = min(2 * self._allowed, self.most)
            self._let_in()
            self._begin()
        elif self._left != self._seen:
            self._begin()
        if self._waiting and self._allowed < self.most:
            self._look_later()

    def _may_be_more(self) -> bool:
        if self._looks > _PATIENCE:
            return True
        few = self._allowed < AT_ONCE
        if not few and (self._left != self._seen or self._looks < _STANDSTILL * self._allowed // AT_ONCE):
            return False
        busy = self._spent() - self._spent_before > self._looks * _LOOK / 2
        urgent = not few and self._first is not None and self._first.wanted
        return not (busy or urgent)
