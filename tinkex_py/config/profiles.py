"""Numbers that settings begin with: this client's addresses, and the numbers of the two others. Pure."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT_BASE_URL = "https://tinker.thinkingmachines.dev/services/tinker-prod"
LOCAL_SCHEME = "local:"

PURPOSES = ("session", "training", "results", "sampling", "promises", "rest", "telemetry")
"""What connections are for; each purpose has a pool of its own, so that none can starve another.

`results` are questions for those of training, `promises` for samples.
"""

_POOLS = {"max_connections": 1000, "max_keepalive_connections": 20}
_ELIXIR = {"max_attempts": 3, "read_timeout": 120.0, **_POOLS}

PROFILES: Mapping[str, Mapping[str, float]] = {
    "tinkex": {},
    "python": {"max_attempts": 11, "read_timeout": 60.0, "connect_timeout": 5.0, **_POOLS},
    "elixir": _ELIXIR,
    "beam": _ELIXIR,
}
"""What `parity` changes: the HTTP layer's numbers, nothing else."""


def profile(name: object) -> Mapping[str, float]:
    """The numbers of that client; none for a name that `checked` refuses."""
    return PROFILES.get(name, {}) if isinstance(name, str) else {}
