"""Sessions as a server lists them, and how to search for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from tinkex_py.request import Address
from tinkex_py.types.mapping import FrozenMapping, frozen
from tinkex_py.types.moments import Moment
from tinkex_py.types.numbers import PlainNumbers

Ending: TypeAlias = Literal["success", "errored", "interrupted"]
"""How a program's work in a session ended."""


class GetSessionResponse(Struct, frozen=True, kw_only=True):
    """What was made in a session."""

    training_run_ids: Sequence[str] = ()
    sampler_ids: Sequence[str] = ()
    user_metadata: Mapping[str, str] | None = None
    display_name: str | None = None


class ListSessionsResponse(Struct, frozen=True, kw_only=True):
    """Session ids, newest first."""

    sessions: Sequence[str] = ()


class GetSamplerResponse(Struct, frozen=True, kw_only=True):
    """What a sampling session samples from."""

    sampler_id: str
    base_model: str
    model_path: str | None = None


class TraceExportResponse(Struct, frozen=True, kw_only=True):
    """How far the export of a session's trace is: `pending`, `ready` with its address, or `failed` with the reason."""

    status: str
    url: str | None = None
    error: str | None = None

    def __repr__(self) -> str:
        return f"TraceExportResponse(status={self.status!r}, url={self._shown!r}, error={self.error!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("status", self.status), ("url", self._shown), ("error", self.error)]

    @property
    def _shown(self) -> str | None:
        """The address serves whoever has it."""
        return None if self.url is None else Address(self.url).shown


class OwnSearchOwner(Struct, frozen=True, kw_only=True, tag="own"):
    """One's own sessions."""


class AccessibleSearchOwner(Struct, frozen=True, kw_only=True, tag="accessible"):
    """Every session that one may see."""


class UserSearchOwner(Struct, frozen=True, kw_only=True, tag="user"):
    """Sessions of these users, 1 to 10 of them."""

    owner_urns: Sequence[str]

    def __post_init__(self) -> None:
        structs.force_setattr(self, "owner_urns", frozen(self.owner_urns))


SearchOwner: TypeAlias = OwnSearchOwner | AccessibleSearchOwner | UserSearchOwner
"""Whose sessions are searched."""


class SearchStatus(Struct, frozen=True, kw_only=True):
    """A status that is searched for; `reasons` narrows `client_finished` down."""

    type: Literal["active", "cancelled", "failed", "client_finished"] | str
    reasons: Sequence[Ending] | None = None

    def __post_init__(self) -> None:
        structs.force_setattr(self, "reasons", frozen(self.reasons))


class SearchCursor(Struct, frozen=True, kw_only=True):
    """Where the next page of a search begins; handed back as it came."""

    last_created_at: str
    last_session_id: str


class SessionReason(Struct, frozen=True, kw_only=True):
    """Why a session ended: how the client finished it, or what failed."""

    type: str
    request_id: str | None = None
    request_type: str | None = None
    training_run_id: str | None = None
    sampling_session_id: str | None = None


class SessionStatus(Struct, frozen=True, kw_only=True):
    """`active`, `cancelled`, `client_finished` or `failed`, with what the server says about it."""

    type: str
    detail: str | None = None
    reason: SessionReason | None = None
    category: str | None = None
    message: str | None = None


class SessionSummary(Struct, frozen=True, gc=False, kw_only=True):
    """A session that was found; sizes are in bytes."""

    session_id: str
    created_at: Moment | None = None
    owner: str = ""
    project_id: str | None = None
    status: SessionStatus | None = None
    checkpoints_count: int = 0
    display_name: str | None = None
    user_metadata: Mapping[str, str] | None = None
    checkpoint_storage_bytes: int | None = None


class SessionSearchResponse(Struct, frozen=True, kw_only=True):
    """Sessions that were found; `next_cursor` is None on the last page."""

    sessions: Sequence[SessionSummary] = ()
    next_cursor: SearchCursor | None = None


class SessionSearchRequest(PlainNumbers, frozen=True, kw_only=True):
    """What is searched for; every condition given must hold."""

    session_id: str | None = None
    project_ids: Sequence[str] | None = None
    user_metadata: Mapping[str, str] = FrozenMapping()
    display_name: str | None = None
    owner: SearchOwner = OwnSearchOwner()
    statuses: Sequence[SearchStatus] | None = None
    limit: int = 50
    cursor: SearchCursor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("project_ids", "user_metadata", "statuses"):
            structs.force_setattr(self, name, frozen(getattr(self, name)))
