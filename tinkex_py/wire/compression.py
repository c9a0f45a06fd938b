"""Bodies made smaller, and made whole again within a limit. Pure; zstandard is an extra and loads when first used."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Literal, NamedTuple, Protocol

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.outcome import Outcome, then
from tinkex_py.request import Encoded


class Unreadable(NamedTuple):
    """Why a body can't be unpacked: its encoding is unknown here, it is too large, or it is broken."""

    kind: Literal["unknown", "large", "broken"]
    reason: str


def has_zstd() -> bool:
    """Whether the package for zstd is installed."""
    return find_spec("zstandard") is not None


def readable() -> str:
    """What `unpacked` reads, as an Accept-Encoding header says it."""
    return "gzip, deflate, zstd" if has_zstd() else "gzip, deflate"


def compressed(body: Encoded) -> Encoded:
    """The body as one zstd frame if the package is installed, else as it is."""
    if not has_zstd():
        return body
    import zstandard

    packed = zstandard.ZstdCompressor().compress(body.content)
    return structs.replace(body, content=packed, content_encoding="zstd")


def unpacked(encoding: str | None, body: bytes, limit: int) -> Outcome[bytes, Unreadable]:
    """The body as it was before its Content-Encoding; Failure when it can't be read or exceeds `limit` bytes."""
    names = [name.strip().lower() for name in (encoding or "").split(",")]
    found: Outcome[bytes, Unreadable] = Success(body)
    for name in reversed([name for name in names if name not in {"", "identity"}]):
        found = then(found, partial(_unpacker(name), limit))
    return found


def _unpacker(name: str) -> Callable[[int, bytes], Outcome[bytes, Unreadable]]:
    reason = f"the encoding {name[:50]!r} can't be read; it may be one of {readable()}"
    if name == "zstd" and not has_zstd():
        return partial(_unknown, reason)
    return _UNPACKERS.get(name, partial(_unknown, reason))


def _unknown(reason: str, _limit: int, _body: bytes) -> Failure[Unreadable]:
    return Failure(Unreadable("unknown", reason))


class _Inflating(Protocol):
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def _too_large(limit: int) -> Failure[Unreadable]:
    return Failure(Unreadable("large", f"the body is larger than {limit} bytes once it is unpacked"))


def _broken(why: object) -> Failure[Unreadable]:
    return Failure(Unreadable("broken", f"the body can't be unpacked: {why}"))


def _gzip(limit: int, body: bytes) -> Outcome[bytes, Unreadable]:
    return _inflated(zlib.decompressobj(16 + zlib.MAX_WBITS), body, limit)


def _deflate(limit: int, body: bytes) -> Outcome[bytes, Unreadable]:
    """Some servers leave out the zlib header."""
    wrapped = body[:1] and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflated(zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS), body, limit)


def _inflated(inflating: _Inflating, body: bytes, limit: int) -> Outcome[bytes, Unreadable]:
    try:
        whole = inflating.decompress(body, limit + 1)
    except zlib.error as error:
        return _broken(error)
    if len(whole) > limit:
        return _too_large(limit)
    return Success(whole) if inflating.eof else _broken("it ends too early")


def _zstd(limit: int, body: bytes) -> Outcome[bytes, Unreadable]:
    import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            whole = reader.read(limit + 1)
    except (zstandard.ZstdError, MemoryError) as error:
        return _broken(error)
    return Success(whole) if len(whole) <= limit else _too_large(limit)


_UNPACKERS: Mapping[str, Callable[[int, bytes], Outcome[bytes, Unreadable]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
