"""Who uses the server and how much: tokens for keys, the key's owner, the audit, usage and storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime

from returns.result import Failure, Success

from tinkex_py.local.answers import answer, refusal, unprocessable
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.records import OWNER, wire_time
from tinkex_py.local.state import State
from tinkex_py.local.usage import HOUR, Bucket, Event
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply

EMAIL, NAME, ORGANIZATION = "local@tinkex.invalid", "local user", "local"
EVENT_TYPES = ("all", "checkpoints", "projects", "teams", "organizations")


def token(state: State) -> Reply:
    """POST /api/v1/auth/token: a JWT that is as good as the key for some time"""
    now = int(state.now())
    claims = {"iss": "passport-tinkex", "aud": "api", "sub": OWNER, "org_id": ORGANIZATION, "email": EMAIL}
    return answer({"jwt": state.signer.sign({**claims, "iat": now, "exp": now + state.token_seconds})})


def api_key() -> dict[str, object]:
    """What GET /api/v1/auth/apikey/me answers"""
    details = {"org_details": {"name": ORGANIZATION}, "user_details": {"email": EMAIL}}
    return {"key_id": 1, "name": "embedded server", "note": "given when the server was started", "details": details}


def audit(state: State, request: Incoming) -> Reply:
    """GET /api/v1/audit?event_type&day: what happened to checkpoints since the server was started"""
    if request.asked("event_type") not in {None, *EVENT_TYPES}:
        return unprocessable(("query", "event_type"), f"Input should be one of {', '.join(EVENT_TYPES)}")
    match _day(request.asked("day")):
        case Success(day):
            shown = state.usage.events() if request.asked("event_type") in {None, "all", "checkpoints"} else ()
            return answer({"entries": [_entry(event) for event in shown if day in {None, _date(event.at)}]})
        case Failure(refused):
            return refused


def usage_events(state: State, request: Incoming) -> Reply:
    """GET /api/v1/billing/usage/events?starting_on&ending_before: the work of each hour, free of charge"""
    match _time(request, "starting_on", 0.0):
        case Success(start):
            return _usage(state, request, start)
        case Failure(refused):
            return refused


def _usage(state: State, request: Incoming, start: float) -> Reply:
    match _time(request, "ending_before", state.now() + 1):
        case Success(end):
            counted = list(state.usage.between(start, end))
            named = {bucket.session_id or "" for bucket, _ in counted} & state.sessions.keys()
            sessions = {name: {"user_metadata": state.sessions[name].record.user_metadata} for name in sorted(named)}
            data = [_billed(state, bucket, count) for bucket, count in counted]
            return answer({"data": data, "sessions": sessions, "cost_data_through": wire_time(state.now())})
        case Failure(refused):
            return refused


def _billed(state: State, bucket: Bucket, count: int) -> dict[str, object]:
    session = state.sessions.get(bucket.session_id or "")
    amount = {"count": count} if bucket.work == "checkpoint" else {"token_count": count}
    cached = {"cached": False} if bucket.work == "sampling_prefill" else {}
    return {
        "bucket_start": wire_time(bucket.hour * HOUR),
        "bucket_end": wire_time((bucket.hour + 1) * HOUR),
        "base_model": bucket.base_model,
        "user_id": OWNER,
        "user_name": NAME,
        "session_id": bucket.session_id,
        "project_id": None if session is None else session.record.project_id,
        "estimated_cost_usd": 0.0,
        "event_info": {"type": bucket.work, **cached, **amount},
    }


def storage(state: State, request: Incoming) -> Reply:
    """GET /api/v1/billing/usage/checkpoints/current?project_id: what the checkpoints of each project take"""
    counts: Counter[str | None] = Counter()
    sizes: Counter[str | None] = Counter()
    for record in state.store.checkpoints(state.now()):
        project = state.project_of(record.run_id)
        if request.asked("project_id") in {None, project}:
            counts[project] += 1
            sizes[project] += record.size_bytes
    rows = [_stored(project, counts[project], sizes[project]) for project in counts]
    return answer({"effective_rate_usd_per_gigabyte_month": 0.0, "data": rows})


def _stored(project: str | None, count: int, size: int) -> Mapping[str, object]:
    return {
        "project_id": project,
        "org_user_urn": OWNER,
        "user_email": EMAIL,
        "user_name": NAME,
        "checkpoint_count": count,
        "size_bytes": size,
        "size_gigabytes": size / 1e9,
        "estimated_monthly_cost_usd": 0.0,
    }


def _entry(event: Event) -> dict[str, object]:
    return {
        "timestamp": wire_time(event.at),
        "event": event.event,
        "event_details": {"user": OWNER},
        "model_id": event.model_id,
        "tinker_path": event.tinker_path,
    }


def _date(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _day(text: str | None) -> Outcome[date | None, Reply]:
    try:
        return Success(None if text is None else date.fromisoformat(text))
    except ValueError:
        return Failure(unprocessable(("query", "day"), "Input should be a date, YYYY-MM-DD", "date_parsing"))


def _time(request: Incoming, name: str, default: float) -> Outcome[float, Reply]:
    """A time of the query in seconds since 1970; one without an offset is in UTC."""
    text = request.asked(name)
    try:
        found = None if text is None else datetime.fromisoformat(text)
        at = None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return Failure(unprocessable(("query", name), "Input should be a time, RFC 3339", "datetime_parsing"))
    return Success(default if at is None else at)


def revoke(_state: State) -> Reply:
    """DELETE /api/v1/auth/apikey/me: the key is the server's own, and lives as long as the server"""
    return refusal(403, "this server's key is given when it is started: it can't be revoked")
