"""Laws of tensors: they hold the numbers they were given, whatever carried them, and are compared by value."""

from __future__ import annotations

import pickle
from array import array
from math import isfinite
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinkex_py import Datum, ModelInput, TensorData
from tinkex_py.types import PromptProvenanceSpan
from tinkex_py.types.packing import place_of
from tinkex_py.types.scanning import first_beyond_int31, first_non_finite
from tinkex_py.types.tokens import Tokens
from tinkex_py.types.validation import problem

INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1))
FLOATS = st.lists(st.floats(width=32), max_size=20)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FULL_SHAPES = arrays.array_shapes(max_dims=3, max_side=4)
FLOAT_TYPES = arrays.floating_dtypes(endianness="?")
DTYPES = arrays.boolean_dtypes() | arrays.integer_dtypes(endianness="?") | FLOAT_TYPES | arrays.floating_dtypes()
FINITE: dict[str, Any] = {"allow_nan": False, "allow_infinity": False}


@st.composite
def layouts(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """An array of any numeric dtype, perhaps transposed, strided or read-only."""
    unsigned = arrays.unsigned_integer_dtypes(sizes=(8, 16, 32))
    dtype = draw(DTYPES.filter(lambda kind: kind.kind != "u") | unsigned)
    array_ = draw(arrays.arrays(dtype, SHAPES))
    laid = draw(st.sampled_from([array_, array_.T, array_[::2] if array_.ndim else array_, np.asfortranarray(array_)]))
    laid.flags.writeable = draw(st.booleans()) and laid.flags.writeable
    return laid


def expected(given_: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same numbers in the dtype that the wire has for them."""
    with np.errstate(over="ignore"):
        return given_.astype(np.float32 if given_.dtype.kind == "f" else np.int64)


@given(layouts())
def test_an_array_keeps_its_numbers_and_its_shape(given_: np.ndarray[Any, Any]) -> None:
    held = TensorData.from_numpy(given_).to_numpy()
    np.testing.assert_array_equal(held, expected(given_), strict=True)
    assert not held.flags.writeable


@given(layouts())
def test_tensors_of_the_same_numbers_are_one_value(given_: np.ndarray[Any, Any]) -> None:
    tensor, again = TensorData.of(given_), TensorData.of(given_.copy())
    assert (tensor, hash(tensor), repr(tensor)) == (again, hash(again), repr(again))
    assert pickle.loads(pickle.dumps(tensor)) == tensor


@given(layouts())
def test_what_is_done_to_a_writable_array_does_not_show(given_: np.ndarray[Any, Any]) -> None:
    tensor, before = TensorData.of(given_), expected(given_)
    if given_.flags.writeable:
        given_[...] = 1
    np.testing.assert_array_equal(tensor.to_numpy(), before)


@given(INTEGERS)
def test_every_carrier_of_integers_gives_the_same_tensor(numbers: list[int]) -> None:
    carriers: list[Any] = [numbers, tuple(numbers), array("q", numbers), memoryview(array("q", numbers))]
    tensors = [TensorData.of(each, "int64") for each in carriers]
    assert set(tensors) == {TensorData.of(np.array(numbers, np.int64))}
    assert tensors[0].tolist() == numbers


@given(FLOATS)
def test_every_carrier_of_floats_gives_the_same_tensor(numbers: list[float]) -> None:
    carriers: list[Any] = [numbers, tuple(numbers), array("f", numbers), array("d", numbers)]
    for each in carriers:
        np.testing.assert_array_equal(TensorData.of(each, "float32").to_numpy(), np.array(numbers, np.float32))


@given(arrays.arrays(np.int64, FULL_SHAPES))
def test_nested_lists_keep_their_shape(given_: np.ndarray[Any, Any]) -> None:
    tensor = TensorData.of(given_.tolist())
    assert (tensor, tensor.tolist()) == (TensorData.of(given_), given_.tolist())


@given(arrays.arrays(FLOAT_TYPES.filter(lambda kind: kind.itemsize < 8), FULL_SHAPES, elements=FINITE), st.data())
def test_the_first_number_that_is_none_is_named(given_: np.ndarray[Any, Any], data: st.DataObject) -> None:
    assert problem(TensorData.of(given_), "t") is None
    position = data.draw(st.integers(0, given_.size - 1))
    given_.flat[position] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    found = problem(TensorData.of(given_), "t")
    assert found is not None
    assert found.path == f"t{place_of(position, given_.shape)}"


MATRICES = arrays.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 2))


@given(MATRICES, st.integers(0, 2))
def test_a_sparse_tensor_is_the_matrix_that_it_was_made_of(matrix: np.ndarray[Any, Any], pad_value: int) -> None:
    tensor = TensorData.of(matrix)
    sparse = tensor.compressed(pad_value)
    assert sparse.problem is None
    np.testing.assert_array_equal(sparse.to_numpy(pad_value), matrix, strict=True)
    assert sparse.tolist(pad_value) == matrix.tolist()
    assert sparse.size <= tensor.size


PADDING = st.sampled_from([0, 5000])
"""Few numbers are looked through by Python, many by numpy."""


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**31 - 1)), PADDING)
def test_the_first_integer_that_is_no_token_is_found_among_few_and_many(numbers: list[int], zeros: int) -> None:
    packed = TensorData([*numbers, *[0] * zeros], "int64").packed
    beyond = (index for index, number in enumerate(numbers) if not 0 <= number < 2**31)
    assert first_beyond_int31(packed) == next(beyond, None)


@given(FLOATS, PADDING)
def test_the_first_number_that_is_not_finite_is_found_among_few_and_many(numbers: list[float], zeros: int) -> None:
    packed = TensorData([*numbers, *[0.0] * zeros], "float32").packed
    assert first_non_finite(packed) == next(
        (index for index, number in enumerate(numbers) if not isfinite(number)), None
    )


MANY = 5000
"""Numbers of an array that is worth a look when it is packed."""
STRANGE = st.sampled_from([np.nan, np.inf, -np.inf, -1.0, float(2**31), float(2**31 - 1), -0.0])


@st.composite
def many(draw: st.DrawFn, *dtypes: str) -> np.ndarray[Any, Any]:
    """Many numbers, of which one or two may be strange."""
    strange = draw(st.dictionaries(st.integers(0, MANY - 1), STRANGE, max_size=2))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    numbers = np.ones(MANY, np.float64)
    numbers[list(strange)] = list(strange.values())
    with np.errstate(invalid="ignore", over="ignore"):
        laid = numbers.astype(dtype)[:: draw(st.sampled_from([1, -1]))]
    laid.flags.writeable = draw(st.booleans())
    return laid


INTEGER_TYPES = ("i8", "i4", "u4")
FLOATING_TYPES = ("f4", "f8", "f2")


@given(
    st.tuples(many(*INTEGER_TYPES), st.sampled_from(["target_tokens", "other"]))
    | st.tuples(many(*FLOATING_TYPES), st.sampled_from(["weights", "other"]))
)
def test_arrays_and_lists_of_many_numbers_have_the_same_problems(
    named: tuple[np.ndarray[Any, Any], str],
) -> None:
    numbers, name = named
    data = [Datum(ModelInput.from_ints([1]), {name: each}) for each in (numbers, numbers.tolist())]
    assert problem(data[:1], "data") == problem(data[1:], "data")


@given(many(*INTEGER_TYPES, *FLOATING_TYPES))
def test_numbers_are_known_to_be_sound_only_if_they_are(numbers: np.ndarray[Any, Any]) -> None:
    packed = TensorData.of(numbers).packed
    strange = first_non_finite(packed) if packed.format == "float32" else first_beyond_int31(packed)
    looked_at = numbers.flags.writeable or numbers.dtype.str not in {"<i8", "<f4"}
    assert packed.sound == (looked_at and strange is None)


@given(many(*INTEGER_TYPES))
def test_token_ids_of_arrays_are_those_of_lists(numbers: np.ndarray[Any, Any]) -> None:
    assert Tokens(numbers) == Tokens(numbers.tolist())


INPUTS = st.sampled_from(["target_tokens", "weights", "other", ""])
TENSORS = st.builds(TensorData.of, FLOATS | st.lists(st.integers(-1, 2**31)) | st.just(["a"]))
TOKENS = st.lists(st.integers(-1, 9), max_size=3)
SPANS = st.lists(st.builds(PromptProvenanceSpan, sequence_id=st.just("a"), length=st.integers(-1, 2)), max_size=2)
DATA = st.builds(Datum, TOKENS.map(ModelInput.from_ints), st.dictionaries(INPUTS, TENSORS, max_size=2))


@given(DATA | st.builds(Datum.with_provenance, DATA, SPANS, SPANS))
def test_what_is_wrong_with_a_datum_is_found_in_a_batch_too(datum: Datum) -> None:
    assert problem([datum], "data") == problem(datum, "data[0]")
