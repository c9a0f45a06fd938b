"""Numbers of any origin as packed little-endian bytes, without importing numpy or torch by itself. Pure.

Sequences are packed by `struct`; numpy arrays and torch tensors convert themselves by their own methods.
What can't be packed comes back as Unpackable, with the place inside the value and the reason.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from math import prod
from reprlib import repr as shortened
from typing import Any, Literal, NamedTuple, Protocol, SupportsInt, TypeAlias, TypeVar, cast

from typing_extensions import Buffer, TypeIs

from tinkex_py.types.raised import in_words

Format: TypeAlias = Literal["int32", "int64", "float32"]
Shape: TypeAlias = tuple[int, ...]

T = TypeVar("T")

Packing: TypeAlias = "Callable[[T, Format | None], Packed | Unpackable]"

TYPE_CODES: dict[Format, Literal["i", "q", "f"]] = {"int32": "i", "int64": "q", "float32": "f"}
_ARRAY_CODES: dict[Format, str] = {"int32": "<i4", "int64": "<i8", "float32": "<f4"}
_NATIVE: dict[str, Format] = {"<f4": "float32", "<i8": "int64"}
_LARGEST: dict[Format, int] = {"int32": 2**31 - 1, "int64": 2**63 - 1}
_WHAT_FITS: dict[Format, str] = {
    "int32": "an integer of 32 bits",
    "int64": "an integer of 64 bits",
    "float32": "a number that float32 can hold",
}


class Packed(NamedTuple):
    """Elements as read-only little-endian bytes in row-major order, with their format and shape.

    `natural` says that all are known to be integers from 0 to 2**31 - 1.
    """

    buffer: memoryview
    format: Format
    shape: Shape
    natural: bool = False


class Unpackable(NamedTuple):
    """Why a value can't be packed; `place` is relative to the value, such as `[2][0]`, `value` is what stands there."""

    place: str
    reason: str
    value: str = ""


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


class ArrayLike(Protocol):
    """What numpy arrays have that is needed here."""

    @property
    def dtype(self) -> ArrayType: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...
    def astype(self, dtype: str, /) -> ArrayLike: ...
    def view(self, dtype: str, /) -> ArrayLike: ...
    def min(self) -> SupportsInt: ...
    def max(self) -> SupportsInt: ...
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
    def long(self) -> TensorLike: ...
    def numpy(self) -> ArrayLike: ...


def is_array(value: object) -> TypeIs[ArrayLike]:
    """Whether the value converts itself as numpy arrays do; the type is asked, as some attributes raise when read."""
    kind: type = type(value)
    return _has(kind, "dtype", "astype", "tobytes")


def is_tensor(value: object) -> TypeIs[TensorLike]:
    """Whether the value converts itself as torch tensors do."""
    kind: type = type(value)
    return _has(kind, "detach", "is_floating_point", "numpy")


@lru_cache(maxsize=256)
def _has(kind: type, *names: str) -> bool:
    """Whether all values of that type have these attributes."""
    return all(hasattr(kind, name) for name in names)


def pack(value: object, wanted: Format | None = None) -> Packed | Unpackable:
    """The numbers in the wanted format, or in their own: floats as float32, integers and booleans as int64."""
    if type(value) is list:
        return _pack_nested(cast("list[object]", value), wanted)
    if is_tensor(value):
        return _by_itself(_pack_tensor, value, wanted)
    if is_array(value):
        return _by_itself(_pack_array, value, wanted)
    if _is_buffer(value):
        return _pack_buffer(memoryview(value), wanted)
    if isinstance(value, (int, float)):
        return _pack_flat([value], (), wanted)
    if _is_sequence(value):
        return _pack_nested(value, wanted)
    kind = type(value).__name__
    return Unpackable("", f"{kind} is not a number, a list of numbers, an array or a tensor", shortened(value))


def elements(packed: Packed) -> list[int] | list[float]:
    """The elements in row-major order."""
    return packed.buffer.cast(TYPE_CODES[packed.format]).tolist()


def nested(flat: Sequence[T], shape: Shape) -> object:
    """The elements as lists nested by shape; a 0-d shape gives the element itself."""
    if not shape:
        return flat[0]
    if len(shape) == 1:
        return list(flat)
    step = prod(shape[1:])
    return [nested(flat[index * step : (index + 1) * step], shape[1:]) for index in range(shape[0])]


def place_of(position: int, shape: Shape) -> str:
    """The index expression of an element: position 5 of shape (2, 3) is `[1][2]`."""
    place = ""
    for size in reversed(shape):
        position, index = divmod(position, size)
        place = f"[{index}]{place}"
    return place


def _is_buffer(value: object) -> TypeIs[Buffer]:
    return isinstance(value, (array, memoryview))


def _is_sequence(value: object) -> TypeIs[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))


def _is_row(value: object) -> TypeIs[list[object] | tuple[object, ...]]:
    return isinstance(value, (list, tuple))


def _by_itself(packing: Packing[T], value: T, wanted: Format | None) -> Packed | Unpackable:
    """What converts itself may raise anything, as a sparse torch tensor does."""
    kind: type = type(value)
    if _has(kind, "mask", "filled"):
        return Unpackable("", "a masked array may have gaps; fill them, as its method `filled` does", shortened(value))
    try:
        return packing(value, wanted)
    except Exception as error:  # noqa: BLE001 - arrays of others have exceptions of their own
        reason = f"this {kind.__name__} can't be converted: {in_words(error)}"
        return Unpackable("", reason, shortened(value))


