"""Promises of the embedded server: pending, settled with a result, or forgotten. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, TypeAlias

from msgspec import Struct


class Result(Struct, frozen=True):
    """What a promise ended with, as JSON, whether that is an error, and as protobuf if it has that form."""

    content: bytes
    failed: bool = False
    protobuf: bytes | None = None

    @property
    def size(self) -> int:
        """The bytes that are kept."""
        return len(self.content) + len(self.protobuf or b"")


Standing: TypeAlias = "Result | Literal['pending', 'forgotten', 'unknown']"

KEPT = 20_000
KEPT_BYTES = 256 << 20
"""How many settled promises are kept, and how many bytes of them; the oldest are forgotten first."""


class Promises:
    """Promises by id. Ids count up behind `prefix`, so one that was forgotten is told from one that never was."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}-"
        self._issued = 0
        self._pending: set[str] = set()
        self._settled: OrderedDict[str, Result] = OrderedDict()
        self._bytes = 0

    @property
    def issued(self) -> int:
        """How many promises were made."""
        return self._issued

    def make(self) -> str:
        """A new promise, pending."""
        request_id = f"{self._prefix}{self._issued}"
        self._issued += 1
        self._pending.add(request_id)
        return request_id

    def settle(self, request_id: str, result: Result) -> None:
        """Keep a pending promise with this result; old ones are forgotten when there are too many."""
        self._pending.discard(request_id)
        self._settled[request_id] = result
        self._bytes += result.size
        while len(self._settled) > 1 and (len(self._settled) > KEPT or self._bytes > KEPT_BYTES):
            self._bytes -= self._settled.popitem(last=False)[1].size

    def forget(self, request_id: str) -> None:
        """Drop the result of a promise whose client has it."""
        result = self._settled.pop(request_id, None)
        self._bytes -= 0 if result is None else result.size

    def standing(self, request_id: str) -> Standing:
        """The result, or why there is none."""
        if request_id in self._pending:
            return "pending"
        return self._settled.get(request_id) or ("forgotten" if self._was_issued(request_id) else "unknown")

    def _was_issued(self, request_id: str) -> bool:
        number = request_id.removeprefix(self._prefix)
        return number != request_id and number.isdecimal() and len(number) < 19 and int(number) < self._issued
