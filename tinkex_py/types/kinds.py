"""What kind of value a value is, whatever its type says. Pure: nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import iscoroutinefunction
from math import inf, isnan, nan
from typing import Any

from typing_extensions import TypeIs

from tinkex_py.types.numbers import plain

HEADER_FORM = (
    "the name of a header is made of ASCII letters, digits and marks such as -; "
    "its value is printable ASCII, with no space at its ends; leave out content-length and transfer-encoding"
)
"""What a header has to be, for people: `is_header` tells."""

_LARGEST = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({"content-length", "transfer-encoding"})


def is_text(value: object) -> TypeIs[str]:
    """Whether the value is a text without control characters."""
    return isinstance(value, str) and _CONTROL.search(value) is None


def is_encodable(value: object) -> bool:
    """Whether the value is a text, of any characters that can be sent."""
    return isinstance(value, str) and _SURROGATE.search(value) is None


def fits_header(text: str) -> bool:
    """Whether an HTTP header can carry the text unchanged: spaces at its ends would be dropped, or refused."""
    return bool(text) and text.isascii() and text.isprintable() and text == text.strip()


def names_header(text: object) -> bool:
    """Whether the value is a text that can name an HTTP header."""
    return isinstance(text, str) and _HEADER.fullmatch(text) is not None


def is_header(name: object, text: object) -> bool:
    """Whether a header may have that name and that text, which may be empty; where a body ends is said without it."""
    named = names_header(name) and str(name).lower() not in _FRAMING
    return named and isinstance(text, str) and (not text or fits_header(text))


def are_texts(value: object) -> bool:
    """Whether the value is a tuple of texts that can be sent."""
    return is_tuple(value) and all(map(is_encodable, value))


def is_truth(value: object) -> bool:
    """Whether the value is True or False."""
    return isinstance(value, bool)


def is_whole(value: object, least: int = -_LARGEST - 1, most: int = _LARGEST) -> bool:
    """Whether the value is an integer within limits; a truth value is not."""
    number = value if type(value) is int else plain(value)
    return isinstance(number, int) and not isinstance(number, bool) and least <= number <= most


def is_number(value: object, least: float = -inf, below: float = inf) -> bool:
    """Whether the value is a finite number of at least `least`, smaller than `below`; a truth value is not."""
    return least <= as_number(value) < below and value != -inf


def is_share(value: object) -> bool:
    """Whether the value is a number from 0 to 1."""
    return 0 <= as_number(value) <= 1


def is_duration(value: object) -> bool:
    """Whether the value is a number of seconds, however many; less than none are over at once."""
    return not isnan(as_number(value))


def as_number(value: object) -> float:
    """The value as a number; NaN, which is within no limits, for what is none and for what is beyond any float."""
    if type(value) is float:
        return value
    number = plain(value)
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        return nan
    try:
        return float(number)
    except OverflowError:
        return nan


def is_function(value: object) -> bool:
    """Whether the value can be called."""
    return callable(value)


def is_plain_function(value: object) -> bool:
    """Whether the value can be called, and gives what it computes at once."""
    return callable(value) and not (iscoroutinefunction(value) or iscoroutinefunction(type(value).__call__))


def is_tuple(value: object) -> TypeIs[tuple[object, ...]]:
    """Whether the value is a tuple."""
    return isinstance(value, tuple)


def is_row(value: object) -> TypeIs[list[object] | tuple[object, ...]]:
    """Whether the value is a list or a tuple."""
    return isinstance(value, (list, tuple))


def is_list(value: object) -> TypeIs[list[object]]:
    """Whether the value is a list."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeIs[Mapping[object, object]]:
    """Whether the value has values under keys."""
    return isinstance(value, Mapping)


def is_collection(value: object) -> TypeIs[Iterable[object]]:
    """Whether the value can be gone through, and not for its characters or keys."""
    return _is_iterable(value) and not isinstance(value, (str, bytes, Mapping, type))


def _is_iterable(value: object) -> TypeIs[Iterable[object]]:
    """Asked of the value itself: an array without dimensions is iterable by its type."""
    given: Any = value
    try:
        _ = iter(given)
    except TypeError:
        return False
    return True


def texts_by_name(value: object) -> bool:
    """Whether the value has texts under texts, of whatever characters."""
    return is_mapping(value) and all(isinstance(each, str) for each in (*value.keys(), *value.values()))


def optional(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    """None, or what the other rule says."""
    return lambda value: value is None or holds(value)


def any_of(*kinds: type) -> Callable[[object], bool]:
    """An instance of one of these."""
    return lambda value: isinstance(value, kinds)


def one_of(*words: str) -> Callable[[object], bool]:
    """One of these words."""
    return lambda value: isinstance(value, str) and value in words
