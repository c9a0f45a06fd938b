"""What reaches the embedded server, and the answer that has to wait, as values. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.local.answers import NOT_READY, refusal
from tinkex_py.outcome import Outcome
from tinkex_py.request import Pairs, Reply
from tinkex_py.wire.compression import unpacked

LARGEST_BODY = 64 << 20
"""Bytes of the largest body that is read, and that a compressed one may have once it is unpacked."""
_REFUSALS = {"unknown": 415, "large": 413, "broken": 400}


class Incoming(Struct, frozen=True, kw_only=True):
    """One request: `path` as it stood in the request line, still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), None)

    def asked(self, name: str) -> str | None:
        """The last value that the query gives to a name."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path, decoded. No name here has a slash in it, so an encoded one divides too."""
        return tuple(unquote(self.path).removeprefix("/").split("/"))

    @property
    def fingerprint(self) -> bytes:
        """What tells this body from another."""
        return sha256(self.body).digest()


def plain(request: Incoming) -> Outcome[Incoming, Reply]:
    """The request with its body unpacked; the failure is the refusal of one that can't be."""
    encoding = request.header("content-encoding")
    match unpacked(encoding, request.body, LARGEST_BODY):
        case Success(body):
            return Success(structs.replace(request, body=body) if encoding else request)
        case Failure(problem):
            return Failure(refusal(_REFUSALS[problem.kind], problem.reason))


class Held(Struct, frozen=True):
    """No answer yet: ask again when there is news of `key` (a promise, or a sampler's completions).

    `otherwise` is the answer when none has come after `seconds`, or after as long as a poll may be.
    """

    key: str
    otherwise: Reply = NOT_READY
    seconds: float | None = None


Answer: TypeAlias = Reply | Held


def incoming(method: str, target: str, headers: Pairs, body: bytes) -> Incoming:
    """A request from its line's target, its headers and its body."""
    path, _, query = target.partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    lowered = tuple((name.lower(), value) for name, value in headers)
    return Incoming(method=method.upper(), path=path, query=pairs, headers=lowered, body=body)
