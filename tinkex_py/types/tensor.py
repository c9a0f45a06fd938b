"""Numbers with a type and a shape, as losses take and return them. Pure; numpy and torch load only when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from msgspec import structs

from tinkex_py.types.arrays import ArrayLike, TensorLike, is_array, is_tensor
from tinkex_py.types.packing import Packed, Shape, Unpackable, elements, nested, pack
from tinkex_py.types.raised import shortened
from tinkex_py.types.sparse import dense, unfit
from tinkex_py.types.views import SHOWN

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    N = TypeVar("N", np.float32, np.int64)

DType: TypeAlias = Literal["int64", "float32"]
WIDTHS: dict[DType, int] = {"int64": 8, "float32": 4}
"""Bytes of an element."""

_NOTHING = Packed(memoryview(b""), "float32", (0,))
_MATRIX = 2
_COUNTS = ("shape", "sparse_crow_indices", "sparse_col_indices")


class TensorData:
    """An immutable tensor: row-major bytes, dtype and shape, compared by value.

    Floats of any width become float32, integers and booleans int64. Arrays are copied unless they are read-only.
    `shape` is None when a flat list came without one. With `sparse_crow_indices` and `sparse_col_indices` the data
    are the listed values of a compressed-sparse-row matrix whose dense shape is `shape`. What can't be converted
    leaves the tensor empty, with the reason in `problem`; using it then ends in InvalidInput. Of another TensorData
    everything is taken over that no argument is given for.

    >>> TensorData([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    """

    __slots__ = ("buffer", "dtype", "problem", "shape", "sound", "sparse_col_indices", "sparse_crow_indices")

    def __init__(
        self,
        data: TensorDataLike,
        dtype: DType | None = None,
        shape: Sequence[int] | None = None,
        sparse_crow_indices: Sequence[int] | None = None,
        sparse_col_indices: Sequence[int] | None = None,
    ) -> None:
        packed = _packed(data, dtype)
        usable = _held(data, packed) if isinstance(packed, Unpackable) else packed
        own = _own_parts(data, usable)
        self.buffer: memoryview = usable.buffer
        self.sound: bool = usable.sound
        self.dtype: DType = own.dtype
        self.shape: Shape | None = own.shape if shape is None else _integers(shape)
        self.sparse_crow_indices = own.crow if sparse_crow_indices is None else _integers(sparse_crow_indices)
        self.sparse_col_indices = own.col if sparse_col_indices is None else _integers(sparse_col_indices)
        self.problem: Unpackable | None = packed if isinstance(packed, Unpackable) else None
        unchanged = shape is sparse_crow_indices is sparse_col_indices is None
        if not unchanged and (self.problem is None or usable.buffer):
            self.problem = self._unread(shape, sparse_crow_indices, sparse_col_indices)

    @classmethod
    def of(cls, value: TensorDataLike, dtype: DType | None = None) -> TensorData:
        """The value as a tensor that knows its shape; a TensorData is returned as it is."""
        return value if isinstance(value, TensorData) else cls.of_packed(_packed(value, dtype))

    @classmethod
    def of_packed(cls, packed: Packed | Unpackable) -> TensorData:
        """What became of a value that was packed."""
        if isinstance(packed, Unpackable):
            return cls.of_view(_NOTHING.buffer, "float32", (0,), packed)
        tensor = cls.__new__(cls)
        tensor.buffer, tensor.dtype, tensor.shape = packed.buffer, _dtype_of(packed), packed.shape
        tensor.sound, tensor.problem = packed.sound, None
        tensor.sparse_crow_indices = tensor.sparse_col_indices = None
        return tensor

    @classmethod
    def of_buffer(
        cls, buffer: memoryview | bytes, dtype: DType, shape: Shape | None, problem: Unpackable | None = None
    ) -> TensorData:
        """A view of little-endian bytes, taken as they are."""
        return cls.of_view(memoryview(buffer).cast("B").toreadonly(), dtype, shape, problem)

    @classmethod
    def of_view(
        cls, view: memoryview, dtype: DType, shape: Shape | None, problem: Unpackable | None = None
    ) -> TensorData:
        """As `of_buffer`, for a view of single bytes that is read-only already."""
        tensor = cls.__new__(cls)
        tensor.buffer, tensor.dtype, tensor.shape, tensor.problem = view, dtype, shape, problem
        tensor.sparse_crow_indices = tensor.sparse_col_indices = None
        tensor.sound = False
        return tensor

    @classmethod
    def from_numpy(cls, array: ArrayLike) -> TensorData:
        """A numpy array as a tensor: copied unless it is read-only and already float32 or int64."""
        return cls.of(array)

    @classmethod
    def from_torch(cls, tensor: TensorLike) -> TensorData:
        """A torch tensor as a tensor, detached and copied to this side."""
        return cls.of(tensor)

    @classmethod
    def from_torch_sparse(cls, tensor: TensorLike, pad_value: int = 0) -> TensorData:
        """A torch matrix as compressed sparse rows of what isn't `pad_value`, if those are smaller.

        Other tensors are as `from_torch` makes them.
        """
        return cls.of(tensor).compressed(pad_value)

    @property
    def data(self) -> list[int] | list[float]:
        """The elements in row-major order, as a list that is made each time: take it once, before a loop."""
        return elements(self.packed)

    @property
    def size(self) -> int:
        """The number of elements held."""
        return len(self.buffer) // WIDTHS[self.dtype]

    @property
    def listed(self) -> TensorData:
        """The values that a sparse tensor lists, in a row; a dense tensor is what it is."""
        return self.of_packed(self.packed) if self._is_sparse else self

    @property
    def packed(self) -> Packed:
        """The elements held with their shape; they are flat when the tensor is sparse or knows no shape."""
        return Packed(self.buffer, self.dtype, self._held_shape(), self.sound)

    def tolist(self, pad_value: int = 0) -> object:
        """The elements as lists nested by shape; of a sparse tensor with `pad_value` where it lists none."""
        return self.to_numpy(pad_value).tolist() if self._is_sparse else nested(self.data, self._held_shape())

    def to_numpy(self, pad_value: int = 0) -> NDArray[np.float32] | NDArray[np.int64]:
        """A read-only numpy array in the tensor's shape: a view of the same memory.

        A sparse tensor is made dense, with `pad_value` where it lists no value. ModuleNotFoundError without numpy.
        """
        try:
            import numpy as np
        except ModuleNotFoundError as error:
            raise _not_installed("numpy", "local") from error

        if self.dtype == "int64":
            return self._shaped(np.frombuffer(self.buffer, np.int64), pad_value)
        return self._shaped(np.frombuffer(self.buffer, np.float32), pad_value)

    def to_torch(self, pad_value: int = 0) -> torch.Tensor:
        """A torch tensor with a copy of the elements; a sparse tensor is made dense, as by `to_numpy`.

        ModuleNotFoundError without torch or numpy.
        """
        array = self.to_numpy(pad_value)
        try:
            import torch
        except ModuleNotFoundError as error:
            raise _not_installed("torch", "torch") from error

        return torch.from_numpy(array.copy())

    def compressed(self, pad_value: int = 0) -> TensorData:
        """A matrix as compressed sparse rows of what isn't `pad_value`, if those are smaller; else this tensor."""
        if self.problem is not None or self.sparse_crow_indices is not None or len(self.packed.shape) != _MATRIX:
            return self
        matrix = self.to_numpy()
        import numpy as np

        rows, columns = np.nonzero(matrix != pad_value)
        if len(matrix) + 1 + 2 * len(rows) >= matrix.size:
            return self
        crow = np.searchsorted(rows, np.arange(len(matrix) + 1))
        return TensorData(matrix[rows, columns], self.dtype, matrix.shape, crow.tolist(), columns.tolist())

    @property
    def _is_sparse(self) -> bool:
        """Whether the elements are those of a sparse matrix in which nothing is wrong."""
        return self.sparse_crow_indices is not None and self.problem is None

    def _shaped(self, held: NDArray[N], pad_value: int) -> NDArray[N]:
        if self._is_sparse:
            crow, col = self.sparse_crow_indices or (), self.sparse_col_indices or ()
            return dense(held, crow, col, self.shape or (), pad_value)
        shape = self._held_shape()
        return held if len(shape) == 1 else held.reshape(shape)

    def _unread(self, *given: object) -> Unpackable | None:
        """Why shape and indices can't be used as they were given, None when they can."""
        held = (self.shape, self.sparse_crow_indices, self.sparse_col_indices)
        for name, value, integers in zip(_COUNTS, given, held, strict=True):
            if value is not None and integers is None:
                return Unpackable(f".{name}", f"{shortened(value)} is no row of integers", shortened(value))
        return self.misshapen()

    def misshapen(self) -> Unpackable | None:
        """Why the elements don't fill the shape, None when they do."""
        if self.sparse_crow_indices is not None or self.sparse_col_indices is not None:
            return self._missparse()
        if self.shape is not None and (prod(self.shape) != self.size or min(self.shape, default=0) < 0):
            return Unpackable("", f"shape {self.shape} does not hold {self.size} elements", str(self.shape))
        return None

    def _missparse(self) -> Unpackable | None:
        if self.shape is None or len(self.shape) != _MATRIX:
            reason = "a sparse tensor needs the two-dimensional shape of its dense form"
            return Unpackable(".shape", reason, str(self.shape))
        rows, columns = self.shape
        return unfit(self.sparse_crow_indices, self.sparse_col_indices, (rows, columns), self.size)

    def _held_shape(self) -> Shape:
        if self.shape is None or self.problem is not None or self.sparse_crow_indices is not None:
            return (self.size,)
        return self.shape

    def _parts(self) -> _Parts:
        return _Parts(self.dtype, self.shape, self.sparse_crow_indices, self.sparse_col_indices, self.problem)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorData) and (self.buffer, self._parts()) == (other.buffer, other._parts())

    def __hash__(self) -> int:
        return hash((bytes(self.buffer), self._parts()))

    def __repr__(self) -> str:
        shown = ", ".join(map(str, elements(structs.replace(self.packed, buffer=self.buffer[: SHOWN * 8]))[:SHOWN]))
        wrong = "" if self.problem is None else f", problem={self.problem.told!r}"
        more = ", ..." if self.size > SHOWN else ""
        return f"TensorData([{shown}{more}], dtype={self.dtype!r}, shape={self.shape}{wrong})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self._parts(), bytes(self.buffer)))


TensorDataLike: TypeAlias = TensorData | Sequence[object] | ArrayLike | TensorLike | float
"""What a tensor may be given as: a number, (nested) lists, `array.array`, a numpy array or a torch tensor."""


class _Parts(NamedTuple):
    dtype: DType
    shape: Shape | None
    crow: tuple[int, ...] | None
    col: tuple[int, ...] | None
    problem: Unpackable | None


def _rebuild(parts: _Parts, buffer: memoryview | bytes) -> TensorData:
    tensor = TensorData.of_buffer(buffer, parts.dtype, parts.shape, parts.problem)
    tensor.sparse_crow_indices, tensor.sparse_col_indices = parts.crow, parts.col
    return tensor


def _not_installed(package: str, extra: str) -> ModuleNotFoundError:
    message = f"this needs {package}, which isn't installed; install it with: pip install 'tinkex-py[{extra}]'"
    return ModuleNotFoundError(message, name=package)


def _is_dtype(value: object) -> bool:
    return isinstance(value, str) and value in WIDTHS


def _dtype_of(packed: Packed) -> DType:
    return "int64" if packed.format == "int64" else "float32"


def _packed(data: TensorDataLike, dtype: DType | None) -> Packed | Unpackable:
    if not (dtype is None or _is_dtype(dtype)):
        shown = shortened(dtype)
        return Unpackable(".dtype", f"{shown} is not a dtype of tensors here; give int64 or float32", shown)
    if not isinstance(data, TensorData):
        return pack(data, dtype)
    return data.problem or (data.packed if dtype in {None, data.dtype} else pack(_as_held(data), dtype))


def _as_held(data: TensorData) -> object:
    """The elements that are held, nested by their shape."""
    return nested(data.data, data.packed.shape)


def _held(data: TensorDataLike, problem: Unpackable) -> Packed:
    """What is there in spite of the problem: what a tensor that had it before holds."""
    return data.packed if isinstance(data, TensorData) and data.problem is problem else _NOTHING


def _own_parts(data: TensorDataLike, usable: Packed) -> _Parts:
    """What the origin says of the elements. A flat list is the one origin that says nothing of shape."""
    dtype = _dtype_of(usable)
    if isinstance(data, TensorData):
        return _Parts(dtype, data.shape, data.sparse_crow_indices, data.sparse_col_indices, data.problem)
    says = len(usable.shape) != 1 or is_array(data) or is_tensor(data)
    return _Parts(dtype, usable.shape if says else None, None, None, None)


def _integers(given: Sequence[int]) -> tuple[int, ...] | None:
    """Sizes or indices of whatever origin as plain integers; None when they are none."""
    try:
        return tuple(map(index, given))
    except TypeError:
        return None
