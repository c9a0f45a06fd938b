"""Work that waits, a line for each session: who sends much does not keep the others from going on. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Items of several owners: each owner's are taken in their order, and the owners take turns."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[tuple[int, T]]] = OrderedDict()
        self._last: deque[tuple[int, T]] = deque()
        self._came = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values())) + len(self._last)

    def __iter__(self) -> Iterator[T]:
        return (item for line in (*self._lines.values(), self._last) for _, item in line)

    def waiting(self, owner: str) -> int:
        """How many of an owner's items wait."""
        return len(self._lines.get(owner, ()))

    def enter(self, owner: str, item: T) -> None:
        """Let an item wait behind its owner's others."""
        self._lines.setdefault(owner, deque()).append((self._next(), item))

    def enter_last(self, item: T) -> None:
        """Let an item wait until everything that waits now, whoever's it is, has been taken."""
        self._last.append((self._next(), item))

    def take(self) -> T | None:
        """The next item; None when there is none."""
        if self._last and all(line[0][0] > self._last[0][0] for line in self._lines.values()):
            return self._last.popleft()[1]
        if not self._lines:
            return None
        owner, line = self._lines.popitem(last=False)
        _, item = line.popleft()
        if line:
            self._lines[owner] = line
        return item

    def remove(self, item: T) -> None:
        """Take an item out of the line that it waits in."""
        for owner, line in self._lines.items():
            left = deque(entry for entry in line if entry[1] is not item)
            if len(left) < len(line):
                self._lines[owner] = left
        self._lines = OrderedDict((owner, line) for owner, line in self._lines.items() if line)

    def _next(self) -> int:
        self._came += 1
        return self._came
