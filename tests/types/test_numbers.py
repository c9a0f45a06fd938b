"""Numbers of any origin become Python's own where they are taken."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isnan
from typing import Any

import numpy as np
import pytest

from tinkex_py import SamplingParams
from tinkex_py.types import ImageChunk, ModelInput
from tinkex_py.types.numbers import are_plain, plain

CONVERTED: dict[str, tuple[object, object]] = {
    "small integer": (np.uint8(200), 200),
    "large integer": (np.int64(-(2**63)), -(2**63)),
    "half": (np.float16(0.5), 0.5),
    "double": (np.float64(0.1), 0.1),
    "fraction": (Fraction(1, 4), 0.25),
}
KEPT: dict[str, object] = {
    "an integer beyond all": 10**400,
    "a truth value": True,
    "numpy's truth value": np.True_,
    "a text": "1",
    "a decimal": Decimal(5),
    "an array": np.array(5),
    "a time": np.timedelta64(5, "s"),
    "a fraction beyond all": Fraction(10**400),
    "a complex number": np.complex64(1),
}


@pytest.mark.parametrize(("given", "number"), CONVERTED.values(), ids=CONVERTED)
def test_a_number_becomes_python_s_own(given: object, number: object) -> None:
    found = plain(given)
    assert (found, type(found), are_plain([given]), are_plain([found])) == (number, type(number), False, True)


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT)
def test_what_is_no_number_stays_as_it_is(value: object) -> None:
    assert plain(value) is value


def test_what_is_no_number_among_numpy_s_is_none_of_python_s() -> None:
    given: Any = np.float32("nan")
    found = plain(given)
    assert (isnan(found), type(found)) == (True, float)


def test_a_value_s_numbers_can_be_added_without_an_end() -> None:
    given: Any = np.uint8(200)
    assert (SamplingParams(max_tokens=given).max_tokens or 0) + 200 == 400
    assert SamplingParams(stop=[given, given]).stop == (200, 200)
    assert ModelInput([ImageChunk(b"x", "png", given)] * 2).length == 400
