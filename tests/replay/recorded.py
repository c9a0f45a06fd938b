"""What the official SDK sent and was answered, release by release; `tests/recordings/` holds one file per release.

A folder named in TINKEX_RECORDINGS may hold more of them, one recording a file, in a folder per release.
"""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Struct, UnsetType

FOLDER = Path(__file__).parent.parent / "recordings"


class Body(Struct, frozen=True, kw_only=True):
    """A body in one of its forms; a request's protobuf bytes may be compressed, then the plain ones are there too."""

    json: Any = UNSET
    content_encoding: str | None = None
    wire_bytes_base64: str | None = None
    decompressed_base64: str | None = None
    base64: str | None = None
    decoded: Any = None

    @property
    def message(self) -> bytes:
        """The bytes of a message or file, before compression."""
        return base64.b64decode(self.decompressed_base64 or self.wire_bytes_base64 or self.base64 or "")


class Sent(Struct, frozen=True, kw_only=True):
    """One request of the official SDK."""

    method: str
    target: str
    headers: dict[str, str]
    body: Body = Body()

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


class Answer(Struct, frozen=True, kw_only=True):
    """What it was answered; with a note, the connection was closed instead."""

    status: int
    headers: dict[str, str] = {}
    body: Body = Body()
    note: str | None = None
    delay_s: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body.message if isinstance(self.body.json, UnsetType) else json.dumps(self.body.json).encode()


class Exchange(Struct, frozen=True, kw_only=True):
    request: Sent
    response: Answer


class Recording(Struct, frozen=True, kw_only=True):
    """One call: its exchanges in the order of their requests, and what came of it."""

    name: str
    number: int = 0
    call: str
    exchanges: tuple[Exchange, ...]
    release: str = ""
    flags: dict[str, Any] = {}
    dynamic: dict[str, Any] | None = None
    result: Any = None
    error: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """Its case with its number, which no other has."""
        return f"{self.release}/{self.number:03d}_{self.name}"

    @property
    def case(self) -> str:
        return f"{self.release}/{self.name}"


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them, release by release."""
    more = os.environ.get("TINKEX_RECORDINGS")
    return (*_kept(), *(() if more is None else _given(Path(more))))


def _kept() -> list[Recording]:
    found: list[Recording] = []
    for file in sorted(FOLDER.glob("*.json")):
        each = msgspec.json.decode(file.read_bytes(), type=list[Recording])
        found += [msgspec.structs.replace(recording, release=file.stem) for recording in each]
    return found


def _given(folder: Path) -> list[Recording]:
    return [_named(file) for file in sorted(folder.rglob("*.json"))]


def _named(file: Path) -> Recording:
    content = file.read_bytes()
    release = file.parent.name.removeprefix("legacy_").replace("_proto", "-protobuf")
    sdk = str(json.loads(content)["sdk"]).rpartition(" ")[2]
    return msgspec.structs.replace(
        msgspec.json.decode(content, type=Recording),
        release=release if release.startswith(sdk) else sdk,
        number=int(file.name.partition("_")[0]),
    )
