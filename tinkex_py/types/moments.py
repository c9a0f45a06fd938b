"""Answers that hold times: whatever a server writes, they are read as datetimes with a zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct, structs


class Timed(Struct, frozen=True, kw_only=True):
    """A value whose times all have a zone; a time that comes without one is in UTC."""

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if isinstance(value, datetime) and value.tzinfo is None:
                structs.force_setattr(self, field, value.replace(tzinfo=UTC))
