"""Addresses of servers and proxies: which of them can be asked, and what may be seen of one. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from tinkex_py.config.profiles import LOCAL_SCHEME


def is_usable(address: str) -> bool:
    """Whether it is an http address, without ? and #, of a host that can be looked up."""
    parts = _parts(address)
    return parts is not None and _is_host(parts) and address.isprintable() and not set(address) & set(" ?#")


def has_credentials(address: str) -> bool:
    """Whether a user or a password stands before the host."""
    return _CREDENTIALS.search(address) is not None


def without_secrets(address: str) -> str:
    """What can't be secret: a usable address without what stands before an `@`, of another its scheme and host.

    >>> without_secrets("http://a.test/?key=hush"), without_secrets("hush")
    ('http://a.test***', '***')
    """
    if address.startswith(LOCAL_SCHEME):
        return address
    if is_usable(address):
        return _BEFORE_AT.sub(r"\1***@", address)
    parts = _parts(address)
    if parts is None or "@" in address or _HOST.fullmatch(parts.hostname or "") is None:
        return "***"
    seen = f"{parts.scheme}://{parts.hostname}"
    return seen if seen == address else f"{seen}***"


def _parts(address: str) -> SplitResult | None:
    """None for what is no http address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} else None


def _is_host(parts: SplitResult) -> bool:
    """Whether the host can be looked up, at a port that is one."""
    try:
        return parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # the port is no number, or a name between dots is empty or too long
        return False


_CREDENTIALS = re.compile(r"//[^/?#]*@")
_BEFORE_AT = re.compile(r"^(\w+://)?.*@", re.DOTALL)
_HOST = re.compile(r"[\w.:-]+")
