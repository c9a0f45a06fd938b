"""Tensors of any origin: same bytes, same dtype, same shape; what can't be packed says why and where."""

from __future__ import annotations

import pickle
import sys
import warnings
from array import array
from collections.abc import Callable
from math import inf
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typing_extensions import override

from tinkex_py import Datum, ModelInput
from tinkex_py.types.packing import Format, Packed, Unpackable, pack
from tinkex_py.types.scanning import first_beyond_int31, first_non_finite
from tinkex_py.types.tensor import TensorData


class Torch:
    """A tensor that converts itself as torch's do."""

    def __init__(self, data: Any) -> None:
        self.array = np.asarray(data)

    def detach(self) -> Torch:
        return self

    def cpu(self) -> Torch:
        return self

    def is_complex(self) -> bool:
        return self.array.dtype.kind == "c"

    def is_floating_point(self) -> bool:
        return self.array.dtype.kind == "f"

    def float(self) -> Torch:
        return Torch(self.array.astype(np.float32))

    def double(self) -> Torch:
        return Torch(self.array.astype(np.float64))

    def numpy(self) -> Any:
        return self.array

    def tolist(self) -> Any:
        return self.array.tolist()


class Elsewhere(Torch):
    """A tensor that can't be brought here, as one without memory."""

    @override
    def cpu(self) -> Torch:
        raise NotImplementedError("no memory")

    def __float__(self) -> float:
        raise RuntimeError("more than one element")

    __index__ = tolist = __float__


def looped(times: int = 1) -> list[Any]:
    """A list that holds itself so many times."""
    loop: list[Any] = []
    loop.extend([loop] * times)
    return loop


def deep(levels: int) -> list[Any]:
    """A number in so many lists."""
    return [1] if levels == 1 else [deep(levels - 1)]


ORIGINS: dict[str, tuple[Any, object, str]] = {
    "integers": ([1, 2], [1, 2], "int64"),
    "floats": ([1.5, 2.0], [1.5, 2.0], "float32"),
    "nothing": ([], [], "float32"),
    "tuple": ((1, 2), [1, 2], "int64"),
    "range": (range(3), [0, 1, 2], "int64"),
    "number": (3, 3, "int64"),
    "nested": ([[1, 2], [3, 4]], [[1, 2], [3, 4]], "int64"),
    "as deep as can be": (deep(64), deep(64), "int64"),
    "array.array": (array("d", [1.5]), [1.5], "float32"),
    "memoryview": (memoryview(b"ab"), [97, 98], "int64"),
    "float64": (np.array([[1.5]], np.float64), [[1.5]], "float32"),
    "float16": (np.array([1.5], np.float16), [1.5], "float32"),
    "int8": (np.array([-1], np.int8), [-1], "int64"),
    "uint64": (np.array([7], np.uint64), [7], "int64"),
    "bool": (np.array([True, False]), [1, 0], "int64"),
    "big-endian": (np.array([1.5], ">f8"), [1.5], "float32"),
    "strided": (np.arange(6)[::2], [0, 2, 4], "int64"),
    "column order": (np.asfortranarray([[1, 2], [3, 4]]), [[1, 2], [3, 4]], "int64"),
    "no dimension": (np.array(3.5), 3.5, "float32"),
    "empty array": (np.zeros((2, 0), np.float32), [[], []], "float32"),
    "torch floats": (Torch([1.5]), [1.5], "float32"),
    "torch integers": (Torch([1]), [1], "int64"),
}


@pytest.mark.parametrize(("origin", "listed", "dtype"), ORIGINS.values(), ids=ORIGINS)
def test_every_origin_gives_its_numbers(origin: Any, listed: object, dtype: str) -> None:
    tensor = TensorData.of(origin)
    assert (tensor.tolist(), tensor.dtype, tensor.problem) == (listed, dtype, None)


REFUSED: dict[str, tuple[Any, Format | None, str]] = {
    "ragged": ([[1, 2], [3]], None, "[1]"),
    "half nested": ([[1], 2], None, "[1]"),
    "too deep": (deep(65), None, "[0]" * 64),
    "mixed": ([1, 2.5], None, ""),
    "float for integer": ([1, 2.5], "int64", "[1]"),
    "text inside": ([[1.0], ["x"]], "float32", "[1][0]"),
    "too large": ([2**63], "int64", "[0]"),
    "too large for float32": ([1e300], "float32", "[0]"),
    "unsigned too large": (np.array([1, 2**63], np.uint64), None, "[1]"),
    "torch's too large": (Torch(np.array([1, 2**63], np.uint64)), None, "[1]"),
    "float array for integers": (np.array([1.5]), "int64", ""),
    "complex": (np.array([1j]), None, ""),
    "complex torch": (Torch([1j]), None, ""),
    "text": ("text", None, ""),
    "object": (object(), None, ""),
    "gaps": (np.ma.array([1], mask=[False]), None, ""),
    "gaps for integers": (np.ma.array([1]), "int32", ""),
    "no numbers of its own": (Elsewhere([1.0]), None, ""),
    "several for one": ([Elsewhere([1, 2])], "int64", "[0]"),
    "itself": (looped(), None, "[0]"),
    "itself twice": (looped(2), None, "[0]"),
    "itself within": ([looped()], "int64", "[0][0]"),
    "itself further on": ([1, looped()], "int64", "[1]"),
    "odd buffer": (np.zeros(1, "i4,i4").data, None, ""),
}


