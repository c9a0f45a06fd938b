"""Laws of bodies: however they are taken apart, the same bytes leave."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinkex_py.request import Encoded


def viewed(part: bytes) -> memoryview:
    """The same bytes, as tensors have them."""
    return memoryview(part)


PARTS = st.lists(st.binary() | st.binary().map(viewed))


@given(PARTS, st.integers(1, 20), st.none() | st.integers(1, 30))
def test_portions_are_the_whole_body_and_none_is_empty_or_too_large(
    parts: list[bytes | memoryview], size: int, apart: int | None
) -> None:
    body = Encoded.of("application/x-protobuf", *parts)
    portions = list(body.portions(size, apart))
    assert b"".join(portions) == body.content == b"".join(parts)
    assert all(0 < len(portion) <= size for portion in portions)
    assert body.size == len(body.content)
