"""Bodies as the arrays that the engine computes with; a Failure is a sentence for the user. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from returns.result import Failure, Success

from tinkex_py.local.bodies import Chunk, Datum, ModelInput, Tensor
from tinkex_py.local.engine import Example
from tinkex_py.outcome import Outcome, change, collect, then

Array: TypeAlias = npt.NDArray[np.generic]

LARGEST = 1 << 24
"""Elements that a sparse tensor may have in its dense form."""


def tokens_of(model_input: ModelInput, place: str) -> Outcome[npt.NDArray[np.int64], str]:
    """The token ids `[T]` of an input of text, which stands at `place`."""
    ids: list[int] = []
    for index, chunk in enumerate(model_input.chunks):
        if chunk.tokens is None or chunk.type != "encoded_text":
            return Failure(f"{place}.chunks[{index}] is {_kind(chunk)}: the embedded models read text only")
        ids.extend(chunk.tokens)
    match _integers(ids):
        case Success() as success:
            return success
        case Failure(reason):
            return Failure(f"{place}: {reason}")


def examples_of(data: Sequence[Datum]) -> Outcome[tuple[Example, ...], str]:
    """The batch; a Failure names the first datum that can't be read."""
    return collect(_placed(f"data[{index}]", _example(datum)) for index, datum in enumerate(data))


def array_of(tensor: Tensor) -> Outcome[Array, str]:
    """The tensor as an array in its (dense) shape: int64 or float32."""
    match _flat(tensor):
        case Failure() as failure:
            return failure
        case Success(flat) if not _is_sparse(tensor):
            return _shaped(flat, tuple(tensor.shape) if tensor.shape is not None else flat.shape)
        case Success(values):
            return _dense(values, tensor)


def places_of(tensor: Tensor) -> Outcome[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]], str]:
    """R and the rows and integers of a matrix `[R, K]`: all of a dense one, those listed of a sparse one."""
    shape, size = tensor.shape or (), len(tensor.data)
    if len(shape) != 2 or min(shape) < 0:
        return Failure("it must be a matrix of token ids, with its shape")
    if not tensor.dtype.startswith(("int", "uint")):
        return Failure(f"it must be a matrix of token ids of int64, not of {tensor.dtype[:50]}")
    sparse = _is_sparse(tensor)
    problem = _sparse_problem(tensor, size) if sparse else None
    if problem is not None:
        return Failure(problem)
    if not sparse and prod(shape) != size:
        return Failure(f"its {size} elements do not fit the shape {list(shape)}")
    rows = _rows(tensor) if sparse else np.arange(size) // max(min(shape[1], size), 1)
    return change(_integers(tensor.data), lambda ids: (shape[0], rows, ids))


def _kind(chunk: Chunk) -> str:
    return "text without tokens" if chunk.type == "encoded_text" else repr(chunk.type[:50])


def _placed(place: str, found: Outcome[Example, str]) -> Outcome[Example, str]:
    match found:
        case Success():
            return found
        case Failure(reason):
            return Failure(f"{place}.{reason}")


def _example(datum: Datum) -> Outcome[Example, str]:
    return then(tokens_of(datum.model_input, "model_input"), lambda tokens: _with_inputs(tokens, datum.loss_fn_inputs))


def _with_inputs(tokens: npt.NDArray[np.int64], tensors: Mapping[str, Tensor]) -> Outcome[Example, str]:
    inputs: dict[str, Array] = {}
    for name, tensor in tensors.items():
        match array_of(tensor):
            case Success(array):
                inputs[name] = array
            case Failure(reason):
                return Failure(f"loss_fn_inputs[{name!r}]: {reason}")
    return Success(Example(tokens=tokens, inputs=inputs))


def _flat(tensor: Tensor) -> Outcome[Array, str]:
    if tensor.dtype.startswith(("int", "uint", "bool")):
        return _integers(tensor.data)
    try:
        numbers = np.array(tensor.data, np.float64)
    except OverflowError:
        return Failure("an element is too large for a float")
    with np.errstate(over="ignore"):
        return Success(numbers.astype(np.float32))


def _integers(elements: Sequence[int | float | None]) -> Outcome[npt.NDArray[np.int64], str]:
    found: Array = np.array(elements)
    if found.dtype == np.int64:
        return Success(found.astype(np.int64, copy=False))
    if found.dtype == np.float64 and bool(np.all(np.equal(np.mod(found, 1), 0) & (np.abs(found) <= 2.0**53))):
        return Success(found.astype(np.int64))
    return Failure("the elements are not all integers of 64 bits")


def _shaped(flat: Array, shape: tuple[int, ...]) -> Outcome[Array, str]:
    if min(shape, default=0) >= 0 and prod(shape) == flat.size and len(shape) <= 8:
        with suppress(ValueError):  # of no elements a shape may be too large all the same
            return Success(flat.reshape(shape))
    return Failure(f"shape {list(shape)} does not hold {flat.size} elements")


def _dense(values: Array, tensor: Tensor) -> Outcome[Array, str]:
    """The dense form of a compressed-sparse-row matrix: row `i` lists `values[crow[i]:crow[i + 1]]`."""
    shape = tensor.shape or []
    if len(shape) != 2 or min(shape) < 0 or prod(shape) > LARGEST:
        return Failure(f"a sparse tensor needs the shape of its dense matrix, of {LARGEST} elements at most")
    problem = _sparse_problem(tensor, values.size)
    if problem is not None:
        return Failure(problem)
    return change(
        _shaped(np.zeros(prod(shape), values.dtype), tuple(shape)), lambda zeros: _filled(zeros, values, tensor)
    )


def _filled(zeros: Array, values: Array, tensor: Tensor) -> Array:
    """The values at their places in the matrix, which is written to."""
    zeros[_rows(tensor), np.array(tensor.sparse_col_indices, np.int64)] = values
    return zeros


def _is_sparse(tensor: Tensor) -> bool:
    return tensor.sparse_crow_indices is not None or tensor.sparse_col_indices is not None


def _sparse_problem(tensor: Tensor, size: int) -> str | None:
    """What is wrong with the indices of that many values in a matrix."""
    rows, columns = tensor.shape or (0, 0)
    crow, col = tensor.sparse_crow_indices or [], tensor.sparse_col_indices or []
    if len(crow) != rows + 1 or len(col) != size or not all(0 <= column < columns for column in col):
        return f"the sparse indices do not fit {size} values in the shape {[rows, columns]}"
    if crow[0] != 0 or crow[-1] != size or any(start > end for start, end in pairwise(crow)):
        return "sparse_crow_indices must rise from 0 to the number of values"
    return None


def _rows(tensor: Tensor) -> npt.NDArray[np.int64]:
    """The row of each value that a sparse matrix lists."""
    counts = [end - start for start, end in pairwise(tensor.sparse_crow_indices or ())]
    return np.repeat(np.arange(len(counts)), np.array(counts, np.int64))
