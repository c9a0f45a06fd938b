"""What REST clients do with sessions: list, search and move them, and export their traces."""

from __future__ import annotations

from tinkex_py.clients.opened import Opened
from tinkex_py.clients.operation import operation
from tinkex_py.endpoints import sampling, sessions
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.exports import exported_trace
from tinkex_py.plans.pages import collected, found_sessions
from tinkex_py.plans.pages import sessions as session_ids
from tinkex_py.plans.retry import call
from tinkex_py.types.arguments import search_problem
from tinkex_py.types.runs import AccessScope
from tinkex_py.types.sessions import (
    GetSamplerResponse,
    GetSessionResponse,
    ListSessionsResponse,
    SessionSearchRequest,
    SessionSearchResponse,
    SessionSummary,
)


class SessionOperations(Opened):
    """Operations on sessions and samplers."""

    @operation
    def get_session(
        self, session_id: str, access_scope: AccessScope = "owned", *, timeout: float | None = None
    ) -> Plan[GetSessionResponse]:
        """What was made in a session. GET /api/v1/sessions/{session_id}"""
        return call(sessions.get_session(session_id, access_scope=access_scope), self.context.policy(timeout))

    @operation
    def list_sessions(
        self, limit: int = 20, offset: int = 0, access_scope: AccessScope = "owned", *, timeout: float | None = None
    ) -> Plan[ListSessionsResponse]:
        """One page of session ids. GET /api/v1/sessions"""
        request = sessions.list_sessions(limit=limit, offset=offset, access_scope=access_scope)
        return call(request, self.context.policy(timeout))

    @operation
    def all_sessions(
        self, limit: int | None = None, access_scope: AccessScope = "owned", *, timeout: float | None = None
    ) -> Plan[tuple[str, ...]]:
        """Session ids from as many pages as it takes, `limit` of them at most. GET /api/v1/sessions

        `timeout` is for all pages together.
        """
        plan = collected(session_ids(access_scope), self.context.policy(timeout), wanted=limit)
        return self.context.limited(timeout, "all_sessions", plan)

    @operation
    def search_sessions(
        self, request: SessionSearchRequest, *, timeout: float | None = None
    ) -> Plan[SessionSearchResponse]:
        """One page of the sessions that fit every condition given. POST /api/v1/sessions/search"""
        found = search_problem(request)
        return halt(found) if found else call(sessions.search_sessions(request), self.context.policy(timeout))

    @operation
    def all_found_sessions(
        self, request: SessionSearchRequest, limit: int | None = None, *, timeout: float | None = None
    ) -> Plan[tuple[SessionSummary, ...]]:
        """Sessions found on as many pages as it takes, `limit` of them at most. POST /api/v1/sessions/search

        `timeout` is for all pages together.
        """
        found = search_problem(request)
        plan = halt(found) if found else found_sessions(request, self.context.policy(timeout), wanted=limit)
        return self.context.limited(timeout, "all_found_sessions", plan)

    @operation
    def assign_session_project(self, session_id: str, project_id: str, *, timeout: float | None = None) -> Plan[None]:
        """Move a session to a project. PUT /api/v1/sessions/{session_id}/project"""
        return call(sessions.assign_session_project(session_id, project_id), self.context.policy(timeout))

    @operation
    def export_session_trace(self, session_id: str, *, timeout: float | None = None) -> Plan[str]:
        """The address of a session's trace, asked for every 5 s until it is ready.

        GET /api/v1/sessions/{session_id}/trace_export; RequestFailed when it can't be made, DeadlineExceeded when it
        takes longer than `timeout` seconds.
        """
        return exported_trace(session_id, self.context.policy(timeout))

    @operation
    def get_sampler(self, sampler_id: str, *, timeout: float | None = None) -> Plan[GetSamplerResponse]:
        """What a sampling session samples from. GET /api/v1/samplers/{sampler_id}"""
        return call(sampling.get_sampler(sampler_id), self.context.policy(timeout))
