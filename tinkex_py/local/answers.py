"""Answers of the embedded server: JSON values, nothing, refusals in FastAPI's form. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tinkex_py.request import Reply
from tinkex_py.wire import json

_encoder = msgspec.json.Encoder()
_HEADERS = (("content-type", json.CONTENT_TYPE),)


def encoded(value: object) -> bytes:
    """The value as JSON; fields that are None are left out, numbers that are not finite are null."""
    return _encoder.encode(json.lower(value))


def answer(value: object, status: int = 200) -> Reply:
    """A value as the answer."""
    return encoded_answer(encoded(value), status)


def encoded_answer(body: bytes, status: int = 200) -> Reply:
    """A body that is JSON already."""
    return Reply(status=status, headers=_HEADERS, body=body)


def nothing() -> Reply:
    """Done, and there is nothing to say."""
    return Reply(status=204)


NOT_READY = answer({"queue_state": "active"}, 408)
"""The answer to a question that was held as long as a poll may be."""


def refusal(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A refusal with its reason."""
    refused = answer({"detail": detail}, status)
    return Reply(status=status, headers=(*refused.headers, *(headers or {}).items()), body=refused.body)


def unprocessable(place: Sequence[str | int], message: str, kind: str = "value_error") -> Reply:
    """422 that names the wrong field: `place` is its path, such as `("body", "lora_config", "rank")`."""
    return answer({"detail": [{"loc": list(place), "msg": message, "type": kind}]}, 422)
