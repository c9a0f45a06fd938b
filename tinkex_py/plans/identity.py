"""Whom a client's credential stands for. Pure."""

from __future__ import annotations

from msgspec import Struct

from tinkex_py.errors import CapabilityMissing
from tinkex_py.plans.authentication import Authentication
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.startup import Startup, flags
from tinkex_py.types.credentials import Claims, claims


class Identity(Struct, frozen=True, kw_only=True):
    """A user of an organization, as a token says it."""

    user_urn: str
    org_urn: str | None = None
    email: str | None = None


def identified(startup: Startup) -> Plan[Identity]:
    """Whom the token in force, or a token that was given as the key, stands for; an opaque key says nothing."""
    _ = yield from flags(startup)
    said = _said(startup.authentication)
    if said is None or not said.sub:
        return (yield from halt(_UNKNOWN))
    organization = f"tml:organization:{said.org_id}" if said.org_id else None
    return Identity(user_urn=said.sub, org_urn=organization, email=said.email or None)


def _said(authentication: Authentication) -> Claims | None:
    if authentication.token is not None:
        return claims(authentication.token.jwt)
    given = claims(authentication.credential or "")
    return given if given is not None and (given.iss or "").startswith("passport-") else None


_UNKNOWN = CapabilityMissing(
    message="whoami: this server gives no tokens to this key, and an opaque key says nothing of its owner; "
    "ask where the key was made",
    capability="whoami",
)
