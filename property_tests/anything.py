"""Values of any kind at all, as a program may come by them that no type checker has seen."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tinkex_py import AdamParams, Config, Datum, ModelInput, SamplingParams
from tinkex_py.types import RetryConfig

EXAMPLE = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.text(st.characters(min_codepoint=0xD7FE, max_codepoint=0xD801), max_size=2)
    | st.binary(max_size=4)
    | st.sampled_from([10**400, -(10**400), int, len, object(), ValueError("a"), np.float32(1), np.zeros((2, 2))])
)
VALUES = st.sampled_from(
    [EXAMPLE, EXAMPLE.model_input, AdamParams(), SamplingParams(), RetryConfig(), Config(), [EXAMPLE], ()]
)
KEYS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
ANYTHING: st.SearchStrategy[object] = st.recursive(
    SCALARS | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | st.just({1, 2}),
    max_leaves=4,
)
