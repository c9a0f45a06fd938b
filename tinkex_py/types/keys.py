"""An API key as the server knows it. Pure; the key itself is not part of it."""

from __future__ import annotations

from msgspec import Struct


class Organization(Struct, frozen=True, kw_only=True):
    """Whose account the key works for."""

    name: str | None = None


class User(Struct, frozen=True, kw_only=True):
    """Who made the key."""

    email: str | None = None


class KeyDetails(Struct, frozen=True, kw_only=True):
    """Whom a key belongs to."""

    org_details: Organization = Organization()
    user_details: User = User()


class ApiKeyResponse(Struct, frozen=True, kw_only=True):
    """The key that was presented: its number, name and note."""

    key_id: int | str | None = None
    name: str = ""
    note: str | None = None
    details: KeyDetails = KeyDetails()
