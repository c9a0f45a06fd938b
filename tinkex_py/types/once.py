"""What is made when it is first asked for, and kept. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class made_once(Generic[T]):  # noqa: N801 - a decorator, written like a function
    """A method that is read as an attribute: it is called when it is first read, and what it returns is kept.

    `functools.cached_property` of Python 3.11 has one lock for all instances, which stays locked for good in a process
    that is forked off while another thread has it. Here two threads may both call; both get what one of them has made.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        kept: T = instance.__dict__.setdefault(self._make.__name__, self._make(instance))
        return kept
