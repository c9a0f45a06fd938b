"""The seam between what is sent and the library that sends it."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, Protocol

from typing_extensions import TypeAliasType

from tinkex_py.request import Encoded

if TYPE_CHECKING:
    import httpx

# Not a plain alias of a text, which annotations that are evaluated can't add a None to; httpx is loaded late.
HttpxTransport = TypeAliasType("HttpxTransport", "httpx.AsyncBaseTransport | httpx.AsyncClient")
"""A transport of httpx's own interface, or a client with hooks, to be used in the place of the default one."""


PORTION = 256 << 10
"""Bytes of a large body that are handed over at once, so that others get their turn in between."""


_CRUMB = 1 << 10
"""Bytes below which a portion of an answer is a crumb."""


_BELIEVED = 64 << 20
"""Up to this many bytes, memory for a body is reserved by the length that it announces."""


WHO_ASKS = 407
"""The status by which a proxy says that it wants to know who asks; no server has it."""


class Message(NamedTuple):
    """A request in its final form, and the `purpose` whose connections it uses.

    Besides its own headers it has the `standing` ones, which are the same for each message of its purpose.
    `connecting` seconds may pass until there is a connection, `seconds` between two signs of life on it.
    """

    purpose: str
    method: str
    url: str
    standing: Mapping[str, str]
    headers: Mapping[str, str]
    content: Encoded | None
    seconds: float
    connecting: float


class Received(NamedTuple):
    """An answer as it came; one that exceeds the limit is cut right behind it. `plain` bodies need no inflating."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    plain: bool = False


async def gathered(portions: AsyncIterable[bytes], limit: int, said: int | None = None) -> bytes:
    """A body from its portions, cut one byte behind the limit; `said` is the length that it announces.

    Where that is known and not huge, its memory is reserved and each portion copied into it, so that the memory of one
    portion serves for the next. Otherwise portions are joined in the end, and small ones at once: as objects of their
    own they would take more memory than they hold.
    """
    if said is not None and said <= min(limit, _BELIEVED):
        return await _placed(portions, said, limit)
    pieces, crumbs, size = list[bytes](), bytearray(), 0
    async for portion in portions:
        size += len(portion)
        if len(portion) < _CRUMB:
            crumbs += portion
        else:
            pieces += (bytes(crumbs), portion) if crumbs else (portion,)
            crumbs.clear()
        if size > limit:
            break
    if crumbs:
        pieces.append(bytes(crumbs))
    return b"".join(pieces)[: limit + 1]


async def _placed(portions: AsyncIterable[bytes], size: int, limit: int) -> bytes:
    """A body that says it has that size."""
    room = BytesIO(bytes(size))
    async for portion in portions:
        room.write(portion)
        if room.tell() > limit:
            room.seek(limit + 1)
            break
    room.truncate()
    return room.getvalue()


class BrokenOff(Exception):  # noqa: N818 - it names what happened
    """There is no answer; `sent` says whether the server may have seen the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class Untrusted(BrokenOff):
    """The server's certificate is not trusted, which no repetition changes."""


class Barred(BrokenOff):
    """A proxy wants to know who asks, which no repetition changes; it may lock out who tries a wrong password often."""


class Overlong(BrokenOff):
    """The headers of the answer are longer than is allowed; reading stopped there."""


def broken_off(error: Exception, *, sent: bool, said: str | None = None) -> BrokenOff:
    """What a library's error says, in the terms of this seam; `said` where its own text may show an address."""
    from ssl import SSLCertVerificationError

    for cause in _causes(error):
        if isinstance(cause, SSLCertVerificationError):
            # Only those that OpenSSL made have its words.
            return Untrusted(getattr(cause, "verify_message", "") or str(cause), sent=False)
    return BrokenOff((str(error) if said is None else said) or type(error).__name__, sent=sent)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it, each once: an error that is raised anew may be its own cause in the end."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and all(cause is not known for known in found):
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


class Carrier(Protocol):
    """Sends messages over connections that it keeps. Redirects, retries, cookies and inflating are not its business."""

    async def carry(self, message: Message, limit: int) -> Received:
        """The answer, with `limit` + 1 bytes of its body at most; BrokenOff when there is none."""
        ...

    def through(self, url: str) -> str | None:
        """The proxy that an address is reached through, as it may be shown."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Nowhere:
    """Carries nothing: for a client that can't work."""

    async def carry(self, message: Message, limit: int) -> Received:  # noqa: ARG002
        """BrokenOff."""
        raise BrokenOff("this client sends nothing", sent=False)

    def through(self, url: str) -> str | None:  # noqa: ARG002
        """No proxy."""
        return None

    async def close(self) -> None:
        """There is nothing to close."""
