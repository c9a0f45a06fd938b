"""Laws of JSON: decoding undoes encoding, and what a check lets through can be encoded."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py import Datum, ModelInput, TensorData, check
from tinkex_py.testing import strategies
from tinkex_py.wire.json import convert, decode, encode, lower, numbered


class Body(Struct, frozen=True):
    """A body with one value."""

    value: Any


def sent(value: object) -> bytes:
    """The value's own JSON."""
    return encode(Body(value)).content.removeprefix(b'{"value":')[:-1]


@given(strategies.tensors() | strategies.model_inputs() | strategies.data())
def test_decoding_undoes_encoding(value: TensorData | ModelInput | Datum) -> None:
    assert decode(type(value), sent(value)) == Success(value)
    assert convert(type(value), lower(value)) == Success(value)


@given(strategies.arguments())
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
