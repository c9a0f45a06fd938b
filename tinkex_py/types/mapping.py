"""An immutable, hashable mapping for the free-form parts of values. Pure."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any, TypeVar

from tinkex_py.types.kinds import is_collection, is_list, is_mapping
from tinkex_py.types.numbers import plain

K = TypeVar("K")
V = TypeVar("V")


def frozen(value: object) -> object:
    """An immutable copy of a mapping or a list; anything else unchanged, so that a later check can refuse it.

    Numbers in a mapping become Python's own.
    """
    if is_mapping(value):
        return FrozenMapping({name: plain(each) for name, each in value.items()})
    return tuple(value) if is_list(value) else value


def row(values: Iterable[V]) -> tuple[V, ...]:
    """The items of a collection; any other value as the only item, so that a later check can refuse it."""
    given: Any = values
    return tuple(values) if is_collection(given) else (given,)


class FrozenMapping(Mapping[K, V]):
    """A mapping that can't change: equal to any mapping with the same items, hashable when its values are.

    >>> FrozenMapping({"team": "x"}) == {"team": "x"}
    True
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items: dict[K, V] = dict(items or {})

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> ItemsView[K, V]:
        """The pairs, without asking for each."""
        return self._items.items()

    def values(self) -> ValuesView[V]:
        """The values, without asking for each."""
        return self._items.values()

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[FrozenMapping[K, V]], tuple[dict[K, V]]]:
        return (FrozenMapping, (self._items,))
