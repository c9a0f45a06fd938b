"""The keys that a person keeps in a file, as values. Pure: reading and writing the file is `runtime.credentials`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, structs

from tinkex_py.types.keys import KeyDetails
from tinkex_py.types.mapping import FrozenMapping

VERSION = 1
"""The only form of the file that there is."""


class ManualKey(Struct, frozen=True, kw_only=True, tag="manual", omit_defaults=True):
    """A key that somebody pasted."""

    key: str
    name: str
    note: str | None = None
    details: KeyDetails | None = None

    def __repr__(self) -> str:
        return f"ManualKey(name={self.name!r}, note={self.note!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("name", self.name), ("note", self.note)]


class GeneratedKey(Struct, frozen=True, kw_only=True, tag="generated"):
    """A key that a login made; a logout revokes it."""

    key: str
    name: str
    details: KeyDetails

    def __repr__(self) -> str:
        return f"GeneratedKey(name={self.name!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("name", self.name)]


StoredKey: TypeAlias = ManualKey | GeneratedKey


class StoredKeys(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The keys by id, and which one is used when nothing else is said."""

    version: int
    default: str | None = None
    keys: Mapping[str, StoredKey] = FrozenMapping()

    @property
    def chosen(self) -> StoredKey | None:
        """The default key."""
        return None if self.default is None else self.keys.get(self.default)

    def having(self, name: str, key: StoredKey) -> StoredKeys:
        """With that key under that id, as the default one."""
        return structs.replace(self, default=name, keys=FrozenMapping({**self.keys, name: key}))

    def without(self, name: str) -> StoredKeys:
        """Without that key; when it was the default, the one added last takes its place."""
        rest = {other: key for other, key in self.keys.items() if other != name}
        default = self.default if self.default in rest else next(reversed(rest), None)
        return structs.replace(self, default=default, keys=FrozenMapping(rest))


NO_KEYS = StoredKeys(version=VERSION)
"""What a file that isn't there holds."""
