"""Values as callers might build them, right and wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import Struct

from tinkex_py import AdamParams, Datum, LoraConfig, ModelInput, SamplingParams, TensorData
from tinkex_py.types import ImageChunk

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)
LISTS: st.SearchStrategy[Any] = st.lists(ANYTHING)


def settings(kind: type[Struct]) -> st.SearchStrategy[Struct]:
    """Settings with something odd in one place."""
    odd = st.tuples(st.sampled_from(kind.__struct_fields__), ANYTHING)
    return odd.map(lambda field: kind(**dict([field])))


VALUES = st.one_of(
    ANYTHING,
    LISTS.map(TensorData),
    LISTS.map(ModelInput.from_ints),
    LISTS.map(ModelInput),
    settings(SamplingParams),
    settings(AdamParams),
    settings(LoraConfig),
    st.builds(ImageChunk, st.binary() | ANYTHING, st.just("png") | ANYTHING, ANYTHING).map(ModelInput.empty().append),
    st.builds(Datum, ANYTHING, st.dictionaries(st.sampled_from(["target_tokens", "weights", "mask"]), LISTS)),
    st.builds(Datum, LISTS.map(ModelInput.from_ints), st.dictionaries(st.text(), LISTS)).map(lambda datum: [datum]),
)
