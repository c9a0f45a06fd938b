"""Files at addresses outside the service, fetched in pieces, so that what has come needn't come again. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.outcome import Outcome
from tinkex_py.request import Address, Reply, Request

PIECE = 8 << 20
"""Bytes that are asked for at once."""

_WHOLE, _NOT_SATISFIABLE = 200, 416
_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)


class Piece(NamedTuple):
    """Bytes of a file from `offset` on; `total` is how many the file has, None when that isn't known."""

    offset: int
    content: bytes
    total: int | None

    @property
    def last(self) -> bool:
        """Whether the file ends with it."""
        return self.total is not None and self.offset + len(self.content) >= self.total

    @property
    def again(self) -> bool:
        """Whether the file has to be begun anew: nothing is where bytes were asked for, and that isn't its end."""
        return not self.content and not self.last


class PieceFrom(Struct, frozen=True):
    """The answer to a question for bytes from `start` on."""

    start: int

    @property
    def statuses(self) -> frozenset[int]:
        """416: there is nothing from there on; where that isn't the end, another file has taken its place."""
        return frozenset({_NOT_SATISFIABLE})

    def read(self, reply: Reply) -> Outcome[Piece, str]:
        """The piece; a server that knows no pieces sends the whole file, from its beginning on."""
        said = _RANGE.fullmatch(reply.header("content-range") or "")
        total = int(said[3]) if said and said[3] != "*" else None
        if reply.status == _NOT_SATISFIABLE:
            at_end = total == self.start or (total is None and self.start > 0)
            return Success(Piece(self.start, b"", self.start) if at_end else Piece(0, b"", total))
        if reply.status == _WHOLE and said is None:
            return Success(Piece(0, reply.body, len(reply.body)))
        if said is None or said[1] is None:
            return Failure(f"status {reply.status}, and no content-range that says which bytes of the file came")
        if int(said[1]) != self.start:
            return Failure(f"bytes from {self.start} on were asked for, and bytes from {said[1]} on came")
        if not 0 < len(reply.body) == int(said[2]) - self.start + 1:
            return Failure(f"bytes {said[1]} to {said[2]} were announced, and {len(reply.body)} bytes came")
        return Success(Piece(self.start, reply.body, total))


def piece(operation: str, address: Address, start: int, size: int = PIECE) -> Request[Piece]:
    """GET `size` bytes at an address from `start` on; it needs no credential, and gets none."""
    return Request(
        operation=operation,
        method="GET",
        path=(),
        headers=(("range", f"bytes={start}-{start + size - 1}"), ("accept-encoding", "identity")),
        returns=PieceFrom(start),
        address=address,
    )
