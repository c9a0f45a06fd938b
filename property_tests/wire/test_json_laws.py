"""Laws of JSON: decoding undoes encoding, and what a check lets through can be encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from msgspec import Struct
from returns.result import Failure, Success

from property_tests.types import values
from tinkex_py import Datum, ModelInput, TensorData, check
from tinkex_py.types import DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk
from tinkex_py.wire.json import convert, decode, encode, lower, numbered

SHAPES = arrays.array_shapes(min_dims=0, max_side=4)
FINITE: dict[str, Any] = {"allow_nan": False, "allow_infinity": False}
TENSORS = st.builds(
    TensorData.of,
    arrays.arrays(np.float32, SHAPES, elements=FINITE) | arrays.arrays(np.int64, SHAPES),
)
FORMATS = st.sampled_from(["png", "jpeg"])
SIZES = st.none() | st.integers(0, 2**31)
CHUNKS = st.one_of(
    st.builds(EncodedTextChunk, st.lists(st.integers(0, 2**31 - 1))),
    st.builds(ImageChunk, st.binary(), FORMATS, SIZES),
    st.builds(ImageAssetPointerChunk, FORMATS, st.text(), SIZES),
    st.builds(DmelChunk, st.binary()),
)
INPUTS = st.builds(ModelInput, st.lists(CHUNKS, max_size=4))
DATA = st.builds(Datum, INPUTS, st.dictionaries(st.text(), TENSORS, max_size=3))


class Body(Struct, frozen=True):
    """A body with one value."""

    value: Any


def sent(value: object) -> bytes:
    """The value's own JSON."""
    return encode(Body(value)).content.removeprefix(b'{"value":')[:-1]


@given(TENSORS | INPUTS | DATA)
def test_decoding_undoes_encoding(value: TensorData | ModelInput | Datum) -> None:
    assert decode(type(value), sent(value)) == Success(value)
    assert convert(type(value), lower(value)) == Success(value)


@given(values.VALUES)
def test_what_a_check_lets_through_can_be_encoded(value: object) -> None:
    if isinstance(check(value), Success):
        assert sent(value)


@given(st.dictionaries(st.text(), st.integers()), st.text(), st.integers(0, 2**31 - 1))
def test_a_number_changes_nothing_else(items: dict[str, int], model_id: str, number: int) -> None:
    body = Body(items)
    numbered_ = numbered(encode(body), model_id, number).content
    expected = {"model_id": model_id, "seq_id": number, "value": items}
    assert decode(dict[str, Any], numbered_) == Success(expected)


@given(st.binary() | st.text().map(str.encode), st.sampled_from([Any, TensorData, ModelInput, Datum, dict[str, float]]))
def test_any_bytes_are_a_value_or_a_reason(body: bytes, form: Any) -> None:
    assert isinstance(decode(form, body), (Success, Failure))
