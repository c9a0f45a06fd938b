"""Compressed bodies to plain ones, never more than a limit. Pure: what expands without end is not expanded."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from returns.result import Failure, Success

from tinkex_py.outcome import Outcome

_AUTOMATIC = 47
"""zlib's word for "32 kB of window, a header of gzip or zlib, whichever is there"."""
_LARGEST_WINDOW = 128 << 20
_MOST_LAYERS = 3
_MOST_MEMBERS = 1000

Inflate: TypeAlias = Callable[[bytes, int], bytes]


def accepted() -> str:
    """The encodings that can be read here, for Accept-Encoding."""
    return ", ".join(name for name in ("gzip", "deflate", "zstd") if name != "zstd" or _zstd_there())


def inflated(encoding: str, body: bytes, limit: int) -> Outcome[bytes, str]:
    """The plain body, or what is wrong; a body that exceeds the limit comes back one byte longer than that."""
    names = [name.strip().lower() for name in encoding.split(",")]
    if len(names) > _MOST_LAYERS:
        return Failure("the answer is compressed again and again")
    for name in reversed(names):
        if name in {"", "identity"}:
            continue
        inflate = _INFLATE.get(name)
        if inflate is None or (name == "zstd" and not _zstd_there()):
            return Failure(f"the answer is encoded as {name[:20]!r}, which was not asked for")
        try:
            body = inflate(body, limit + 1)
        except _BROKEN as error:
            return Failure(f"the answer's {name} is broken ({error})")
    return Success(body)


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
    zstandard = import_module("zstandard")
    inflating = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    try:
        plain: bytes = inflating.stream_reader(io.BytesIO(body), read_across_frames=True).read(limit)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    return plain


@cache
def _zstd_there() -> bool:
    return find_spec("zstandard") is not None


_INFLATE: dict[str, Inflate] = {"gzip": _zlib, "x-gzip": _zlib, "deflate": _zlib, "zstd": _zstd}
_BROKEN = (zlib.error, EOFError, ValueError)
