"""Addresses of this server that need no credential: signed, and good for an hour."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tinkex_py.local.incoming import Incoming
from tinkex_py.local.records import wire_time
from tinkex_py.local.state import State

LIFETIME = 3600
"""Seconds for which an address is good."""


def link(state: State, request: Incoming, place: Sequence[str]) -> str:
    """The address of what `place` names, `("trace", session)` for one; its last part ends the address."""
    token = state.signer.sign({"aud": "file", "place": list(place), "exp": int(state.now()) + LIFETIME})
    host = request.header("host") or "local"
    return f"http://{host}/api/v1/files/{token}/{quote(place[-1], safe='')}"


def expiry(state: State) -> str:
    """When an address that is made now stops being good."""
    return wire_time(int(state.now()) + LIFETIME)
