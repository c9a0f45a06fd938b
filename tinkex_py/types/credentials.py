"""Credentials: what one looks like, what a token says of itself, and when it is renewed. Pure.

Nothing here shows a credential in its repr.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

KEY_PREFIX = "tml-"
TOKEN_PREFIX = "eyJ"  # noqa: S105 - how a JWT begins, and none itself
PREFIXES = (KEY_PREFIX, TOKEN_PREFIX)

LEAST_LEFT = 60.0
"""Seconds of life below which a token is renewed before it is used again."""
PAUSE = 60.0
"""Seconds after a failed renewal in which the old token serves without another try."""


class Claims(Struct, frozen=True, kw_only=True):
    """What a JWT says of itself; its signature is the server's business. `exp` and `iat` are unix times."""

    exp: float | None = None
    iat: float | None = None
    iss: str | None = None
    sub: str | None = None
    org_id: str | None = None
    email: str | None = None


class AuthToken(Struct, frozen=True, kw_only=True):
    """Answer of `auth/token`."""

    jwt: str

    def __repr__(self) -> str:
        return "AuthToken(***)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("jwt", "***")]


class Token(Struct, frozen=True, kw_only=True):
    """A token in force: it was received at `since` and dies at `until`, seconds on the client's own clock.

    `until` is None when the token doesn't say; `renewed` is the moment from which it is renewed in the background.
    """

    jwt: str
    until: float | None = None
    renewed: float | None = None

    def due(self, now: float) -> bool:
        """Whether it is old enough to be renewed."""
        return self.renewed is not None and now >= self.renewed

    def dying(self, now: float) -> bool:
        """Whether too little of its life is left to use it again."""
        return self.until is not None and self.until - now <= LEAST_LEFT

    def dead(self, now: float) -> bool:
        """Whether it has expired."""
        return self.until is not None and now >= self.until

    def __repr__(self) -> str:
        return f"Token(***, until={self.until}, renewed={self.renewed})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("jwt", "***"), ("until", self.until), ("renewed", self.renewed)]


def claims(jwt: str) -> Claims | None:
    """What a JWT says of itself, or None for what can't be read as one."""
    parts = jwt.split(".")
    try:
        return msgspec.json.decode(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), type=Claims)
    except (ValueError, IndexError, RecursionError):
        return None


def well_formed(credential: str) -> bool:
    """Whether it begins like a key or a JWT."""
    return credential.startswith(PREFIXES)


Origin: TypeAlias = Literal["key", "command", "stored", "malformed", "command wanted", "none"]


def origin(key: str | None, *, command: bool, stored: bool, preferred: str = "api_key") -> Origin:
    """Where the credential comes from: the key that was given, else the command, else the stored key.

    A server that exchanges credentials may prefer the command; only a JWT that was given counts more then. A key that
    begins like none is passed over when there is a command.
    """
    if key is not None and (key.startswith(TOKEN_PREFIX) or (well_formed(key) and preferred != "credential_cmd")):
        return "key"
    if command:
        return "command"
    if key is not None:
        return "command wanted" if well_formed(key) else "malformed"
    return "stored" if stored else "none"


def expired(credential: str, unix_time: float) -> bool:
    """Whether it is a JWT that says it is no longer valid."""
    said = claims(credential) if credential.startswith(TOKEN_PREFIX) else None
    return said is not None and said.exp is not None and said.exp <= unix_time


def received(jwt: str, *, now: float, unix_time: float, share: float) -> Token:
    """A token received just now; it is renewed after `share` of its life, counted on the client's own clock.

    A token that says when it was issued is as old as it says on the server's clock, whatever the clock here shows.
    """
    said = claims(jwt)
    if said is None or said.exp is None:
        return Token(jwt=jwt)
    life = said.exp - (unix_time if said.iat is None else said.iat)
    return Token(jwt=jwt, until=now + life, renewed=now + life * share)
