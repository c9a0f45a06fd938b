"""A compressed body is made plain, and no more of it than the limit."""

from __future__ import annotations

import gzip
import sys
import types
import zlib

import pytest
from returns.result import Failure, Success

from tinkex_py.wire import inflating
from tinkex_py.wire.inflating import accepted, inflated

TEXT = b"hello " * 100


def bare(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


GOOD = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "members": ("gzip", gzip.compress(TEXT[:6]) + gzip.compress(TEXT[6:])),
    "zlib": ("deflate", zlib.compress(TEXT)),
    "bare": ("deflate", bare(TEXT)),
    "layers": ("gzip, deflate", zlib.compress(gzip.compress(TEXT))),
    "identity": ("identity", TEXT),
    "none": ("", TEXT),
}


@pytest.mark.parametrize(("encoding", "body"), GOOD.values(), ids=GOOD)
def test_what_servers_send_is_read(encoding: str, body: bytes) -> None:
    assert inflated(encoding, body, 10_000) == Success(TEXT)


BAD = {
    "cut": ("gzip", gzip.compress(TEXT)[:-9]),
    "junk": ("gzip", b"junk"),
    "junk behind": ("gzip", gzip.compress(TEXT) + b"junk"),
    "unknown": ("br", TEXT),
    "layers": ("gzip, gzip, gzip, gzip", TEXT),
    "members": ("gzip", gzip.compress(b"") * 1001),
}


@pytest.mark.parametrize(("encoding", "body"), BAD.values(), ids=BAD)
def test_what_is_broken_says_so(encoding: str, body: bytes) -> None:
    assert isinstance(inflated(encoding, body, 10_000), Failure)


def test_a_bomb_does_not_go_off() -> None:
    bomb = zlib.compress(bytes(10**7))
    assert inflated("deflate", bomb, 1000) == Success(bytes(1001))
    assert inflated("gzip", gzip.compress(b"x" * 600) * 3, 1000).map(len) == Success(1001)


class BrokenError(Exception):
    pass


class Frames:
    """A stand-in for a package that may not be installed: frames are their text turned round."""

    def __init__(self, **_: object) -> None:
        self.source = types.ModuleType("nothing yet")

    def stream_reader(self, source: types.ModuleType, **_: object) -> Frames:
        self.source = source
        return self

    def read(self, limit: int) -> bytes:
        body: bytes = self.source.read()
        if body == b"junk":
            raise BrokenError("junk")
        return body[::-1][:limit]


def test_zstd_is_read_where_its_package_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("zstandard")
    vars(package).update(ZstdDecompressor=Frames, ZstdError=BrokenError)
    monkeypatch.setitem(sys.modules, "zstandard", package)
    monkeypatch.setattr(inflating, "_zstd_there", lambda: True)
    assert accepted() == "gzip, deflate, zstd"
    assert inflated("zstd", b"olleh", 4) == Success(b"hello")
    assert isinstance(inflated("zstd", b"junk", 4), Failure)


def test_zstd_is_not_asked_for_where_its_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflating, "_zstd_there", lambda: False)
    assert accepted() == "gzip, deflate"
    assert isinstance(inflated("zstd", b"olleh", 4), Failure)
