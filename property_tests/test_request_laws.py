"""Laws of bodies: however they are taken apart, the same bytes leave."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinkex_py.request import Encoded


def viewed(part: bytes) -> memoryview:
    """The same bytes, as tensors have them."""
    return memoryview(part)


PARTS = st.lists(st.binary() | st.binary().map(viewed))


@given(PARTS, st.integers(1, 20), st.integers(1, 30))
def test_bundles_are_the_whole_body_and_none_is_empty_or_too_large(
    parts: list[bytes | memoryview], size: int, apart: int
) -> None:
    body = Encoded.of("application/x-protobuf", *parts)
    bundles = list(body.bundles(size, apart))
    pieces = [piece for bundle in bundles for piece in bundle]
    assert b"".join(pieces) == body.content == b"".join(parts)
    assert all(pieces)
    assert all(0 < sum(map(len, bundle)) <= size for bundle in bundles)
    assert all(len(bundle) == 1 or sum(map(len, bundle)) >= apart * len(bundle) for bundle in bundles)
    assert body.size == len(body.content)


@given(PARTS, st.integers(1, 20))
def test_portions_are_bundles_in_one_piece(parts: list[bytes | memoryview], size: int) -> None:
    body = Encoded.of("application/x-protobuf", *parts)
    portions = list(body.portions(size))
    assert b"".join(portions) == body.content
    assert all(0 < len(portion) <= size for portion in portions)
    assert [len(bundle) for bundle in body.bundles(size, size + 1)] == [1] * len(portions)
