"""Signed tokens: JWTs (RFC 7519) by HMAC-SHA256 with a secret of this server's own. Pure."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Any, Literal

from returns.result import Failure, Success

from tinkex_py.outcome import Outcome


class Signer:
    """Signs claims, and reads what it signed itself."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, claims: Mapping[str, object]) -> str:
        """The claims as a token."""
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        signed = b".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        return b".".join((signed, self._signature(signed))).decode()

    def claims(self, token: str, now: float) -> Outcome[Mapping[str, Any], Literal["forged", "expired"]]:
        """The claims of a token of this signer whose `exp` is still to come."""
        signed, _, signature = token.encode("utf-8", "replace").rpartition(b".")
        if not compare_digest(signature, self._signature(signed)):
            return Failure("forged")
        body = signed.partition(b".")[2]
        found: Mapping[str, Any] = json.loads(urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
        return Success(found) if found["exp"] > now else Failure("expired")

    def _signature(self, signed: bytes) -> bytes:
        return _encoded(digest(self._secret, signed, sha256))


def _encoded(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
