"""Sessions: finishing one's own, and reading what there were. Pure."""

from __future__ import annotations

from msgspec import Struct

from tinkex_py.endpoints.verbs import command, get, given, post
from tinkex_py.request import NULL, Null, Request
from tinkex_py.types.runs import AccessScope
from tinkex_py.types.sessions import (
    Ending,
    GetSessionResponse,
    ListSessionsResponse,
    SessionSearchRequest,
    SessionSearchResponse,
    TraceExportResponse,
)


class EndingReason(Struct, frozen=True, kw_only=True):
    """How it ended."""

    type: Ending


class FinishSession(Struct, frozen=True, kw_only=True):
    """Body of `finish`."""

    reason: EndingReason
    detail: str | Null


class SessionProject(Struct, frozen=True, kw_only=True):
    """Body of `project`."""

    project_id: str


def finish_session(session_id: str, status: Ending = "success", detail: str | None = None) -> Request[None]:
    """POST /api/v1/sessions/{session_id}/finish"""
    body = FinishSession(reason=EndingReason(type=status), detail=NULL if detail is None else detail)
    return command("POST", "finish_session", "sessions", session_id, "finish", body=body)


def get_session(session_id: str, *, access_scope: AccessScope = "owned") -> Request[GetSessionResponse]:
    """GET /api/v1/sessions/{session_id}"""
    query = given(access_scope=access_scope)
    return get("get_session", "sessions", session_id, returns=GetSessionResponse, query=query)


def list_sessions(
    *, limit: int = 20, offset: int = 0, access_scope: AccessScope = "owned"
) -> Request[ListSessionsResponse]:
    """GET /api/v1/sessions"""
    query = given(limit=limit, offset=offset, access_scope=access_scope)
    return get("list_sessions", "sessions", returns=ListSessionsResponse, query=query)


def search_sessions(search: SessionSearchRequest) -> Request[SessionSearchResponse]:
    """POST /api/v1/sessions/search"""
    return post("search_sessions", "sessions", "search", body=search, returns=SessionSearchResponse)


def assign_session_project(session_id: str, project_id: str) -> Request[None]:
    """PUT /api/v1/sessions/{session_id}/project"""
    body = SessionProject(project_id=project_id)
    return command("PUT", "assign_session_project", "sessions", session_id, "project", body=body)


def export_session_trace(session_id: str) -> Request[TraceExportResponse]:
    """GET /api/v1/sessions/{session_id}/trace_export"""
    return get("export_session_trace", "sessions", session_id, "trace_export", returns=TraceExportResponse)
