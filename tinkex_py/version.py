"""The release of this package, and the release of the protocol that it speaks. Pure."""

from __future__ import annotations

__version__ = "0.1.0"
PROTOCOL_VERSION = "0.38.0"
"""The release of the official SDK whose protocol is spoken: what servers know as `sdk_version`."""
