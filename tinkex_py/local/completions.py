"""Which of a sampler's promises are settled, told to one clone of it in order. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

KEPT = 20_000
"""Completions that are kept for a clone that never asks for them."""


class Completion(NamedTuple):
    """A promise that is settled, and the size of its result in bytes; None for a failed one."""

    request_id: str
    size: int | None


class Completions:
    """Completions under rising numbers; a cursor acknowledges those up to it."""

    def __init__(self) -> None:
        self.cursor = 0
        self._kept: OrderedDict[int, Completion] = OrderedDict()

    def add(self, completion: Completion) -> None:
        """Tell of one more."""
        self.cursor += 1
        self._kept[self.cursor] = completion
        if len(self._kept) > KEPT:
            _ = self._kept.popitem(last=False)

    @property
    def waiting(self) -> bool:
        """Whether there are some that were not acknowledged."""
        return bool(self._kept)

    def after(self, cursor: int) -> list[Completion]:
        """Those after `cursor`; those up to it are forgotten."""
        for number in [number for number in self._kept if number <= cursor]:
            del self._kept[number]
        return list(self._kept.values())
