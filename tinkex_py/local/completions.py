"""Which of a sampler's promises are settled, told to one clone of it in order. Pure."""

from __future__ import annotations

from typing import NamedTuple

COMPLETIONS_KEPT = 20_000
"""Completions that are kept for clones that never ask for them, of all samplers together."""


class Completion(NamedTuple):
    """A promise that is settled, and the size of its result in bytes; None for a failed one."""

    request_id: str
    size: int | None


class Completions:
    """Completions under rising numbers; a cursor acknowledges those up to it."""

    def __init__(self) -> None:
        self.cursor = 0
        self._kept: dict[int, Completion] = {}

    def add(self, completion: Completion) -> int:
        """Tell of one more; its number comes back."""
        self.cursor += 1
        self._kept[self.cursor] = completion
        return self.cursor

    def forget(self, number: int) -> None:
        """Tell of it no more."""
        _ = self._kept.pop(number, None)

    @property
    def waiting(self) -> bool:
        """Whether there are some that were not acknowledged."""
        return bool(self._kept)

    def after(self, cursor: int) -> list[Completion]:
        """Those after `cursor`; those up to it are forgotten."""
        for number in [number for number in self._kept if number <= cursor]:
            del self._kept[number]
        return list(self._kept.values())
