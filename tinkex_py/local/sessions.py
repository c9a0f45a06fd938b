"""Sessions: opened, kept alive, finished, looked up, searched, and their traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from returns.result import Failure, Success

from tinkex_py.local import bodies
from tinkex_py.local.answers import answer, nothing, refusal
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.links import link
from tinkex_py.local.pages import page, scope_problem
from tinkex_py.local.records import OWNER, CheckpointRecord, SessionRecord, Status, wire_time
from tinkex_py.local.state import Session, State
from tinkex_py.request import Reply


def create_session(state: State, body: bodies.CreateSession) -> Reply:
    """POST /api/v1/create_session"""
    session = state.open_session(
        tags=tuple(body.tags or ()),
        user_metadata=body.user_metadata,
        project_id=body.project_id,
        display_name=body.display_name,
    )
    return answer({"session_id": session.session_id})


def session_heartbeat(state: State, body: bodies.OfSession) -> Reply:
    """POST /api/v1/session_heartbeat: 410 once the session has ended"""
    match state.session(body.session_id):
        case Success(_):
            return answer({})
        case Failure(refused):
            return refused


def finish_session(state: State, session_id: str, body: bodies.FinishSession) -> Reply:
    """POST /api/v1/sessions/{session_id}/finish: its models and samplers go when the work they have is done"""
    session = state.sessions.get(session_id)
    if session is None:
        return _no_session(session_id)
    if not session.ended:
        state.end(session, Status(type="client_finished", reason=body.reason, detail=body.detail))
    return nothing()


def set_project(state: State, session_id: str, body: bodies.OfProject) -> Reply:
    """PUT /api/v1/sessions/{session_id}/project"""
    session = state.sessions.get(session_id)
    if session is None:
        return _no_session(session_id)
    state.change(session, project_id=body.project_id)
    return nothing()


def sessions(state: State, request: Incoming) -> Reply:
    """GET /api/v1/sessions?limit&offset&access_scope: the latest first"""
    wrong = scope_problem(request)
    if wrong is not None:
        return wrong
    match page(_latest_first(state), request, 20):
        case Success((chosen, _)):
            return answer({"sessions": [session.session_id for session in chosen]})
        case Failure(refused):
            return refused


def session_info(state: State, session_id: str) -> Reply:
    """GET /api/v1/sessions/{session_id}"""
    found = state.sessions.get(session_id)
    if found is None:
        return _no_session(session_id)
    return answer(
        {
            "training_run_ids": found.run_ids,
            "sampler_ids": found.sampler_ids,
            "user_metadata": found.record.user_metadata,
            "display_name": found.record.display_name,
        }
    )


def trace_export(state: State, session_id: str, request: Incoming) -> Reply:
    """GET /api/v1/sessions/{session_id}/trace_export: ready at once, at an address of this server"""
    if session_id not in state.sessions:
        return _no_session(session_id)
    return answer({"status": "ready", "url": link(state, request, ("trace", session_id))})


def trace(state: State, session: Session) -> dict[str, object]:
    """What a session's work was, in the trace event format that Perfetto and chrome://tracing read."""
    runs = [run for run in (state.store.run(run_id) for run_id in session.run_ids) if run is not None]
    spans = [(session.session_id, session.record.created_at, session.seen)]
    spans += [(run.run_id, run.created_at, run.last_request_at) for run in runs]
    events = [
        {"name": name, "ph": "X", "ts": 1e6 * begun, "dur": 1e6 * max(0.0, ended - begun), "pid": 1, "tid": place}
        for place, (name, begun, ended) in enumerate(spans)
    ]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def search_sessions(state: State, body: bodies.SearchSessions) -> Reply:
    """POST /api/v1/sessions/search: those that fit every condition, the latest first"""
    found = [one for one in _latest_first(state) if _fits(one.record, body) and _comes_after(one.record, body.cursor)]
    chosen = found[: body.limit]
    last = chosen[-1].record if len(found) > len(chosen) else None
    cursor = (
        None if last is None else {"last_created_at": wire_time(last.created_at), "last_session_id": last.session_id}
    )
    kept = state.store.checkpoints_by_run(state.now())
    return answer({"sessions": [_summary(one, kept) for one in chosen], "next_cursor": cursor})


def _latest_first(state: State) -> Sequence[Session]:
    return sorted(state.sessions.values(), key=lambda one: _place(one.record), reverse=True)


def _fits(record: SessionRecord, body: bodies.SearchSessions) -> bool:
    owned = body.owner is None or body.owner.owner_urns is None or OWNER in body.owner.owner_urns
    metadata = record.user_metadata or {}
    return (
        owned
        and body.session_id in {None, record.session_id}
        and body.display_name in {None, record.display_name}
        and (body.project_ids is None or record.project_id in body.project_ids)
        and all(metadata.get(name) == value for name, value in (body.user_metadata or {}).items())
        and (body.statuses is None or any(_is(record.status, wanted) for wanted in body.statuses))
    )


def _is(status: Status, wanted: bodies.WantedStatus) -> bool:
    reason = "" if status.reason is None else status.reason.type
    return status.type == wanted.type and (wanted.reasons is None or reason in wanted.reasons)


def _comes_after(record: SessionRecord, cursor: bodies.SessionCursor | None) -> bool:
    """Whether it comes after the cursor in the order of the answers."""
    if cursor is None:
        return True
    return _place(record) < (cursor.last_created_at, cursor.last_session_id)


def _place(record: SessionRecord) -> tuple[datetime, str]:
    return datetime.fromtimestamp(record.created_at, UTC), record.session_id


def _summary(session: Session, checkpoints: Mapping[str, tuple[CheckpointRecord, ...]]) -> Mapping[str, object]:
    record = session.record
    kept = [one for run_id in session.run_ids for one in checkpoints.get(run_id, ())]
    return {
        "session_id": record.session_id,
        "created_at": wire_time(record.created_at),
        "owner": OWNER,
        "project_id": record.project_id or "",
        "status": record.status,
        "checkpoints_count": len(kept),
        "display_name": record.display_name,
        "user_metadata": record.user_metadata,
        "checkpoint_storage_bytes": sum(one.size_bytes for one in kept),
    }


def _no_session(session_id: str) -> Reply:
    return refusal(404, f"there is no session {session_id!r}")
