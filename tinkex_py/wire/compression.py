"""Bodies made smaller, and made whole again within a limit. Pure; zstandard is an extra and loads when first used."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, NamedTuple

from returns.result import Failure, Success

from tinkex_py.outcome import Outcome
from tinkex_py.request import Encoded

if TYPE_CHECKING:
    from zstandard import ZstdDecompressor

_AUTOMATIC = 47
"""zlib's word for "32 kB of window, a header of gzip or zlib, whichever is there"."""
_LARGEST_WINDOW = 128 << 20
_MOST_LAYERS = 3
_MOST_MEMBERS = 1000
_MOST_GROWTH = 1 << 15
"""What zstd makes of a byte at most: 128 kB of a block of four."""
_SMALLEST_PIECE = 64


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
    return Encoded.of(body.content_type, packed, content_encoding="zstd")


def unpacked(encoding: str | None, body: bytes, limit: int) -> Outcome[bytes, Unreadable]:
    """The body as it was before its Content-Encoding; Failure when it can't be read or exceeds `limit` bytes."""
    named = [name.strip().lower() for name in (encoding or "").split(",")]
    names = [name for name in named if name not in {"", "identity"}]
    if len(names) > _MOST_LAYERS:
        return Failure(Unreadable("unknown", "the body is compressed again and again"))
    for name in reversed(names):
        inflate = _INFLATE.get(name)
        if inflate is None or (name == "zstd" and not has_zstd()):
            reason = f"the encoding {name[:50]!r} can't be read; it may be one of {readable()}"
            return Failure(Unreadable("unknown", reason))
        try:
            body = inflate(body, limit + 1)
        except (zlib.error, EOFError, ValueError, MemoryError) as error:
            return Failure(Unreadable("broken", f"the body's {name} can't be unpacked: {error}"))
    too_large = len(body) > limit
    reason = f"the body is larger than {limit} bytes once it is unpacked"
    return Failure(Unreadable("large", reason)) if too_large else Success(body)


def _zlib(body: bytes, limit: int) -> bytes:
    """All members of a gzip file, or one zlib stream, or a bare deflate stream as some servers send it."""
    plain = bytearray()
    for _ in range(_MOST_MEMBERS):
        if not body or len(plain) >= limit:
            return bytes(plain)
        try:
            inflating = zlib.decompressobj(_AUTOMATIC)
            plain += inflating.decompress(body, limit - len(plain))
        except zlib.error:
            if plain:
                raise
            inflating = zlib.decompressobj(-zlib.MAX_WBITS)
            plain += inflating.decompress(body, limit)
        if not inflating.eof and len(plain) < limit:
            raise EOFError("it ends too early")
        body = inflating.unused_data
    raise EOFError("it has too many members")


def _zstd(body: bytes, limit: int) -> bytes:
    import zstandard

    try:
        return _frames(zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW), body, limit)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error


def _frames(decompressor: ZstdDecompressor, body: bytes, limit: int) -> bytes:
    """All zstd frames, in pieces too small to become much more than there is room for."""
    plain, at = io.BytesIO(), 0
    for _ in range(_MOST_MEMBERS):
        if at == len(body) or plain.tell() >= limit:
            return plain.getvalue()
        inflating = decompressor.decompressobj()
        while not inflating.eof and plain.tell() < limit:
            if at == len(body):
                raise EOFError("it ends too early")
            piece = body[at : at + max(_SMALLEST_PIECE, (limit - plain.tell()) // _MOST_GROWTH)]
            _ = plain.write(inflating.decompress(piece))
            at += len(piece) - len(inflating.unused_data)
    raise EOFError("it has too many members")


_INFLATE: Mapping[str, Callable[[bytes, int], bytes]] = {
    "gzip": _zlib,
    "x-gzip": _zlib,
    "deflate": _zlib,
    "zstd": _zstd,
}
