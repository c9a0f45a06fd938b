"""What may be seen of a setting. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinkex_py.config.addresses import without_secrets

KEPT = 4
"""Characters that are shown of a secret at either end."""
SHORTEST = 16
"""A secret shorter than this is not shown at all."""


def mask(secret: str | None) -> str | None:
    """Enough of a secret to tell it from another, and no more: `tml-***1f3a`."""
    if secret is None:
        return None
    return f"{secret[:KEPT]}***{secret[-KEPT:]}" if len(secret) >= SHORTEST else "***"


def shown(name: str, value: object) -> object:
    """The value as it may be seen; nothing of one that is of another kind than the setting."""
    if name not in MASKED or value is None:
        return value
    kind, seen = MASKED[name]
    return seen(value) if isinstance(value, kind) else _hidden(value)


def _hidden(_secret: object) -> str:
    return "***"


def _names(pairs: Mapping[object, object]) -> dict[object, str]:
    return dict.fromkeys(pairs, "***")


MASKED: Mapping[str, tuple[type, Callable[[Any], object]]] = {
    "base_url": (str, without_secrets),
    "api_key": (str, mask),
    "credential_cmd": (str, _hidden),
    "cloudflare_access_client_id": (str, mask),
    "cloudflare_access_client_secret": (str, _hidden),
    "default_headers": (Mapping, _names),
    "default_query": (Mapping, _names),
    "proxy": (str, without_secrets),
    "proxy_headers": (Mapping, _names),
}
"""Of each setting that may hold a secret, the kind, and how it is shown."""
