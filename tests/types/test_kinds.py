"""What kind a value is can be asked of any value at all."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from tinkex_py.types.kinds import (
    any_of,
    is_collection,
    is_duration,
    is_encodable,
    is_function,
    is_list,
    is_mapping,
    is_number,
    is_text,
    is_truth,
    is_tuple,
    is_whole,
    optional,
    texts_by_name,
)

KINDS: dict[Callable[[Any], bool], tuple[list[Any], list[Any]]] = {
    is_text: (["", "a b", "\u00e9"], ["a\n", "\ud800", b"a", None, 1]),
    is_encodable: (["", "a\n"], ["\ud800", b"a", None, 1]),
    is_truth: ([True, False], [1, 0, None, np.True_]),
    is_whole: (
        [0, -(2**63), 2**63 - 1, np.int64(3)],
        [True, 2**63, 1.0, "1", int, np.array([1, 2]), np.array(1), None],
    ),
    is_number: (
        [0, -1.5, np.float32(2), np.float64(3)],
        [True, nan, inf, -inf, "1", float, 10**400, np.array([1, 2]), np.array(1), Decimal(1)],
    ),
    is_duration: ([0, -1, 1.5, inf, np.float64(3)], [True, nan, "1", None, 10**400, float]),
    is_function: ([len, lambda: None, int], ["len", None]),
    is_tuple: ([(), (1,)], [[], None]),
    is_list: ([[], [1]], [(), None]),
    is_mapping: ([{}, {1: 2}], [[], "a", None]),
    is_collection: ([[], (), {1}, range(2), iter([1]), np.zeros(2)], ["a", b"a", {}, list, None, 1, np.array(1)]),
    texts_by_name: ([{}, {"a": "b\n"}], [{1: "a"}, {"a": 1}, {"a": None}, [], "a"]),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_is_of_a_kind_or_is_not(kind: Callable[[Any], bool]) -> None:
    values, others = KINDS[kind]
    assert [value for value in values if not kind(value)] == []
    assert [value for value in others if kind(value)] == []


def test_a_value_that_may_be_left_out_may_be_none() -> None:
    assert [optional(is_text)(value) for value in (None, "a", 1)] == [True, True, False]


def test_limits_are_the_ends_of_a_range() -> None:
    assert [is_whole(value, 1, 3) for value in (0, 1, 3, 4)] == [False, True, True, False]
    assert [is_number(value, 0, 1) for value in (-0.1, 0, 0.99, 1)] == [False, True, True, False]


def test_a_value_may_be_of_one_of_several_kinds() -> None:
    assert [any_of(str, int)(value) for value in ("a", 1, None, str)] == [True, True, False, False]
