"""Compressed sparse rows: what makes them unusable, and the matrix that they stand for. Pure; numpy loads when used."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from tinkex_py.types.packing import Unpackable
from tinkex_py.types.raised import shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    N = TypeVar("N", np.float32, np.int64)


def unfit(
    crow: Sequence[int] | None, col: Sequence[int] | None, shape: tuple[int, int], size: int
) -> Unpackable | None:
    """Why row marks and column indices of `size` values don't fit a matrix of that shape, None when they do."""
    return _unfit_rows(crow, shape[0], size) or _unfit_columns(col, shape[1], size) or _unsorted(crow or (), col or ())


def dense(
    listed: NDArray[N], crow: Sequence[int], col: Sequence[int], shape: tuple[int, ...], pad_value: int
) -> NDArray[N]:
    """The matrix, read-only, with `pad_value` where no value is listed."""
    import numpy as np

    matrix = np.full(shape, pad_value, listed.dtype)
    matrix[positions(crow, col)] = listed
    matrix.flags.writeable = False
    return matrix


def positions(crow: Sequence[int], col: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows `[nnz]` and the columns `[nnz]` of the listed values, as an index into the matrix."""
    import numpy as np

    return np.repeat(np.arange(len(crow) - 1), np.diff(crow)), np.array(col, np.int64)


def _unfit_rows(crow: Sequence[int] | None, rows: int, size: int) -> Unpackable | None:
    place = ".sparse_crow_indices"
    if crow is None or len(crow) != rows + 1:
        return Unpackable(place, f"{rows} rows need {rows + 1} row marks", shortened(crow))
    if crow[0] != 0 or crow[-1] != size or list(crow) != sorted(crow):
        return Unpackable(place, f"row marks must rise from 0 to {size}, the number of values", shortened(crow))
    return None


def _unfit_columns(col: Sequence[int] | None, columns: int, size: int) -> Unpackable | None:
    place = ".sparse_col_indices"
    if col is None or len(col) != size:
        return Unpackable(place, f"{size} values need {size} column indices", shortened(col))
    if size and not 0 <= min(col) <= max(col) < columns:
        return Unpackable(place, f"column indices lie between 0 and {columns - 1}", shortened(col))
    return None


def _unsorted(crow: Sequence[int], col: Sequence[int]) -> Unpackable | None:
    for row, (start, end) in enumerate(pairwise(crow)):
        if any(one >= next_one for one, next_one in pairwise(col[start:end])):
            shown = shortened(col[start:end])
            return Unpackable(
                ".sparse_col_indices", f"columns rise within a row, those of row {row} are {shown}", shown
            )
    return None
