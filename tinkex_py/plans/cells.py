"""Places that one plan fills and others wait on: cells, turns and gates. Pure, and touched by one thread only."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Cell(Generic[T]):
    """A place that is filled once. Filling it again changes nothing."""

    __slots__ = ("_bug", "_callbacks", "_values")

    def __init__(self) -> None:
        self._values: tuple[T, ...] = ()
        self._bug: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def values(self) -> tuple[T, ...]:
        """`(value,)` when filled, else `()`; match on it. Raises the bug of a cell that was spoiled."""
        if self._bug is not None:
            raise self._bug
        return self._values

    @property
    def filled(self) -> bool:
        """Whether there is nothing more to wait for."""
        return bool(self._values) or self._bug is not None

    def fill(self, value: T) -> None:
        """Put the value, and call back everybody who waits."""
        if not self.filled:
            self._values = (value,)
            self._call_back()

    def spoil(self, bug: BaseException) -> None:
        """Say that no value will ever come, because of a bug that everybody who waits should see."""
        if not self.filled:
            self._bug = bug
            self._call_back()

    def when_filled(self, callback: Callable[[], None]) -> None:
        """Call back when there is a value, at once if there is one; safe from any thread."""
        self._callbacks.append(callback)
        if self.filled:
            self._call_back()

    def forget(self, callback: Callable[[], None]) -> None:
        """Don't call back any more."""
        with suppress(ValueError):
            self._callbacks.remove(callback)

    def _call_back(self) -> None:
        """Each callback is popped, hence called once, even if a filler and a waiter race."""
        while self._callbacks:
            try:
                callback = self._callbacks.pop(0)
            except IndexError:  # pragma: no cover - another thread took the last one
                return
            callback()


class Turn:
    """A place in a queue; `ready` is filled when everybody before has left."""

    __slots__ = ("ready",)

    def __init__(self) -> None:
        self.ready: Cell[None] = Cell()


class Queue:
    """Turns in the order in which they were taken: one holder at a time."""

    __slots__ = ("_turns",)

    def __init__(self) -> None:
        self._turns: deque[Turn] = deque()

    def enter(self) -> Turn:
        """Take a place at the end; it is ready at once when nobody is before."""
        turn = Turn()
        self._turns.append(turn)
        self._call_next()
        return turn

    def leave(self, turn: Turn) -> None:
        """Give the place back, whether or not it was ready."""
        self._turns.remove(turn)
        self._call_next()

    def _call_next(self) -> None:
        if self._turns:
            self._turns[0].ready.fill(None)

    def __len__(self) -> int:
        return len(self._turns)


class Gate:
    """A budget of `capacity` that is given out first come, first served.

    A cost above the whole capacity passes alone, so nothing starves and nothing is refused.
    """

    __slots__ = ("_taken", "_waiting", "capacity")

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self._taken: float = 0
        self._waiting: deque[tuple[float, Cell[None]]] = deque()

    @property
    def taken(self) -> float:
        """What is given out."""
        return self._taken

    def enter(self, cost: float) -> Cell[None]:
        """Ask for `cost`; the cell is filled when it is given."""
        if not self._waiting and self._fits(cost):
            self._taken += cost
            return _PASSED
        passed: Cell[None] = Cell()
        self._waiting.append((cost, passed))
        self._let_in()
        return passed

    def leave(self, cost: float, passed: Cell[None]) -> None:
        """Give back what was given, or stop waiting for it."""
        if passed.filled:
            self._taken -= cost
        else:
            self._waiting.remove((cost, passed))
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            cost, passed = self._waiting.popleft()
            self._taken += cost
            passed.fill(None)

    def _fits(self, cost: float) -> bool:
        return not self._taken or self._taken + cost <= self.capacity


_PASSED: Cell[None] = Cell()
"""What those get that a gate lets in at once."""
_PASSED.fill(None)
