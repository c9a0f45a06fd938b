"""Values of any kind at all, as a program may come by them that no type checker has seen."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinkex_py import AdamParams, Config, Datum, ModelInput, SamplingParams, TensorData
from tinkex_py.types import RetryConfig

EXAMPLE = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})

NUMBERS = st.sampled_from(
    [
        *(
            kind(number)
            for kind in (np.uint8, np.int64, np.float16, np.float32, np.longdouble)
            for number in (0, 1, 200)
        ),
        *(kind(number) for kind in (Decimal, Fraction, np.array) for number in (0, 1, 200)),
        *(np.float16(0.5), np.float32("nan"), Decimal("nan"), Fraction(1, 3), Fraction(10**400)),
        *(np.timedelta64(1, "s"), np.True_, np.complex64(1), np.array([1]), np.array(0.5)),
    ]
)
"""Numbers that are none of Python's own, and what nearly is one."""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.text(st.characters(min_codepoint=0xD7FE, max_codepoint=0xD801), max_size=2)
    | st.binary(max_size=4)
    | st.sampled_from([10**400, -(10**400), int, len, object(), ValueError("a"), np.zeros((2, 2))])
    | NUMBERS
)
UNKNOWN: Any = None
GAPS: Any = np.ma.array([1], np.int64)
BROKEN = [
    ModelInput(UNKNOWN),
    ModelInput.from_ints(GAPS),
    Datum(UNKNOWN, UNKNOWN),
    Datum(ModelInput(UNKNOWN), {"target_tokens": UNKNOWN}).with_provenance(UNKNOWN, UNKNOWN),
    TensorData([1], UNKNOWN, [UNKNOWN]),
]
"""What can't be used, although it can be made."""
VALUES = st.sampled_from([*BROKEN, BROKEN]) | st.sampled_from(
    [EXAMPLE, EXAMPLE.model_input, AdamParams(), SamplingParams(), RetryConfig(), Config(), [EXAMPLE], ()]
)
KEYS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
ANYTHING: st.SearchStrategy[object] = st.recursive(
    SCALARS | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3) | st.just({1, 2}),
    max_leaves=4,
)
