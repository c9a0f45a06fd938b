"""Results as they came, packed, and read as sequences: nothing becomes a list before it is asked for. Pure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from math import isnan
from typing import SupportsIndex, TypeVar, overload

from typing_extensions import TypeIs, override

T = TypeVar("T")

SHOWN = 8
"""Elements that a repr shows of a long value."""

NO_TOKEN = (0, -99999.0)
"""The cell of a table of alternatives in which there is none."""


class View(Sequence[T]):
    """An immutable sequence of packed elements, equal to any sequence of the same elements.

    A part of it is a list. It has no sum with a list, as that would keep `+=` from extending the list in its place.
    """

    __slots__ = ()

    @abstractmethod
    def tolist(self) -> list[T]:
        """The elements as a list."""

    @abstractmethod
    def _at(self, place: int) -> T:
        """The element at a place from 0 on, made alone: reading one after the other makes no list for each."""

    def _cut(self, places: slice) -> list[T]:
        return self.tolist()[places]

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    @override
    def __getitem__(self, index: SupportsIndex | slice) -> T | list[T]:
        return self._cut(index) if isinstance(index, slice) else self._at(range(len(self))[index])

    @override
    def __iter__(self) -> Iterator[T]:
        return iter(self.tolist())

    @override
    def __eq__(self, other: object) -> bool:
        return _is_row(other) and self.tolist() == list(other)

    @override
    def __hash__(self) -> int:
        return hash(tuple(map(_hashable, self)))

    @override
    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:SHOWN]))
        return f"[{shown}{', ...' if len(self) > SHOWN else ''}]"


class Floats(View[float]):
    r"""Numbers `[T]`, held as 4 bytes each.

    >>> Floats(b"\x00\x00\x80\x3f") == [1.0]
    True
    """

    __slots__ = ("buffer",)

    def __init__(self, buffer: bytes | memoryview) -> None:
        self.buffer = memoryview(buffer).toreadonly()

    @override
    def __len__(self) -> int:
        return len(self.buffer) // 4

    @override
    def tolist(self) -> list[float]:
        """The numbers as a list."""
        return list[float](self.buffer.cast("f"))

    @override
    def _at(self, place: int) -> float:
        return self.buffer.cast("f")[place]

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (Floats, (bytes(self.buffer),))


class OptionalFloats(View[float | None]):
    """Numbers `[T]`, held as 4 bytes each, with None where the bytes hold no number."""

    __slots__ = ("floats",)

    def __init__(self, buffer: bytes | memoryview) -> None:
        self.floats = Floats(buffer)

    @override
    def __len__(self) -> int:
        return len(self.floats)

    @override
    def tolist(self) -> list[float | None]:
        """The numbers as a list."""
        return [value if value == value else None for value in self.floats]  # noqa: PLR0124 - only NaN differs from itself

    @override
    def _at(self, place: int) -> float | None:
        value = self.floats[place]
        return None if isnan(value) else value

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (OptionalFloats, (bytes(self.floats.buffer),))


class Alternatives(View[list[tuple[int, float]] | None]):
    """A table `[T, K]` of token ids and their log-probabilities; a row ends before the cells that have none."""

    __slots__ = ("k", "logprobs", "tokens")

    def __init__(self, tokens: bytes | memoryview, logprobs: bytes | memoryview, k: int) -> None:
        self.tokens, self.logprobs, self.k = memoryview(tokens).toreadonly(), memoryview(logprobs).toreadonly(), k

    @override
    def __len__(self) -> int:
        return len(self.tokens) // (4 * self.k)

    @override
    def tolist(self) -> list[list[tuple[int, float]] | None]:
        """The rows as a list; None for a row without any token."""
        cells = list[tuple[int, float]](zip(self.tokens.cast("i"), self.logprobs.cast("f"), strict=True))
        return [_filled(cells[start : start + self.k]) for start in range(0, len(cells), self.k)]

    @override
    def _at(self, place: int) -> list[tuple[int, float]] | None:
        row = slice(place * self.k, (place + 1) * self.k)
        return _filled(
            list[tuple[int, float]](zip(self.tokens.cast("i")[row], self.logprobs.cast("f")[row], strict=True))
        )

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (Alternatives, (bytes(self.tokens), bytes(self.logprobs), self.k))


def _filled(row: list[tuple[int, float]]) -> list[tuple[int, float]] | None:
    if row[0] == NO_TOKEN:
        return None
    while row[-1] == NO_TOKEN:
        _ = row.pop()
    return row


def _hashable(element: object) -> object:
    return tuple(element) if _is_row(element) else element


def _is_row(value: object) -> TypeIs[Sequence[object]]:
    return isinstance(value, (list, tuple, View))
