"""Requests and replies as values. Pure: nothing here is sent, and no credential is ever in a Request."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from sys import maxsize
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from tinkex_py.outcome import Outcome

T_co = TypeVar("T_co", covariant=True)

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]
Pairs: TypeAlias = tuple[tuple[str, str], ...]


class Returns(Protocol[T_co]):
    """What an answer is read as: a value itself, comparable and printable; `wire.replies` has those there are."""

    @property
    def statuses(self) -> frozenset[int]:
        """Statuses beside 2xx whose answers are read too."""
        ...

    def read(self, reply: Reply) -> Outcome[T_co, str]:
        """The answer as a value, or what is wrong with it."""
        ...


class Repeat(Struct, frozen=True, gc=False, kw_only=True):
    """After which answers a request is repeated: these statuses, any 5xx (`faults`), a connection that failed.

    `insisting` repeats it after a fault even where the server says not to, because it has to be known what became of
    the request, and repeating it does no harm.
    """

    statuses: frozenset[int] = frozenset()
    faults: bool = False
    connection: bool = False
    insisting: bool = False


TRANSIENT = Repeat(statuses=frozenset({408, 409, 429}), faults=True, connection=True)
"""Everything that passes by itself; a 409 is a lock held by another request."""

UNLESS_CONFLICT = Repeat(statuses=frozenset({408, 429}), faults=True, connection=True)
"""As TRANSIENT, where a 409 has a documented meaning and is the answer."""

UNTIL_KNOWN = Repeat(statuses=frozenset({408, 429}), faults=True, connection=True, insisting=True)
"""As UNLESS_CONFLICT, for what must not be left in doubt."""

NEVER = Repeat()
"""Sent once, whatever happens."""


class Null(Struct, frozen=True):
    """A field that says null: None leaves a field out."""


NULL = Null()


def stretches(lengths: Iterable[int], most: int, count: int = maxsize) -> Iterator[slice]:
    """Consecutive items cut into stretches: at most `count` items each, whose lengths add up to at most `most`.

    An item that is longer than that is a stretch by itself.

    >>> list(stretches([2, 2, 3, 9, 1], most=5))
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    """
    ends = list(accumulate(lengths))
    begin, before = 0, 0
    while begin < len(ends):
        end = max(bisect_right(ends, before + most, begin, min(begin + count, len(ends))), begin + 1)
        yield slice(begin, end)
        begin, before = end, ends[end - 1]


class Encoded(Struct, frozen=True, gc=False):
    """A body in its final bytes, with its content type and encoding; sent as it is, however often.

    Its `parts`, of `size` bytes in all, follow each other. A batch's tensors are parts as they are: their bytes are
    copied when they leave, a portion at a time.
    """

    content_type: str
    parts: tuple[bytes | memoryview, ...]
    size: int
    content_encoding: str | None = None

    @classmethod
    def of(cls, content_type: str, *parts: bytes | memoryview, content_encoding: str | None = None) -> Encoded:
        """A body of these parts."""
        return cls(content_type, parts, sum(map(len, parts)), content_encoding)

    @property
    def content(self) -> bytes:
        """All bytes in one."""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], bytes) else b"".join(self.parts)

    def bundles(self, size: int, apart: int) -> Iterator[Sequence[bytes | memoryview]]:
        """The bytes in bundles of at most `size`, each a list of pieces that are sent one after the other.

        A part that is longer than `size` is cut. The parts of a bundle are joined into one piece where they are shorter
        than `apart` on average, and left as they are otherwise.
        """
        lengths = list(map(len, self.parts))
        for stretch in stretches(lengths, size):
            parts, length = self.parts[stretch], sum(lengths[stretch])
            if length > size:
                whole = memoryview(parts[0])
                yield from ([whole[start : start + size]] for start in range(0, length, size))
            elif length >= apart * len(parts):
                yield list(filter(None, parts))
            elif length:
                yield [b"".join(parts)]

    def portions(self, size: int) -> Iterator[bytes | memoryview]:
        """The bytes in pieces of at most `size`: parts are joined, those larger than it cut."""
        return chain.from_iterable(self.bundles(size, size + 1))

    def __repr__(self) -> str:
        return f"Encoded({self.content_type!r}, {self.size} bytes)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("content_type", self.content_type), ("size", self.size)]


def own_text(text: str) -> str:
    """The text itself, whatever kind of text it is: `str` makes `Model.SMALL` of a member of an enumeration."""
    return str.__str__(text)


class Secret(str):
    """A text that is sent but not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __rich_repr__(self) -> tuple[str, ...]:
        return ("***",)


def secret(text: str | None) -> Secret | None:
    """The text, if there is one, as a secret."""
    return None if text is None else Secret(own_text(text))


class Address(Struct, frozen=True, gc=False):
    """An address outside the service, such as a signed one: whoever has it may fetch what is there."""

    url: str

    @property
    def server(self) -> str:
        """Where it leads to: the scheme and the server of the address, or nothing of one that has none."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return _HIDDEN
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme and parts.netloc else _HIDDEN

    @property
    def shown(self) -> str:
        """The address without what may make it secret, which is all behind the server."""
        return _HIDDEN if self.server == _HIDDEN else f"{self.server}/{_HIDDEN}"

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("url", self.shown)]


class Request(Struct, Generic[T_co], frozen=True, gc=False, kw_only=True):
    """One exchange: where it goes, what it carries, what a 2xx answer decodes to, what may be repeated.

    `operation` is the endpoint's name, `path` its parts after the base URL (each is percent-encoded when sent, so no
    name can reach another resource), `timeout` how long one answer may take in seconds, None for the client's own.
    A request that has an `address` goes there instead, without credential or any header but its own.
    """

    operation: str
    method: Method
    path: tuple[str, ...]
    returns: Returns[T_co]
    query: Pairs = ()
    headers: Pairs = ()
    body: Struct | Encoded | None = None
    repeat: Repeat = TRANSIENT
    timeout: float | None = None
    address: Address | None = None

    @property
    def endpoint(self) -> str:
        """`METHOD /path`, for people."""
        place = f"/{'/'.join(self.path)}" if self.address is None else self.address.shown
        return f"{self.method} {place}"


class Reply(Struct, frozen=True, gc=False, kw_only=True):
    """An answer reduced to what reading it needs; header names are in lower case, `at` is its unix time."""

    status: int
    headers: Pairs = ()
    body: bytes = b""
    at: float = 0.0

    def header(self, name: str) -> str | None:
        """The first header of that (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


AnyRequest: TypeAlias = Request[Any]
_HIDDEN = "***"
