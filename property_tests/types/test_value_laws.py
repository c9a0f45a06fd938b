"""Laws of values: they can be made of anything, and what can't be used is refused by name when it is to be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from returns.result import Failure, Success

from property_tests.anything import ANYTHING, EXAMPLE, NUMBERS
from tinkex_py import AdamParams, Datum, ModelInput, SamplingParams, TensorData, check
from tinkex_py.testing import strategies

TEXT = EXAMPLE.model_input
MAKERS: dict[str, Callable[[Any], Any]] = {
    "data": TensorData,
    "dtype": lambda value: TensorData([1], value),
    "shape": lambda value: TensorData([1], None, value),
    "row marks": lambda value: TensorData([1], None, (1, 2), value, [0]),
    "columns": lambda value: TensorData([1], None, (1, 2), [0, 1], value),
    "tokens": ModelInput.from_ints,
    "chunks": ModelInput,
    "model input": lambda value: Datum(value, {}),
    "loss inputs": lambda value: Datum(TEXT, value),
    "loss input": lambda value: Datum(TEXT, {"target_tokens": value}),
    "spans": lambda value: EXAMPLE.with_provenance(value, value),
}
"""Each makes a value of a part of it."""


def looped(rows: list[object]) -> list[object]:
    """The rows, with themselves among them."""
    rows[len(rows) // 2 : len(rows) // 2] = [rows]
    return rows


ODD = st.lists(ANYTHING, max_size=2).map(looped)


@given(st.sampled_from(sorted(MAKERS)), NUMBERS | ANYTHING | st.lists(NUMBERS, max_size=2) | ODD)
def test_a_value_can_be_made_of_anything_and_is_usable_or_refused_by_name(part: str, value: object) -> None:
    made = MAKERS[part](value)
    match check(made), check([made]):
        case Success(same), _:
            assert same is made
        case Failure(problem), Failure(_):
            assert problem.message.startswith(problem.path)
        case _, found:
            raise AssertionError(found)


class Recipe(Struct, frozen=True):
    """What a program of one's own may read from a file."""

    sampling: SamplingParams
    adam: AdamParams


@given(st.builds(Recipe, strategies.sampling_params(), strategies.adam_params()))
def test_settings_are_read_from_files_as_they_were_written(recipe: Recipe) -> None:
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe
    assert msgspec.convert(msgspec.to_builtins(recipe), Recipe) == recipe
