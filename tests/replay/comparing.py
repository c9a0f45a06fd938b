"""What differs between what was recorded and what we sent or read, one difference per field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeGuard

import httpx
from msgspec import UNSET, UnsetType

from tests.replay import messages
from tests.replay.recorded import Sent

BASE = "http://recorded.test"
"""Where the server of a replay is."""
ABSENT = "absent"
"""How a field that is not there reads in a difference."""
TRANSPORT = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "(received by)"})
"""Headers that say nothing about the request; the compressions that can be read depend on what is installed."""


class Difference(NamedTuple):
    """A field that is not as recorded: in which case and request, and what either side has there."""

    case: str
    request: str
    part: str
    recorded: str
    ours: str

    def __str__(self) -> str:
        return " | ".join(self)


def placed(address: str, base: str = BASE) -> str:
    """An address of the server that was recorded, as it is called here."""
    return re.sub(r"^http://127\.0\.0\.1:\d+", base, address)


def is_fields(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a plain value has named fields."""
    return isinstance(value, dict)


def is_items(value: object) -> TypeGuard[list[Any]]:
    """Whether a plain value is a list."""
    return isinstance(value, list)


def shown(value: object) -> str:
    """A value in a difference: compact JSON, cut where it gets long."""
    if isinstance(value, UnsetType):
        return ABSENT
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, default=repr)[:300]


def compared(part: str, recorded: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every field below `part` that differs; a field of one side only differs from nothing."""
    if is_fields(recorded) and is_fields(ours):
        for name in sorted({*recorded, *ours}):
            yield from compared(f"{part}.{name}", recorded.get(name, UNSET), ours.get(name, UNSET))
    elif is_items(recorded) and is_items(ours) and len(recorded) == len(ours):
        for index, (theirs, own) in enumerate(zip(recorded, ours, strict=True)):
            yield from compared(f"{part}[{index}]", theirs, own)
    elif (recorded, isinstance(recorded, bool)) != (ours, isinstance(ours, bool)):
        yield part, recorded, ours


def request_differences(recorded: Sent, ours: httpx.Request) -> Iterator[tuple[str, Any, Any]]:
    """Method, target, query, headers and body, field by field."""
    path, _, query = ours.url.raw_path.decode().partition("?")
    yield from compared("method", recorded.method, ours.method)
    yield from compared("path", recorded.path, path)
    yield from compared("query", recorded.query, dict(httpx.QueryParams(query)))
    yield from compared("header", _headers(recorded.headers), _headers(ours.headers))
    yield from compared("body", recorded_body(recorded), own_body(ours))


def recorded_body(recorded: Sent) -> Any:
    """A recorded body as plain values; UNSET when there was none."""
    if not isinstance(recorded.body.json, UnsetType):
        return recorded.body.json
    return messages.request(recorded.body.message) if recorded.body.wire_bytes_base64 else UNSET


def own_body(ours: httpx.Request) -> Any:
    """A body of ours as plain values; UNSET when there is none."""
    content = ours.content
    if ours.headers.get("content-encoding") == "zstd":
        content = _unzipped(content)
    if ours.headers.get("content-type") == "application/x-protobuf":
        return messages.request(content)
    return json.loads(content) if content else UNSET


def _unzipped(content: bytes) -> bytes:
    zstandard: Any = import_module("zstandard")  # no annotations of its own
    message: bytes = zstandard.ZstdDecompressor().decompress(content, max_output_size=1 << 30)
    return message


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name, with secrets and what is made up anew each time as whether they are there."""
    return {
        name.lower(): _masked(name.lower(), value) for name, value in headers.items() if name.lower() not in TRANSPORT
    }


def _masked(name: str, value: str) -> str:
    match name:
        case "x-api-key" | "x-tinker-weights-access-token":
            return "a token" if value.startswith("eyJ") else "a key"
        case "x-idempotency-key" | "x-tinker-create-promise-roundtrip-time" | "cf-access-client-secret":
            return "there"
        case _:
            return value