def _pack_tensor(tensor: TensorLike, wanted: Format | None) -> Packed | Unpackable:
    if tensor.is_complex():
        return Unpackable("", "a complex tensor has no place on the wire")
    here = tensor.detach().cpu()
    return _pack_array((here.float() if here.is_floating_point() else here.long()).numpy(), wanted)


def _pack_array(value: ArrayLike, wanted: Format | None) -> Packed | Unpackable:
    code = value.dtype.str
    own = _NATIVE.get(code) or _format_named(value.dtype.name)
    if own is None:
        return Unpackable("", f"an array of {value.dtype.name} holds neither floats nor integers")
    chosen = wanted or own
    if chosen != "float32" and own == "float32":
        return Unpackable("", f"an array of {value.dtype.name} was given where integers are needed")
    wanted_code = _ARRAY_CODES[chosen]
    if code == wanted_code:
        return Packed(_own_bytes(value), chosen, tuple(value.shape))
    natural = chosen == "int32" and _are_natural(value)
    if not natural and chosen != "float32" and value.size and not _within(value, _LARGEST[chosen]):
        return pack(value.tolist(), chosen)  # refused there too, with the place
    return Packed(_own_bytes(_converted(value, wanted_code), kept=True), chosen, tuple(value.shape), natural)


def _format_named(name: str) -> Format | None:
    if name.startswith(("float", "bfloat", "longdouble")):
        return "float32"
    return "int64" if name.startswith(("bool", "int", "uint")) else None


def _are_natural(value: ArrayLike) -> bool:
    """Whether integers of 64 bits are all from 0 to 2**31 - 1, as ids mostly are: unsigned, a negative one is large."""
    return value.dtype.str == "<i8" and value.size > 0 and int(value.view("<u8").max()) <= _LARGEST["int32"]


def _within(value: ArrayLike, largest: int) -> bool:
    return int(value.max()) <= largest and int(value.min()) >= -largest - 1


def _own_bytes(value: ArrayLike, *, kept: bool = False) -> memoryview:
    """The array's own memory if it can't change, or if nobody else has it and it is `kept` here; else a copy."""
    view = value.data
    if (kept or view.readonly) and view.c_contiguous and view.nbytes:
        return view.cast("B").toreadonly()
    return memoryview(value.tobytes())


def _converted(value: ArrayLike, code: str) -> ArrayLike:
    """What is too large for float32 becomes infinite without a warning: checks find it there."""
    if code != _ARRAY_CODES["float32"]:
        return value.astype(code)
    import numpy as np

    with np.errstate(over="ignore"):
        return value.astype(code)


def _pack_buffer(view: memoryview, wanted: Format | None) -> Packed | Unpackable:
    try:
        listed: object = view.tolist()
    except NotImplementedError:
        return Unpackable("", f"a buffer of format {view.format!r} can't be read; make it an array or a list")
    return pack(listed, wanted)


def _pack_nested(value: Sequence[object], wanted: Format | None) -> Packed | Unpackable:
    flattened = _flatten(value)
    return flattened if isinstance(flattened, Unpackable) else _pack_flat(*flattened, wanted)


def _flatten(value: Sequence[object]) -> tuple[Sequence[object], Shape] | Unpackable:
    """All elements of a rectangular nesting in row-major order, with its shape."""
    if not value or not _is_row(value[0]):
        return value, (len(value),)
    level: Sequence[object] = value
    shape: Shape = (len(value),)
    firsts: list[object] = [value]
    while level and _is_row(level[0]):
        if any(level[0] is each for each in firsts):
            return Unpackable("[0]" * len(firsts), "the list holds itself", shortened(value))
        firsts.append(level[0])
        width = len(level[0])
        rows: list[Sequence[object]] = []
        for position, row in enumerate(level):
            if not _is_row(row) or len(row) != width:
                reason = f"the rows are ragged: {width} elements are expected here"
                return Unpackable(place_of(position, shape), reason, shortened(row))
            rows.append(row)
        level, shape = list(chain.from_iterable(rows)), (*shape, width)
    return level, shape


def _pack_flat(flat: Sequence[object], shape: Shape, wanted: Format | None) -> Packed | Unpackable:
    chosen = wanted or _own_format(flat)
    if chosen is None:
        return Unpackable("", "integers and floats are mixed; say which is meant with dtype=", shortened(flat))
    packed = _to_bytes(chosen, flat)
    if packed is None:
        position = next(index for index, element in enumerate(flat) if _to_bytes(chosen, [element]) is None)
        shown = shortened(flat[position])
        return Unpackable(place_of(position, shape), f"{shown} is not {_WHAT_FITS[chosen]}", shown)
    return Packed(memoryview(packed), chosen, shape)


def _own_format(flat: Sequence[object]) -> Format | None:
    """Floats are float32, integers int64, nothing at all float32; None for a mixture."""
    integers = sum(hasattr(element, "__index__") for element in flat)
    if integers in {0, len(flat)}:
        return "int64" if integers else "float32"
    return None


@lru_cache(maxsize=4096)
def _layout(count: int, code: str) -> struct.Struct:
    """So many numbers in a row; kept, as `struct.pack` takes half as long again."""
    return struct.Struct(f"<{count}{code}")


def _to_bytes(chosen: Format, flat: Sequence[object]) -> bytes | None:
    try:
        return _layout(len(flat), TYPE_CODES[chosen]).pack(*flat)
    except Exception:  # noqa: BLE001 - elements of others raise what they like when they are to be a number
        return None
