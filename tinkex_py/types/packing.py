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
from math import isfinite, prod
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct

from tinkex_py.types.arrays import (
    ArrayLike,
    TensorLike,
    is_array,
    is_kind_of_array,
    is_kind_of_tensor,
    is_tensor,
    may_have_gaps,
)
from tinkex_py.types.kinds import is_row
from tinkex_py.types.raised import in_words, shortened

Format: TypeAlias = Literal["int32", "int64", "float32"]
Shape: TypeAlias = tuple[int, ...]

T = TypeVar("T")

Packing: TypeAlias = "Callable[[Any, Format | None], Packed | Unpackable]"

TYPE_CODES: dict[Format, Literal["i", "q", "f"]] = {"int32": "i", "int64": "q", "float32": "f"}
_ARRAY_CODES: dict[Format, str] = {"int32": "<i4", "int64": "<i8", "float32": "<f4"}
_NATIVE: dict[str, Format] = {"<f4": "float32", "<i8": "int64"}
_UNSIGNED = {"int32": "<u4", "int64": "<u8"}
_LARGEST: dict[Format, int] = {"int32": 2**31 - 1, "int64": 2**63 - 1}
_WHAT_FITS: dict[Format, str] = {
    "int32": "an integer of 32 bits",
    "int64": "an integer of 64 bits",
    "float32": "a number that float32 can hold",
}
_DEEPEST = 64
"""Dimensions that nested lists may have: as many as numpy's arrays. Looking through thousands would take for ever."""
_WORTH_A_LOOK = 16 << 10
"""Bytes of an array from which it costs less to look at it now than later, together with others: it is at hand."""


class Packed(Struct, frozen=True, gc=False):
    """Elements as read-only little-endian bytes in row-major order, with their format and shape.

    `sound` says that all are known to be integers from 0 to 2**31 - 1, or finite; False says nothing.
    """

    buffer: memoryview
    format: Format
    shape: Shape
    sound: bool = False


class Unpackable(NamedTuple):
    """Why a value can't be packed; `place` is relative to the value, such as `[2][0]`, `value` is what stands there."""

    place: str
    reason: str
    value: str = ""

    @property
    def told(self) -> str:
        """The reason, with the place before it if that is inside the value."""
        return f"{self.place}: {self.reason}" if self.place else self.reason


def pack(value: object, wanted: Format | None = None) -> Packed | Unpackable:
    """The numbers in the wanted format, or in their own: floats as float32, integers and booleans as int64."""
    kind: type = type(value)
    try:
        return _packing_of(kind)(value, wanted)
    except Exception as error:  # noqa: BLE001 - arrays of others have exceptions of their own, as sparse tensors have
        return Unpackable("", f"this {kind.__name__} can't be converted: {in_words(error)}", shortened(value))


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


@lru_cache(maxsize=256)
def _packing_of(kind: type) -> Packing:
    """How values of that type are packed."""
    if is_kind_of_array(kind) or is_kind_of_tensor(kind):
        if may_have_gaps(kind):
            return _refuse_masked
        return _pack_tensor if is_kind_of_tensor(kind) else _pack_array
    if issubclass(kind, (array, memoryview)):
        return _pack_buffer
    if issubclass(kind, (int, float)):
        return _pack_number
    if issubclass(kind, Sequence) and not issubclass(kind, (str, bytes, bytearray)):
        return _pack_nested
    return _refuse


def _refuse(value: object, wanted: Format | None) -> Unpackable:  # noqa: ARG001 - as all packings
    kind = type(value).__name__
    return Unpackable("", f"{kind} is not a number, a list of numbers, an array or a tensor", shortened(value))


def _refuse_masked(value: object, wanted: Format | None) -> Unpackable:  # noqa: ARG001 - as all packings
    return Unpackable("", "a masked array may have gaps; fill them, as its method `filled` does", shortened(value))


def _pack_number(value: float, wanted: Format | None) -> Packed | Unpackable:
    return _pack_flat([value], (), wanted)


def _pack_tensor(tensor: TensorLike, wanted: Format | None) -> Packed | Unpackable:
    if tensor.is_complex():
        return Unpackable("", "a complex tensor has no place on the wire")
    here = tensor.detach().cpu()
    return _pack_array((here.float() if here.is_floating_point() else here).numpy(), wanted)


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
        return _held(value, chosen) if value.flags.writeable else Packed(_own_bytes(value), chosen, tuple(value.shape))
    sound = code == "<i8" and chosen == "int32" and _are_sound(value, "int64")
    if not sound and chosen != "float32" and value.size and not _within(value, _LARGEST[chosen]):
        return pack(value.tolist(), chosen)  # refused there too, with the place
    converted = _converted(value, wanted_code)
    sound = sound or _look_sound(converted, chosen)
    return Packed(_own_bytes(converted), chosen, tuple(value.shape), sound)


def _held(value: ArrayLike, chosen: Format) -> Packed:
    """A copy of elements that can change."""
    return Packed(memoryview(value.tobytes()), chosen, tuple(value.shape), _look_sound(value, chosen))


