"""What a server says about a promise it made. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, TypeAlias, TypeVar

from msgspec import Meta, Struct

from tinkex_py.errors import Category

T = TypeVar("T")

GivenId: TypeAlias = Annotated[str, Meta(min_length=1)]
"""What a server calls a thing that it made; never empty, as nothing could be asked for by an empty name."""


class Promised(Struct, frozen=True, gc=False, kw_only=True):
    """The server accepted the work; `request_id` is what to ask for its result with."""

    request_id: GivenId
    model_id: str | None = None
    sample_sequence_ids: Sequence[str] | None = None


class Ready(Struct, Generic[T], frozen=True, gc=False):
    """The work is done."""

    value: T


class Pending(Struct, frozen=True, gc=False, kw_only=True):
    """Not yet; `queue_state` and `reason` say what the server is waiting for, when it says so."""

    queue_state: str | None = None
    reason: str | None = None
    retry_after: float | None = None


class Announced(Struct, frozen=True):
    """Done, and `size` bytes large: ask again once there is room for it."""

    size: int


class Refused(Struct, frozen=True):
    """The work failed on the server."""

    message: str
    category: Category


class Completion(Struct, frozen=True, kw_only=True):
    """A promise that is settled; its result, or why there is none, is still to be fetched."""

    request_id: str
    state: str = "finished"
    response_payload_uncompressed_size: int | None = None


class Completions(Struct, frozen=True, kw_only=True):
    """Promises settled since the last question; `cursor` is where the next one begins."""

    completions: Sequence[Completion] = ()
    cursor: int = 0


PromiseState: TypeAlias = Ready[T] | Pending | Announced | Refused
