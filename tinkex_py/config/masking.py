"""What may be seen of a setting. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tinkex_py.config.profiles import LOCAL_SCHEME

KEPT = 4
"""Characters that are shown of a secret at either end."""
SHORTEST = 16
"""A secret shorter than this is not shown at all."""


def mask(secret: str | None) -> str | None:
    """Enough of a secret to tell it from another, and no more: `tml-***1f3a`."""
    if secret is None:
        return None
    return f"{secret[:KEPT]}***{secret[-KEPT:]}" if len(secret) >= SHORTEST else "***"


def without_credentials(url: str | None) -> str | None:
    """An address may carry a user and a password before an `@`, and a wrong one anything: only its scheme is kept."""
    return url if url is None or url.startswith(LOCAL_SCHEME) else _BEFORE_AT.sub(r"\1***@", url)


def shown(name: str, value: Any) -> object:
    """The value as it may be seen."""
    return MASKED[name](value) if name in MASKED else value


def _hidden(secret: str | None) -> str | None:
    return None if secret is None else "***"


def _names(pairs: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(pairs, "***")


_BEFORE_AT = re.compile(r"^(\w+://)?.*@", re.DOTALL)

MASKED: Mapping[str, Callable[[Any], object]] = {
    "base_url": without_credentials,
    "api_key": mask,
    "credential_cmd": _hidden,
    "cloudflare_access_client_id": mask,
    "cloudflare_access_client_secret": _hidden,
    "default_headers": _names,
    "default_query": _names,
    "proxy": without_credentials,
    "proxy_headers": _names,
}
"""How each setting is shown that may hold a secret."""
