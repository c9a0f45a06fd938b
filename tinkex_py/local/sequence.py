"""The order of a model's steps: numbers from 1, accepted in any order, carried out in theirs. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

from typing_extensions import override

K = TypeVar("K")
T = TypeVar("T")

REMEMBERED = 4096
"""How many accepted numbers a repeat is still recognized by."""
SAMPLES_REMEMBERED = 20_000
"""The same for the numbers of samples, of all samplers together."""


class Accepted(NamedTuple):
    """What a number was given to: the body's fingerprint and the promise."""

    fingerprint: bytes
    request_id: str


class Repeated(NamedTuple):
    """The number was accepted before, with the same body: the promise it was given."""

    request_id: str


class Conflicting(NamedTuple):
    """The number belongs to another body, or its turn is over; `expected` is the lowest that is free."""

    expected: int


Standing: TypeAlias = "Repeated | Conflicting | Literal['free']"


class Ledger(Generic[K]):
    """Which numbers were given away, and to what; the oldest are forgotten when there are more than `kept`."""

    def __init__(self, kept: int = REMEMBERED) -> None:
        self._kept = kept
        self._accepted: dict[K, Accepted] = {}

    def accepted(self, number: K) -> Accepted | None:
        """What a number was given to."""
        return self._accepted.get(number)

    def enter(self, number: K, accepted: Accepted) -> None:
        """Give a number away."""
        self._accepted[number] = accepted
        if len(self._accepted) > self._kept:
            del self._accepted[next(iter(self._accepted))]


class Numbers(Ledger[int]):
    """The numbers that a session gives to its models, or to its samplers."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0
        """The number after the highest that was given away."""

    @override
    def enter(self, number: int, accepted: Accepted) -> None:
        super().enter(number, accepted)
        self.next = max(self.next, number + 1)


class Sequence(Generic[T]):
    """Steps waiting for their turn. A refused number is free again: it may come anew, and no later one waits for it."""

    def __init__(self) -> None:
        self.expected = 1
        self._waiting: dict[int, T] = {}
        self._refused: set[int] = set()
        self._ledger = Ledger[int]()

    def standing(self, number: int, fingerprint: bytes) -> Standing:
        """What may be done with a number that has arrived."""
        accepted = self._ledger.accepted(number)
        if accepted is not None and accepted.fingerprint == fingerprint:
            return Repeated(accepted.request_id)
        return Conflicting(self.expected) if accepted is not None or number < self.expected else "free"

    def accept(self, number: int, accepted: Accepted, step: T) -> list[T]:
        """Take a step under a free number; return the steps whose turn has come by it."""
        self._ledger.enter(number, accepted)
        self._refused.discard(number)
        self._waiting[number] = step
        return self._due()

    def refuse(self, number: int) -> list[T]:
        """Free a number; return the steps whose turn has come because they need not wait for it."""
        if number >= self.expected and number not in self._waiting:
            self._refused.add(number)
        return self._due()

    @property
    def missing(self) -> int | None:
        """The number that all the waiting steps wait for."""
        return self.expected if self._waiting else None

    @property
    def waiting(self) -> Collection[T]:
        """The steps that wait for their turn."""
        return self._waiting.values()

    def abandon(self) -> list[T]:
        """Give up every step that still waits for its turn; the numbers up to the last of them are over."""
        left = list(self._waiting.values())
        self.expected = max(self._waiting, default=self.expected - 1) + 1
        self._waiting.clear()
        return left

    def _due(self) -> list[T]:
        due: list[T] = []
        while self._waiting:
            if self.expected in self._waiting:
                due.append(self._waiting.pop(self.expected))
            elif self.expected in self._refused:
                self._refused.discard(self.expected)
            else:
                break
            self.expected += 1
        return due
