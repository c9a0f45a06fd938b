"""What a server prepares or keeps elsewhere: a session's trace, a large audit log. Pure."""

from __future__ import annotations

from functools import partial

from tinkex_py.endpoints.sessions import export_session_trace
from tinkex_py.errors import DeadlineExceeded, RedirectRefused, RequestFailed, Undecodable
from tinkex_py.plans.effects import Plan, deadline, halt, sleep
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Address, Request
from tinkex_py.types.sessions import TraceExportResponse
from tinkex_py.types.usage import AuditLogResponse
from tinkex_py.wire.replies import Value

_PAUSE = 5.0
"""Seconds between two questions whether a trace is ready."""


def exported_trace(session_id: str, policy: Policy) -> Plan[str]:
    """The address of a session's trace, once the server has made it; DeadlineExceeded if it takes too long."""
    return deadline(policy.seconds, _ready(session_id, policy), partial(_overdue, session_id))


def audit_log(request: Request[AuditLogResponse | Address], policy: Policy) -> Plan[AuditLogResponse]:
    """The entries, from wherever the server keeps them; the credential doesn't go there."""
    answer = yield from call(request, policy)
    if not isinstance(answer, Address):
        return answer
    if not answer.url.startswith(("https://", "http://")):
        return (yield from halt(_unreachable(answer)))
    elsewhere = Request(
        operation=request.operation, method="GET", path=(), returns=Value(AuditLogResponse), address=answer
    )
    return (yield from call(elsewhere, policy))


def _ready(session_id: str, policy: Policy) -> Plan[str]:
    request = export_session_trace(session_id)
    while True:
        match (yield from call(request, policy)):
            case TraceExportResponse(status="ready", url=str(url)):
                return url
            case TraceExportResponse(status="ready"):
                message = "export_session_trace: the trace is ready, but the server doesn't say where; ask again later"
                return (yield from halt(Undecodable(message=message, endpoint=request.endpoint)))
            case TraceExportResponse(status="failed", error=why):
                message = (
                    f"export_session_trace: the server could not export it ({why or 'no reason given'}); ask again"
                )
                return (yield from halt(RequestFailed(message=message, endpoint=request.endpoint)))
            case _:
                yield from sleep(_PAUSE)


def _overdue(session_id: str, seconds: float) -> DeadlineExceeded:
    message = f"export_session_trace: the trace of {session_id} is not ready after {seconds:g} s; ask again later"
    return DeadlineExceeded(message=message, seconds=seconds, elapsed=seconds)


def _unreachable(address: Address) -> RedirectRefused:
    message = f"get_audit_log: the server sends it from {address.shown}, which is no web address; tell its operators"
    return RedirectRefused(message=message, location=address.shown)
