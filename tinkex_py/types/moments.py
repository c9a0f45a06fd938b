"""Answers that hold times: whatever a server writes, they are read as datetimes with a zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import get_args

from msgspec import Struct, structs


class Timed(Struct, frozen=True, kw_only=True):
    """A value whose times all have a zone; a time that comes without one is in UTC."""

    def __post_init__(self) -> None:
        for field in _times(type(self)):
            value = getattr(self, field)
            if value is not None and value.tzinfo is None:
                structs.force_setattr(self, field, value.replace(tzinfo=UTC))


@cache
def _times(kind: type[Timed]) -> tuple[str, ...]:
    """The fields that hold times, looked up once: a list may have thousands of such values."""
    return tuple(field.name for field in structs.fields(kind) if datetime in {field.type, *get_args(field.type)})
