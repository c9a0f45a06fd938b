"""Files at addresses outside the service, fetched in pieces, so that what has come needn't come again. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct
from returns.result import Failure, Success

from tinkex_py.outcome import Outcome
from tinkex_py.request import Address, Pairs, Reply, Request
from tinkex_py.wire.dates import http_date

PIECE = 8 << 20
"""Bytes that are asked for at once."""

_WHOLE, _ANOTHER, _NOT_SATISFIABLE = 200, 412, 416
_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.IGNORECASE)
_TAG = r'"[!#-~]{0,200}"'
_SETTLED = timedelta(seconds=1)
_DATE = r"[A-Z][A-Za-z0-9 ,:+-]{5,50}"


class Source(Struct, frozen=True):
    """Which version of a file pieces belong to: its ETag or the date of its last change, and its size in bytes.

    `validator` is None unless it stands for one version only: a weak ETag doesn't, nor does a date so recent that the
    file may have changed again within the same second.
    """

    validator: Annotated[str, Meta(pattern=rf"\A(?:{_TAG}|{_DATE})\Z")] | None = None
    total: int | None = None

    def differs(self, other: Source) -> bool:
        """Whether that is certainly another file: something that is known of both is not the same."""
        pairs = ((self.validator, other.validator), (self.total, other.total))
        return any(one is not None and another is not None and one != another for one, another in pairs)

    @property
    def conditions(self) -> Pairs:
        """Headers by which the server sends bytes of this version only.

        For another version the first has it answer 412, so that a whole file, which may be more than one answer holds,
        isn't sent for nothing. Servers that don't know that send the whole file because of `if-range`.
        """
        if self.validator is None:
            return ()
        unless = "if-match" if self.validator.startswith('"') else "if-unmodified-since"
        return ((unless, self.validator), ("if-range", self.validator))


UNKNOWN = Source()


class Piece(NamedTuple):
    """Bytes of a file from `offset` on; `total` is how many the file has, None when that isn't known."""

    offset: int
    content: bytes
    total: int | None
    validator: str | None = None

    @property
    def source(self) -> Source:
        """The file that it is of."""
        return Source(self.validator, self.total)

    @property
    def last(self) -> bool:
        """Whether the file ends with it."""
        return self.total is not None and self.offset + len(self.content) >= self.total

    @property
    def again(self) -> bool:
        """Whether the file has to be begun anew: what comes is of another one, or nothing is before its end."""
        return not self.content and not self.last


_ANEW = Piece(0, b"", None)


class PieceFrom(Struct, frozen=True):
    """The answer to a question for bytes from `start` on; those before are of the file that `source` says."""

    start: int
    source: Source = UNKNOWN

    @property
    def statuses(self) -> frozenset[int]:
        """412: another file has taken its place. 416: there is nothing from there on, which may mean the same."""
        return frozenset({_ANOTHER, _NOT_SATISFIABLE})

    def read(self, reply: Reply) -> Outcome[Piece, str]:
        """The piece; a server that knows no pieces sends the whole file, from its beginning on."""
        said = _RANGE.fullmatch(reply.header("content-range") or "")
        total = int(said[3]) if said and said[3] != "*" else None
        found = Source(_validator(reply), total)
        if reply.status == _ANOTHER or (reply.status != _WHOLE and self.source.differs(found)):
            return Success(_ANEW)
        if reply.status == _NOT_SATISFIABLE:
            end = self.source.total if total is None else total
            at_end = end == self.start or (end is None and self.start > 0)
            return Success(Piece(self.start, b"", self.start) if at_end else Piece(0, b"", total))
        if reply.status == _WHOLE:
            return Success(Piece(0, reply.body, len(reply.body), found.validator))
        if said is None or said[1] is None:
            return Failure(f"status {reply.status}, and no content-range that says which bytes of the file came")
        if int(said[1]) != self.start:
            return Failure(f"bytes from {self.start} on were asked for, and bytes from {said[1]} on came")
        if not 0 < len(reply.body) == int(said[2]) - self.start + 1:
            return Failure(f"bytes {said[1]} to {said[2]} were announced, and {len(reply.body)} bytes came")
        return Success(Piece(self.start, reply.body, total, found.validator))


def piece(operation: str, address: Address, start: int, source: Source = UNKNOWN, size: int = PIECE) -> Request[Piece]:
    """GET `size` bytes at an address, from `start` on, of the file that `source` says; no credential is sent there."""
    return Request(
        operation=operation,
        method="GET",
        path=(),
        headers=(
            ("range", f"bytes={start}-{start + size - 1}"),
            ("accept-encoding", "identity"),
            *(source.conditions if start else ()),
        ),
        returns=PieceFrom(start, source if start else UNKNOWN),
        address=address,
    )


def _validator(reply: Reply) -> str | None:
    """The ETag if there is one, else the date, if a server could tell a later change from it."""
    tag = reply.header("etag")
    if tag is not None:
        return tag if re.fullmatch(_TAG, tag) else None
    date = reply.header("last-modified") or ""
    changed, now = http_date(date), http_date(reply.header("date"))
    settled = changed is not None and now is not None and now - changed >= _SETTLED
    return date if settled and re.fullmatch(_DATE, date) else None
