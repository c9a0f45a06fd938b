"""Numbers of any origin as Python's own, made of them where they are given. Pure: nothing here raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from numbers import Integral, Real
from operator import index
from typing import Any, TypeVar, cast

from msgspec import Struct, structs

T = TypeVar("T")


def plain(value: T) -> T:
    """A number as an int or a float; anything else unchanged, as are truth values and numbers that no float can hold.

    A number is what Python's `numbers` call real, such as fractions and numpy's scalars; arrays and decimals are not.
    """
    kind: type = type(value)
    convert = _conversion(kind)
    if convert is None:
        return value
    try:
        return cast("T", convert(value))
    except (TypeError, ValueError, OverflowError):
        return value


def are_plain(values: Iterable[object]) -> bool:
    """Whether none of the values is a number of another kind than Python's own."""
    return _kinds_are_plain(tuple(map(type, values)))


class PlainNumbers(Struct, frozen=True):
    """A value whose numbers are Python's own, whatever it was made with."""

    def __post_init__(self) -> None:
        values = structs.astuple(self)
        if not are_plain(values):
            for name, value in zip(self.__struct_fields__, values, strict=True):
                structs.force_setattr(self, name, plain(value))


@lru_cache(maxsize=1024)
def _kinds_are_plain(kinds: tuple[type, ...]) -> bool:
    """Kept, as each sample asks it of its settings and arguments, which are of the same kinds."""
    return not any(map(_conversion, kinds))


@lru_cache(maxsize=256)
def _conversion(kind: type) -> Callable[[Any], float] | None:
    """What makes a plain number of a value of that type; None for what is one, and for what is no number."""
    if kind in {int, float} or issubclass(kind, bool) or not issubclass(kind, Real):
        return None
    return index if issubclass(kind, Integral) else float