@pytest.mark.parametrize(("origin", "wanted", "place"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_packed_says_where(origin: object, wanted: Format | None, place: str) -> None:
    packed = pack(origin, wanted)
    assert isinstance(packed, Unpackable)
    assert packed.place == place
    assert packed.reason


def test_a_broken_tensor_is_empty_and_keeps_the_reason() -> None:
    tensor = TensorData([[1, 2], [3]])
    assert (tensor.size, tensor.tolist()) == (0, [])
    assert tensor.problem is not None
    assert TensorData(tensor).problem == tensor.problem


def test_writable_arrays_are_copied_and_read_only_ones_are_not() -> None:
    numbers = np.array([1.0, 2.0], np.float32)
    copied = TensorData.from_numpy(numbers)
    numbers.flags.writeable = False
    shared = TensorData.from_numpy(numbers)
    assert (np.shares_memory(copied.to_numpy(), numbers), np.shares_memory(shared.to_numpy(), numbers)) == (False, True)


def test_a_bfloat16_array_converts_itself() -> None:
    class Bfloat16:
        dtype = SimpleNamespace(name="bfloat16", str="<V2")
        shape, size = (1,), 1

        def astype(self, code: str) -> Any:
            return np.array([1.5], code)

        def tobytes(self) -> bytes:
            raise AssertionError("converted first")

    assert TensorData.of(Bfloat16()).tolist() == [1.5]  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a stand-in


def test_a_flat_list_says_nothing_of_its_shape() -> None:
    assert TensorData([1, 2]).shape is None
    assert TensorData.of([1, 2]).shape == (2,)
    assert TensorData.of(TensorData([1, 2])).shape is None
    assert TensorData([1, 2, 3, 4], shape=[2, 2]).tolist() == [[1, 2], [3, 4]]


SPARSE = TensorData([5, 6], None, (2, 3), [0, 1, 2], [2, 0])
TENSORS: dict[str, TensorData] = {
    "flat": TensorData([1, 2]),
    "matrix": TensorData([[1.0], [2.0]]),
    "number": TensorData(3),
    "no rows": TensorData(np.zeros((0, 3), np.int64)),
    "sparse": SPARSE,
    "sparse of nothing": TensorData([], None, (1, 3), [0, 0], []),
    "broken": TensorData([[1, 2], [3]]),
    "misshapen": TensorData([1, 2], shape=(3,)),
}


@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_a_tensor_of_a_tensor_is_equal_to_it(tensor: TensorData) -> None:
    assert TensorData(tensor) == TensorData(tensor, tensor.dtype) == tensor


CONVERTED: dict[str, tuple[TensorData, TensorData]] = {
    "flat": (TensorData([1, 2]), TensorData([1.0, 2.0])),
    "matrix": (TensorData([[1], [2]]), TensorData([[1.0], [2.0]])),
    "no rows": (TensorData(np.zeros((0, 3), np.int64)), TensorData(np.zeros((0, 3), np.float32))),
    "sparse": (SPARSE, TensorData([5.0, 6.0], None, (2, 3), [0, 1, 2], [2, 0])),
}


@pytest.mark.parametrize(("tensor", "expected"), CONVERTED.values(), ids=CONVERTED)
def test_with_another_dtype_only_the_values_of_a_tensor_are_converted(tensor: TensorData, expected: TensorData) -> None:
    assert TensorData(tensor, "float32") == expected


def test_what_is_given_beside_a_tensor_takes_the_place_of_its_own() -> None:
    assert TensorData(TensorData([1, 2]), shape=(2, 1)) == TensorData([[1], [2]])
    assert TensorData(SPARSE, shape=(2, 9)) == TensorData([5, 6], None, (2, 9), [0, 1, 2], [2, 0])
    assert TensorData(SPARSE, sparse_col_indices=[0, 1]) == TensorData([5, 6], None, (2, 3), [0, 1, 2], [0, 1])
    assert TensorData(TensorData([1, 2], shape=(3,)), shape=(2, 1)) == TensorData([[1], [2]])


MISSHAPEN = {
    "size": (TensorData([1, 2], shape=(3,)), ""),
    "negative": (TensorData([1, 2], shape=(-1, -2)), ""),
    "dtype": (TensorData([1], "int8"), ".dtype"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "dtypes": (TensorData([1], []), ".dtype"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "sizes": (TensorData([1, 2, 3], shape=(2.5,)), ".shape"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "no sizes": (TensorData([1, 2, 3], shape=5), ".shape"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "no row marks": (TensorData([1], None, (1, 2), 5, [0]), ".sparse_crow_indices"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "no columns": (TensorData([1], None, (1, 2), [0, 1], ["a"]), ".sparse_col_indices"),  # type: ignore[list-item] # pyright: ignore[reportArgumentType] - refused
    "sparse without shape": (TensorData([1], sparse_crow_indices=[0, 1], sparse_col_indices=[0]), ".shape"),
    "row marks": (TensorData([1], None, (2, 2), [0, 1], [0]), ".sparse_crow_indices"),
    "falling marks": (TensorData([1], None, (2, 2), [0, 2, 1], [0]), ".sparse_crow_indices"),
    "columns": (TensorData([1], None, (1, 2), [0, 1], []), ".sparse_col_indices"),
    "another shape than a sparse tensor's": (TensorData(SPARSE, shape=(3, 2)), ".sparse_crow_indices"),
    "a flat shape for a sparse tensor": (TensorData(SPARSE, shape=(2,)), ".shape"),
    "no columns for a sparse tensor": (TensorData(SPARSE, sparse_col_indices=[]), ".sparse_col_indices"),
    "what can't be packed in a shape of nothing": (TensorData(TensorData(["a"]), shape=(0,)), "[0]"),
    "a column twice": (TensorData([1, 2], None, (1, 3), [0, 2], [1, 1]), ".sparse_col_indices"),
    "falling columns": (TensorData([1, 2, 3], None, (2, 3), [0, 1, 3], [2, 1, 0]), ".sparse_col_indices"),
    "column range": (TensorData([1], None, (1, 2), [0, 1], [2]), ".sparse_col_indices"),
}


@pytest.mark.parametrize(("tensor", "place"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_shape_that_does_not_fit_is_a_problem(tensor: TensorData, place: str) -> None:
    assert tensor.problem is not None
    assert tensor.problem.place == place


def test_a_sparse_tensor_holds_its_values_and_reads_as_its_matrix() -> None:
    sparse = TensorData([5.0], None, (2, 3), [0, 1, 1], [2])
    empty = TensorData([], None, (1, 3), [0, 0], [])
    assert (sparse.problem, sparse.data, sparse.tolist()) == (None, [5.0], [[0, 0, 5], [0, 0, 0]])
    assert (empty.problem, empty.data, empty.tolist(pad_value=-1)) == (None, [], [[-1, -1, -1]])
    assert TensorData(sparse, shape=(3, 3)).to_numpy().tolist() == [5.0]  # as listed: they don't fit that shape
    assert not sparse.to_numpy().flags.writeable
    assert (sparse.listed, sparse.listed.listed) == (TensorData.of([5.0]), TensorData.of([5.0]))


def test_tensors_are_values() -> None:
    one, same, other = TensorData([[1, 2]]), TensorData([[1, 2]]), TensorData([[1, 3]])
    assert (one == same, hash(one) == hash(same), one == other, one == [[1, 2]]) == (True, True, False, False)
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "TensorData([1, 2], dtype='int64', shape=(1, 2))"
    assert "..." in repr(TensorData(range(20)))


def test_numpy_and_torch_read_a_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(from_numpy=Torch))
    integers, floats = TensorData([[1, 2]]), TensorData.from_torch(Torch([[1.5]]))
    assert integers.to_numpy().tolist() == [[1, 2]]
    assert floats.to_numpy().dtype.name == "float32"
    assert isinstance(integers.to_torch(), Torch)


UNREAD: dict[str, tuple[str, Callable[[], object]]] = {
    "as numpy's": ("numpy", TensorData([1.0]).to_numpy),
    "as torch's, without numpy": ("numpy", TensorData([1.0]).to_torch),
    "as torch's": ("torch", TensorData([1.0]).to_torch),
    "as lists, where it is sparse": ("numpy", SPARSE.tolist),
    "made sparse": ("numpy", TensorData([[0.0, 0.0]]).compressed),
}


@pytest.mark.parametrize(("package", "read"), UNREAD.values(), ids=UNREAD)
def test_what_a_reading_needs_is_named(
    package: str, read: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    extra = "torch" if package == "torch" else "local"
    with pytest.raises(ModuleNotFoundError, match=rf"needs {package}, .*: pip install 'tinkex-py\[{extra}\]'"):
        _ = read()


@pytest.mark.parametrize("form", ["int32", "int64"])
@pytest.mark.parametrize("strange", [-1, -(2**31), 2**31, 2**40, 2**63 - 1, -(2**63)])
def test_the_first_integer_beyond_31_bits_is_found(form: Format, strange: int) -> None:
    usual = [0, 1, 255, 2**31 - 1]
    fine, found = pack(usual, form), pack([*usual, strange, strange], form)
    assert isinstance(fine, Packed)
    assert first_beyond_int31(fine) is None
    assert isinstance(found, Unpackable) or first_beyond_int31(found) == len(usual)


def test_the_largest_floats_are_finite() -> None:
    packed = pack([3.4e38, -3.4e38, 1.8e38])
    assert isinstance(packed, Packed)
    assert first_non_finite(packed) is None


def test_the_first_non_finite_element_is_found() -> None:
    packed = [pack(values) for values in ([1.0, float("nan")], [float("inf")], [1.0], [1])]
    assert [first_non_finite(each) for each in packed if isinstance(each, Packed)] == [1, 0, None, None]


MATRICES: dict[str, tuple[object, TensorData]] = {
    "mostly zeros": (
        Torch([[0.0, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0], [3, 0, 0, 0]]),
        TensorData([2.0, 3.0], "float32", (4, 4), (0, 0, 1, 1, 2), (2, 0)),
    ),
    "dense": (Torch([[1.0, 2], [0, 3]]), TensorData([[1.0, 2.0], [0.0, 3.0]])),
    "a row": (Torch([0.0, 0, 0]), TensorData.of([0.0, 0.0, 0.0])),
    "numpy's": (np.zeros((9, 9), np.float32), TensorData.of(np.zeros((9, 9), np.float32))),
}


@pytest.mark.parametrize(("given", "expected"), MATRICES.values(), ids=MATRICES)
def test_torch_matrices_of_mostly_zeros_become_sparse(given: Any, expected: TensorData) -> None:
    datum = Datum(ModelInput(), {"weights": given, "other": given})
    assert datum.loss_fn_inputs["weights"] == expected
    assert datum.loss_fn_inputs["other"].sparse_crow_indices is None
    assert not isinstance(given, Torch) or TensorData.from_torch_sparse(given) == expected


@pytest.mark.parametrize(("value", "held"), [(1e-60, 0.0), (1e60, inf)])
def test_what_numpy_is_told_to_do_about_numbers_that_dont_fit_changes_nothing(value: float, held: float) -> None:
    with np.errstate(all="raise"):
        assert TensorData.of(np.array([value])) == TensorData.of([held])


ROWS: dict[str, tuple[list[Any], TensorData]] = {
    "numbers without dimensions": ([np.array(1.5), np.array(2.0)], TensorData.of([1.5, 2.0])),
    "rows": ([np.ones(2), [3.0, 4.0]], TensorData.of([[1.0, 1.0], [3.0, 4.0]])),
    "integers": ([np.array([1]), np.array([2])], TensorData.of([[1], [2]])),
    "tensors": ([Torch(1.5)], TensorData.of([1.5])),
    "rows of tensors": ([Torch([1.5]), Torch([2.0])], TensorData.of([[1.5], [2.0]])),
    "rows of numbers without dimensions": ([[np.array(1.5)], (Torch(2.0),)], TensorData.of([[1.5], [2.0]])),
}


@pytest.mark.parametrize(("given", "same"), ROWS.values(), ids=ROWS)
def test_a_list_may_hold_arrays_and_tensors(given: list[Any], same: TensorData) -> None:
    assert TensorData.of(given) == same


class Followed(Torch):
    """A tensor without dimensions that torch follows: it warns of what is made a number."""

    def __float__(self) -> float:
        warnings.warn("made a number", stacklevel=2)
        return float(self.array)


def test_tensors_that_torch_follows_are_taken_without_a_warning() -> None:
    assert TensorData.of([Followed(1.5), Followed(2.0)], "float32") == TensorData.of([1.5, 2.0])


def test_tensors_that_hold_nothing_are_told_by_their_place() -> None:
    class Meta(Torch):
        def tolist(self) -> object:
            raise RuntimeError("it is on the meta device")

    problem = TensorData.of([[Meta(1.5)]], "float32").problem
    assert problem is not None
    assert problem.place == "[0][0]"


def test_rows_of_arrays_are_told_where_they_are_ragged() -> None:
    problem = TensorData.of([np.ones(2), np.ones(3)]).problem
    assert problem is not None
    assert (problem.place, problem.reason) == ("[1]", "the rows are ragged: 2 elements are expected here")