def _format_named(name: str) -> Format | None:
    if name.startswith(("float", "bfloat", "longdouble")):
        return "float32"
    return "int64" if name.startswith(("bool", "int", "uint")) else None


def _look_sound(value: ArrayLike, chosen: Format) -> bool:
    """Whether the elements are known to be sound, which is worth a look at once if there are many of them."""
    return value.nbytes >= _WORTH_A_LOOK and _are_sound(value, chosen)


def _are_sound(value: ArrayLike, chosen: Format) -> bool:
    """Whether all are integers from 0 to 2**31 - 1, or finite.

    numpy finds the places of extremes sooner than the extremes. Seen as unsigned a negative integer is a large one, and
    NaN counts as an extreme.
    """
    if not value.size:
        return True
    if chosen == "float32":
        return isfinite(value.item(value.argmax())) and isfinite(value.item(value.argmin()))
    unsigned = value.view(_UNSIGNED[chosen])
    largest: int = unsigned.item(unsigned.argmax())
    return largest <= _LARGEST["int32"]


def _within(value: ArrayLike, largest: int) -> bool:
    return int(value.max()) <= largest and int(value.min()) >= -largest - 1


def _own_bytes(value: ArrayLike) -> memoryview:
    """The memory of an array that nobody will change, or a copy where that isn't in row-major order."""
    view = value.data
    return view.cast("B").toreadonly() if view.c_contiguous and view.nbytes else memoryview(value.tobytes())


def _converted(value: ArrayLike, code: str) -> ArrayLike:
    """The array in that format. What is too large for float32 becomes infinite, silently: a later check finds it."""
    if code != _ARRAY_CODES["float32"]:
        return value.astype(code)
    import numpy as np

    with np.errstate(all="ignore"):
        return value.astype(code)


def _pack_buffer(view: memoryview, wanted: Format | None) -> Packed | Unpackable:
    try:
        listed: object = view.tolist()
    except NotImplementedError:
        return Unpackable("", f"a buffer of format {view.format!r} can't be read; make it an array or a list")
    return pack(listed, wanted)


def _pack_nested(value: Sequence[object], wanted: Format | None) -> Packed | Unpackable:
    flattened = _flatten(value)
    if isinstance(flattened, Unpackable):
        return _pack_held(value, value, wanted) or flattened
    flat, shape = flattened
    packed = None if flat and _holds_numbers(flat[0]) else _pack_flat(flat, shape, wanted)
    if isinstance(packed, Packed):
        return packed
    return _pack_held(value, flat, wanted) or packed or _pack_flat(flat, shape, wanted)


def _pack_held(
    value: Sequence[object], elements: Sequence[object], wanted: Format | None
) -> Packed | Unpackable | None:
    """The value packed with arrays and tensors among its elements as lists; None if there are none, or one can't be."""
    if not any(is_array(each) or is_tensor(each) for each in elements):
        return None
    try:
        plain = [_plain(each) for each in value]
    except Exception:  # noqa: BLE001 - some can't be converted
        return None
    return _pack_nested(plain, wanted)


def _holds_numbers(value: object) -> bool:
    """Whether it must not be taken for a number: torch warns of tracked tensors, numpy of arrays with dimensions."""
    return is_tensor(value) or (is_array(value) and value.shape != ())


def _plain(value: object) -> object:
    """The value with the lists that arrays and tensors in it hold in their places."""
    if is_tensor(value):
        return value.detach().tolist()
    if is_row(value):
        return [_plain(each) for each in value]
    return value.tolist() if is_array(value) else value


def _flatten(value: Sequence[object]) -> tuple[Sequence[object], Shape] | Unpackable:
    """All elements of a rectangular nesting in row-major order, with its shape."""
    if not value or not is_row(value[0]):
        return value, (len(value),)
    level: Sequence[object] = value
    shape: Shape = (len(value),)
    firsts: list[object] = [value]
    while level and is_row(level[0]):
        if any(level[0] is each for each in firsts):
            return Unpackable("[0]" * len(firsts), "the list holds itself", shortened(value))
        if len(firsts) == _DEEPEST:
            return Unpackable("[0]" * len(firsts), f"the list has more than {_DEEPEST} dimensions", shortened(value))
        firsts.append(level[0])
        width = len(level[0])
        rows: list[Sequence[object]] = []
        for position, row in enumerate(level):
            if not is_row(row) or len(row) != width:
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
    whole = {hasattr(kind, "__index__") for kind in set(map(type, flat))}
    if len(whole) > 1:
        return None
    return "int64" if True in whole else "float32"


@lru_cache(maxsize=4096)
def _layout(count: int, code: str) -> struct.Struct:
    """So many numbers in a row; kept, as `struct.pack` takes half as long again."""
    return struct.Struct(f"<{count}{code}")


def _to_bytes(chosen: Format, flat: Sequence[object]) -> bytes | None:
    try:
        return _layout(len(flat), TYPE_CODES[chosen]).pack(*flat)
    except Exception:  # noqa: BLE001 - elements of others raise what they like when they are to be a number
        return None
