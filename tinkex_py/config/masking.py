"""What may be seen of a setting. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinkex_py.config.addresses import without_secrets
from tinkex_py.types.kinds import names_header

KEPT = 4
"""Characters that are shown of a secret at either end."""
SHORTEST = 16
"""A secret shorter than this is not shown at all."""

WORDS = ("parity", "transport", "dialect", "log")
"""Settings that are one word of several, in whatever case."""


def mask(secret: str | None) -> str | None:
    """Enough of a secret to tell it from another, and no more: `tml-***1f3a`."""
    return None if secret is None else _masked(secret)


def shown(name: str, value: object) -> object:
    """The value as it may be seen; nothing of one that is of another kind than the setting."""
    if name not in MASKED or value is None:
        return value
    kind, seen = MASKED[name]
    return seen(value) if isinstance(value, kind) else _hidden(value)


def _masked(secret: str) -> str:
    return f"{secret[:KEPT]}***{secret[-KEPT:]}" if len(secret) >= SHORTEST else "***"


def _word(text: str) -> str:
    """A word that names a choice; what is as long as a secret may be one in a wrong place."""
    return text if len(text) < SHORTEST else _masked(text)


def _hidden(_secret: object) -> str:
    return "***"


def _names(pairs: Mapping[object, object]) -> dict[object, str]:
    """What stands under names; of what can name no header nothing, as it may be a whole line with its secret."""
    return dict.fromkeys((name if names_header(name) else "***" for name in pairs), "***")


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
    **dict.fromkeys(WORDS, (str, _word)),
}
"""Of each setting that may hold a secret, the kind, and how it is shown."""
