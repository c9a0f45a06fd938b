"""Bodies are unpacked within a limit, whatever they claim to be."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
import zlib

import pytest
from returns.result import Failure, Success

from tinkex_py.request import Encoded
from tinkex_py.wire.compression import compressed, readable, unpacked

zstandard = pytest.importorskip("zstandard")
TEXT = b"tokens " * 1000
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PACKED: dict[str, tuple[str | None, bytes]] = {
    "not at all": (None, TEXT),
    "with an empty name": ("", TEXT),
    "identity": ("identity", TEXT),
    "gzip": ("gzip", gzip.compress(TEXT)),
    "deflate": ("Deflate", zlib.compress(TEXT)),
    "deflate without its header": ("deflate", RAW.compress(TEXT) + RAW.flush()),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress(TEXT)),
    "gzip in two members": ("gzip", gzip.compress(TEXT[:6]) + gzip.compress(TEXT[6:])),
    "zstd in two frames": ("zstd", zstandard.compress(TEXT[:6]) + zstandard.compress(TEXT[6:])),
    "zstd with a checksum": ("zstd", zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)),
    "zstd of unknown length": ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress(TEXT)),
    "twice": ("gzip, zstd", zstandard.ZstdCompressor().compress(gzip.compress(TEXT))),
}


@pytest.mark.parametrize(("encoding", "body"), PACKED.values(), ids=PACKED)
def test_a_body_is_made_whole_again(encoding: str | None, body: bytes) -> None:
    assert unpacked(encoding, body, len(TEXT)) == Success(TEXT)


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_what_grows_beyond_the_limit_is_a_failure(name: str) -> None:
    assert isinstance(unpacked(*PACKED[name], len(TEXT) - 1), Failure)


BROKEN: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", b"no gzip"),
    "gzip cut": ("gzip", gzip.compress(TEXT)[:-9]),
    "deflate": ("deflate", b"\xff\xff"),
    "junk behind": ("gzip", gzip.compress(TEXT) + b"junk"),
    "junk behind zstd": ("zstd", zstandard.compress(TEXT) + b"junk"),
    "frames without end": ("zstd", zstandard.compress(b"") * 1001),
    "four layers": ("gzip, gzip, gzip, gzip", TEXT),
    "members without end": ("gzip", gzip.compress(b"") * 1001),
    "a window of 2 GB": ("zstd", b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x00" * 9),
    "zstd": ("zstd", b"no zstd"),
    "brotli": ("br", b""),
    "second": ("zstd, gzip", gzip.compress(b"no zstd")),
}


@pytest.mark.parametrize(("encoding", "body"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_unpacked_is_a_failure(encoding: str, body: bytes) -> None:
    assert isinstance(unpacked(encoding, body, 10**6), Failure)


@pytest.mark.parametrize("name", [name for name in PACKED if name.startswith(("gzip", "deflate", "zstd"))])
def test_a_body_that_ends_too_early_is_broken(name: str) -> None:
    encoding, body = PACKED[name]
    whole = {len(gzip.compress(TEXT[:6])), len(zstandard.compress(TEXT[:6]))} if "in two" in name else set[int]()
    for cut in set(range(1, len(body))) - whole:
        problem = unpacked(encoding, body[:cut], 10**6).failure()
        assert (problem.kind, "it ends too early" in problem.reason) == ("broken", True)


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    """A gigabyte in blocks of four bytes."""
    limit, block = 10**7, (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"x"
    tracemalloc.start()
    try:
        found = unpacked("zstd", b"\x28\xb5\x2f\xfd\x00\x38" + block * 8192, limit)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.failure().kind, most < 2 * limit) == ("large", True)


def test_a_bomb_does_not_go_off() -> None:
    for name, body in {"deflate": zlib.compress(bytes(10**7)), "zstd": zstandard.compress(bytes(10**7))}.items():
        assert unpacked(name, body, 1000).failure().kind == "large"
    assert unpacked("gzip", gzip.compress(b"x" * 600) * 3, 1000).failure().kind == "large"


def test_nothing_is_nothing() -> None:
    assert unpacked("gzip", b"", 1) == Success(b"")


def test_a_body_is_compressed_as_one_frame() -> None:
    body = compressed(Encoded.of("application/x-protobuf", TEXT))
    assert (body.content_type, body.content_encoding) == ("application/x-protobuf", "zstd")
    assert unpacked("zstd", body.content, len(TEXT)) == Success(TEXT)
    assert readable() == "gzip, deflate, zstd"


def test_without_the_package_bodies_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    body = Encoded.of("application/x-protobuf", TEXT)
    assert (compressed(body), readable()) == (body, "gzip, deflate")
    assert isinstance(unpacked("zstd", b"", 1), Failure)
