"""Arrays and tensors of other libraries, by what they can do: none of these libraries is loaded here. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol, SupportsIndex, SupportsInt

from typing_extensions import TypeIs


class ArrayType(Protocol):
    """What the dtype of a numpy array has that is needed here."""

    @property
    def name(self) -> str:
        """Such as `float32`."""
        ...

    @property
    def str(self) -> str:
        """Such as `<f4`."""
        ...


class ArrayFlags(Protocol):
    """What the flags of a numpy array have that is needed here."""

    @property
    def writeable(self) -> bool:
        """Whether its elements can change."""
        ...


class ArrayLike(Protocol):
    """What numpy arrays have that is needed here."""

    @property
    def dtype(self) -> ArrayType: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def flags(self) -> ArrayFlags: ...
    def astype(self, dtype: str, /) -> ArrayLike: ...
    def view(self, dtype: str, /) -> ArrayLike: ...
    def min(self) -> SupportsInt: ...
    def max(self) -> SupportsInt: ...
    def argmin(self) -> SupportsIndex: ...
    def argmax(self) -> SupportsIndex: ...
    def item(self, position: SupportsIndex, /) -> Any: ...
    def tobytes(self) -> bytes: ...
    def tolist(self) -> Any: ...
    @property
    def data(self) -> memoryview: ...


class TensorLike(Protocol):
    """What torch tensors have that is needed here."""

    def detach(self) -> TensorLike: ...
    def cpu(self) -> TensorLike: ...
    def is_floating_point(self) -> bool: ...
    def is_complex(self) -> bool: ...
    def float(self) -> TensorLike: ...
    def double(self) -> TensorLike: ...
    def numpy(self) -> ArrayLike: ...
    def tolist(self) -> Any: ...


def is_array(value: object) -> TypeIs[ArrayLike]:
    """Whether the value converts itself as numpy arrays do."""
    kind: type = type(value)
    return is_kind_of_array(kind)


def is_tensor(value: object) -> TypeIs[TensorLike]:
    """Whether the value converts itself as torch tensors do."""
    kind: type = type(value)
    return is_kind_of_tensor(kind)


def is_kind_of_array(kind: type) -> bool:
    """Whether all values of that type convert themselves as numpy arrays do; attributes of a value may raise."""
    return _has(kind, "dtype", "astype", "tobytes")


def is_kind_of_tensor(kind: type) -> bool:
    """Whether all values of that type convert themselves as torch tensors do."""
    return _has(kind, "detach", "is_floating_point", "numpy")


def may_have_gaps(kind: type) -> bool:
    """Whether values of that type may be masked, as arrays of numpy.ma are."""
    return _has(kind, "mask", "filled")


@lru_cache(maxsize=256)
def _has(kind: type, *names: str) -> bool:
    """Whether all values of that type have these attributes."""
    return all(hasattr(kind, name) for name in names)
